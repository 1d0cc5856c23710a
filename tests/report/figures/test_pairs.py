"""Pairs of sites are those of the screening."""

from dataclasses import replace

from lrlc_nas.evidence import Interaction, screen
from lrlc_nas.report.figures.pairs import draw_pairs, pair_matrix, pair_table

PAIR = Interaction("conv1", "conv2", -2.0, -3.0, -1.0, 0.01, 0.02, 5)


def test_a_pair_stands_where_its_sites_cross(new_study, new_run):
    screening = replace(screen(new_study(), [new_run(0, {}, 0.8)], {}), interactions=(PAIR,))
    info = pair_matrix(screening)
    (heat,) = draw_pairs(info).data
    assert [list(row) for row in heat.z] == [[-2.0]]
    assert "*" in heat.text[0][0]
    assert (heat.zmin, heat.zmax) == (-2.0, 2.0)
    assert pair_table(info).rows == (("conv1", "conv2", -2.0, -3.0, -1.0, 0.01, 0.02, 5),)
