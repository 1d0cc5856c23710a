import copy
import gc
import math
import os
import weakref
from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from torch import nn
from toy_training import (
    ASKED,
    MEAN,
    RECIPE,
    SEARCH,
    STD,
    TRAIN,
    assert_same_weights,
    make_network,
    make_subset,
    start,
    timeless,
)

from lrlc_nas.data import Subset
from lrlc_nas.errors import DivergedError, InputError, TrainingStoppedError
from lrlc_nas.runs import Checkpoints, EpochResult
from lrlc_nas.runs.streams import stream
from lrlc_nas.training import evaluate
from lrlc_nas.training.determinism import require_determinism

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def images_seen(network, recipe=RECIPE, **options):
    """The batches that the network is trained on."""
    seen = []
    hook = network.register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0].clone()) if module.training else None
    )
    list(start(network, recipe, **options))
    hook.remove()
    return seen


def open_files_in(folder):
    """Through the descriptors of this process; which others it holds is not this test's business."""
    places = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    files = [os.readlink(place) for place in places if os.path.islink(place)]
    return [file for file in files if file.startswith(str(folder))]


def assert_equal_batches(one, other):
    assert len(one) == len(other)
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


class TestLearning:
    @pytest.mark.parametrize("device", DEVICES)
    @pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
    @pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
    def test_learns_a_separable_problem(self, device, optimizer, schedule):
        recipe = replace(
            RECIPE, epochs=8, optimizer=optimizer, schedule=schedule, learning_rate=0.03, label_smoothing=0.0
        )
        train, search = make_subset(60, seed=1), make_subset(60, seed=2)
        results = list(start(make_network(), recipe, train=train, search=search, device=device))
        assert results[-1].scores["loss"] < results[0].scores["loss"] / 2
        assert results[-1].value > 0.9
        assert results[-1].scores["train_loss"] < results[0].scores["train_loss"] / 2

    @pytest.mark.parametrize(
        "changes", [{"precision": "bf16"}, {"channels_last": "always"}, {"deterministic": True}, {"momentum": 0.0}]
    )
    def test_learns_in_every_mode(self, changes):
        recipe = replace(RECIPE, epochs=8, label_smoothing=0.0, **changes)
        results = list(start(make_network(), recipe, train=make_subset(60, seed=1)))
        assert results[-1].scores["loss"] < results[0].scores["loss"] / 2

    def test_one_step_by_hand(self):
        recipe = replace(
            RECIPE, epochs=1, batch_size=23, pad=0, flip=False, warmup=0.0, schedule="cosine", weight_decay=0.1
        )
        network = make_network(dropout=0.0)
        oracle, batches = copy.deepcopy(network), []
        network.register_forward_pre_hook(lambda m, inputs: batches.append(inputs[0]) if m.training else None)
        (result,) = start(network, recipe)
        labels = TRAIN.labels[torch.randperm(23, generator=stream(0, "order", 0))]
        logits = oracle(batches[0])
        loss = nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
        loss.backward()
        for parameter in oracle.parameters():
            step = parameter.grad + (0.1 if parameter.ndim > 1 else 0.0) * parameter.data
            parameter.data -= 0.05 * (step + 0.9 * step)
        for mine, theirs in zip(network.parameters(), oracle.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)
        assert result.scores["train_loss"] == pytest.approx(loss.item(), rel=1e-6)
        assert result.scores["train_accuracy"] == (logits.argmax(1) == labels).sum().item() / 23
        assert result.scores["learning_rate"] == 0.05


class TestResults:
    def test_epochs_in_order(self):
        results = list(start(make_network()))
        assert [result.epoch for result in results] == [0, 1, 2]
        for result in results:
            assert 0 <= result.value <= 1
            assert 0 <= result.scores["train_accuracy"] <= 1
            assert result.seconds > 0
            assert result.scores["images_per_second"] > 23 / result.seconds

    def test_search_metrics_are_those_of_evaluate(self):
        network = make_network()
        for result in start(network):
            assert (result.scores["loss"], result.value) == evaluate(
                network, SEARCH, mean=MEAN, std=STD, batch_size=RECIPE.batch_size
            )

    def test_learning_rate_is_that_of_the_last_step(self):
        results = list(start(make_network(), replace(RECIPE, warmup=0.0)))
        final = 0.05 / 25 / 1e4
        assert results[-1].scores["learning_rate"] == pytest.approx(final)
        assert 0.05 > results[0].scores["learning_rate"] > results[1].scores["learning_rate"] > final

    def test_dict_and_back(self):
        (result, *_) = start(make_network())
        assert EpochResult.from_dict(result.to_dict()) == result
        scores = result.to_dict()["scores"]
        assert {type(score) for score in scores.values()} == {float}

    def test_frozen(self):
        (result, *_) = start(make_network())
        with pytest.raises(FrozenInstanceError):
            result.value = 0.0


