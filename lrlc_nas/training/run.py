"""One training under way: the network, its optimizer and schedule, and the place in the run."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..config import Recipe
from ..data import Augmentation, Subset, augment
from ..errors import CheckpointError, DivergedError, TrainingStoppedError
from ..layers import smoothness_penalty
from ..runs.checkpoints import Checkpoints
from ..runs.items import pack_items
from ..runs.lost_device import is_device_lost
from ..runs.memory import is_out_of_memory
from ..runs.results import EpochResult, history_to_dicts
from ..runs.streams import global_stream, stream
from .determinism import deterministic_algorithms
from .evaluation import Tally, evaluate_placed
from .optimisation import make_optimizer, make_schedule
from .placement import Placement

__all__ = ["Run"]

_LOG = logging.getLogger("lrlc_nas")
# What loading raises where another version has named or shaped things otherwise.
_UNFIT = (RuntimeError, ValueError, KeyError, TypeError, AttributeError)


class Run:
    """A training under way; the network and both subsets lie on the device of the placement."""

    def __init__(
        self, network: nn.Module, train: Subset, search: Subset, recipe: Recipe, seed: int, placement: Placement
    ) -> None:
        self.network = network
        self.train = train
        self.search = search
        self.recipe = recipe
        self.seed = seed
        self.placement = placement
        self.steps = _steps(len(train), recipe.batch_size)
        self.optimizer = make_optimizer(network, recipe)
        self.schedule = make_schedule(self.optimizer, recipe, self.steps * recipe.epochs)
        self.augmentation = Augmentation(pad=recipe.pad, flip=recipe.flip)

    def epoch(self, epoch: int, should_stop: Callable[[], bool]) -> EpochResult:
        """Train and measure one epoch.

        Returns:
            The accuracy on the search split, a fraction, and these scores:

            - ``train_loss``: mean over the images trained on, as they were augmented, of the loss of the images
              (cross-entropy in nats, with the recipe's label smoothing; without its smoothness penalty), taken
              while the weights moved;
            - ``train_accuracy``: fraction of those images classified correctly, taken while the weights moved;
            - ``loss``: mean cross-entropy in nats over the search split, without label smoothing, after the epoch;
            - ``learning_rate``: of the last step of the epoch;
            - ``images_per_second``: images trained on, per second of training alone.
        """
        started = perf_counter()
        with (
            deterministic_algorithms(self.recipe.deterministic),
            global_stream(self.placement.device, self.seed, "dropout", epoch),
        ):
            tally, learning_rate = self._train(epoch, should_stop)
            train_loss, train_accuracy = tally.read()
            trained = perf_counter()
            _require_finite(epoch, "training loss", train_loss)
            loss, accuracy, correct = evaluate_placed(
                self.network, self.search, self.placement, self.recipe.batch_size, should_stop
            )
            _require_finite(epoch, "loss on the search split", loss)
        self.network.eval()
        return EpochResult(
            epoch=epoch,
            value=accuracy,
            seconds=perf_counter() - started,
            scores={
                "train_loss": train_loss,
                "train_accuracy": train_accuracy,
                "loss": loss,
                "learning_rate": learning_rate,
                "images_per_second": tally.images / (trained - started),
            },
            items=pack_items(correct),
        )

    def state(self, history: list[EpochResult]) -> dict[str, Any]:
        """Give all that resuming needs; no generator, because streams are functions of the seed."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "history": history_to_dicts(history),
            "seed": self.seed,
            "recipe": self.recipe.digest,
            "torch": str(torch.__version__),
            "threads": torch.get_num_threads(),
        }

    def restore(self, checkpoints: Checkpoints) -> list[EpochResult]:
        """Go on from the newest checkpoint that fits this network; return the results that it holds.

        Raises:
            CheckpointError: if one is of another recipe or seed.
        """
        for path, state in checkpoints.usable():
            self._require_same(path, state)
            start = copy.deepcopy(self.network.state_dict())  # loading may fail half-way
            try:
                return self._load(state)
            except _UNFIT as error:
                if is_out_of_memory(error) or is_device_lost(error):
                    raise
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                _LOG.warning("checkpoint %s does not fit this network: %s; using the one before", path, reason)
            self._begin(start)
        return []

    def _require_same(self, path: Path, state: dict[str, Any]) -> None:
        for name, wanted in (("recipe", self.recipe.digest), ("seed", self.seed)):
            if state.get(name) != wanted:
                raise CheckpointError(
                    f"checkpoint {path} must have {name} {wanted}, but has {state.get(name)}; the identity of a run "
                    "must tell these apart"
                )

    def _load(self, state: dict[str, Any]) -> list[EpochResult]:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        history = [EpochResult.from_dict(values) for values in state["history"]]
        for name, now in (("torch", str(torch.__version__)), ("threads", torch.get_num_threads())):
            if state[name] != now:
                _LOG.warning("resuming with %s = %s after %s: not bit-equal", name, now, state[name])
        return history

    def _begin(self, network: Mapping[str, Any]) -> None:
        """Stand where a new run stands, with these weights."""
        self.network.load_state_dict(network)
        self.optimizer = make_optimizer(self.network, self.recipe)
        self.schedule = make_schedule(self.optimizer, self.recipe, self.steps * self.recipe.epochs)

    def _train(self, epoch: int, should_stop: Callable[[], bool]) -> tuple[Tally, float]:
        self.network.train()
        tally = Tally(self.placement.device)
        order = torch.randperm(len(self.train), generator=stream(self.seed, "order", epoch)).to(self.placement.device)
        drawn = stream(self.seed, "augmentation", epoch)
        learning_rate = math.nan
        for step, indices in enumerate(torch.split(order, self.recipe.batch_size)[: self.steps]):
            if should_stop():
                raise TrainingStoppedError(f"stopped in epoch {epoch} before step {step} of {self.steps}")
            images = augment(self.train.images[indices], self.augmentation, drawn)
            self._step(images, self.train.labels[indices], tally)
            learning_rate = self.optimizer.param_groups[0]["lr"]
            # A schedule has one value for each step of the run, and none after the last.
            if (epoch, step) != (self.recipe.epochs - 1, self.steps - 1):
                self.schedule.step()
        return tally, learning_rate

    def _step(self, images: Tensor, labels: Tensor, tally: Tally) -> None:
        with self.placement.autocast():
            logits = self.network(self.placement.normalise(images))
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=self.recipe.label_smoothing)
        minimised = loss
        if self.recipe.smoothness:
            minimised = loss + self.recipe.smoothness * smoothness_penalty(self.network)
        self.optimizer.zero_grad(set_to_none=True)
        minimised.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        tally.add(loss, logits, labels)


def _steps(images: int, batch_size: int) -> int:
    """Steps of an epoch: all batches, but a last one of a single image."""
    return math.ceil(images / batch_size) - (images % batch_size == 1)


def _require_finite(epoch: int, what: str, value: float) -> None:
    if not math.isfinite(value):
        raise DivergedError(f"epoch {epoch}: the {what} is {value}")
