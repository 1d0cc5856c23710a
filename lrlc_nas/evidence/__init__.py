"""What the runs of a study say: effects with intervals, and how far they can be trusted."""

from .effects import Effect as Effect
from .effects import HostSummary as HostSummary
from .effects import Screening as Screening
from .effects import screen as screen
