"""What a user may write about a study: its sections, their defaults, and the file that they stand in."""

from .loading import load_config as load_config
from .metric import ACCURACY as ACCURACY
from .metric import Metric as Metric
from .recipe import Recipe as Recipe
from .sections import ClaimSection as ClaimSection
from .sections import ConfirmationSection as ConfirmationSection
from .sections import DataSection as DataSection
from .sections import SearchSection as SearchSection
from .sections import SpaceSection as SpaceSection
from .split import SplitSpec as SplitSpec
from .study import StudyConfig as StudyConfig
