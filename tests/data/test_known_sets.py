"""Sets that torchvision reads, from small files in their real formats."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from lrlc_nas.data import FORMS, load_images
from lrlc_nas.errors import InputError

Write = Callable[..., dict[str, np.ndarray]]


@pytest.mark.parametrize(
    ("name", "folder"), [("mnist", "MNIST"), ("kmnist", "KMNIST"), ("fashion-mnist", "FashionMNIST")]
)
def test_idx_files(tmp_path: Path, write_idx: Write, name: str, folder: str) -> None:
    written = write_idx(tmp_path, folder)
    images = load_images(name, root=str(tmp_path))
    assert images.name == name
    assert images.images.shape == (30, 1, 28, 28)
    assert torch.equal(images.images[:, 0], torch.from_numpy(written["train-images"]))
    assert torch.equal(images.test_images[:, 0], torch.from_numpy(written["t10k-images"]))
    assert images.labels.tolist() == list(range(10)) * 3
    assert images.test_labels.tolist() == list(range(10)) * 2
    assert len(images.classes) == 10


@pytest.mark.parametrize(("name", "classes"), [("cifar10", 10), ("cifar100", 100)])
def test_cifar_pickles(tmp_path: Path, write_cifar: Write, name: str, classes: int) -> None:
    written = write_cifar(tmp_path, name)
    images = load_images(name, root=str(tmp_path))
    assert torch.equal(images.images, torch.from_numpy(written["train_list"]))
    assert torch.equal(images.test_images, torch.from_numpy(written["test_list"]))
    assert images.images.is_contiguous()
    assert images.labels.tolist() == list(range(classes)) * (len(images.labels) // classes)
    assert images.classes == tuple(f"class {number}" for number in range(classes))


def test_svhn_files(tmp_path: Path, write_svhn: Write) -> None:
    written = write_svhn(tmp_path)
    images = load_images("svhn", root=str(tmp_path))
    for tensor, part in ((images.images, "train"), (images.test_images, "test")):
        assert torch.equal(tensor, torch.from_numpy(written[part]).permute(3, 2, 0, 1))
    assert images.labels.tolist() == list(range(10)) * 2
    assert images.classes == tuple("0123456789")


def test_a_size_is_met(tmp_path: Path, write_idx: Write) -> None:
    write_idx(tmp_path, "MNIST")
    images = load_images("mnist", root=str(tmp_path), size=32)
    assert images.images.shape[2:] == images.test_images.shape[2:] == (32, 32)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("mnist", "MNIST/raw"),
        ("kmnist", "KMNIST/raw"),
        ("fashion-mnist", "FashionMNIST/raw"),
        ("cifar10", "cifar-10-batches-py"),
        ("cifar100", "cifar-100-python"),
        ("svhn", ""),
        ("celeba", "celeba"),
        ("celeba-translated", "celeba"),
    ],
)
def test_missing_files_are_not_fetched_unasked(tmp_path: Path, name: str, folder: str) -> None:
    root = tmp_path / "absent"
    with pytest.raises(InputError) as caught:
        load_images(name, root=str(root))
    assert f"images '{name}': its files are missing or damaged in {root / folder} (" in str(caught.value)
    assert str(caught.value).endswith("; --set data.download=true fetches them")
    assert not root.exists()


def test_damaged_files_are_reported(tmp_path: Path, write_idx: Write, write_cifar: Write) -> None:
    write_idx(tmp_path, "MNIST")
    (tmp_path / "MNIST/raw/train-images-idx3-ubyte").write_bytes(b"not an IDX file")
    with pytest.raises(InputError, match=r"images 'mnist': its files are missing or damaged in .*MNIST/raw"):
        load_images("mnist", root=str(tmp_path))
    write_cifar(tmp_path, "cifar10")
    batch = tmp_path / "cifar-10-batches-py" / "test_batch"
    batch.write_bytes(batch.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"images 'cifar10': .*corrupted"):
        load_images("cifar10", root=str(tmp_path))


def test_missing_files_are_fetched_when_that_is_asked(
    tmp_path: Path, write_idx: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = []

    def fetch(dataset: datasets.MNIST) -> None:
        if not fetched:
            write_idx(Path(dataset.root), "MNIST")
        fetched.append(dataset.root)

    monkeypatch.setattr(datasets.MNIST, "download", fetch)
    assert load_images("mnist", root=str(tmp_path), download=True).images.shape == (30, 1, 28, 28)
    assert set(fetched) == {str(tmp_path)}


def test_fetching_that_fails_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(dataset: datasets.SVHN) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(datasets.SVHN, "download", fail)
    with pytest.raises(InputError, match=r"\(no route to host\); fetching them failed"):
        load_images("svhn", root=str(tmp_path), download=True)


def test_unknown_names_options_and_sizes() -> None:
    with pytest.raises(InputError, match="images 'cifar': no such set; a set is one of embedded, mnist, "):
        load_images("cifar")
    with pytest.raises(InputError, match=r"images 'embedded': .*'attribute'; its options are \(none\)"):
        load_images("embedded", options={"attribute": "Male"})
    for size in (0, -1, 32.0, True):
        with pytest.raises(InputError, match=f"size must be a whole number of at least 1, but got {size}"):
            load_images("embedded", size=size)
    assert FORMS[-2:] == ("imagefolder:PATH", "package.module:function")
