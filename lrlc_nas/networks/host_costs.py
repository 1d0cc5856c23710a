"""What an untouched host costs, measured by a forward pass."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ..layers import Cost
from .passes import copied, elements_kept, run

__all__ = ["host_cost"]


def host_cost(host: nn.Module, sample: Tensor) -> Cost:
    """Measure the cost of an untouched host, which is left as it is, on images (B, C, H, W).

    MACs are half the operations that `torch.utils.flop_counter.FlopCounterMode` counts: convolutions, matrix
    products and attention. Activations are the outputs of the modules without children, except those that
    lie in the memory of their input (in-place activations, flattening); what lies between modules is not
    seen.

    Raises:
        InputError: if the host cannot be copied, or does not run on the sample.
    """
    spent = copied(host)
    kept = 0

    def note(module: nn.Module, args: Any, output: Any) -> None:
        nonlocal kept
        kept += elements_kept(args, output)

    for module in spent.modules():
        if not any(True for _ in module.children()):
            module.register_forward_hook(note)
    with FlopCounterMode(display=False) as counter:
        run(spent, sample)
    parameters = sum(parameter.numel() for parameter in spent.parameters())
    return Cost(parameters, counter.get_total_flops() // 2 // len(sample), kept // len(sample))
