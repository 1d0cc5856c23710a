"""Kernels compiled for GPUs that need not be there, as a program: it is run without ``TRITON_INTERPRET``."""

import json
import re
import subprocess
import tempfile

from lrlc_nas.layers import triton as kernels

COMPILED_FOR = {
    f"sm_{architecture} {dtype} {kernel}": (architecture, dtype, kernel)
    for architecture, dtype in ((80, "bf16"), (80, "fp32"), (90, "bf16"))
    for kernel in ("output", "input_gradient", "parameter_gradient")
}

SHARED_MEMORY = {80: 163 * 1024, 90: 227 * 1024}


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
    print(json.dumps(compile_ahead()))
