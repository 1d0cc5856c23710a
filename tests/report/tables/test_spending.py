"""What was spent is every recorded epoch, once."""

from lrlc_nas.report import read_study
from lrlc_nas.report.tables.spending import spending, spent_rows


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
    *_, last = spent_rows(spending(read_study(confirmed_store, "small")))
    assert (last.stage, last.runs, last.epochs, last.share) == ("all", "28", "36", "100.00 %")


def test_nothing_recorded_is_nothing_spent(new_store):
    assert spent_rows(spending(read_study(new_store(finished=0), "small"))) == []
