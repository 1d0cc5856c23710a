import errno
import hashlib
import logging
import os
import pickle
import resource
import shutil
import stat
from pathlib import Path

import pytest
import torch
from checkpoint_files import assert_holds, forged, saved, state

from lrlc_nas.errors import DiskError, FencedError, InputError, UnwritableError
from lrlc_nas.runs import Checkpoints


class TestKeeping:
    def test_nothing_saved(self, folder, caplog):
        assert Checkpoints(folder, "mine").load_newest() is None
        assert Checkpoints(folder, "mine").newest_path() is None
        assert not folder.exists()
        assert not caplog.records

    def test_newest_is_loaded_and_two_are_kept(self, folder):
        checkpoints, paths = saved(folder, range(5))
        assert_holds(checkpoints.load_newest(), 4)
        assert checkpoints.newest_path() == paths[4]
        assert sorted(folder.iterdir()) == paths[3:]

    @pytest.mark.parametrize("keep", [1, 3])
    def test_keep(self, folder, keep):
        _, paths = saved(folder, range(5), keep=keep)
        assert sorted(folder.iterdir()) == paths[-keep:]

    def test_loads_share_nothing(self, folder):
        checkpoints, _ = saved(folder, [0])
        checkpoints.load_newest()["network"]["weight"].add_(1)
        assert_holds(checkpoints.load_newest(), 0)

    def test_epochs_sort_as_numbers(self, folder):
        checkpoints, paths = saved(folder, [99_999, 100_000])
        assert checkpoints.newest_path() == paths[1]

    def test_unusable_later_epochs_do_not_crowd_out_the_new_one(self, folder):
        checkpoints, (five, six) = saved(folder, [5, 6])
        for path in (five, six):
            path.write_bytes(b"")
        path = checkpoints.save(0, state(0))
        assert list(folder.iterdir()) == [path]
        assert_holds(checkpoints.load_newest(), 0)

    def test_an_epoch_saved_again_replaces_its_damaged_self(self, folder):
        checkpoints, (zero, one) = saved(folder, [0, 1])
        one.write_bytes(b"")
        again = checkpoints.save(1, {**state(1), "seconds": 2.0})
        assert sorted(folder.iterdir()) == sorted([zero, again])
        assert_holds(checkpoints.load_newest(), 1)

    def test_keep_last(self, folder):
        checkpoints, (zero, one) = saved(folder, [0, 1])
        one.write_bytes(b"")
        checkpoints.keep_last()
        assert list(folder.iterdir()) == [zero]
        zero.write_bytes(b"")
        checkpoints.keep_last()
        assert list(folder.iterdir()) == [zero]

    def test_remove_all(self, folder):
        checkpoints, _ = saved(folder, [0, 1])
        (folder / "epoch-00002-x.tmp").touch()
        checkpoints.remove_all()
        assert not folder.exists()
        checkpoints.remove_all()

    def test_remove_all_spares_what_is_not_ours(self, folder):
        checkpoints, _ = saved(folder, [0, 1])
        _, theirs = saved(folder, [3], identity="theirs")
        (folder / "notes.txt").touch()
        checkpoints.remove_all()
        assert sorted(folder.iterdir()) == [*theirs, folder / "notes.txt"]

    def test_clean_removes_leftovers_only(self, folder):
        checkpoints, paths = saved(folder, [0, 1])
        (folder / "epoch-00002-abc.tmp").write_bytes(b"half")
        assert_holds(checkpoints.load_newest(), 1)
        checkpoints.clean()
        assert sorted(folder.iterdir()) == paths

    def test_modes(self, folder):
        _, paths = saved(folder, [0])
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(paths[0].stat().st_mode) == 0o600

    def test_a_folder_of_the_users_keeps_its_mode(self, folder):
        folder.mkdir(parents=True)
        folder.chmod(0o750)
        saved(folder, [0])
        assert stat.S_IMODE(folder.stat().st_mode) == 0o750

    def test_a_folder_that_another_worker_moved_is_not_made_again(self, folder):
        adopted = folder.with_name("two")
        first, _ = saved(folder, [0])
        resumed = Checkpoints(folder, "mine")
        folder.rename(adopted)
        for zombie in (first, resumed):
            with pytest.raises(FencedError, match=f"{folder} has gone: another worker"):
                zombie.save(1, state(1))
        assert not folder.exists()
        assert_holds(Checkpoints(adopted, "mine").load_newest(), 0)

    def test_a_folder_moved_while_writing(self, folder, monkeypatch):
        checkpoints, _ = saved(folder, [0])
        adopted = folder.with_name("two")
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", lambda _: folder.rename(adopted))
            with pytest.raises(FencedError, match="has gone"):
                checkpoints.save(1, state(1))
        adopter = Checkpoints(adopted, "mine")
        adopter.clean()
        assert [path.suffix for path in adopted.iterdir()] == [".pt"]
        assert_holds(adopter.load_newest(), 0)

    def test_of_two_who_remove_it_neither_minds_the_other(self, folder):
        """The other is faster, at each moment at which the first one looks into the folder."""
        listing, looked, faster = Path.iterdir, 0, 0

        def overtaken(path):
            nonlocal looked
            looked += 1
            if looked == faster:
                shutil.rmtree(folder)
            return listing(path)

        while looked >= faster:
            saved(folder, [0, 1])
            looked, faster = 0, faster + 1
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Path, "iterdir", overtaken)
                Checkpoints(folder, "mine").remove_all()
            assert not folder.exists()
        assert faster > 2

    def test_saves_again_after_remove_all(self, folder):
        checkpoints, _ = saved(folder, [0])
        checkpoints.remove_all()
        checkpoints.save(1, state(1))
        assert_holds(checkpoints.load_newest(), 1)

    def test_keep_below_one_is_rejected(self, folder):
        with pytest.raises(InputError, match="keep must be at least 1, but is 0"):
            Checkpoints(folder, "mine", keep=0)


