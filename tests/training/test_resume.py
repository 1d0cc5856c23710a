import copy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_training import ASKED, RECIPE, assert_same_weights, make_network, start, timeless

from lrlc_nas.errors import CheckpointError, DiskError, TrainingStoppedError
from lrlc_nas.runs import Checkpoints


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "c", "toy")


def killed_after(epochs, checkpoints, recipe=RECIPE):
    """Train, and stop for good in the middle of the epoch that follows."""
    steps = iter(range(1000))
    running = start(make_network(), recipe, checkpoints=checkpoints, should_stop=lambda: next(steps) > ASKED * epochs)
    with pytest.raises(TrainingStoppedError):
        list(running)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
@pytest.mark.parametrize("epochs", [0, 1, 2])
def test_resumed_equals_uninterrupted(checkpoints, optimizer, schedule, epochs):
    recipe = replace(RECIPE, optimizer=optimizer, schedule=schedule, learning_rate=0.02)
    whole = make_network()
    expected = timeless(start(whole, recipe))
    killed_after(epochs, checkpoints, recipe)
    resumed = make_network()
    assert timeless(start(resumed, recipe, checkpoints=checkpoints)) == expected
    assert_same_weights(resumed, whole)


@pytest.mark.parametrize("changes", [{"batch_size": 23}, {"channels_last": "always"}, {"deterministic": True}])
def test_resumed_equals_uninterrupted_in_every_mode(checkpoints, changes):
    recipe = replace(RECIPE, **changes)
    whole, resumed = make_network(), make_network()
    expected = timeless(start(whole, recipe))
    for _ in range(recipe.epochs):  # closed and begun again after each epoch
        running = start(make_network(), recipe, checkpoints=checkpoints)
        restored = checkpoints.load_newest()
        for _ in range(1 if restored is None else restored["epoch"] + 2):
            next(running, None)
        running.close()
    assert timeless(start(resumed, recipe, checkpoints=checkpoints)) == expected
    assert_same_weights(resumed, whole)


def test_resumed_after_sigkill_in_another_process(checkpoints):
    expected = timeless(start(make_network()))
    script = Path(__file__).parent.parent / "toys/toy_training.py"
    command = [sys.executable, str(script), str(checkpoints.folder), str(torch.get_num_threads())]
    died = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert died.returncode == -9, died.stderr.decode()
    assert checkpoints.load_newest()["epoch"] == 1
    assert timeless(start(make_network(), checkpoints=checkpoints)) == expected


def test_stored_epochs_are_yielded_and_not_trained(checkpoints):
    network = make_network()
    first = list(start(network, checkpoints=checkpoints))
    again, trained = make_network(), []
    again.register_forward_hook(lambda module, inputs, output: trained.append(module.training))
    # Equal to the last bit, times too: they come from the checkpoint.
    assert list(start(again, checkpoints=checkpoints)) == first
    assert not any(trained)
    assert_same_weights(again, network)


def test_initial_weights_do_not_matter_after_resuming(checkpoints):
    expected = timeless(start(make_network()))
    killed_after(2, checkpoints)
    assert timeless(start(make_network(seed=5), checkpoints=checkpoints)) == expected


def test_the_checkpoint_stands_before_its_result_is_seen(checkpoints):
    for result in start(make_network(), checkpoints=checkpoints):
        assert checkpoints.load_newest()["history"][-1] == result.to_dict()


def test_training_goes_on_without_changing_what_was_stored(checkpoints):
    running = start(make_network(), checkpoints=checkpoints)
    next(running)
    before = copy.deepcopy(checkpoints.load_newest()["optimizer"])
    path = checkpoints.newest_path()
    content = path.read_bytes()
    next(running)
    assert path.read_bytes() == content
    after = checkpoints.load_newest()["optimizer"]
    assert not torch.equal(before["state"][0]["momentum_buffer"], after["state"][0]["momentum_buffer"])


def test_damaged_newest_costs_one_epoch(checkpoints, caplog):
    whole, resumed = make_network(), make_network()
    expected = timeless(start(whole, checkpoints=checkpoints))
    checkpoints.newest_path().write_bytes(b"damaged")
    assert timeless(start(resumed, checkpoints=checkpoints)) == expected
    assert_same_weights(resumed, whole)
    assert "using the one before" in caplog.text


def test_all_damaged_restarts(checkpoints, caplog):
    expected = timeless(start(make_network(), checkpoints=checkpoints))
    for path in checkpoints.folder.iterdir():
        path.write_bytes(b"")
    assert timeless(start(make_network(), checkpoints=checkpoints)) == expected
    assert "restarting at epoch 0" in caplog.text
    assert checkpoints.load_newest()["epoch"] == 2