class TestBatches:
    @pytest.mark.parametrize(("images", "sizes"), [(24, [8, 8, 8]), (23, [8, 8, 7]), (17, [8, 8]), (5, [5])])
    def test_a_last_batch_of_one_is_left_out(self, images, sizes):
        seen = images_seen(make_network(), replace(RECIPE, epochs=2), train=make_subset(images, seed=1))
        assert [len(batch) for batch in seen] == sizes * 2

    def test_every_image_once_an_epoch(self):
        recipe = replace(RECIPE, epochs=2, pad=0, flip=False)
        seen = images_seen(make_network(), recipe)
        wanted = sorted(TRAIN.images.float().sum((1, 2, 3)).tolist())
        for epoch in (torch.cat(seen[:3]), torch.cat(seen[3:])):
            pixels = (epoch * torch.tensor([0.2, 0.25, 0.3]).view(1, 3, 1, 1)) + torch.tensor([0.4, 0.5, 0.6]).view(
                1, 3, 1, 1
            )
            assert sorted((pixels * 255).round().sum((1, 2, 3)).tolist()) == wanted
        assert not torch.equal(seen[0], seen[3])

    def test_augmentation_changes_the_images_and_not_the_order(self):
        plain = images_seen(make_network(), replace(RECIPE, pad=0, flip=False))
        flipped = images_seen(make_network(), replace(RECIPE, pad=0, flip=True))
        changed = 0
        for batch, other in zip(torch.cat(plain), torch.cat(flipped), strict=True):
            assert torch.equal(batch, other) or torch.equal(batch.flip(2), other)
            changed += not torch.equal(batch, other)
        assert 0 < changed < 3 * 23


class TestRandomness:
    def test_equal_seeds_equal_runs(self):
        one, other = make_network(), make_network()
        assert timeless(start(one)) == timeless(start(other))
        assert_same_weights(one, other)

    def test_other_seed_other_run(self):
        assert timeless(start(make_network(), seed=0)) != timeless(start(make_network(), seed=1))

    def test_streams_are_independent(self):
        # Dropout draws much, none draws nothing: order and augmentation must not notice.
        assert_equal_batches(images_seen(make_network(dropout=0.0)), images_seen(make_network(dropout=0.6)))

    def test_global_draws_follow_seed_and_epoch(self):
        def drawn(seed):
            network, numbers = make_network(), []
            network[3].register_forward_pre_hook(
                lambda module, _: numbers.append(torch.rand(())) if module.training else None
            )
            list(start(network, seed=seed))
            return torch.stack(numbers).tolist()

        assert drawn(0) == drawn(0)
        numbers = drawn(0) + drawn(1)
        assert len(set(numbers)) == len(numbers) == 2 * 3 * 3

    def test_augmentation_follows_seed_and_epoch(self):
        one_image = Subset(images=TRAIN.images[:1].expand(16, -1, -1, -1), labels=TRAIN.labels[:16])
        recipe = replace(RECIPE, batch_size=16, epochs=2)
        first, second = images_seen(make_network(), recipe, train=one_image)
        (other, _) = images_seen(make_network(), recipe, train=one_image, seed=1)
        assert not torch.equal(first, second)
        assert not torch.equal(first, other)

    def test_the_callers_generator_is_neither_used_nor_moved(self):
        quiet = timeless(start(make_network()))
        torch.manual_seed(99)
        loud = []
        state = torch.get_rng_state()
        for result in start(make_network()):
            loud.append(result)
            assert torch.equal(torch.get_rng_state(), state)
            torch.rand(5)
            state = torch.get_rng_state()
        assert timeless(loud) == quiet


