"""What carries a study out: its runs, their workers, attempts and leases; confirmation, test, export."""

from .compatibility import changes as changes
from .confirmation_runs import add_seeds as add_seeds
from .confirmation_runs import start_confirmation as start_confirmation
from .export import export_best as export_best
from .files import checkpoint_bytes as checkpoint_bytes
from .files import study_bytes as study_bytes
from .files import study_folder as study_folder
from .lease import HANG_SECONDS as HANG_SECONDS
from .lifecycle import OpenStudy as OpenStudy
from .lifecycle import catch_up as catch_up
from .lifecycle import most_trials as most_trials
from .lifecycle import open_study as open_study
from .lifecycle import resume_study as resume_study
from .lifecycle import start_study as start_study
from .objective import Objective as Objective
from .preparation import Prepared as Prepared
from .preparation import prepare as prepare
from .test_split import open_test as open_test
from .worker import Worker as Worker
