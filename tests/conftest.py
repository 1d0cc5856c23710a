"""What all tests share."""

import os


# Before torch is imported: networks this small are faster on one thread, most of all beside other processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
