"""Studies: configuration, space, the balanced block, proposals, workers. The only room that searches with Optuna."""

from .config import ClaimSection as ClaimSection
from .config import ConfirmationSection as ConfirmationSection
from .config import StudyConfig as StudyConfig
from .config import load_config as load_config
from .confirmation import add_seeds as add_seeds
from .confirmation import confirmation_name as confirmation_name
from .confirmation import confirmation_of as confirmation_of
from .confirmation import stage_of as stage_of
from .confirmation import start_confirmation as start_confirmation
from .export import best_run as best_run
from .export import export_best as export_best
from .files import study_folder as study_folder
from .importances import study_importances as study_importances
from .latency import Latency as Latency
from .lifecycle import OpenStudy as OpenStudy
from .lifecycle import catch_up as catch_up
from .lifecycle import most_trials as most_trials
from .lifecycle import open_study as open_study
from .lifecycle import resume_study as resume_study
from .lifecycle import start_study as start_study
from .objective import Objective as Objective
from .preparation import Prepared as Prepared
from .preparation import prepare as prepare
from .sealed import open_test as open_test
from .space import extra_cost as extra_cost
from .worker import Worker as Worker
