"""The images that ship with the package."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from making_embedded import make_embedded

from lrlc_nas.data import load_images
from lrlc_nas.data.embedded.subset import FILE


def test_the_file_is_the_one_that_was_made() -> None:
    assert FILE.stat().st_size < 6_000_000
    digest = hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert digest == "6a4241cb01d2c0fd5cad3acaa931af66b1cc94a98cd6014d62dfebc8c81a0d32"


def test_it_is_a_balanced_set() -> None:
    images = load_images("embedded")
    assert images.images.shape == (8000, 1, 28, 28)
    assert images.test_images.shape == (2000, 1, 28, 28)
    assert torch.bincount(images.labels).tolist() == [800] * 10
    assert torch.bincount(images.test_labels).tolist() == [200] * 10
    assert images.classes[0] == "T-shirt/top"
    assert images.fingerprint == "64648899a365e56c36c15d38392c9fc130fe06e7456a131c3631422c680b9c50"


def test_it_needs_no_files_of_the_user(tmp_path: Path) -> None:
    assert load_images("embedded", root=str(tmp_path / "absent"), size=14).images.shape == (8000, 1, 14, 14)


def test_places_in_the_full_set_are_stored() -> None:
    with np.load(FILE, allow_pickle=False) as arrays:
        for key, full in (("indices", 60_000), ("test_indices", 10_000)):
            places = arrays[key]
            assert (np.diff(places) > 0).all()
            assert places[0] >= 0
            assert places[-1] < full


def test_the_licence_lies_beside_it() -> None:
    text = FILE.with_name("LICENSE").read_text(encoding="utf-8")
    assert "The MIT License (MIT) Copyright © 2017 Zalando SE, https://tech.zalando.com" in text
    assert "The above copyright notice and this permission notice shall be included" in text


def test_making_it_chooses_evenly_and_repeatably(
    tmp_path: Path, write_idx: Callable[..., dict[str, np.ndarray]]
) -> None:
    full = write_idx(tmp_path, "FashionMNIST", train=200, test=50)
    files = [tmp_path / f"{name}.npz" for name in ("one", "two", "other")]
    for file, seed in zip(files, (0, 0, 1), strict=True):
        make_embedded(str(tmp_path), file, train=40, test=20, seed=seed)
    assert files[0].read_bytes() == files[1].read_bytes() != files[2].read_bytes()
    with np.load(files[0], allow_pickle=False) as arrays:
        for prefix, part, each in (("", "train", 4), ("test_", "t10k", 2)):
            places = arrays[f"{prefix}indices"]
            assert np.bincount(arrays[f"{prefix}labels"]).tolist() == [each] * 10
            assert np.array_equal(arrays[f"{prefix}images"], full[f"{part}-images"][places])
            assert np.array_equal(arrays[f"{prefix}labels"], full[f"{part}-labels"][places])
