"""Checkpoints to save, to look at and to forge."""

import hashlib

import torch

from lrlc_nas.runs import Checkpoints


def state(value):
    return {"network": {"weight": torch.full((3,), float(value))}, "history": [{"loss": 0.5}]}


def saved(folder, epochs, identity="mine", keep=2):
    checkpoints = Checkpoints(folder, identity, keep)
    return checkpoints, [checkpoints.save(epoch, state(epoch)) for epoch in epochs]


def assert_holds(loaded, epoch):
    assert loaded is not None
    assert loaded["epoch"] == epoch
    assert torch.equal(loaded["network"]["weight"], torch.full((3,), float(epoch)))
    assert loaded["history"] == [{"loss": 0.5}]


def forged(folder, content, checkpoints, epoch):
    """Give content the name that it would have as a checkpoint."""
    tag = checkpoints._tag
    path = folder / f"epoch-{epoch:05d}-{tag}-{hashlib.sha256(content).hexdigest()}.pt"
    path.write_bytes(content)
    return path
