"""The search: configuration, space, initial design, sampler, pruning, and the Optuna side of a study."""

from .best_run import best_run as best_run
from .budget_check import shortage as shortage
from .config import ClaimSection as ClaimSection
from .config import ConfirmationSection as ConfirmationSection
from .config import StudyConfig as StudyConfig
from .config import load_config as load_config
from .importances import study_importances as study_importances
from .space import extra_cost as extra_cost
from .space import training_bytes as training_bytes
