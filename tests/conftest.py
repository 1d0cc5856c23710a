"""What all tests share."""

import os
import signal


# Before torch is imported: networks this small are faster on one thread, most of all beside other processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Processes that ignore Ctrl-C, as those of a shell's background and of a test runner's workers do, hand that down to all
# that they start, and the package respects it. Here it has to be heard.
signal.signal(signal.SIGINT, signal.default_int_handler)
