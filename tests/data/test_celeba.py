"""CelebA in its own layout, and its translation on a canvas of noise."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lrlc_nas.data import load_images
from lrlc_nas.data.celeba import translate
from lrlc_nas.errors import InputError

Write = Callable[..., dict[str, np.ndarray]]


def test_the_official_parts_and_the_crop_of_the_paper(tmp_path: Path, write_celeba: Write) -> None:
    written = write_celeba(tmp_path)
    images = load_images("celeba", root=str(tmp_path))
    assert images.images.shape == (6, 3, 32, 32)
    assert images.test_images.shape == (3, 3, 32, 32)
    assert images.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert images.test_labels.tolist() == [0, 1, 0]
    assert images.classes == ("not Male", "Male")
    faces = torch.cat([images.images, images.test_images])
    for face, whole in zip(faces, written.values(), strict=True):
        crop = Image.fromarray(whole[40:178, 20:158]).resize((32, 32), Image.Resampling.BICUBIC)
        assert np.array_equal(face.permute(1, 2, 0).numpy(), np.asarray(crop))


def test_another_attribute_and_size(tmp_path: Path, write_celeba: Write) -> None:
    write_celeba(tmp_path)
    images = load_images("celeba", root=str(tmp_path), size=16, options={"attribute": "Smiling"})
    assert images.images.shape == (6, 3, 16, 16)
    assert images.labels.tolist() == [1, 1, 1, 1, 1, 0]
    assert images.classes == ("not Smiling", "Smiling")


def test_what_celeba_rejects(tmp_path: Path, write_celeba: Write) -> None:
    write_celeba(tmp_path)
    with pytest.raises(InputError, match="no attribute 'Hat'; the attributes are Smiling, Male"):
        load_images("celeba", root=str(tmp_path), options={"attribute": "Hat"})
    with pytest.raises(InputError, match=r"images 'celeba': .*'atribute'; its options are attribute"):
        load_images("celeba", root=str(tmp_path), options={"atribute": "Male"})
    file = tmp_path / "celeba" / "img_align_celeba" / "000003.png"
    Image.new("RGB", (178, 217)).save(file)
    with pytest.raises(InputError, match=r"000003.png must have \(178, 218\) pixels .* but has \(178, 217\)"):
        load_images("celeba", root=str(tmp_path))
    file.unlink()
    with pytest.raises(InputError, match=r"000003\.png is not a readable image"):
        load_images("celeba", root=str(tmp_path))


def test_translated_faces_are_the_faces_somewhere(tmp_path: Path, write_celeba: Write) -> None:
    write_celeba(tmp_path)
    faces = load_images("celeba", root=str(tmp_path))
    moved = load_images("celeba-translated", root=str(tmp_path))
    assert moved.images.shape == (6, 3, 48, 48)
    assert torch.equal(moved.labels, faces.labels)
    assert moved.fingerprint == load_images("celeba-translated", root=str(tmp_path)).fingerprint
    places = [
        place(face, window)
        for face, window in zip(
            torch.cat([faces.images, faces.test_images]), torch.cat([moved.images, moved.test_images]), strict=True
        )
    ]
    assert len(set(places)) > 1


def test_a_face_lands_on_every_place_of_1_to_16() -> None:
    random = np.random.default_rng(0)
    face = torch.arange(32 * 32).remainder(251).to(torch.uint8).reshape(1, 32, 32)
    places = [place(face, translate(face, random)) for _ in range(400)]
    assert {row for row, _ in places} == {column for _, column in places} == set(range(1, 17))


def test_outside_of_the_face_is_uniform_noise_in_each_channel() -> None:
    random = np.random.default_rng(0)
    windows = torch.stack([translate(torch.zeros(3, 32, 32, dtype=torch.uint8), random) for _ in range(50)])
    noise = windows[:, :, 0].double()  # the first row is never part of the face
    assert noise.mean().item() == pytest.approx(127.5, abs=3)
    assert noise.std().item() == pytest.approx(256 / 12**0.5, abs=2)
    assert torch.corrcoef(noise.permute(1, 0, 2).flatten(1)).triu(1).abs().max() < 0.1


def place(face: torch.Tensor, window: torch.Tensor) -> tuple[int, int]:
    """Where the face lies in the window: row and column."""
    found = [
        (row, column)
        for row in range(17)
        for column in range(17)
        if torch.equal(window[:, row : row + 32, column : column + 32], face)
    ]
    assert len(found) == 1
    return found[0]
