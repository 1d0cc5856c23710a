"""Launchers keep workers alive and do nothing else; the database holds all state."""

from .local import STUDY_STOPPED as STUDY_STOPPED
from .local import LocalWorkers as LocalWorkers
from .local import default_workers as default_workers
from .local import require_device as require_device
from .local import worker_devices as worker_devices
from .process import run_worker as run_worker
