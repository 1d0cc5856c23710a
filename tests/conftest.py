"""What all tests share."""

import os
import signal

import pytest

from lrlc_nas import signals
from lrlc_nas.signals import ENDING_SIGNALS

# Before torch is imported: networks this small are faster on one thread, most of all beside other processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a process ignores, as those of nohup, a shell's background or a test runner's workers do, all that it starts
# ignore as well, and the package respects that. Here signals have to be heard.
for number in ENDING_SIGNALS:
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

# What takes a minute begins first, or at the end one process works on it and the others have nothing left to do.
LONG = (
    *("reliability/test_crashes.py", "test_real_images.py", "evidence/test_planted_is_confirmed.py"),
    *("engine/test_worker.py", "evidence/test_truth_is_found.py", "dashboard/test_browser.py"),
    *("security/test_storage_passwords.py", "servers/test_server_claims.py", "servers/test_server_outages.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))


@pytest.fixture(autouse=True)
def _nothing_heard() -> None:
    """What one test was told to end by is no word to the next one; a command asks for it as it begins."""
    signals._heard.interrupted = signals._heard.hurried = False
