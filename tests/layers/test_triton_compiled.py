"""The Triton kernels, compiled by `triton_compiled.py` for GPUs that need not be there."""

import pytest
from triton_cases import run_as_program
from triton_compiled import COMPILED_FOR, SHARED_MEMORY


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    return run_as_program("triton_compiled.py", TRITON_CACHE_DIR=str(tmp_path_factory.mktemp("triton")))


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
