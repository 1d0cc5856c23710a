"""Image folders: layouts, colours, sizes, and what is said of broken ones."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lrlc_nas.data import ImageSet, load_images
from lrlc_nas.errors import InputError


def write(path: Path, colour: object = 0, mode: str = "RGB", size: tuple[int, int] = (4, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


def load(path: Path, **arguments: object) -> ImageSet:
    return load_images(f"imagefolder:{path}", **arguments)


def write_part(folder: Path, first: int, classes: tuple[str, ...] = ("cat", "dog")) -> None:
    for number, name in enumerate(classes):
        write(folder / name / "a.png", (first + number, 0, 0))


def test_class_folders(tmp_path: Path) -> None:
    random = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype=np.uint8)
    write(tmp_path / "dog" / "2.png", (2, 0, 0), size=(5, 3))
    write(tmp_path / "dog" / "1.PNG", (1, 0, 0), size=(5, 3))
    (tmp_path / "cat").mkdir()
    Image.fromarray(random).save(tmp_path / "cat" / "x.bmp")
    (tmp_path / "cat" / "notes.txt").write_text("not an image")
    images = load(tmp_path)
    assert images.images.shape == (3, 3, 3, 5)
    assert np.array_equal(images.images[0].permute(1, 2, 0).numpy(), random)
    assert images.images[1:, 0, 0, 0].tolist() == [1, 2]
    assert images.labels.tolist() == [0, 1, 1]
    assert images.classes == ("cat", "dog")
    assert images.test_images is None


@pytest.mark.parametrize(
    ("parts", "expected", "expected_test"),
    [
        (["train"], [10, 11], None),
        (["train", "test"], [10, 11], [20, 21]),
        (["train", "val"], [10, 11], [30, 31]),
        (["train", "test", "val"], [10, 11, 30, 31], [20, 21]),
    ],
    ids=str,
)
def test_folders_of_parts(
    tmp_path: Path, parts: list[str], expected: list[int], expected_test: list[int] | None
) -> None:
    for part in parts:
        write_part(tmp_path / part, {"train": 10, "test": 20, "val": 30}[part])
    images = load(tmp_path)
    assert images.images[:, 0, 0, 0].tolist() == expected
    got = None if images.test_images is None else images.test_images[:, 0, 0, 0].tolist()
    assert got == expected_test
    assert images.labels.tolist() == [0, 1] * (len(expected) // 2)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    write_part(tmp_path, 0, ("car", "test", "train"))
    assert load(tmp_path).classes == ("car", "test", "train")


def test_grey_stays_grey_only_if_all_images_are(tmp_path: Path) -> None:
    write(tmp_path / "a" / "1.png", 7, "L")
    write(tmp_path / "b" / "1.png", 8, "L")
    assert load(tmp_path).images.shape == (2, 1, 4, 4)
    write(tmp_path / "b" / "2.png", (9, 10, 11, 12), "RGBA")
    images = load(tmp_path).images
    assert images[:, :, 0, 0].tolist() == [[7, 7, 7], [8, 8, 8], [9, 10, 11]]


def test_a_size_brings_images_together(tmp_path: Path) -> None:
    write(tmp_path / "a" / "1.png", (1, 2, 3), size=(4, 6))
    write(tmp_path / "b" / "1.png", (4, 5, 6), size=(8, 8))
    with pytest.raises(
        InputError, match=r"images must have one size, but .*a/1.png is 6x4 and .*b/1.png is 8x8; data\.size brings"
    ):
        load(tmp_path)
    images = load(tmp_path, size=5)
    assert images.images.shape == (2, 3, 5, 5)
    assert torch.equal(images.images[0], torch.tensor([1, 2, 3], dtype=torch.uint8)[:, None, None].expand(3, 5, 5))


def test_many_files_keep_their_order(tmp_path: Path) -> None:
    for number in range(100):
        write(tmp_path / f"class{number % 2}" / f"{number:03}.png", number, "L", size=(1, 1))
    values = load(tmp_path).images.flatten().tolist()
    assert values == [*range(0, 100, 2), *range(1, 100, 2)]


def test_broken_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent is not a folder"):
        load(tmp_path / "absent")
    with pytest.raises(InputError, match=r"must hold a folder for each of at least two classes, but holds \(none\)"):
        load(tmp_path)
    write(tmp_path / "a" / "1.png")
    with pytest.raises(InputError, match=f"{tmp_path} must hold .* at least two classes, but holds a"):
        load(tmp_path)
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match=f"{tmp_path}: Found no valid file for the classes b"):
        load(tmp_path)


def test_parts_must_hold_the_same_classes(tmp_path: Path) -> None:
    write_part(tmp_path / "train", 0)
    write_part(tmp_path / "test", 0, ("cat", "horse"))
    with pytest.raises(InputError, match=r"test must hold the classes \['cat', 'dog'\], .* \['cat', 'horse'\]"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n rest", "truncated"])
def test_an_unreadable_image_is_named(tmp_path: Path, content: bytes | str) -> None:
    write_part(tmp_path, 0)
    file = tmp_path / "dog" / "broken.png"
    write(file, size=(64, 64))
    file.write_bytes(content if isinstance(content, bytes) else file.read_bytes()[:60])
    with pytest.raises(InputError, match=r"broken\.png is not a readable image: "):
        load(tmp_path)


def test_deep_images_are_not_cut_down_in_silence(tmp_path: Path) -> None:
    write_part(tmp_path, 0)
    write(tmp_path / "dog" / "deep.png", 40_000, "I;16")
    with pytest.raises(InputError, match=r"deep\.png has mode I;16; images must have 8 bits in each channel"):
        load(tmp_path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_stands_as_its_camera_was_held(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((16, 24), dtype=np.uint8)
    upright[:8, :8] = 240  # bright at the top left
    upright[8:, :8] = 120
    # What each orientation does to get from the stored pixels to the upright ones, undone.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / label / "1.jpg", exif=exif, quality=95)
    images = load(tmp_path).images
    assert images.shape == (2, 1, 16, 24)
    assert (images[0, 0].int() - torch.from_numpy(upright).int()).abs().max() < 10


def test_an_image_with_a_damaged_note_on_its_orientation_is_read_as_it_lies(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        Image.new("L", (8, 16), 9).save(tmp_path / label / "1.jpg", exif=b"Exif\0\0no header of a TIFF")
    assert load(tmp_path).images.shape == (2, 1, 16, 8)
