from .config import Metric as Metric
from .config import StudyConfig as StudyConfig
from .config import load_config as load_config
from .engine import Objective as Objective
from .layers import CoordConv2d as CoordConv2d
from .layers import LocallyConnected2d as LocallyConnected2d
from .layers import LowRankLocallyConnected2d as LowRankLocallyConnected2d
from .layers import TiedBanksConv2d as TiedBanksConv2d
from .layers import WideConv2d as WideConv2d
from .layers import smoothness_penalty as smoothness_penalty
from .networks import fold as fold
from .networks import relax as relax
from .networks import sites as sites
from .report import read_study as read_study
from .search import BlockPruner as BlockPruner
from .search import BlockSampler as BlockSampler
from .search import suggest as suggest
from .store import Store as Store
from .study import Study as Study
from .tasks import RunHandle as RunHandle
from .tasks import Task as Task

__version__: str
