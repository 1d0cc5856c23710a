from .maps import SpaceMap as SpaceMap
from .maps import space_maps as space_maps
from .shifts import ShiftTolerance as ShiftTolerance
from .shifts import shift_tolerance as shift_tolerance
from .trained import Subject as Subject
from .trained import subject as subject
