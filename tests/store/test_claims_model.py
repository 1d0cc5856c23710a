"""Any calls of three workers, against a model of who holds which run."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from toy_epochs import an_epoch
from toy_store import FOREVER, WAITING, add_study, make_store

from lrlc_nas.errors import FencedError
from lrlc_nas.store import claim, finish, record_epoch, release

CALLS = st.lists(
    st.tuples(st.sampled_from(["claim", "release", "expire", "record", "finish"]), st.integers(0, 2)), max_size=25
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=CALLS)
def test_whatever_three_workers_do_a_run_has_one_holder(tmp_path_factory, calls):
    """A model: who holds each run, and how many epochs and ends it has."""
    store = make_store(tmp_path_factory.mktemp("model"))
    study = add_study(store, [WAITING] * 2)
    held = [None] * 3
    holder, epochs, ended = {}, {0: 0, 1: 0}, set()
    for call, worker in calls:
        mine = held[worker]
        number = mine and mine.run.number
        holds = mine is not None and holder.get(number) == (worker, mine.attempt)
        if call == "claim":
            free = [s for s in (0, 1) if s not in holder and s not in ended]
            held[worker] = claim(store, study, str(worker), FOREVER)
            assert (held[worker] and held[worker].run.number) == (free[0] if free else None)
            if held[worker] is not None:
                holder[free[0]] = (worker, held[worker].attempt)
        elif call == "expire":
            with store.engine.begin() as connection:
                connection.execute(text("UPDATE nas_run SET expires = 1.0 WHERE number = :s"), {"s": worker % 2})
            holder.pop(worker % 2, None)
        elif mine is None:
            continue
        elif call == "release":
            release(store, mine)
            if holds:
                del holder[number]
        else:
            # Without a holder, the last attempt may still write: nobody else has claimed the run.
            attempt = store.runs(study)[number].attempt
            allowed = mine.attempt == attempt and number not in ended
            try:
                if call == "record":
                    record_epoch(store, mine, an_epoch(epochs[number]))
                else:
                    finish(store, mine, "complete", value=0.5, facts={})
            except FencedError:
                assert not allowed
                continue
            if call == "record":
                assert allowed
                epochs[number] += 1
                holder[number] = (worker, mine.attempt)
            else:
                assert allowed or mine.attempt == attempt
                ended.add(number)
                holder.pop(number, None)
    assert [run.epoch for run in store.runs(study)] == [epochs[0], epochs[1]]
    assert {run.number for run in store.runs(study) if run.state == "complete"} == ended
    store.engine.dispose()