def test_leftovers_are_removed(checkpoints):
    killed_after(1, checkpoints)
    (checkpoints.folder / "epoch-00001-abc.tmp").write_bytes(b"half")
    list(start(make_network(), checkpoints=checkpoints))
    assert len(list(checkpoints.folder.iterdir())) == 2
    assert not list(checkpoints.folder.glob("*.tmp"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 1}, "must have seed 1, but has 0; the identity of a run must tell these apart"),
        ({"recipe": replace(RECIPE, pad=0)}, "must have recipe [0-9a-f]{64}, but has [0-9a-f]{64}"),
    ],
)
def test_an_identity_too_weak_is_found_out(checkpoints, options, message):
    killed_after(1, checkpoints)
    with pytest.raises(CheckpointError, match=message):
        next(start(**{"network": make_network(), "checkpoints": checkpoints, **options}))


def renamed(state):
    state["network"] = {f"body.{name}": value for name, value in state["network"].items()}


def reshaped(state):
    # All before it are loaded by then.
    state["network"]["5.weight"] = state["network"]["5.weight"][:2]


def shortened(state):
    state["optimizer"]["param_groups"][0]["params"].pop()


def forgotten(state):
    del state["schedule"]


def measured_otherwise(state):
    state["history"][0]["perplexity"] = state["history"][0].pop("value")


def upgraded(checkpoints, epoch, change):
    """What an older version of the package, or of a host, might have written."""
    (path,) = checkpoints.folder.glob(f"epoch-{epoch:05d}-*")
    state = torch.load(path, weights_only=True)
    change(state)
    path.unlink()
    return checkpoints.save(epoch, state)


@pytest.mark.parametrize("change", [renamed, reshaped, shortened, forgotten, measured_otherwise])
def test_a_checkpoint_that_does_not_fit_the_network_is_told_and_the_one_before_used(checkpoints, change, caplog):
    whole, resumed = make_network(), make_network()
    expected = timeless(start(whole))
    killed_after(2, checkpoints)
    path = upgraded(checkpoints, 1, change)
    steps = iter(range(1000))
    running = start(resumed, checkpoints=checkpoints, should_stop=lambda: next(steps) > 1000)
    assert timeless(running) == expected
    assert next(steps) == 2 * ASKED, "one epoch is trained again"
    assert_same_weights(resumed, whole)
    (message,) = caplog.messages
    assert message.startswith(f"checkpoint {path} does not fit this network: ")
    assert message.endswith("; using the one before")


@pytest.mark.parametrize("change", [renamed, reshaped, shortened, forgotten, measured_otherwise])
def test_where_no_checkpoint_fits_the_run_begins_again_from_its_own_weights(checkpoints, change, caplog):
    whole, resumed = make_network(), make_network()
    expected = timeless(start(whole))
    killed_after(1, checkpoints)
    upgraded(checkpoints, 0, change)
    assert timeless(start(resumed, checkpoints=checkpoints)) == expected
    assert_same_weights(resumed, whole)
    assert caplog.messages[-1].endswith("is usable; restarting at epoch 0")


@pytest.mark.parametrize("text", ["CUDA error: out of memory", "CUDA error: device-side assert triggered"])
def test_trouble_of_the_device_does_not_make_a_checkpoint_unusable(checkpoints, monkeypatch, text):
    killed_after(1, checkpoints)
    network = make_network()

    def fail(_):
        # As `load_state_dict` puts it.
        raise RuntimeError(f"While copying the parameter named '0.weight', an exception occurred: ('{text}',).")

    monkeypatch.setattr(network, "load_state_dict", fail)
    with pytest.raises(RuntimeError, match=text):
        next(start(network, checkpoints=checkpoints))
    assert checkpoints.load_newest()["epoch"] == 0


def test_another_machine_is_reported(checkpoints, caplog):
    killed_after(1, checkpoints)
    state = checkpoints.load_newest()
    checkpoints.save(0, {**state, "torch": "1.0", "threads": 999})
    list(start(make_network(), checkpoints=checkpoints))
    assert f"resuming with torch = {torch.__version__} after 1.0: not bit-equal" in caplog.messages
    assert f"resuming with threads = {torch.get_num_threads()} after 999: not bit-equal" in caplog.messages


@pytest.mark.parametrize("asked", range(3, 5))
def test_stopping_in_an_evaluation_leaves_the_last_epoch(checkpoints, asked):
    """After all steps of the second epoch, before its first or its second batch is measured."""
    whole, resumed = make_network(), make_network()
    expected = timeless(start(whole))
    answers = iter([False] * (ASKED + asked) + [True])
    running = start(make_network(), checkpoints=checkpoints, should_stop=lambda: next(answers))
    with pytest.raises(TrainingStoppedError, match=rf"^stopped after measuring {8 * (asked - 3)} of 12 images$"):
        list(running)
    assert checkpoints.load_newest()["epoch"] == 0
    assert timeless(start(resumed, checkpoints=checkpoints)) == expected
    assert_same_weights(resumed, whole)


def test_disk_full_leaves_the_last_epoch(checkpoints, monkeypatch):
    running = start(make_network(), checkpoints=checkpoints)
    next(running)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        with pytest.raises(DiskError, match="No space left on device: the checkpoint needs"):
            next(running)
    assert checkpoints.load_newest()["epoch"] == 0
    assert timeless(start(make_network(), checkpoints=checkpoints)) == timeless(start(make_network()))
