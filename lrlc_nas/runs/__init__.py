"""What one run needs around its training, whoever trains it: checkpoints, memory, lost devices, random streams."""

from .checkpoints import FULL as FULL
from .checkpoints import Checkpoints as Checkpoints
from .checkpoints import make_private_folder as make_private_folder
from .lost_device import is_device_lost as is_device_lost
from .memory import free_memory as free_memory
from .memory import is_out_of_memory as is_out_of_memory
from .memory import within_memory as within_memory
from .results import EpochResult as EpochResult
from .streams import stream_seed as stream_seed
