"""Hosts by name: what is built, what can be chosen, and what is said when it cannot be."""

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from lrlc_nas.errors import InputError
from lrlc_nas.networks.hosts import build_host
from lrlc_nas.references import call_with_options, import_function, is_reference


def build(name: str, channels: int = 3, classes: int = 10, size: tuple[int, int] = (32, 32), **options: object):
    return build_host(name, channels=channels, classes=classes, size=size, options=options)


def convolutions(host: nn.Module) -> dict[str, nn.Conv2d]:
    return {name: module for name, module in host.named_modules() if isinstance(module, nn.Conv2d)}


def parameters(host: nn.Module) -> int:
    return sum(parameter.numel() for parameter in host.parameters())


# The network of the paper


@pytest.mark.parametrize(
    ("channels", "classes", "expected"), [(3, 10, 76_490), (1, 10, 75_338), (3, 2, 75_970)], ids=str
)
def test_paper_cnn_has_the_parameters_of_the_reference(channels: int, classes: int, expected: int) -> None:
    assert parameters(build("paper-cnn", channels=channels, classes=classes)) == expected


def test_paper_cnn_has_readable_sites_and_the_reference_map_sizes() -> None:
    host = build("paper-cnn", size=(32, 32))
    assert list(convolutions(host)) == ["conv1", "conv2", "conv3"]
    sizes = []
    for conv in convolutions(host).values():
        conv.register_forward_hook(lambda _, __, output: sizes.append(tuple(output.shape[2:])))
    host(torch.zeros(2, 3, 32, 32))
    assert sizes == [(30, 30), (28, 28), (26, 26)]


def test_paper_cnn_starts_he_uniform_without_biases_under_batch_norm() -> None:
    host = build("paper-cnn", channels=64)
    for conv in convolutions(host).values():
        bound = math.sqrt(6 / (9 * conv.in_channels))
        assert conv.bias is None
        assert 0.95 * bound < conv.weight.abs().max() <= bound
        assert conv.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert all(norm.eps == 1e-5 for norm in host.modules() if isinstance(norm, nn.BatchNorm2d))
    assert not host.get_submodule("logits").bias.any()


def test_paper_cnn_options() -> None:
    host = build("paper-cnn", channels=1, strides=[2, 1], padding=1, kernel_size=5)
    first, second = convolutions(host).values()
    assert (first.in_channels, first.kernel_size, first.stride, first.padding) == (1, (5, 5), (2, 2), (1, 1))
    assert (second.in_channels, second.out_channels, second.stride) == (64, 64, (1, 1))
    options = {"channels": [8, 16], "strides": [1, 1], "padding": "same"}
    host = build_host("paper-cnn", channels=1, classes=4, size=(2, 1), options=options)
    assert [conv.out_channels for conv in convolutions(host).values()] == [8, 16]
    assert nn.Sequential(*convolutions(host).values())(torch.zeros(1, 1, 2, 1)).shape == (1, 16, 2, 1)


@pytest.mark.parametrize(
    ("rank", "widths"), [(1, (64, 64, 64)), (2, (66, 96, 128)), (3, (69, 128, 192)), (8, (84, 288, 512))]
)
def test_paper_cnn_says_how_the_paper_widens_its_convolutions(rank: int, widths: tuple[int, ...]) -> None:
    host = build("paper-cnn")
    assert [host.widening(f"conv{layer}", rank)[0] for layer in (1, 2, 3)] == list(widths)


def test_paper_cnn_names_what_reads_a_convolution() -> None:
    options = {"channels": [4, 6], "strides": [1, 1]}
    host = build_host("paper-cnn", channels=3, classes=10, size=(8, 8), options=options)
    assert host.widening("conv1", 2)[1] == ("bn1", "relu1", "conv2")
    assert host.widening("conv2", 2)[1] == ("bn2", "relu2", "pool", "flatten", "logits")
    assert host.widening("logits", 2) is host.widening("conv9", 2) is None


