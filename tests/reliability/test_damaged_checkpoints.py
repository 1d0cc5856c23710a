"""300 damaged checkpoints: all are found, the one before is used, and the log says so."""

import pytest
import torch

from tests.reliability.damage import KINDS, Damage, damage_checkpoints


@pytest.mark.parametrize("kind", KINDS)
def test_all_are_found_replaced_and_told(kind, tmp_path):
    assert damage_checkpoints(tmp_path, kind, 100) == Damage(kind, made=100, found=100, before=100, said=100)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_that_trusts_them_would_be_seen(kind, tmp_path, monkeypatch):
    """Without the checks of names and hashes most damage goes unnoticed, and the figures say so."""

    def read(entry, identity):
        return {"epoch": entry.epoch, "network": {"weight": torch.zeros(4, 4)}}

    monkeypatch.setattr("lrlc_nas.runs.checkpoints._read", read)
    done = damage_checkpoints(tmp_path, kind, 10)
    assert not done.survived
    assert done.found < 10