class TestDamage:
    def test_every_flipped_byte_is_found(self, folder, caplog):
        caplog.set_level(logging.CRITICAL, "lrlc_nas")
        checkpoints, (zero, one) = saved(folder, [0, 1])
        content = one.read_bytes()
        for position in range(len(content)):
            flipped = bytearray(content)
            flipped[position] ^= 1 << position % 8
            one.write_bytes(flipped)
            assert checkpoints.newest_path() == zero, position
        one.write_bytes(content)
        assert checkpoints.newest_path() == one

    def test_every_truncation_is_found(self, folder, caplog):
        caplog.set_level(logging.CRITICAL, "lrlc_nas")
        checkpoints, (zero, one) = saved(folder, [0, 1])
        content = one.read_bytes()
        for length in range(0, len(content), 7):
            one.write_bytes(content[:length])
            assert checkpoints.newest_path() == zero, length

    def test_falls_back_and_names_both_hashes(self, folder, caplog):
        checkpoints, (_, one) = saved(folder, [0, 1])
        wanted = one.stem.rsplit("-", 1)[1]
        one.write_bytes(b"other")
        assert_holds(checkpoints.load_newest(), 0)
        (record,) = caplog.records
        assert (record.name, record.levelname) == ("lrlc_nas", "WARNING")
        found = hashlib.sha256(b"other").hexdigest()
        assert f"is damaged: sha256 {wanted} required, {found} found in 5 bytes" in record.getMessage()
        assert "using the one before" in record.getMessage()

    def test_both_damaged_restarts_and_says_so(self, folder, caplog):
        checkpoints, paths = saved(folder, [0, 1])
        for path in paths:
            path.write_bytes(b"")
        assert checkpoints.load_newest() is None
        assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
        assert caplog.messages[-1] == (f"none of the 2 checkpoints in {folder} is usable; restarting at epoch 0")

    def test_unreadable_file(self, folder, caplog):
        checkpoints, (_, one) = saved(folder, [0, 1])
        one.unlink()
        one.mkdir()
        assert_holds(checkpoints.load_newest(), 0)
        assert "cannot be read" in caplog.text

    def test_a_name_without_its_hash_is_no_checkpoint(self, folder):
        checkpoints, (_, one) = saved(folder, [0, 1])
        one.rename(folder / "epoch-00001.pt")
        assert_holds(checkpoints.load_newest(), 0)

    def test_another_runs_checkpoint_is_not_used(self, folder, caplog):
        _, (theirs,) = saved(folder, [7], identity="theirs")
        mine = Checkpoints(folder, "mine")
        assert mine.load_newest() is None
        (message,) = caplog.messages
        assert f"identity {mine._tag} required, {theirs.name.split('-')[2]} found; not used" in message
        mine.save(0, state(0))
        assert theirs.exists()
        assert_holds(mine.load_newest(), 0)

    def test_another_runs_checkpoint_under_our_name_is_not_used(self, folder, caplog):
        checkpoints, _ = saved(folder, [0])
        _, (theirs,) = saved(folder, [7], identity="theirs")
        theirs.rename(folder / theirs.name.replace(theirs.name.split("-")[2], checkpoints._tag))
        assert_holds(checkpoints.load_newest(), 0)
        assert "does not hold epoch 7 of run 'mine'" in caplog.text

    def test_a_renumbered_checkpoint_is_not_used(self, folder, caplog):
        checkpoints, (zero, one) = saved(folder, [0, 1])
        zero.rename(folder / zero.name.replace("00000", "00009"))
        assert checkpoints.newest_path() == one
        assert "does not hold epoch 9" in caplog.text

    @pytest.mark.parametrize("content", [b"", b"text", pickle.dumps({"epoch": 3, "identity": "mine"})])
    def test_a_true_hash_does_not_make_a_checkpoint(self, folder, content, caplog):
        checkpoints, _ = saved(folder, [0])
        forged(folder, content, checkpoints, epoch=3)
        assert_holds(checkpoints.load_newest(), 0)
        assert "was not written by this package" in caplog.text