class TestStopping:
    def test_asked_before_each_step_and_for_each_batch_that_is_measured(self, tmp_path):
        asked = []
        checkpoints = Checkpoints(tmp_path / "c", "toy")
        running = start(
            make_network(), checkpoints=checkpoints, should_stop=lambda: asked.append(1) or len(asked) == ASKED + 2
        )
        assert next(running).epoch == 0
        assert len(asked) == ASKED
        with pytest.raises(TrainingStoppedError, match="stopped in epoch 1 before step 1 of 3"):
            next(running)
        assert checkpoints.load_newest()["epoch"] == 0

    def test_close_after_one_epoch_releases_everything(self, tmp_path):
        network = make_network()
        state = torch.get_rng_state()
        benchmark = torch.backends.cudnn.benchmark
        recipe = replace(RECIPE, deterministic=True)
        train = Subset(images=TRAIN.images.clone(), labels=TRAIN.labels.clone())
        held = weakref.ref(train.images)
        running = start(network, recipe, train=train, checkpoints=Checkpoints(tmp_path / "c", "toy"))
        next(running)
        running.close()
        del train
        gc.collect()
        assert held() is None
        assert open_files_in(tmp_path) == []
        assert torch.equal(torch.get_rng_state(), state)
        assert not torch.are_deterministic_algorithms_enabled()
        assert torch.backends.cudnn.benchmark is benchmark
        for module in network.modules():
            assert not module.training
            hooks = [*module._forward_hooks, *module._forward_pre_hooks, *module._backward_hooks]
            assert hooks == []
        assert all(parameter.grad is None for parameter in network.parameters())
        assert not list((tmp_path / "c").glob("*.tmp"))

    def test_network_is_in_evaluation_mode_at_each_result(self):
        network = make_network()
        for _ in start(network):
            assert not network.training


class TestDivergence:
    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_training_loss(self, tmp_path, value):
        network, steps = make_network(), []

        def poison(module, inputs, output):
            if module.training:
                steps.append(1)
            return output * value if len(steps) > 4 else output

        network.register_forward_hook(poison)
        checkpoints = Checkpoints(tmp_path / "c", "toy")
        running = start(network, checkpoints=checkpoints)
        next(running)
        with pytest.raises(DivergedError, match="epoch 1: the training loss is nan"):
            next(running)
        assert checkpoints.load_newest()["epoch"] == 0

    def test_search_loss(self, tmp_path):
        network = make_network()
        running = start(network, checkpoints=Checkpoints(tmp_path / "c", "toy"))
        network.register_forward_hook(lambda m, i, o: o if m.training else o * math.inf)
        with pytest.raises(DivergedError, match="epoch 0: the loss on the search split is"):
            next(running)
        assert not (tmp_path / "c").exists()


class TestDeterminism:
    def test_settings_hold_inside_and_are_put_back(self):
        network, seen = make_network(), []
        network.register_forward_hook(lambda m, i, o: seen.append(torch.are_deterministic_algorithms_enabled()))
        running = start(network, replace(RECIPE, epochs=1, deterministic=True))
        seen.clear()
        next(running)
        assert seen == [True] * 5
        assert not torch.are_deterministic_algorithms_enabled()

    @pytest.mark.parametrize("warn_only", [True, False])
    def test_the_callers_own_settings_are_put_back(self, warn_only):
        torch.use_deterministic_algorithms(True, warn_only=warn_only)
        torch.backends.cudnn.benchmark = True
        try:
            for _ in start(make_network(), replace(RECIPE, deterministic=True)):
                assert torch.are_deterministic_algorithms_enabled()
                assert torch.is_deterministic_algorithms_warn_only_enabled() is warn_only
                assert torch.backends.cudnn.benchmark
        finally:
            torch.use_deterministic_algorithms(False)
            torch.backends.cudnn.benchmark = False

    def test_cuda_needs_its_variable(self, monkeypatch):
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":0:0")
        with pytest.raises(InputError, match=r"cuda:1 requires .* CUBLAS_WORKSPACE_CONFIG .* but it is ':0:0'"):
            require_determinism(torch.device("cuda:1"))
        require_determinism(torch.device("cpu"))
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        require_determinism(torch.device("cuda:1"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": make_subset(1, 0)}, "train: at least 2 images are required, but there are 1"),
        ({"search": make_subset(0, 0)}, "search: at least 1 images are required, but there are 0"),
        (
            {"train": Subset(images=TRAIN.images, labels=TRAIN.labels + 1)},
            "train: labels must be from 0 to 2, the classes of the network, but are from 1 to 3",
        ),
        (
            {"network": nn.Sequential(nn.Conv2d(3, 2, 1))},
            r"must give logits of shape \(B, classes\), but gives \(1, 2, 6, 6\)",
        ),
        ({"recipe": replace(RECIPE, pad=6)}, "pad must be less than the side of an image, 6x6, but got 6"),
        ({"network": make_network().requires_grad_(False)}, "at least one trainable parameter"),
    ],
)
def test_rejects_at_the_door(options, message):
    with pytest.raises(InputError, match=message):
        start(**{"network": make_network(), **options})
