"""PostgreSQL."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from .database import Server

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

__all__ = ["PostgreSQL"]

# Connection, transaction rollback (a deadlock), resources, lock not available, operator intervention.
_PASSING = ("08", "40", "53", "55P03", "57")


class PostgreSQL(Server):
    """PostgreSQL."""

    driver = "psycopg"
    package = "psycopg[binary]"
    # now() stands still inside a transaction.
    clock = "SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"
    lock: ClassVar[tuple[str, str] | None] = (
        "SELECT pg_try_advisory_lock(hashtext('lrlc_nas tables'))",
        "SELECT pg_advisory_unlock(hashtext('lrlc_nas tables'))",
    )

    def options(self, url: URL) -> dict[str, Any]:
        """See `Database.options`."""
        options: dict[str, Any] = {"connect_args": self._connect_args()}
        if url.get_dialect().driver == self.driver:  # others connect for themselves
            options["creator"] = partial(self._connect, url)
        return options

    def passes(self, error: BaseException | None) -> bool | None:
        """See `Database.passes`."""
        state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        # A connection that cannot be made has no state.
        return state is None or str(state).startswith(_PASSING)

    def _connect_args(self) -> dict[str, Any]:
        return {
            "connect_timeout": self.call_seconds,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 6,
            "tcp_user_timeout": int(self.silence_seconds * 1000),
        }

    def _connect(self, url: URL) -> Any:
        from .read_timeout import connect  # its driver is there only where it is wanted

        arguments, keywords = url.get_dialect()().create_connect_args(url)
        return connect(self.silence_seconds, *arguments, **{**keywords, **self._connect_args()})
