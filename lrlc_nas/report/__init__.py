"""The report: figures, tables and the page that holds them."""

from .page import report_page as report_page
from .page import write_report as write_report
from .panels import Panel as Panel
from .panels import panels as panels
from .reading import Reading as Reading
from .reading import read_study as read_study
from .tables import EffectRow as EffectRow
from .tables import TrialRow as TrialRow
from .tables import effect_rows as effect_rows
from .tables import trial_rows as trial_rows
from .verdict import verdict as verdict
