"""Small files in the formats of the real sets."""

import hashlib
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision import datasets

from lrlc_nas.data import ImageSet

Bytes = NDArray[np.uint8]


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def pixels(seed: int, *shape: int) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)


@pytest.fixture
def write_idx() -> Callable[..., dict[str, Bytes]]:
    """Write MNIST's four files below ROOT/FOLDER/raw, of ``train`` and ``test`` images, classes in turn."""

    def write(root: Path, folder: str, train: int = 30, test: int = 20) -> dict[str, Bytes]:
        raw = root / folder / "raw"
        raw.mkdir(parents=True)
        written = {}
        for part, count in (("train", train), ("t10k", test)):
            images, labels = pixels(count, count, 28, 28), np.arange(count, dtype=np.uint8) % 10
            header = struct.pack(">IIII", 0x803, count, 28, 28)
            (raw / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
            (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labels.tobytes())
            written |= {f"{part}-images": images, f"{part}-labels": labels}
        return written

    return write


@pytest.fixture
def write_cifar(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, str], dict[str, Bytes]]:
    """Write the pickles of CIFAR-10 or CIFAR-100, and let torchvision know their sums."""

    def write(root: Path, name: str) -> dict[str, Bytes]:
        dataset = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
        classes = {"cifar10": 10, "cifar100": 100}[name]
        folder = root / dataset.base_folder
        folder.mkdir(parents=True)
        written: dict[str, list[Bytes]] = {}
        for entries in ("train_list", "test_list"):
            sums = []
            for number, (file, _) in enumerate(getattr(dataset, entries)):
                images = pixels(number, classes, 3 * 32 * 32)
                key = "labels" if name == "cifar10" else "fine_labels"
                (folder / file).write_bytes(pickle.dumps({"data": images, key: list(range(classes))}, protocol=2))
                written.setdefault(entries, []).append(images.reshape(-1, 3, 32, 32))
                sums.append([file, md5(folder / file)])
            monkeypatch.setattr(dataset, entries, sums)
        meta = folder / dataset.meta["filename"]
        meta.write_bytes(pickle.dumps({dataset.meta["key"]: [f"class {n}" for n in range(classes)]}, protocol=2))
        monkeypatch.setattr(dataset, "meta", dataset.meta | {"md5": md5(meta)})
        return {entries: np.concatenate(images) for entries, images in written.items()}

    return write


@pytest.fixture
def write_svhn(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], dict[str, Bytes]]:
    """Write SVHN's two MATLAB files (H, W, C, N), with label 10 for the digit 0."""

    def write(root: Path) -> dict[str, Bytes]:
        root.mkdir(parents=True, exist_ok=True)
        written, listed = {}, dict(datasets.SVHN.split_list)
        for part, count in (("train", 20), ("test", 10)):
            images, labels = pixels(count, 32, 32, 3, count), np.arange(count) % 10
            file = root / f"{part}_32x32.mat"
            stored = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
            scipy.io.savemat(file, {"X": images, "y": stored})
            listed[part] = [listed[part][0], file.name, md5(file)]
            written |= {part: images, f"{part}-labels": labels}
        monkeypatch.setattr(datasets.SVHN, "split_list", listed)
        return written

    return write


@pytest.fixture
def write_celeba(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Bytes]]:
    """Write CelebA's folder: images 0..3 train, 4..5 valid, 6..8 test; odd numbers have ``Male``."""

    def write(root: Path, size: tuple[int, int] = (178, 218)) -> dict[str, Bytes]:
        folder = root / "celeba"
        (folder / "img_align_celeba").mkdir(parents=True)
        names = [f"{number:06}.png" for number in range(9)]
        images = {name: pixels(number, size[1], size[0], 3) for number, name in enumerate(names)}
        for name, image in images.items():
            Image.fromarray(image).save(folder / "img_align_celeba" / name)
        partition = [0, 0, 0, 0, 1, 1, 2, 2, 2]
        lines = {
            "list_eval_partition.txt": [f"{name} {part}" for name, part in zip(names, partition, strict=True)],
            "identity_CelebA.txt": [f"{name} 1" for name in names],
            "list_bbox_celeba.txt": ["9", "image_id x y w h", *(f"{name}  0 0 1 1" for name in names)],
            "list_landmarks_align_celeba.txt": ["9", "x y ", *(f"{name}  0 0" for name in names)],
            "list_attr_celeba.txt": [
                "9",
                "Smiling Male ",
                *(f"{name} {1 if n < 5 else -1:2} {1 if n % 2 else -1:2}" for n, name in enumerate(names)),
            ],
        }
        for file, content in lines.items():
            (folder / file).write_text("\n".join(content) + "\n")
        known = [
            (key, md5(folder / file) if file in lines else total, file)
            for key, total, file in datasets.CelebA.file_list
        ]
        monkeypatch.setattr(datasets.CelebA, "file_list", known)
        return images

    return write


@pytest.fixture
def make_images() -> Callable[..., ImageSet]:
    """Make an image set of noise with the classes in turn."""

    def make(count: int = 40, classes: int = 2, channels: int = 1, test: int = 0, side: int = 4) -> ImageSet:
        images = torch.from_numpy(pixels(count, count, channels, side, side))
        labels = torch.arange(count) % classes
        names = tuple(f"class {number}" for number in range(classes))
        if not test:
            return ImageSet("noise", images, labels, None, None, names)
        test_images = torch.from_numpy(pixels(count + 1, test, channels, side, side))
        return ImageSet("noise", images, labels, test_images, torch.arange(test) % classes, names)

    return make
