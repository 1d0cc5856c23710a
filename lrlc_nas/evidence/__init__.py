"""What the runs of a study say: effects with intervals, and how far they can be trusted."""

from .audit import Audit as Audit
from .audit import AuditRow as AuditRow
from .audit import audit as audit
from .effects import Effect as Effect
from .effects import HostSummary as HostSummary
from .effects import Screening as Screening
from .effects import screen as screen
from .interactions import Context as Context
from .interactions import Interaction as Interaction
