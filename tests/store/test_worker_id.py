"""Who is dead: nobody that cannot be seen from here, whatever name its machine and its process have."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from toy_store import FOREVER

from lrlc_nas.errors import StorageError
from lrlc_nas.store import claim, release_dead, require_bearable, this_process
from lrlc_nas.store import worker_id as module
from lrlc_nas.store.worker_id import host_of, is_dead, is_elsewhere, this_host

NOBODY = 2**22 + 1
"""More than any process id."""


def ended(place: str = "") -> str:
    """A process that has ended, by default one among those that are seen from here."""
    here, _, started = this_process().split("/")
    return f"{place or here}/{NOBODY}/{started}"


def elsewhere(boot: str = "", processes: str = "") -> str:
    """This place, but of another boot or among other processes."""
    host, _, rest = this_process().split("/")[0].rpartition("@")
    here = rest.partition("-")
    return f"{host}@{boot or here[0]}-{processes or here[2]}"


def test_it_names_its_host_and_nothing_is_lost_between_the_slashes():
    place, pid, started = this_process().split("/")
    assert host_of(this_process()) == this_host()
    assert int(pid) == os.getpid()
    assert float(started) == pytest.approx(psutil.Process().create_time(), abs=0.01)
    assert not place.endswith("@")
    assert len(this_process()) < 200


def test_who_has_ended_among_the_processes_that_are_seen_from_here_is_dead():
    assert is_dead(ended())


@pytest.mark.parametrize("place", [{"boot": "0badc0de"}, {"processes": "1"}])
def test_of_other_processes_nothing_is_known_though_the_host_has_the_same_name(place):
    assert host_of(ended(elsewhere(**place))) == this_host()
    assert not is_dead(ended(elsewhere(**place)))


def test_of_workers_of_an_older_version_nothing_is_known():
    assert host_of(ended(this_host())) == this_host()
    assert not is_dead(ended(this_host()))


def test_where_the_system_tells_nothing_the_host_has_to_do(monkeypatch):
    for place in ("_BOOT", "_PROCESSES", "_SELF"):
        monkeypatch.setattr(module, place, Path("/nowhere/at/all"))
    assert this_process().split("/")[0] == this_host()
    assert is_dead(ended())
    assert not is_dead(this_process())


def test_where_proc_tells_of_other_processes_nothing_is_known(monkeypatch, tmp_path):
    (tmp_path / "self").symlink_to("1")
    monkeypatch.setattr(module, "_SELF", tmp_path / "self")
    assert not is_dead(ended())


def test_a_process_that_proc_hides_is_not_dead(monkeypatch):
    def hidden(pid):
        raise psutil.NoSuchProcess(pid)

    def others(pid, number):
        raise PermissionError

    monkeypatch.setattr(psutil, "Process", hidden)
    place = f"{module._here()}/{os.getpid()}/1.00"
    assert not is_dead(place)
    monkeypatch.setattr(os, "kill", others)
    assert not is_dead(place)


@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare")
def test_a_worker_in_another_container_of_the_same_name_is_not_dead():
    """Its process id means nothing there."""
    script = "from lrlc_nas.store.worker_id import *; import sys; print(is_dead(sys.argv[1]), this_process())"
    command = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", sys.executable]
    with subprocess.Popen(["sleep", "60"]) as living:
        here, _, _ = this_process().split("/")
        name = f"{here}/{living.pid}/{psutil.Process(living.pid).create_time():.2f}"
        done = subprocess.run([*command, "-c", script, name], capture_output=True, text=True)
        living.send_signal(signal.SIGKILL)
    if done.returncode:
        pytest.skip(f"no containers here: {done.stderr.strip()}")
    dead, inside = done.stdout.split()
    assert dead == "False"
    assert host_of(inside) == this_host()
    assert not is_dead(inside), "it has ended, and that cannot be known from here"
    assert is_dead(name)


def test_claims_of_other_containers_are_left_to_them(store, study):
    claim(store, study, ended(elsewhere(processes="1")), FOREVER)
    assert release_dead(store, study) == 0
    claim(store, study, ended(), FOREVER)
    assert release_dead(store, study) == 1


def test_two_machines_of_one_name_share_no_file_and_two_containers_do(store, study):
    assert not is_elsewhere(ended(elsewhere(processes="1")))
    claim(store, study, ended(elsewhere(processes="1")), FOREVER)
    require_bearable(store, 1)
    claim(store, study, ended(elsewhere(boot="0badc0de")), FOREVER)
    words = f"a worker on {this_host()} holds a run in this SQLite file, and this is another of this name, or it was"
    with pytest.raises(StorageError, match=words):
        require_bearable(store, 1)
