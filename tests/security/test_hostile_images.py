"""Images of a stranger: what is none, too large or endless is named and refused; nothing is unpacked or run."""

import os
import pickle
import struct
import tarfile
import warnings
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image
from poison import assert_refused, call

from tests.reliability.poison import Bomb

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 12 12\n%%EndComments\n(touch exploded) show\n%%EOF\n"


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good folder of images, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for label in ("cat", "dog"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for number in range(8):
            Image.new("L", (12, 12), number).save(tmp_path / "images" / label / f"{number}.png")
    return tmp_path / "images"


def asked(path: Path | str) -> tuple[str, ...]:
    return ("sites", "--set", f"data.name=imagefolder:{path}", "--set", "recipe.batch_size=4")


def test_the_good_folder_is_good(images: Path) -> None:
    assert call(*asked(images)).code == 0


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_no_archive_is_unpacked(images: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"images.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("../slipped.png", b"x")
            archive.write(images / "cat/0.png", "cat/0.png")
    else:
        with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w") as archive:
            archive.add(images / "cat/0.png", "../slipped.png")
    before = set(tmp_path.rglob("*")), set(tmp_path.parent.iterdir())
    assert_refused(call(*asked(path)), f"{path} is not a folder")
    assert (set(tmp_path.rglob("*")), set(tmp_path.parent.iterdir())) == before


def png(width: int, height: int) -> bytes:
    """A small PNG file that says it is large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


BAD = {
    "bomb": png(50_000, 50_000),
    "half-a-bomb": png(10_000, 10_000),  # Pillow by itself only warns
    "truncated": png(64, 64)[:60],
    "short-of-pixels": png(64, 64),
    "empty": b"",
    "text": b"these are no pixels",
    "postscript": EPS,
    "gif": b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
    "pickle": pickle.dumps(Bomb(Path("exploded"))),
    "markup": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "no-png-after-all": b"\x89PNG\r\n\x1a\n" + b"\xff" * 100,
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_what_is_no_image_is_named(images: Path, content: bytes, tmp_path: Path) -> None:
    (images / "dog/bad.png").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("always")  # as a user has it
        assert_refused(call(*asked(images)), "images/dog/bad.png is not a readable image: ")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("name", ["bomb", "half-a-bomb"])
def test_a_large_image_is_refused_for_its_size(images: Path, name: str) -> None:
    """Before its pixels are read."""
    (images / "dog/bad.png").write_bytes(BAD[name])
    assert_refused(call(*asked(images)), "pixels, could be decompression bomb")


def test_postscript_never_reaches_an_interpreter(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow goes by the content of a file, and runs Ghostscript for this one."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/exploded\n")
    (tmp_path / "bin/gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    (images / "dog/bad.png").write_bytes(EPS)
    with pytest.raises(OSError, match="image file"), Image.open(images / "dog/bad.png") as image:
        image.load()
    assert (tmp_path / "exploded").exists()
    (tmp_path / "exploded").unlink()
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    assert_refused(call(*asked(images)), "bad.png is not a readable image")
    assert not (tmp_path / "exploded").exists()


def test_a_pipe_is_no_image(images: Path) -> None:
    os.mkfifo(images / "dog/bad.png")
    assert_refused(call(*asked(images)), "images/dog/bad.png is not a file")


def test_a_link_to_nothing_is_named(images: Path) -> None:
    (images / "dog/bad.png").symlink_to(images / "nothing.png")
    assert_refused(call(*asked(images)), "images/dog/bad.png is not a readable image: ")


@pytest.mark.parametrize("target", ["dog", "images", ".", "../cat/in"])
def test_links_in_a_circle_are_named(images: Path, target: str) -> None:
    if target == "../cat/in":  # two folders that lead to each other
        (images / "cat/in").mkdir()
        (images / "cat/in/out").symlink_to(images / "dog")
    place = {"dog": images / "dog", "images": images, ".": images.parent}.get(target, images / "cat/in")
    (images / "dog/loop").symlink_to(place)
    assert_refused(call(*asked(images)), "again; its images would count twice")


def test_a_link_to_images_elsewhere_is_followed(images: Path, tmp_path: Path) -> None:
    """Images often lie on another disk."""
    (images / "dog").rename(tmp_path / "dogs")
    (images / "dog").symlink_to(tmp_path / "dogs")
    assert call(*asked(images)).code == 0


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "mnist"])
def test_pickles_in_the_place_of_known_sets_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {
        "cifar10": [f"cifar-10-batches-py/{part}" for part in ("data_batch_1", "test_batch", "batches.meta")],
        "cifar100": [f"cifar-100-python/{part}" for part in ("train", "test", "meta")],
        "mnist": [f"MNIST/processed/{part}.pt" for part in ("training", "test")],
    }[name]
    for file in files:
        path = tmp_path / "data" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    assert_refused(call("sites", "--set", f"data.name={name}"), f"images '{name}': its files are missing or damaged in")
    assert not (tmp_path / "exploded").exists()
