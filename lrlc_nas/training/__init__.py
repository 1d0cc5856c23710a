"""Training of one network: a recipe, a generator of epochs, and checkpoints that survive a crash."""

from .checkpoints import FULL, Checkpoints, make_private_folder
from .evaluation import evaluate, predict_logits
from .fitting import fit
from .lost_device import is_device_lost
from .memory import free_memory, is_out_of_memory
from .recipe import Recipe
from .results import EpochResult
from .streams import stream_seed


__all__ = [
    "FULL",
    "Checkpoints",
    "EpochResult",
    "Recipe",
    "evaluate",
    "fit",
    "free_memory",
    "is_device_lost",
    "is_out_of_memory",
    "make_private_folder",
    "predict_logits",
    "stream_seed",
]
