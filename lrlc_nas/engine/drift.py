"""Whether a study may go on: not with other data, another host or another space than it recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..errors import InputError
from ..store import StudyRecord
from .preparation import Prepared


__all__ = ["require_unchanged"]


def require_unchanged(study: StudyRecord, prepared: Prepared) -> None:
    """Refuse to go on with a study whose data, host or space are not those that it recorded.

    Raises:
        InputError: naming what differs, as it was and as it is.
    """
    name = f"study {study.name!r} cannot go on"
    if study.data_fingerprint != prepared.data_fingerprint:
        raise InputError(
            f"{name}: the data differ from what it recorded (sha256 {study.data_fingerprint[:12]}…, "
            f"now {prepared.data_fingerprint[:12]}…); {prepared.config.data.name} has changed"
        )
    if dict(study.space) != prepared.space.tokens:
        raise InputError(f"{name}: the space differs: {_difference(study.space, prepared.space.tokens)}")
    if study.host_fingerprint != prepared.host_fingerprint:
        was = {site.name: site.geometry for site in study.sites}
        now = {site.name: json.loads(json.dumps(site.geometry)) for site in prepared.site_records}
        raise InputError(
            f"{name}: the host {prepared.config.host.name} differs from what it recorded: {_difference(was, now)}"
        )


def _difference(was: Mapping[str, object], now: Mapping[str, object]) -> str:
    for site in {**was, **now}:
        if was.get(site) != now.get(site):
            return f"at {site} it was {was.get(site, 'no site')} and is {now.get(site, 'no site')}"
    return "its modules or the shapes of its parameters"
