"""Nobody waits for ever, and who waits in vain is told what the matter is."""

import time

import pytest

from lrlc_nas.errors import LrlcNasError
from tests.reliability.lives import end, spawn
from tests.reliability.waiting import wait_until


def test_it_waits_for_what_comes():
    asked = iter([False, False, True])
    wait_until(lambda: next(asked), lambda: "never")


def test_what_does_not_come_is_told():
    with pytest.raises(LrlcNasError, match=r"^nothing happened within 0 s: 3 runs wait$"):
        wait_until(lambda: False, lambda: "3 runs wait", 0.1)


def test_a_process_that_does_not_end_is_killed():
    process = spawn(time.sleep, 3600.0)
    with pytest.raises(LrlcNasError, match=rf"^process {process.pid} did not end within 0 s$"):
        end(process, 0.2)
    assert not process.is_alive()