def test_a_host_is_a_function_of_the_global_seed() -> None:
    def weights(seed: int, name: str) -> torch.Tensor:
        torch.manual_seed(seed)
        return nn.utils.parameters_to_vector(build(name, channels=1).parameters())

    for name in ("paper-cnn", "torchvision:mobilenet_v3_small"):
        assert torch.equal(weights(3, name), weights(3, name))
        assert not torch.equal(weights(3, name), weights(4, name))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 3}, "'depth'; its options are channels, strides, padding, kernel_size"),
        ({"classes": 3}, "'classes'"),
        ({"strides": []}, r"strides must be whole numbers of at least 1, but got \[\]"),
        ({"strides": 2}, "strides must be whole numbers of at least 1, but got 2"),
        ({"channels": 0}, r"channels must be whole numbers of at least 1, but got \[0, 0, 0\]"),
        ({"channels": "64"}, "channels must be whole numbers of at least 1, but got '64'"),
        ({"channels": [8, True, 8]}, "channels must be whole numbers of at least 1"),
        ({"channels": [8, 8]}, "channels has 2 entries and strides 3"),
        ({"kernel_size": 3.0}, r"kernel_size must be whole numbers of at least 1, but got \[3.0\]"),
        ({"padding": -1}, "padding must be 'valid', 'same' or a whole number of at least 0, but got -1"),
        ({"padding": "full"}, "but got 'full'"),
        ({"padding": "same", "strides": [1, 2]}, r"padding 'same' needs stride 1 .* \[1, 2\]"),
        (
            {"strides": [2, 2, 2, 2, 2]},
            "layer 5 would shrink its map of 1x1 to nothing .*kernel_size 3, padding 'valid'",
        ),
    ],
    ids=str,
)
def test_paper_cnn_rejects(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=f"host 'paper-cnn': .*{message}"):
        build_host("paper-cnn", channels=1, classes=10, size=(32, 32), options=options)


def test_a_map_of_one_pixel_is_still_a_map() -> None:
    build("paper-cnn", channels=1, size=(7, 7))
    with pytest.raises(InputError, match="layer 3 would shrink its map of 2x3 to nothing"):
        build("paper-cnn", channels=1, size=(6, 7))


# Torchvision's models


@pytest.mark.parametrize(
    ("model", "site", "original"),
    [
        ("resnet18", "conv1", ((7, 7), (2, 2))),
        ("densenet121", "features.conv0", ((7, 7), (2, 2))),
        ("mobilenet_v2", "features.0.0", ((3, 3), (2, 2))),
        ("mobilenet_v3_small", "features.0.0", ((3, 3), (2, 2))),
        ("efficientnet_b0", "features.0.0", ((3, 3), (2, 2))),
    ],
)
def test_small_stem_keeps_the_size_of_small_images(model: str, site: str, original: tuple[object, object]) -> None:
    host = build(f"torchvision:{model}", channels=1, size=(32, 32))
    first_site, first = next(iter(convolutions(host).items()))
    assert first_site == site
    assert (first.in_channels, first.kernel_size, first.stride, first.padding) == (1, (3, 3), (1, 1), (1, 1))
    assert not any(isinstance(module, nn.MaxPool2d) for module in host.modules())
    host = build(f"torchvision:{model}", size=(32, 32), stem="original")
    first = next(iter(convolutions(host).values()))
    assert (first.in_channels, first.kernel_size, first.stride) == (3, *original)


def test_images_of_64_pixels_meet_the_original_stem_unless_the_small_one_is_asked_for() -> None:
    def kernel(size: int, **options: object) -> tuple[int, ...]:
        return next(
            iter(convolutions(build("torchvision:resnet18", size=(size, size), **options)).values())
        ).kernel_size

    assert kernel(63) == (3, 3)
    assert kernel(64) == (7, 7)
    assert kernel(64, stem="small") == (3, 3)


@pytest.mark.parametrize("model", ["googlenet", "squeezenet1_1", "shufflenet_v2_x0_5", "regnet_y_400mf"])
def test_other_models_take_grey_images_with_their_own_stem(model: str) -> None:
    grey, rgb = (build(f"torchvision:{model}", channels=channels, size=(64, 64)) for channels in (1, 3))
    first, other = (next(iter(convolutions(host).values())) for host in (grey, rgb))
    assert first.in_channels == 1
    for name in ("out_channels", "kernel_size", "stride", "padding"):
        assert getattr(first, name) == getattr(other, name)
    assert (first.bias is None) == (other.bias is None)
    assert grey.train()(torch.zeros(2, 1, 64, 64)).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("torchvision:resnet19", {}, "no classification model 'resnet19'; close to it are .*resnet18"),
        ("torchvision:zzz", {}, "no classification model 'zzz'; the models are alexnet, "),
        ("torchvision:fcn_resnet50", {}, "no classification model 'fcn_resnet50'"),
        ("torchvision:resnet18", {"stem": "tiny"}, "stem must be 'small' or 'original', but got 'tiny'"),
        ("torchvision:resnet18", {"pretrained": True}, "'pretrained'; its options are stem"),
        ("torchvision:squeezenet1_1", {"stem": "small"}, "no small stem for this model, only for ResNet, DenseNet"),
        ("torchvision:alexnet", {}, r"cannot take images of shape \(2, 3, 32, 32\): RuntimeError"),
    ],
)
def test_torchvision_rejects(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=f"host '{name}': .*{message}"):
        build(name, **options)


