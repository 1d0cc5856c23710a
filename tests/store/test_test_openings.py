from toy_store import WAITING, add_study, make_store

from lrlc_nas.store import add_test_opening, record_results, times_opened
from lrlc_nas.store import test_openings as openings


def test_an_opening_is_on_record_before_it_has_found_anything(store, study):
    look = add_test_opening(store, study, {"claims": ["conv3: lc"]})
    assert openings(store, study) == [look]
    assert look.results is None
    record_results(store, look, {"conv3: lc": [0.5, 0.25]})
    (again,) = openings(store, study)
    assert again.results == {"conv3: lc": [0.5, 0.25]}
    assert (again.opened, again.subject) == (look.opened, {"claims": ["conv3: lc"]})


def test_every_opening_counts_and_belongs_to_its_study(tmp_path):
    store = make_store(tmp_path)
    first, second = add_study(store, [WAITING]), add_study(store, [WAITING], name="other")
    opened = [add_test_opening(store, first, {"number": number}) for number in range(3)]
    assert openings(store, first) == opened
    assert openings(store, second) == []
    store.engine.dispose()


def test_openings_are_counted_by_the_images_over_all_studies(tmp_path):
    store = make_store(tmp_path)
    same = [add_study(store, [WAITING], name=name, facts={"split_digest": "ab"}) for name in ("first", "second")]
    other = add_study(store, [WAITING], name="other", facts={"split_digest": "cd"})
    untold = [add_study(store, [WAITING], name=name) for name in ("third", "fourth")]
    for study in (same[0], same[1], same[1], other, untold[0]):
        add_test_opening(store, study, {})
    assert [times_opened(store, study) for study in (*same, other, *untold)] == [3, 3, 1, 1, 0]
    store.engine.dispose()
