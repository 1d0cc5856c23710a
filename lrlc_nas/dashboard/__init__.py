"""Our pages on a study database, live, and Optuna's dashboard beside them: one address, for this machine alone."""

from .application import application as application
from .optuna_pages import open_storage as open_storage
from .server import serve as serve
