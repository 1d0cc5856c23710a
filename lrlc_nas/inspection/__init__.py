"""What trained networks do: their weights out of a study, maps of space, images that are moved."""

from .shifts import ShiftTolerance as ShiftTolerance
from .shifts import shift_tolerance as shift_tolerance
from .space_maps import SpaceMap as SpaceMap
from .space_maps import space_maps as space_maps
from .trained import Subject as Subject
from .trained import subject as subject
