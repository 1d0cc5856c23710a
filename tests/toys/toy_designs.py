"""Designs of a screening."""

import numpy as np


def design_from_counts(host, cells):
    """The design (host + Σ cells, 1 + cells) of a block in which each run is the host or relaxes a single site.

    It has a column of ones, then one for each cell; the arguments are the numbers of runs.
    """
    design = np.zeros((host + sum(cells), 1 + len(cells)))
    design[:, 0] = 1
    design[np.arange(host, len(design)), np.repeat(np.arange(len(cells)), cells) + 1] = 1
    return design
