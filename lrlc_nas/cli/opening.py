"""What the commands open: the study database, and the device that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..store import Store

__all__ = ["open_store", "open_working_store", "require_device"]


def open_store(url: str) -> Store:
    """The database; nothing is read yet."""
    from ..store import Store

    return Store(url)


def open_working_store(url: str, workers: int | None, device: str | None = None) -> Store:
    """The database, if it bears so many workers, or the usual number of them on a device."""
    from ..engine.launchers import default_workers
    from ..store import require_bearable

    store = open_store(url)
    require_bearable(store, default_workers(device) if workers is None else workers)
    return store


def require_device(device: str | None) -> None:
    """Refuse a device that this machine does not have."""
    if device is not None:
        from ..engine import launchers

        launchers.require_device(device)
