"""What this package has to know of a kind of database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import StorageError

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine import URL

__all__ = ["Database", "Server", "shown"]


def shown(url: URL) -> str:
    """The URL as it may be shown: without its password, and without the query, which may hold another."""
    return url.set(query={}).render_as_string(hide_password=True)


class Database(ABC):
    """A kind of database.

    Attributes:
        clock: SQL that gives the seconds since 1970, also inside a transaction that began earlier.
        lock: SQL that tries to take the one lock of our tables, and SQL that gives it back; None where the
            transaction that makes tables keeps all others out.
    """

    clock: ClassVar[str]
    lock: ClassVar[tuple[str, str] | None] = None

    @abstractmethod
    def checked(self, url: URL) -> URL:
        """The URL, complete; all is checked that can be checked without writing.

        Raises:
            StorageError: if there can be no such database.
        """

    @abstractmethod
    def options(self, url: URL) -> dict[str, Any]:
        """Keyword arguments of `sqlalchemy.create_engine`; no answer is waited for without end."""

    @abstractmethod
    def passes(self, error: BaseException | None) -> bool | None:
        """Whether what the driver raised will pass when the database is back; None if it is another driver's."""

    @abstractmethod
    def prepare(self, engine: Engine) -> None:
        """Make an engine safe for several processes."""

    @abstractmethod
    def create(self, engine: Engine) -> None:
        """Create the database itself, where that is ours to do."""


class Server(Database):
    """A database server, on which somebody has created the database.

    Attributes:
        driver: the usual one.
        package: what pip installs for it.
        call_seconds: until a server that does not answer a call is left.
        silence_seconds: until one that falls silent while it owes an answer is left; longer, because one
            transaction may wait for the locks of another.
    """

    driver: ClassVar[str]
    package: ClassVar[str]
    call_seconds: ClassVar[int] = 5
    silence_seconds: ClassVar[float] = 90

    def checked(self, url: URL) -> URL:
        """See `Database.checked`."""
        backend = url.get_backend_name()
        if "+" not in url.drivername:
            url = url.set(drivername=f"{url.drivername}+{self.driver}")
        if not url.database:
            raise StorageError(f"storage {shown(url)}: names no database; required is {backend}://USER@HOST/DATABASE")
        if url.port is not None and not 0 < url.port < 2**16:
            raise StorageError(f"storage {shown(url)}: the port must be from 1 to 65535; got {url.port}")
        self._require_driver(url)
        return url

    def prepare(self, engine: Engine) -> None:
        """Servers are safe for several processes."""

    def create(self, engine: Engine) -> None:
        """A server has its databases already."""

    def _require_driver(self, url: URL) -> None:
        from sqlalchemy.exc import NoSuchModuleError  # see `StudyDatabase`

        driver = url.get_driver_name()
        try:
            dialect = url.get_dialect()
            dialect.import_dbapi()
        except NoSuchModuleError:
            raise StorageError(
                f"storage {shown(url)}: unknown driver {driver}; the usual one is {self.driver}"
            ) from None
        except ImportError:
            hint = f"pip install '{self.package}'" if driver == self.driver else f"the usual one is {self.driver}"
            raise StorageError(
                f"storage {shown(url)}: needs the driver {driver}, which is not installed; {hint}"
            ) from None
        if dialect.is_async:
            raise StorageError(f"storage {shown(url)}: the driver must not be an asynchronous one; got {driver}")
