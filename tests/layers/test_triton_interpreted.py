"""The Triton kernels, run in Triton's interpreter on the CPU.

The interpreter is chosen once for a process, when Triton is imported. So `triton_interpreted.py` is a program that
runs once, and the tests look at the numbers that it writes. No GPU takes part in any of it.
"""

import os
import subprocess
import sys

import pytest
import torch
from slow_cases import mostly_slow
from triton_cases import CASES, USUAL, run_as_program

from lrlc_nas.layers import triton as kernels


@pytest.fixture(scope="module")
def interpreted():
    return run_as_program("triton_interpreted.py", *USUAL, TRITON_INTERPRET="1")


@pytest.fixture(scope="module")
def others():
    return run_as_program("triton_interpreted.py", *(CASES.keys() - USUAL), TRITON_INTERPRET="1")


@pytest.fixture(params=mostly_slow(CASES, *USUAL))
def case(request):
    """A case, and what was found of it."""
    name = request.param
    return CASES[name], request.getfixturevalue("interpreted" if name in USUAL else "others")["cases"][name]


def test_in_the_interpreter_output_and_gradients_are_those_of_plain_operations(case):
    one, found = case
    # The reference is computed in double precision from the same numbers. In half precision the kernels of
    # positions and the output are rounded, here by the interpreter, which cuts bfloat16 off.
    tolerance = {"float32": 1e-5, "float16": 4e-3, "bfloat16": 3e-2}[one.dtypes[0]]
    assert set(found["errors"]) == {"output", "x", "banks", "combining"}
    for what, error in found["errors"].items():
        assert error <= tolerance, what


def test_in_the_interpreter_dtypes_and_layouts_are_kept(case):
    one, found = case
    assert found["dtypes"] == [f"torch.{dtype}" for dtype in (one.dtypes[0], *one.dtypes)]
    assert found["output is channels last"] is one.channels_last
    assert found["grad of x is channels last"] is one.channels_last


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
