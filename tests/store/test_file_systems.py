"""Where SQLite's write-ahead log may be used is read from the table of mounts."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from toy_store import WAITING, add_study, make_store

from lrlc_nas.store import Store
from lrlc_nas.store.databases import file_systems
from lrlc_nas.store.databases.file_systems import file_system, is_on_network, is_shared

MOUNTS = r"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:40 / /home rw - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/me/local rw shared:2 master:3 - xfs /dev/sdb rw
32 22 0:42 / /mnt/two\040words rw - cifs //server/share rw
33 22 0:43 / /over rw - ext4 /dev/sdc rw
34 22 0:44 / /over rw - lustre mgs:/fs rw
a line of some later kernel
35 22 0:45 / /dash rw - fuse.sshfs me@server:/a - b rw
36 22 0:46 / /homes rw - tmpfs none rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/tmp/x.db", "ext4"),
        ("/home", "nfs4"),
        ("/home/me/x.db", "nfs4"),
        ("/home/me/local/deep/x.db", "xfs"),
        ("/homes/x.db", "tmpfs"),
        ("/homestead/x.db", "ext4"),
        ("/mnt/two words/x.db", "cifs"),
        ("/over/x.db", "lustre"),
        ("/dash/x.db", "fuse.sshfs"),
    ],
)
def test_a_path_lies_on_the_last_of_the_deepest_mounts_above_it(path, kind):
    assert file_system(Path(path), MOUNTS) == kind


def test_where_nothing_is_mounted_nothing_is_known():
    assert file_system(Path("/x.db"), "") == ""
    assert not is_shared("")


@pytest.mark.parametrize(
    "kind",
    ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuse.rclone", "fuse", "lustre", "gpfs", "beegfs", "ceph", "9p"],
)
def test_other_machines_may_write_to_these(kind):
    assert is_shared(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "apfs", "fuse.ntfs-3g"])
def test_and_not_to_these(kind):
    assert not is_shared(kind)


def test_the_mounts_of_this_machine_are_read(tmp_path):
    assert file_system(tmp_path.resolve(), Path("/proc/self/mountinfo").read_text())
    assert file_system(Path("/proc"), Path("/proc/self/mountinfo").read_text()) == "proc"


def test_a_machine_that_does_not_tell_has_local_disks(tmp_path, monkeypatch):
    monkeypatch.setattr(file_systems, "_MOUNTS", tmp_path / "none")
    assert not is_on_network(tmp_path)


def mount_as(kind, tmp_path, monkeypatch):
    (tmp_path / "mounts").write_text(f"22 1 254:0 / / rw - {kind} /dev/root rw\n")
    monkeypatch.setattr(file_systems, "_MOUNTS", tmp_path / "mounts")


def journal(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA journal_mode").fetchone()[0]


@pytest.mark.parametrize(("kind", "mode"), [("ext4", "wal"), ("nfs4", "delete")])
def test_a_log_is_kept_on_local_disks_alone(tmp_path, monkeypatch, kind, mode):
    mount_as(kind, tmp_path, monkeypatch)
    store = make_store(tmp_path)
    add_study(store, [WAITING])
    assert journal(tmp_path / "studies.db") == mode
    assert re.search(r"-(wal|shm)$", " ".join(map(str, tmp_path.iterdir()))) is None or mode == "wal"
    store.engine.dispose()


def test_a_database_that_has_moved_to_the_network_gives_up_its_log(tmp_path, monkeypatch):
    store = make_store(tmp_path)
    store.engine.dispose()
    mount_as("nfs", tmp_path, monkeypatch)
    Store(str(store.url)).create()
    assert journal(tmp_path / "studies.db") == "delete"


def test_a_link_counts_where_it_leads(tmp_path, monkeypatch):
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(tmp_path / "far")
    table = f"1 0 0:1 / / rw - ext4 a rw\n2 1 0:2 / {tmp_path.resolve()}/far rw - nfs b rw\n"
    (tmp_path / "mounts").write_text(table)
    monkeypatch.setattr(file_systems, "_MOUNTS", tmp_path / "mounts")
    assert is_on_network(tmp_path / "near" / "x.db")
    assert not is_on_network(tmp_path / "x.db")
