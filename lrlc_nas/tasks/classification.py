"""The built-in task: images of several classes, a recipe, and accuracy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..config import Metric, Recipe, StudyConfig
from ..config.sections import HostSection
from ..data import ImageSet, Splits, Subset, load_images, split
from ..layers import random_state
from ..networks import Cost
from ..networks.hosts import build_host
from ..runs import within_memory
from ..training import evaluate, fit, predict_logits
from ..training.placement import Placement
from .circumstances import Circumstance
from .latency import Latency, time_step
from .preflight import require_fitting, require_trainable
from .rebuilding import NETWORK_PY
from .run_handle import RunHandle
from .task import Rebuild, Split
from .weights import load_weights

__all__ = ["Classification"]

_STATE_COPIES = {"sgd": 3, "adamw": 4}
"""How often a parameter is held: itself, its gradient, and one momentum or two moments."""

_CHECK_IMAGES = 16

_LONGER = 3
_RATES = (0.25, 1, 4)


@dataclass(frozen=True, eq=False)
class Classification:
    """Images in memory, dealt out to splits, and the recipe by which a network learns their classes."""

    section: HostSection
    recipe: Recipe
    images: ImageSet
    splits: Splits
    metric: ClassVar[Metric] = Metric("accuracy", "maximize", "points", 100.0)

    @classmethod
    def of(cls, config: StudyConfig) -> Classification:
        """Load the images of a study and deal them out.

        Raises:
            InputError: whatever is wrong with the images, their splits, or their fit to the recipe.
        """
        data = config.data
        with within_memory("data.size"):
            images = load_images(
                data.name, root=data.root, download=data.download, size=data.size, options=data.options
            )
        splits = split(images, data.split)
        require_fitting(config.recipe, images, splits)
        return cls(config.host, config.recipe, images, splits)

    @property
    def sample(self) -> Tensor:
        """An image of zeros, (1, C, H, W)."""
        return torch.zeros(1, *self.images.images.shape[1:])

    @property
    def epochs(self) -> int:
        """The recipe's."""
        return self.recipe.epochs

    @property
    def init(self) -> str:
        """The recipe's."""
        return self.recipe.init

    @property
    def trained(self) -> bool:
        """Whether the study file names weights."""
        return bool(self.section.weights)

    @property
    def data_fingerprint(self) -> str:
        """SHA-256 of pixels, labels and which image went where."""
        return hashlib.sha256(json.dumps([self.images.fingerprint, self.splits.digest]).encode()).hexdigest()

    @property
    def facts(self) -> dict[str, Any]:
        """Sizes of the splits, classes, shape and moments of the images, and digests."""
        splits = self.splits
        return {
            "splits": {role: len(getattr(splits, role)) for role in ("train", "search", "confirm", "test")},
            "split_digest": splits.digest,
            "classes": list(self.images.classes),
            "image_shape": list(self.images.images.shape[1:]),
            "mean": list(splits.mean),
            "std": list(splits.std),
            "recipe_digest": self.recipe.digest,
        }

    @property
    def circumstances(self) -> dict[str, Circumstance]:
        """Longer, each arm at its own best rate, with fewer images if a batch is left, with more if there are."""
        epochs, rate, images = self.recipe.epochs, self.recipe.learning_rate, len(self.splits.train)
        rates = {f"rate {rate * factor:g}": {"recipe": {"learning_rate": rate * factor}} for factor in _RATES}
        longer, everything = {"recipe": {"epochs": _LONGER * epochs}}, self._trainable()
        found = {
            "longer": Circumstance.of(f"{_LONGER} times the epochs, {_LONGER * epochs}", longer, _LONGER),
            "own-rate": Circumstance("each arm at the learning rate that is best for it", rates),
        }
        if images // 2 >= self.recipe.batch_size:
            half = _images(images // 2)
            found["fewer-images"] = Circumstance.of(f"half of the training images, {images // 2}", half, 0.5)
        if everything > images:
            cost = everything / images
            found["more-images"] = Circumstance.of(f"all {everything} training images", _images(None), cost)
        return found

    def host(self, seed: int) -> nn.Module:
        """The host that the study file names, for these images."""
        with random_state(seed):
            host = build_host(
                self.section.name,
                channels=self.images.channels,
                classes=len(self.images.classes),
                size=self.images.size,
                options=self.section.options,
            )
        return load_weights(host, self.section.weights) if self.section.weights else host

    def require_trainable(self, host: nn.Module) -> None:
        """Refuse a host that gives no logits in training, or has no parameter to train."""
        require_trainable(self.section.name, host, self.sample, len(self.images.classes))

    def training_bytes(self, cost: Cost) -> int:
        """For batches of the recipe, with what its optimizer keeps."""
        return cost.training_bytes(self.recipe.batch_size, _STATE_COPIES[self.recipe.optimizer])

    def train(self, network: nn.Module, run: RunHandle) -> None:
        """Train by the recipe; see `lrlc_nas.training.fit`."""
        results = fit(
            network,
            self.splits.train,
            self._subset(run.split),
            self.recipe,
            seed=run.seed,
            mean=self.splits.mean,
            std=self.splits.std,
            device=run.device,
            checkpoints=run.checkpoints,
            should_stop=run.asked_to_stop,
        )
        with closing(results):
            for result in results:
                run.tell(result)

    def score(self, network: nn.Module, split: Split, device: torch.device | str) -> float:
        """The fraction of the images of a split that is classified correctly, in [0, 1]."""
        return self._accuracy(network, self._subset(split), device)

    def require_test(self) -> None:
        """It always can be scored."""

    def count(self, split: Split) -> int:
        """How many images a split has."""
        return len(self._subset(split))

    def inputs(self, split: Split, most: int) -> Tensor:
        """Images less their mean, divided by their standard deviation, channel by channel; (B, C, H, W)."""
        images = self._subset(split).images[:most].float() / 255
        mean, std = (torch.tensor(each).view(1, -1, 1, 1) for each in (self.splits.mean, self.splits.std))
        return (images - mean) / std

    def score_changed(
        self,
        network: nn.Module,
        split: Split,
        device: torch.device | str,
        *,
        most: int,
        change: Callable[[Tensor], Tensor],
    ) -> float:
        """The accuracy on the first images of a split, changed."""
        subset = self._subset(split)
        changed = Subset(change(subset.images[:most]), subset.labels[:most])
        return self._accuracy(network, changed, device)

    def latency(self, network: nn.Module, device: torch.device | str) -> Latency:
        """A step of a batch of the recipe, forward and backward, without the optimiser."""
        placement = Placement.of(device, **self._placing())
        batch = self.splits.train.images[: self.recipe.batch_size].to(placement.device)
        labels = self.splits.train.labels[: self.recipe.batch_size].to(placement.device)
        placement.place(network)
        placement.tune(network, batch)
        network.train()

        def step() -> None:
            with placement.autocast():
                loss = F.cross_entropy(network(placement.normalise(batch)), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            network.zero_grad(set_to_none=True)

        return time_step(step, len(batch), placement.device)

    def rebuild(self, network: nn.Module) -> Rebuild:
        """A file that builds the host anew, and the logits of some images of the search split."""
        images = self.splits.search.images[:_CHECK_IMAGES]
        logits = predict_logits(network, images, mean=self.splits.mean, std=self.splits.std, precision="float32")
        shown = ("image_shape", "classes", "mean", "std")
        facts = {"host": self.section.model_dump(mode="json")} | {name: self.facts[name] for name in shown}
        check = {"images": images.contiguous(), "logits": logits.contiguous()}
        return Rebuild(NETWORK_PY, facts, check)

    def _trainable(self) -> int:
        """How many images no other split holds."""
        others = [self.splits.search, self.splits.confirm]
        others += [self.splits.test] if self.images.test_labels is None else []
        return len(self.images.labels) - sum(map(len, others))

    def _subset(self, split: Split) -> Subset:
        subset: Subset = getattr(self.splits, split)
        return subset

    def _accuracy(self, network: nn.Module, subset: Subset, device: torch.device | str) -> float:
        _, accuracy = evaluate(network, subset, device=device, **self._placing())
        return accuracy

    def _placing(self) -> dict[str, Any]:
        """How images become the input of a network."""
        moments = {"mean": self.splits.mean, "std": self.splits.std}
        return moments | {"precision": self.recipe.precision, "channels_last": self.recipe.channels_last}


def _images(number: int | None) -> dict[str, Any]:
    return {"data": {"split": {"train": number}}}
