from .classification import Classification as Classification
from .images import ShowsImages as ShowsImages
from .latency import Latency as Latency
from .registry import task_of as task_of
from .run_handle import RunHandle as RunHandle
from .task import Rebuild as Rebuild
from .task import Split as Split
from .task import Task as Task
