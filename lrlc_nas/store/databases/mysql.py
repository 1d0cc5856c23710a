"""MySQL and MariaDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .database import Server

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

__all__ = ["MySQL"]

# PyMySQL calls an unknown column an OperationalError too, so the codes are named: too many connections, shutdown,
# broken packets, lock timeout, deadlock, connection killed; and on the side of the client all that breaks one.
_PASSING = frozenset(
    (1040, 1053, 1152, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1317, 1927, 2002, 2003, 2006, 2013, 2055, 4031)
)


class MySQL(Server):
    """MySQL, and MariaDB, which speaks the same language."""

    driver = "pymysql"
    package = "pymysql"
    clock = "SELECT CAST(unix_timestamp(sysdate(6)) AS DOUBLE)"
    # Names of locks are those of the whole server, and have at most 64 characters.
    lock: ClassVar[tuple[str, str] | None] = (
        "SELECT GET_LOCK(CONCAT('lrlc_nas ', MD5(DATABASE())), 0)",
        "SELECT RELEASE_LOCK(CONCAT('lrlc_nas ', MD5(DATABASE())))",
    )

    def options(self, url: URL) -> dict[str, Any]:
        """See `Database.options`."""
        return {
            "connect_args": {
                "connect_timeout": self.call_seconds,
                "read_timeout": self.silence_seconds,
                "write_timeout": self.silence_seconds,
            },
            # The default, REPEATABLE READ, locks gaps between rows, so that workers who never touch the same row
            # deadlock.
            "isolation_level": "READ COMMITTED",
        }

    def passes(self, error: BaseException | None) -> bool | None:
        """See `Database.passes`."""
        code = error.args[0] if error is not None and error.args else None
        return code in _PASSING if isinstance(code, int) else None
