"""Everything that needs Triton's interpreter, as a program: it is run under ``TRITON_INTERPRET=1``."""

import copy
import json
import sys
from contextlib import nullcontext
from unittest import mock

import torch
from triton_cases import CASES, case

from lrlc_nas.layers import LowRankLocallyConnected2d
from lrlc_nas.layers import triton as kernels
from lrlc_nas.layers.functional import apply_kernels, mix_banks


def interpret(names):
    torch.manual_seed(0)
    return {
        "cases": {name: compared(CASES[name]) for name in names},
        **partial_gradients(),
        "second derivative": second_derivative(),
        "written into": {"contiguous": written_into("plain"), "channels last": written_into("channels last")},
        "layers": {
            "float32": through_a_layer(nullcontext()),
            "autocast": through_a_layer(torch.autocast("cpu", torch.bfloat16)),
        },
        "supported": supported(),
    }


def compared(one):
    from lrlc_nas.layers.triton import launch

    launch._PROGRAMS = one.programs
    tensors, geometry = one.tensors(), one.geometry
    y = kernels.mixed(*tensors, geometry)
    direction = torch.randn_like(y)
    got = (y, *torch.autograd.grad(y, tensors, direction))
    exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
    reference = apply_kernels(exact[0], mix_banks(*exact[1:]), geometry)
    expected = (reference, *torch.autograd.grad(reference, exact, direction.double()))
    names = ("output", "x", "banks", "combining")
    return {
        "errors": dict(zip(names, map(relative_error, got, expected), strict=True)),
        "dtypes": [str(tensor.dtype) for tensor in got],
        "output is channels last": is_channels_last(y),
        "grad of x is channels last": is_channels_last(got[1]),
    }


def relative_error(got, expected):
    assert got.shape == expected.shape
    if not expected.numel():
        return 0.0
    error = (got.double() - expected).abs().max()
    return (error / expected.abs().max().clamp(min=1e-30)).item()


def is_channels_last(maps):
    return not maps.is_contiguous() and maps.is_contiguous(memory_format=torch.channels_last)


def partial_gradients():
    """Which gradients are computed when only some are needed, and whether they are the same."""
    from lrlc_nas.layers.triton import launch

    one, called = CASES["more banks than positions"], []
    tensors = dict(zip(("x", "banks", "combining"), one.tensors(), strict=True))
    y = kernels.mixed(*tensors.values(), one.geometry)
    whole = dict(zip(tensors, torch.autograd.grad(y.sum(), tensors.values()), strict=True))
    input_grad, parameter_grads = launch.input_grad, launch.parameter_grads

    def noted_input_grad(*args):
        called.append("input")
        return input_grad(*args)

    def noted_parameter_grads(*args, for_banks, for_combining):
        called.append(" and ".join(["banks"] * for_banks + ["combining"] * for_combining))
        return parameter_grads(*args, for_banks=for_banks, for_combining=for_combining)

    launch.input_grad, launch.parameter_grads = noted_input_grad, noted_parameter_grads
    launches, equal = {}, {}
    for needed in (["x"], ["banks"], ["combining"], ["banks", "combining"], ["x", "combining"]):
        for name, tensor in tensors.items():
            tensor.requires_grad_(name in needed)
        called.clear()
        y = kernels.mixed(*tensors.values(), one.geometry)
        part = torch.autograd.grad(y.sum(), [tensors[name] for name in needed])
        launches[", ".join(needed)] = list(called)
        equal[", ".join(needed)] = all(map(torch.equal, part, (whole[name] for name in needed)))
    launch.input_grad, launch.parameter_grads = input_grad, parameter_grads
    return {"launches": launches, "equal parts": equal}


def second_derivative():
    one = CASES["more banks than positions"]
    tensors = one.tensors()
    y = kernels.mixed(*tensors, one.geometry)
    (first,) = torch.autograd.grad(y.square().sum(), tensors[:1], create_graph=True)
    got = torch.autograd.grad(first.square().sum(), tensors)
    reference = apply_kernels(tensors[0], mix_banks(*tensors[1:]), one.geometry)
    (first,) = torch.autograd.grad(reference.square().sum(), tensors[:1], create_graph=True)
    return max(map(relative_error, got, torch.autograd.grad(first.square().sum(), tensors)))


def written_into(name):
    tensors, geometry = CASES[name].tensors(), CASES[name].geometry
    results = []
    for activate in (torch.relu_, torch.relu):
        y = activate(kernels.mixed(*tensors, geometry))
        results.append((y, *torch.autograd.grad(y.square().sum(), tensors)))
    return all(map(torch.equal, *results))


def through_a_layer(precision):
    """A layer against its other path in double precision, and how often the kernels computed it."""
    layer = LowRankLocallyConnected2d(3, 4, (2, 3), (3, 4), 2, padding=(0, 1), computation="kernel")
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
    exact = copy.deepcopy(layer).double()
    exact.computation = "bank"
    x = torch.randn(2, 3, 3, 4, requires_grad=True)
    with mock.patch.object(kernels, "mixed", wraps=kernels.mixed) as watched, precision:
        y = layer(x)
    got = (y, *torch.autograd.grad(y.double().square().sum(), [x, *layer.parameters()]))
    x = x.detach().double().requires_grad_()
    reference = exact(x)
    expected = (reference, *torch.autograd.grad(reference.square().sum(), [x, *exact.parameters()]))
    names = ("output", "input", *dict(layer.named_parameters()))
    return {
        "dtype": str(y.dtype),
        "computed by the kernels": watched.call_count,
        "errors": dict(zip(names, map(relative_error, got, expected), strict=True)),
    }


def supported():
    def answer(one, move=lambda x: x):
        x, *others = one.tensors()
        return kernels.supports(move(x), *others, one.geometry)

    plain = {"channels": (2, 3), "kernel_size": (1, 1), "input_size": (1, 2)}
    return {
        "float32": answer(case(**plain)),
        "float16": answer(case(**plain, dtypes=("float16",) * 3)),
        "bfloat16 and float32": answer(case(**plain, dtypes=("bfloat16", "float32", "float32"))),
        "float64": answer(case(**plain, dtypes=("float64",) * 3)),
        "highest rank": answer(case(**plain, rank=kernels.MAX_RANK)),
        "higher rank": answer(case(**plain, rank=kernels.MAX_RANK + 1)),
        "large groups": answer(case(**plain | {"channels": (32, 48)}, groups=2)),
        "small groups": answer(case(**plain | {"channels": (32, 24)}, groups=2)),
        "on another device": answer(case(**plain), move=lambda x: x.to("meta")),
    }


if __name__ == "__main__":
    print(json.dumps(interpret(sys.argv[1:])))
