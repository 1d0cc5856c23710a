"""Training of one network: a recipe, a generator of epochs, and checkpoints that survive a crash."""

from .evaluation import evaluate, predict_logits
from .fitting import fit

__all__ = ["evaluate", "fit", "predict_logits"]
