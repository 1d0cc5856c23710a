"""The report: figures, tables and the page that holds them.

`read_study` reads a study once; from what it returns, one call gives the numbers of each part of the page
(`lrlc_nas.report.from_python`).
"""

from .figures import FIGURES as FIGURES
from .figures import Figure as Figure
from .figures.anytime import anytime as anytime
from .figures.contexts import contexts as contexts
from .figures.effect_map import effect_map as effect_map
from .figures.forest import forest as forest
from .figures.learning_curves import learning_curves as learning_curves
from .figures.pairs import pair_matrix as pair_matrix
from .figures.rank_curves import rank_curves as rank_curves
from .figures.space_maps import pictures as pictures
from .figures.trade_off import trade_off as trade_off
from .method import method as method
from .page import report_page as report_page
from .page import write_report as write_report
from .question import question as question
from .reading import Reading as Reading
from .reading import read_study as read_study
from .tables import TABLES as TABLES
from .tables import PrintedTable as PrintedTable
from .tables.effects import EffectRow as EffectRow
from .tables.effects import effect_rows as effect_rows
from .tables.runs import TrialRow as TrialRow
from .tables.runs import trial_rows as trial_rows
from .tables.spending import spending as spending
from .tables.test_split import tested as tested
from .verdict import verdict as verdict