class Bomb:
    """Runs code in whoever unpickles it."""

    def __init__(self, sentinel):
        self.sentinel = str(sentinel)

    def __reduce__(self):
        return os.mkdir, (self.sentinel,)


@pytest.mark.parametrize("form", ["zip", "pickle"])
def test_a_bomb_with_a_true_hash_does_not_go_off(folder, tmp_path, form, caplog):
    checkpoints, _ = saved(folder, [0])
    sentinel, bomb = tmp_path / "sentinel", tmp_path / "bomb"
    if form == "zip":
        torch.save({"epoch": 3, "identity": "mine", "bomb": Bomb(sentinel)}, bomb)
    else:
        bomb.write_bytes(pickle.dumps(Bomb(sentinel)))
    forged(folder, bomb.read_bytes(), checkpoints, epoch=3)
    assert_holds(checkpoints.load_newest(), 0)
    assert "was not written by this package" in caplog.text
    assert not sentinel.exists()


def test_the_bomb_is_live(tmp_path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / "sentinel")))
    assert (tmp_path / "sentinel").exists()


def failing_with(number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    return fail


class TestDiskTrouble:
    def assert_last_stands(self, folder, checkpoints, path):
        assert list(folder.iterdir()) == [path]
        assert_holds(checkpoints.load_newest(), 0)

    def test_file_too_large(self, folder):
        checkpoints, (path,) = saved(folder, [0])
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        try:
            with pytest.raises(
                DiskError,
                match=rf"^{folder}/epoch-00001-.*: File too large: the checkpoint needs [0-9]{{6}} bytes, [0-9]",
            ):
                checkpoints.save(1, {"weight": torch.zeros(50_000)})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.assert_last_stands(folder, checkpoints, path)

    @pytest.mark.parametrize("call", ["fsync", "replace"])
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
    def test_no_space_left(self, folder, monkeypatch, call, number):
        checkpoints, (path,) = saved(folder, [0])
        with monkeypatch.context() as patch:
            patch.setattr(os, call, failing_with(number))
            with pytest.raises(DiskError, match=f"{os.strerror(number)}: the checkpoint needs"):
                checkpoints.save(1, state(1))
        self.assert_last_stands(folder, checkpoints, path)

    def test_a_disk_that_fails_is_not_full(self, folder, monkeypatch):
        checkpoints, (path,) = saved(folder, [0])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", failing_with(errno.EIO))
            with pytest.raises(UnwritableError, match="the checkpoint needs") as caught:
                checkpoints.save(1, state(1))
        assert caught.value.errno == errno.EIO
        assert str(folder) in caught.value.filename
        self.assert_last_stands(folder, checkpoints, path)

    def test_interrupted_while_writing(self, folder, monkeypatch):
        checkpoints, (path,) = saved(folder, [0])

        def interrupt(_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", interrupt)
            with pytest.raises(KeyboardInterrupt):
                checkpoints.save(1, state(1))
        self.assert_last_stands(folder, checkpoints, path)

    def test_bytes_reach_the_disk_before_the_name_does(self, folder, monkeypatch):
        calls = []
        for name in ("fsync", "replace"):
            real = getattr(os, name)
            monkeypatch.setattr(os, name, lambda *args, n=name, f=real: (calls.append(n), f(*args))[1])
        saved(folder, [0])
        assert calls == ["fsync", "replace", "fsync"]
