"""Controls: layers that have a part of what a low-rank locally connected layer has, to explain its gain away.

=================  =========================================================================
`TiedBanksConv2d`  the banks and the position bias, but not the mixing by position
`CoordConv2d`      the position as an input, but one kernel
`WideConv2d`       the number of parameters, but nothing of the position
=================  =========================================================================
"""

from .coordinates import CoordConv2d
from .tied_banks import TiedBanksConv2d
from .wide import WideConv2d, matching_hidden_channels


__all__ = ["CoordConv2d", "TiedBanksConv2d", "WideConv2d", "matching_hidden_channels"]