# The user's own


@pytest.fixture
def user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module in the current directory, importable only because that directory is current."""
    name = "hosts_of_a_user"
    (tmp_path / f"{name}.py").write_text(
        "from torch import nn\n"
        "number = 3\n"
        "def linear(channels, classes, size, hidden=4):\n"
        "    inputs = channels * size[0] * size[1]\n"
        "    layers = nn.Linear(inputs, hidden), nn.Linear(hidden, classes)\n"
        "    return nn.Sequential(nn.Flatten(), *layers).eval()\n"
        "def maps(channels, classes, size): return nn.Conv2d(channels, classes, 1)\n"
        "def listed(channels, classes, size): return nn.LSTM(size[1], classes)\n"
        "def weights(channels, classes, size): return {}\n"
        "def broken(channels, classes, size): return 1 / 0\n"
        "def narrow(classes): return nn.Identity()\n"
    )
    (tmp_path / "broken_module.py").write_text("import a_module_that_does_not_exist\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    yield name
    sys.modules.pop(name, None)


def test_the_users_host_is_called_with_what_the_images_are(user_module: str) -> None:
    host = build(f"{user_module}:linear", channels=2, classes=5, size=(3, 4), hidden=7)
    assert [tuple(layer.weight.shape) for layer in host.children() if isinstance(layer, nn.Linear)] == [(7, 24), (5, 7)]
    assert host.training


@pytest.mark.parametrize(
    ("reference", "options", "message"),
    [
        ("{}:missing", {}, "'{}:missing' is not a function: module '{}' has no such name"),
        ("{}:number", {}, "'{}:number' is not a function: its module has a int there"),
        ("no_such_module:f", {}, "cannot import 'no_such_module': ModuleNotFoundError"),
        ("broken_module:f", {}, "cannot import 'broken_module': .*a_module_that_does_not_exist"),
        ("{}:weights", {}, "must return a torch.nn.Module, but returned dict"),
        ("{}:broken", {}, "the function failed: ZeroDivisionError: division by zero"),
        ("{}:narrow", {}, "'channels'; it is given channels, classes, size; its options are"),
        ("{}:linear", {"width": 3}, "'width'; it is given channels, classes, size; its options are hidden"),
        ("{}:linear", {"size": 3}, "option 'size' cannot be chosen: it follows from the images"),
        ("{}:maps", {}, r"shape \(2, 3, 32, 32\) must give logits of shape \(2, 10\), but gave \(2, 10, 32, 32\)"),
        ("{}:listed", {}, r"cannot take images of shape \(2, 3, 32, 32\)"),
    ],
)
def test_the_users_host_rejects(user_module: str, reference: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message.replace("{}", user_module)):
        build_host(reference.replace("{}", user_module), channels=3, classes=10, size=(32, 32), options=options)


def test_an_unknown_name_is_answered_with_the_forms() -> None:
    for name in ("resnet18", "paper", "a:b:c", ":f", "1a:f", "torchvision"):
        with pytest.raises(InputError, match="no such host; a host is one of paper-cnn, torchvision:NAME, package"):
            build(name)


def test_references() -> None:
    assert all(is_reference(text) for text in ("a:b", "a.b_c.d1:_f"))
    assert not any(is_reference(text) for text in ("torchvision:resnet18", "imagefolder:images"))
    assert not any(
        is_reference(text)
        for text in (
            "a",
            "a:",
            ":a",
            "a.:b",
            ".a:b",
            "a:b.c",
            "a b:c",
            "a:b\n",
            "torchvision:resnet18",
            "imagefolder:a",
        )
    )


def test_importing_makes_the_current_directory_importable_once(user_module: str) -> None:
    import_function(f"{user_module}:linear")
    import_function(f"{user_module}:maps")
    assert sys.path.count(str(Path.cwd())) == 1


def test_options_are_the_parameters_that_remain() -> None:
    def function(first: int, *, second: int, third: int = 3) -> tuple[int, int, int]:
        return (first, second, third)

    assert call_with_options(function, {"third": 5}, 1, second=2) == (1, 2, 5)
    with pytest.raises(InputError, match=r"missing a required .*'second'; its options are second, third"):
        call_with_options(function, {}, 1)
