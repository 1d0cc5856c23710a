"""What the commands print; the only room that imports Rich."""

from .ending import command as command
from .ending import headline as headline
from .ending import print_confirmed as print_confirmed
from .ending import print_end as print_end
from .ending import print_tested as print_tested
from .ending import report_path as report_path
from .frames import console as console
from .live import Watcher as Watcher
from .tables import print_sites as print_sites
from .tables import print_studies as print_studies
from .tables import print_study as print_study
from .verdicts import write_cards as write_cards
from .words import plain as plain
