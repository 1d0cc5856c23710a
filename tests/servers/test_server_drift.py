"""A study on a server does not go on with other images, and nothing is written there when it refuses."""

import pytest

from lrlc_nas.engine import resume_study, start_study
from lrlc_nas.errors import InputError
from lrlc_nas.store import claim, this_process
from tests.reliability import toy


def test_it_is_refused_and_creates_nothing(store, monkeypatch):
    start_study(store, toy.toy_config(4, 1))
    study = store.study(toy.NAME)
    before = (study, store.runs(study))
    images = toy.images

    def another_pixel():
        pixels, labels = images()
        pixels[0, 0, 0, 0] += 1
        return pixels, labels

    monkeypatch.setattr(toy, "images", another_pixel)
    with pytest.raises(InputError, match=r"study 'toy' cannot be resumed: the data differ from what it recorded"):
        resume_study(store, toy.NAME, 6)
    assert (store.study(toy.NAME), store.runs(study)) == before
    monkeypatch.setattr(toy, "images", images)
    assert resume_study(store, toy.NAME, 6).record.trials == 6
    assert claim(store, store.study(toy.NAME), this_process(), 60.0) is not None
