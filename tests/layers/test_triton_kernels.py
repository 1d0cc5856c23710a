"""The Triton kernels: run in Triton's interpreter on the CPU, and compiled for GPUs that need not be there.

The interpreter is chosen once for a process, when Triton is imported. So this file is also a program: its tests
run it in processes of their own, ``interpret`` under ``TRITON_INTERPRET=1`` and ``compile`` without, and look at the
numbers that it writes. No GPU takes part in any of it.
"""

import copy
import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass, field
from unittest import mock

import pytest
import torch

from lrlc_nas.layers import LowRankLocallyConnected2d
from lrlc_nas.layers import triton as kernels
from lrlc_nas.layers.functional import apply_kernels, mix_banks
from lrlc_nas.layers.geometry import Geometry


@dataclass(frozen=True)
class Case:
    """One problem, as small as it can be: the interpreter needs milliseconds for each operation."""

    channels: tuple[int, int]
    kernel_size: tuple[int, int]
    input_size: tuple[int, int]
    rank: int = 2
    batch: int = 2
    dtypes: tuple[str, str, str] = ("float32", "float32", "float32")  # of x, banks and combining weights
    channels_last: bool = False
    programs: int = 1024  # how many are aimed at for the gradients of the parameters
    options: dict = field(default_factory=dict)

    @property
    def geometry(self):
        return Geometry.of(*self.channels, self.kernel_size, self.input_size, **self.options)

    def tensors(self):
        shapes = (
            (self.batch, self.channels[0], *self.input_size),
            (self.rank, *self.geometry.kernel_shape),
            (*self.geometry.output_size, self.rank),
        )
        tensors = [torch.randn(shape).to(getattr(torch, name)) for shape, name in zip(shapes, self.dtypes, strict=True)]
        if self.channels_last:
            tensors[0] = tensors[0].contiguous(memory_format=torch.channels_last)
        return [tensor.requires_grad_() for tensor in tensors]


def case(channels, kernel_size, input_size, *, rank=2, batch=2, **rest):
    own = {name: rest.pop(name) for name in ("dtypes", "channels_last", "programs") if name in rest}
    return Case(channels, kernel_size, input_size, rank, batch, **own, options=rest)


HALF = ("bfloat16", "bfloat16", "float32")

CASES = {
    "plain": case((2, 3), (2, 2), (2, 3)),
    "same": case((2, 3), (3, 3), (1, 3), padding="same", rank=3),
    "even same": case((2, 3), (2, 4), (1, 3), padding="same"),
    "stride": case((2, 3), (3, 2), (4, 3), stride=(2, 3), padding=(1, 2)),
    "stride and dilation": case((2, 2), (2, 3), (5, 4), stride=(2, 4), dilation=(2, 2), padding=(1, 3)),
    "dilation": case((2, 3), (2, 2), (3, 4), dilation=(2, 3), padding=(1, 0)),
    "groups": case((4, 6), (1, 2), (2, 3), groups=2, stride=(1, 2), padding=(0, 1)),
    "reflect": case((2, 3), (2, 2), (2, 2), padding=(1, 0), padding_mode="reflect"),
    "replicate": case((2, 3), (2, 2), (2, 2), padding=(1, 0), padding_mode="replicate"),
    "circular": case((2, 3), (2, 2), (2, 2), padding=(0, 1), padding_mode="circular"),
    "one bank": case((3, 2), (2, 2), (2, 3), rank=1),
    "more banks than positions": case((1, 1), (1, 2), (2, 3), rank=5),
    "several blocks": case((17, 33), (1, 1), (1, 2), rank=3, batch=17),
    "several blocks and groups": case((34, 38), (1, 2), (1, 2), groups=2, batch=33),
    "runs of positions": case((2, 3), (1, 2), (3, 4), programs=8),
    "channels last": case((3, 5), (2, 2), (3, 2), channels_last=True),
    "one image": case((2, 3), (2, 1), (2, 2), batch=1),
    "bfloat16": case((5, 4), (2, 2), (3, 2), rank=4, dtypes=HALF),
    "float16": case((5, 4), (2, 2), (3, 2), rank=4, dtypes=("float16", "float16", "float16")),
    "autocast": case((5, 4), (2, 2), (3, 2), dtypes=("bfloat16", "float32", "bfloat16")),
    "no image": case((2, 3), (2, 2), (3, 3), batch=0),
}

COMPILED_FOR = {
    f"sm_{architecture} {dtype} {kernel}": (architecture, dtype, kernel)
    for architecture, dtype in ((80, "bf16"), (80, "fp32"), (90, "bf16"))
    for kernel in ("output", "input_gradient", "parameter_gradient")
}

SHARED_MEMORY = {80: 163 * 1024, 90: 227 * 1024}


