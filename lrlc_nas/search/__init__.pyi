from .best_run import best_run as best_run
from .best_run import most_trials as most_trials
from .budget_check import shortage as shortage
from .importances import study_importances as study_importances
from .space import extra_cost as extra_cost
