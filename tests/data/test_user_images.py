"""Images from a function of the user's."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lrlc_nas.data import load_images
from lrlc_nas.errors import InputError

MODULE = "images_of_a_user"
SOURCE = """
import numpy as np
import torch
from lrlc_nas.data import ImageSet

def some(n): return torch.full((n, 1, 4, 4), n, dtype=torch.uint8)
def pair(count=6): return some(count), torch.arange(count) % 3
def arrays(): return np.zeros((4, 3, 5, 5), np.uint8), np.array([0, 1, 0, 1], np.int32)
def parts(): return [some(6), torch.arange(6) % 3, some(2), [0, 2]]
def whole(): return ImageSet("mine", some(2), torch.arange(2), None, None, ("a", "b"))
def gap(): return some(2), torch.tensor([0, 2])
def floats(): return some(2), torch.tensor([0.0, 1.0])
def dark(): return torch.zeros(2, 1, 4, 4), torch.arange(2)
def three(): return some(2), torch.arange(2), some(2)
def nothing(): return None
def words(): return some(2), ["a", "b"]
def no_labels(): return some(2), torch.zeros(0, dtype=torch.int64)
def broken(): raise KeyError("lost")
"""


@pytest.fixture(autouse=True)
def user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / f"{MODULE}.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop(MODULE, None)


def test_images_and_labels() -> None:
    images = load_images(f"{MODULE}:pair", options={"count": 9})
    assert images.images.shape == (9, 1, 4, 4)
    assert images.labels.tolist() == [0, 1, 2] * 3
    assert images.classes == ("0", "1", "2")
    assert images.test_images is None
    assert images.name == f"{MODULE}:pair"


def test_arrays_and_test_parts() -> None:
    arrays = load_images(f"{MODULE}:arrays")
    assert (arrays.images.dtype, arrays.labels.dtype) == (torch.uint8, torch.int64)
    parts = load_images(f"{MODULE}:parts", size=8)
    assert parts.test_images is not None
    assert parts.test_images.shape == (2, 1, 8, 8)
    assert parts.test_labels.tolist() == [0, 2]


def test_a_whole_set_is_taken_as_it_is() -> None:
    images = load_images(f"{MODULE}:whole")
    assert (images.name, images.classes) == ("mine", ("a", "b"))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("gap", r"none of class 1 \(1\)"),
        ("floats", "labels must be whole numbers, but got torch.float32"),
        ("dark", "images must be uint8 .* but got torch.float32"),
        ("three", "must return an ImageSet, .* but returned a tuple of 3"),
        ("nothing", "must return an ImageSet, .* but returned a NoneType"),
        ("words", "images and labels must be tensors or arrays, but got a list of 2"),
        ("no_labels", "at least two classes"),
        ("broken", "the function failed: KeyError: 'lost'"),
        ("missing", f"'{MODULE}:missing' is not a function"),
    ],
)
def test_what_is_rejected(function: str, message: str) -> None:
    with pytest.raises(InputError, match=f"images '{MODULE}:{function}': .*{message}"):
        load_images(f"{MODULE}:{function}")


def test_unknown_options_are_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="'number'; its options are count"):
        load_images(f"{MODULE}:pair", options={"number": 3})
    with pytest.raises(InputError, match="'request'; its options are count"):
        load_images(f"{MODULE}:pair", options={"request": 3})