@pytest.fixture(scope="module")
def interpreted():
    """What the program ``interpret`` found."""
    return run_as_program("interpret", TRITON_INTERPRET="1")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """What the program ``compile`` found."""
    return run_as_program("compile", TRITON_CACHE_DIR=str(tmp_path_factory.mktemp("triton")))


def run_as_program(name, **environment):
    kept = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    result = subprocess.run(
        [sys.executable, "-W", "error", __file__, name],
        env=kept | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", CASES)
def test_in_the_interpreter_output_and_gradients_are_those_of_plain_operations(interpreted, name):
    # The reference is computed in double precision from the same numbers. In half precision the kernels of
    # positions and the output are rounded, here by the interpreter, which cuts bfloat16 off.
    tolerance = {"float32": 1e-5, "float16": 4e-3, "bfloat16": 3e-2}[CASES[name].dtypes[0]]
    found = interpreted["cases"][name]
    assert set(found["errors"]) == {"output", "x", "banks", "combining"}
    for what, error in found["errors"].items():
        assert error <= tolerance, what


@pytest.mark.parametrize("name", CASES)
def test_in_the_interpreter_dtypes_and_layouts_are_kept(interpreted, name):
    found = interpreted["cases"][name]
    assert found["dtypes"] == [f"torch.{dtype}" for dtype in (CASES[name].dtypes[0], *CASES[name].dtypes)]
    assert found["output is channels last"] is CASES[name].channels_last
    assert found["grad of x is channels last"] is CASES[name].channels_last


def test_in_the_interpreter_only_the_gradients_that_are_needed_are_computed(interpreted):
    assert interpreted["launches"] == {
        "x": ["input"],
        "banks": ["banks"],
        "combining": ["combining"],
        "banks, combining": ["banks and combining"],
        "x, combining": ["input", "combining"],
    }


def test_in_the_interpreter_a_part_of_the_gradients_equals_that_part_of_all(interpreted):
    assert interpreted["equal parts"] == dict.fromkeys(interpreted["launches"], True)


def test_in_the_interpreter_the_second_derivative_is_that_of_plain_operations(interpreted):
    assert interpreted["second derivative"] < 1e-5


def test_in_the_interpreter_what_follows_may_write_into_the_output(interpreted):
    assert interpreted["written into"] == {"contiguous": True, "channels last": True}


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("autocast", 3e-2)])
def test_in_the_interpreter_a_layer_is_computed_by_the_kernels(interpreted, precision, tolerance):
    found = interpreted["layers"][precision]
    assert found["dtype"] == {"float32": "torch.float32", "autocast": "torch.bfloat16"}[precision]
    assert found["computed by the kernels"] == 1
    assert len(found["errors"]) == 2 + 6  # output and input; banks, two weights, three biases
    for what, error in found["errors"].items():
        assert error <= tolerance, what


def test_what_is_supported_in_the_interpreter(interpreted):
    assert interpreted["supported"] == {
        "float32": True,
        "float16": True,
        "bfloat16 and float32": True,
        "float64": False,
        "highest rank": True,
        "higher rank": False,
        "large groups": True,
        "small groups": False,
        "on another device": False,
    }


