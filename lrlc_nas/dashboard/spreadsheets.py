"""CSV that spreadsheets take for text: they run a cell that begins like a formula, whoever wrote it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..report.data_table import harmless_cell

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo

__all__ = ["harmless", "harmless_tables"]

_LENGTH, _TYPE = "content-length", "content-type"


def harmless(table: str) -> str:
    """The same CSV with an apostrophe before each text that begins like a formula; numbers stay as they are."""
    written = io.StringIO()
    csv.writer(written).writerows(
        [cell if _is_number(cell) else harmless_cell(cell) for cell in row] for row in csv.reader(io.StringIO(table))
    )
    return written.getvalue()


def harmless_tables(inner: WSGIApplication) -> WSGIApplication:
    """Make all CSV harmless that an application answers with."""

    def answering(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started: list[tuple[str, list[tuple[str, str]], OptExcInfo | None]] = []

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            started.append((status, headers, exc_info))
            return lambda data: None

        answer = inner(environ, start)
        status, headers, exc_info = started[-1]
        if not any(name.lower() == _TYPE and value.startswith("text/csv") for name, value in headers):
            start_response(status, headers, exc_info)
            return answer
        body = harmless(b"".join(answer).decode()).encode()
        kept = [each for each in headers if each[0].lower() != _LENGTH]
        start_response(status, [*kept, ("Content-Length", str(len(body)))], exc_info)
        return [body]

    return answering


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
