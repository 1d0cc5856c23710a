"""The study database: Optuna's tables and ours, in one place. The only room that imports SQLAlchemy."""

from .compute_paths import ComputePaths as ComputePaths
from .engine import engine_options as engine_options
from .engine import harden as harden
from .leases import claim as claim
from .leases import finish as finish
from .leases import plan_run as plan_run
from .leases import record_epoch as record_epoch
from .leases import release as release
from .leases import release_dead as release_dead
from .leases import renew as renew
from .leases import set_trial as set_trial
from .owner import this_process as this_process
from .records import Claim as Claim
from .records import EpochRecord as EpochRecord
from .records import NewRun as NewRun
from .records import RunRecord as RunRecord
from .records import SiteRecord as SiteRecord
from .records import StudyRecord as StudyRecord
from .studies import Store as Store
from .url import parse_url as parse_url
from .url import shown as shown
from .url import sqlite_path as sqlite_path
