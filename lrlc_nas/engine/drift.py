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
        InputError: naming what differs, as it was and as it is, and the ways out.
    """
    name, now = study.name, prepared
    if study.data_fingerprint != now.data_fingerprint:
        digests = _digests(study.data_fingerprint, now.data_fingerprint)
        raise _drift(
            name,
            f"the data differ from what it recorded ({digests}); {now.config.data.name} has changed",
            "bring the former images back",
        )
    if dict(study.space) != now.space.tokens:
        raise _drift(
            name,
            f"the space differs: {_difference(study.space, now.space.tokens)}",
            "use the version of lrlc_nas that it was begun with",
        )
    if study.host_fingerprint != now.host_fingerprint:
        sites = {site.name: json.loads(json.dumps(site.geometry)) for site in now.site_records}
        difference = _difference({site.name: site.geometry for site in study.sites}, sites)
        digests = _digests(study.host_fingerprint, now.host_fingerprint)
        raise _drift(
            name,
            f"the host {now.config.host.name} differs from what it recorded: {difference} ({digests})",
            "bring the former host back, or use the version of lrlc_nas or torchvision that it came from",
        )


def _drift(name: str, difference: str, repair: str) -> InputError:
    return InputError(
        f"study {name!r} cannot go on: {difference}. To go on, {repair}; or begin a new study: 'lrlc-nas start' "
        "with another --name. What this one has found stays: 'lrlc-nas show' and 'lrlc-nas report' read it"
    )


def _digests(was: str, now: str) -> str:
    return f"sha256 {was[:12]}…, now {now[:12]}…"


def _difference(was: Mapping[str, object], now: Mapping[str, object]) -> str:
    for site in {**was, **now}:
        if was.get(site) != now.get(site):
            return f"at {site} it was {was.get(site, 'no site')} and is {now.get(site, 'no site')}"
    return "its modules or the shapes of its parameters"
