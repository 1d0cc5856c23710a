"""The search: space, initial design, sampler, pruning, and the Optuna side of a study."""

from .best_run import best_run as best_run
from .budget_check import shortage as shortage
from .importances import study_importances as study_importances
from .space import extra_cost as extra_cost
