"""The report: figures, tables and the page that holds them.

`read_study` reads a study once; from what it returns, one call gives the numbers of each part of the page
(`lrlc_nas.report.from_python`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
