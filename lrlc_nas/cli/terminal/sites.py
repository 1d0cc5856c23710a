"""The sites of a host in the terminal, with what each choice would cost there."""

from __future__ import annotations

from rich.table import Table

from ...choices import CONV, Choice
from ...engine import Prepared
from ...networks import Site, site_cost, why_not_buildable
from ...search import extra_cost, shortage
from .frames import add_row, console, empty_table
from .words import mebibytes, plain

__all__ = ["print_sites"]


def print_sites(prepared: Prepared) -> None:
    """Print each site, what each choice would add there, and what is no site and why."""
    out = console()
    host = prepared.host
    name = prepared.config.host_name
    out.print(plain(f"{name}: {host.parameters:,} parameters, {host.macs:,} MACs per image"))
    memory = mebibytes(prepared.task.training_bytes(host))
    out.print(f"memory: of training; the host takes {memory}")
    out.print(plain(prepared.facts["start"]))
    out.print(f"plans in the space: {prepared.space.size:,}")
    if note := shortage(prepared.config, prepared.space):
        out.print(plain(note))
    table = empty_table("site", "choice", "parameters >", "MACs >", "memory >", "in the space")
    for name, site in prepared.survey.sites.items():
        _add_site(table, prepared, name, site)
    out.print(table)
    for name, reason in prepared.survey.refused.items():
        out.print(plain(f"not a site: {name}: {reason}"))


def _add_site(table: Table, prepared: Prepared, name: str, site: Site) -> None:
    """One row for each choice; the site's name stands before the first one, its shape before the second."""
    conv = site_cost(site, CONV)
    costs = (f"{conv.parameters:,}", f"{conv.macs:,}", mebibytes(prepared.task.training_bytes(conv)))
    add_row(table, name, "conv", *costs, "yes")
    first = _shape(site)
    for token in prepared.config.space.choices:
        add_row(table, first, token, *_choice_cells(prepared, name, token))
        first = ""
    table.add_section()


def _choice_cells(prepared: Prepared, site: str, token: str) -> tuple[str, str, str, str]:
    """What a choice adds at a site, and whether the search may choose it."""
    choice = Choice.parse(token)
    reason = why_not_buildable(prepared.survey, site, choice)
    if reason is not None:
        return ("", "", "", f"no: {reason}")
    extra = extra_cost(prepared.survey, site, choice)
    memory = mebibytes(prepared.task.training_bytes(extra), "+")
    return (f"{extra.parameters:+,}", f"{extra.macs:+,}", memory, _in_the_space(prepared, site, token))


def _in_the_space(prepared: Prepared, site: str, token: str) -> str:
    if token in prepared.space.tokens.get(site, ()):
        return "yes"
    return f"no: {prepared.space.left_out.get(site, {}).get(token, 'space.sites leaves it out')}"


def _shape(site: Site) -> str:
    height, width = site.kernel_size
    y, x = site.output_size
    groups = f", {site.groups} groups" if site.groups > 1 else ""
    return f"{site.in_channels}→{site.out_channels} {height}x{width} at {y}x{x}{groups}"
