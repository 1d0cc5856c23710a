from toy_store import WAITING, add_study, make_store

from lrlc_nas.store import KernelChoices


def test_the_first_choice_stands_for_every_worker_and_every_later_process(store, study):
    one, other = KernelChoices(store, study), KernelChoices(store, study)
    assert one.setdefault("cpu; rank=2", "kernel") == "kernel"
    assert other.get("cpu; rank=2") is None  # it has measured by itself meanwhile, and found otherwise
    assert other.setdefault("cpu; rank=2", "bank") == "kernel"
    assert other.get("cpu; rank=2") == "kernel"
    assert KernelChoices(store, study).get("cpu; rank=2") == "kernel"
    assert KernelChoices(store, study).all() == {"cpu; rank=2": "kernel"}


def test_studies_choose_for_themselves(tmp_path):
    store = make_store(tmp_path)
    first, second = add_study(store, [WAITING]), add_study(store, [WAITING], name="other")
    KernelChoices(store, first).setdefault("here", "bank")
    assert KernelChoices(store, second).setdefault("here", "kernel") == "kernel"
    assert KernelChoices(store, first).get("here") == "bank"
    store.engine.dispose()


def test_situations_longer_than_an_index_takes_are_told_apart(store, study):
    paths, long = KernelChoices(store, study), "x" * 5000
    assert paths.setdefault(long + "a", "bank") == "bank"
    assert paths.setdefault(long + "b", "kernel") == "kernel"
