"""Launchers keep workers alive and do nothing else; the database holds all state."""

from .devices import default_workers as default_workers
from .devices import require_device as require_device
from .devices import worker_devices as worker_devices
from .devices import worker_threads as worker_threads
from .local import STUDY_STOPPED as STUDY_STOPPED
from .local import LocalWorkers as LocalWorkers
from .process import run_worker as run_worker