def test_nothing_is_supported_on_the_cpu_without_the_interpreter(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    one = CASES["plain"]
    assert not kernels.available(torch.device("cpu"))
    assert not kernels.supports(*one.tensors(), one.geometry)


@pytest.mark.parametrize("absent", [False, True], ids=["triton installed", "triton absent"])
def test_importing_the_layers_does_not_import_triton(absent):
    program = (
        "import sys\n"
        f"if {absent}: sys.modules['triton'] = None\n"
        "import torch\n"
        "before = set(sys.modules)\n"
        "from lrlc_nas.layers import triton as kernels\n"
        "assert not kernels.available(torch.device('cpu'))\n"
        "assert not [name for name in set(sys.modules) - before if name.split('.')[0] == 'triton']\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


@pytest.mark.parametrize("name", COMPILED_FOR)
def test_compiled_the_largest_tile_spills_little_and_fits_the_shared_memory(compiled, name):
    architecture, dtype, kernel = COMPILED_FOR[name]
    found = compiled["kernels"][name]
    assert found["spilled bytes"] <= 64
    assert 0 < found["shared memory"] <= SHARED_MEMORY[architecture]
    tensor_cores = ("mma.sync", "wgmma") if dtype == "bf16" else ("fma.rn.f32",)
    assert any(instruction in found["instructions"] for instruction in tensor_cores)
    if kernel != "parameter_gradient":
        assert found["shared memory"] <= found["expected shared memory"]


def test_some_tile_serves_each_problem(compiled):
    assert compiled["problems without a tile"] == []


def interpret():
    """Everything that needs the interpreter."""
    torch.manual_seed(0)
    return {
        "cases": {name: compared(one) for name, one in CASES.items()},
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


def compile_ahead():
    """Compile the largest tile of each kernel for 64 -> 64 channels, 3x3, K = 8, and look at the result."""
    return {
        "kernels": {name: compiled_kernel(*which) for name, which in COMPILED_FOR.items()},
        "problems without a tile": problems_without_a_tile(),
    }


def compiled_kernel(architecture, dtype, kernel):
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    constants, warps, stages, expected = largest_tile(architecture, dtype, kernel)
    source = ASTSource(**source_arguments(kernel, dtype, constants))
    target = GPUTarget("cuda", architecture, 32)
    built = triton.compile(source, target=target, options={"num_warps": warps, "num_stages": stages})
    return {
        "spilled bytes": spilled(built.asm["cubin"]),
        "shared memory": built.metadata.shared,
        "expected shared memory": expected,
        "instructions": [name for name in ("mma.sync", "wgmma", "fma.rn.f32") if name in built.asm["ptx"]],
    }


def largest_tile(architecture, dtype, kernel, rank=8, side=64):
    from lrlc_nas.layers.triton import tiles

    width = {"bf16": 2, "fp32": 4}[dtype]
    constants = {"KERNEL_ROWS": 3, "KERNEL_COLUMNS": 3, "RANK": rank, "PRECISION": "ieee", "WIDEN": False}
    if kernel == "parameter_gradient":
        block_c, block_f = tiles.parameter_tile(rank, side, side, width)
        held = rank * block_c * block_f
        images, warps, stages = next(
            tile for tile in tiles.PARAMETER_TILES if tiles.fits_parameter_gradient(tile, 256, held)
        )
        own = {"RANK_PADDED": rank, "FOR_BANKS": True, "FOR_COMBINING": True}
        own |= {"BLOCK_B": images, "BLOCK_C": block_c, "BLOCK_F": block_f}
        return constants | own, warps, stages, None
    limit, problem = SHARED_MEMORY[architecture], (256, side, side)
    tile = next(t for t in tiles.PRODUCT_TILES[width] if tiles.fits_product(t, problem, rank, width, limit))
    images, summed, written, warps, stages = tile
    if kernel == "output":
        own = {"BLOCK_C": summed, "BLOCK_F": written}
    else:
        own = {"BLOCK_C": written, "BLOCK_F": summed, "STEP_H": 1, "STEP_W": 1}
    expected = tiles.shared_memory(tile, rank, width)
    return constants | own | {"BLOCK_B": images}, warps, stages, expected


def source_arguments(kernel, dtype, constants):
    """What Triton infers from a call with aligned tensors, 64 channels, stride, dilation and padding 1."""
    from lrlc_nas.layers.triton import device

    function = getattr(device, f"{kernel}_kernel")
    ones = ("stride_h", "stride_w", "dilation_h", "dilation_w", "top", "left")
    constants = constants | dict.fromkeys(ones, 1)
    multiples = ("batch", "batch_bucket", "channels", "filters")
    numbers = (*multiples, "height", "width", "rows", "columns")
    exact = ("combining", "grad_banks", "grad_combining")
    signature, attributes = {}, {}
    for place, name in enumerate(function.arg_names):
        pointer = "*fp32" if name in exact else f"*{dtype}"
        signature[name] = "constexpr" if name in constants else "i32" if name in numbers else pointer
        if name in multiples or signature[name].startswith("*"):
            attributes[(place,)] = [["tt.divisibility", 16]]
    return {"fn": function, "signature": signature, "constexprs": constants, "attrs": attributes}


def spilled(cubin):
    """Bytes of stack for each thread: these kernels have no other use for one."""
    import triton

    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        command = [triton.knobs.nvidia.cuobjdump.path, "--dump-resource-usage", file.name]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(re.search(r"STACK:(\d+)", said)[1])


def problems_without_a_tile():
    from lrlc_nas.layers.triton import tiles

    sizes, ranks, limit = (1, 3, 16, 40, 512), (1, 2, 8, kernels.MAX_RANK), SHARED_MEMORY[80]
    lacking = []
    for width, table in tiles.PRODUCT_TILES.items():
        for rank in ranks:
            for batch in sizes:
                for side in sizes:
                    block_c, block_f = tiles.parameter_tile(rank, side, side, width)
                    held = rank * block_c * block_f
                    products = [t for t in table if tiles.fits_product(t, (batch, side, side), rank, width, limit)]
                    parameters = [t for t in tiles.PARAMETER_TILES if tiles.fits_parameter_gradient(t, batch, held)]
                    if not products or not parameters:
                        lacking.append([width, rank, batch, side])
    return lacking


if __name__ == "__main__":
    print(json.dumps({"interpret": interpret, "compile": compile_ahead}[sys.argv[1]]()))
