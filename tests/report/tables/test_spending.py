"""What was spent is every recorded epoch, once."""

from lrlc_nas.report import read_study
from lrlc_nas.report.tables.printed import shown
from lrlc_nas.report.tables.spending import TABLE, spending


def test_every_recorded_epoch_is_counted_once(confirmed_store):
    store = confirmed_store
    spent = spending(read_study(store, "small"))
    recorded = [
        epoch for name in store.names() for epochs in store.epochs(store.study(name)).values() for epoch in epochs
    ]
    assert sum(each.epochs for each in spent) == len(recorded)
    assert sum(each.seconds for each in spent) == sum(epoch.seconds for epoch in recorded)
    assert {(each.stage, each.what): each.runs for each in spent} == {
        ("search", "complete runs"): 6,
        ("search", "runs that were pruned"): 1,
        ("search", "runs that failed"): 1,
        ("confirmation", "host"): 4,
        ("confirmation", "claims"): 8,
        ("confirmation", "controls"): 8,
    }


def test_the_last_row_is_the_sum(confirmed_store):
    *_, (css, last) = shown(TABLE, read_study(confirmed_store, "small")).rows
    assert (css, last[0], *last[2:4], last[-1]) == ("clear", "all", "28", "36", "100.00 %")


def test_nothing_recorded_is_nothing_spent(new_store):
    assert shown(TABLE, read_study(new_store(finished=0), "small")).rows == ()
