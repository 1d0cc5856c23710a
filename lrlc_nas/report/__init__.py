"""The report: figures, tables and the page that holds them.

`read_study` reads a study once; from what it returns, one call gives the numbers of each part of the page
(`lrlc_nas.report.calls`).
"""

from .anytime import anytime as anytime
from .confirmation_tables import tested as tested
from .effect_map import effect_map as effect_map
from .forest import forest as forest
from .interaction_view import company as company
from .interaction_view import pair_matrix as pair_matrix
from .learning_curves import learning_curves as learning_curves
from .method import method as method
from .page import report_page as report_page
from .page import write_report as write_report
from .panel import Panel as Panel
from .panels import panels as panels
from .question import question as question
from .rank_curves import rank_curves as rank_curves
from .reading import Reading as Reading
from .reading import read_study as read_study
from .space_view import pictures as pictures
from .spending import spending as spending
from .tables import EffectRow as EffectRow
from .tables import TrialRow as TrialRow
from .tables import effect_rows as effect_rows
from .tables import trial_rows as trial_rows
from .trade_off import trade_off as trade_off
from .verdict import verdict as verdict
