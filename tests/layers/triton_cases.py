"""The problems on which the Triton kernels are tested, and how a program is run that tests them."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import torch

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


USUAL = (
    *("stride and dilation", "reflect", "more banks than positions", "several blocks and groups"),
    *("runs of positions", "channels last", "bfloat16", "no image"),
)
"""Of all cases those that are tried in every run of the tests: one for each path of the kernels."""


def run_as_program(program, *arguments, **environment):
    kept = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    result = subprocess.run(
        [sys.executable, "-W", "error", str(Path(__file__).with_name(program)), *arguments],
        env=kept | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)
