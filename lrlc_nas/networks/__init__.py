"""What is done to a network: its sites, its relaxed copies, what they cost, folding; and the built-in hosts."""

from ..layers import Cost as Cost
from .build import INITS as INITS
from .build import require_buildable as require_buildable
from .build import why_not_buildable as why_not_buildable
from .costs import host_cost as host_cost
from .costs import plan_cost as plan_cost
from .costs import site_cost as site_cost
from .fold import fold as fold
from .replace import relax as relax
from .sites import Site as Site
from .sites import Survey as Survey
from .sites import sites as sites
from .sites import survey as survey
from .widening import Widening as Widening
