"""Which convolutions are exactly a `torch.nn.Conv2d`, so that another layer can take their place."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.lazy import LazyModuleMixin

from ..errors import InputError

__all__ = ["is_convolution", "require_plain", "why_not_plain"]

_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
_CALLED = ("__call__", "forward", "_conv_forward")


def is_convolution(module: nn.Module) -> bool:
    """Whether a module is a convolution of any kind: 1d, 2d or 3d, transposed or not."""
    return isinstance(module, _ConvNd)


def why_not_plain(module: nn.Module) -> str | None:
    """Say why a module may compute something else than its weight, bias and geometry say.

    Returns:
        A sentence, or None for a plain `torch.nn.Conv2d`.
    """
    kind = type(module).__name__
    if not isinstance(module, nn.Conv2d):
        return f"{kind} is not a Conv2d; only two-dimensional convolutions can be relaxed"
    if isinstance(module, LazyModuleMixin):
        return f"{kind} has no weights yet; run the host on an image first"
    own = {*module._parameters, *module._buffers, *module._modules}
    if own != {"weight", "bias"}:
        return f"its weights are computed from {_listed(own)} (parametrized, weight norm or pruned)"
    changed = [name for name in _CALLED if _overrides(module, name)]
    if changed:
        return f"{kind} overrides {_listed(changed)}, so it may compute something else than a convolution"
    if any(getattr(module, hooks) for hooks in _HOOKS):
        return "it has forward or backward hooks, which a layer in its place would lose"
    if not module.weight.is_floating_point():
        return f"its weights are {module.weight.dtype}, not real floating point"
    return None


def require_plain(module: nn.Module) -> None:
    """Raise `InputError` unless the module is a plain `torch.nn.Conv2d`."""
    reason = why_not_plain(module)
    if reason is not None:
        raise InputError(f"from_conv requires a plain Conv2d: {reason}")


def _overrides(conv: nn.Conv2d, method: str) -> bool:
    return method in vars(conv) or getattr(type(conv), method) is not getattr(nn.Conv2d, method)


def _listed(names: set[str] | list[str]) -> str:
    return ", ".join(sorted(names))
