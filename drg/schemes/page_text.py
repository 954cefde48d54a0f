"""A coder's page as lines for a terminal and as a workbook."""

from __future__ import annotations

from pathlib import Path

import polars as pl

import drg
from drg.claims.workbook import Workbook
from drg.claims.writers import output_suffix, write_workbook
from drg.schemes.page import Page, PageError, Part
from drg.text import aligned, text

__all__ = ["check_output", "page_lines", "write_page"]

#: Rows of a table that are told when not everything is asked for.
_ROWS = 12
#: Parts that are sheets of their own; all sets share one.
_SHEETS = ("rules", "splits", "before", "adrgs", "diagnoses", "severity")


def say(key: str, lang: str | None, /, **params: object) -> str:
    """One wording of compare.toml."""
    return text(f"compare.{key}", lang, **params)


def page_lines(page: Page, lang: str | None = None, *, every: bool = False) -> list[str]:
    """The page as lines.

    Parameters
    ----------
    page : Page
        From ``scheme_page``.
    lang : {"zh", "en"}, optional
        Language of headings; the context's when omitted.
    every : bool, optional
        Tell every row; otherwise some of each table, and how many more there are.
    """
    scheme = " + ".join(v for v in (page.origin["drg.scheme"], page.origin["drg.compat"]) if v)
    origin = say("page_origin", lang, scheme=scheme, digest=page.origin["drg.digest"][:12])
    lines = [page.title, origin, "", *aligned([list(fact) for fact in page.facts])]
    for part in page.parts:
        lines += ["", f"== {part.title}", *(f"  {note}" for note in part.notes)]
        lines += [f"  {line}" for line in _table(part, lang, every)]
    return lines


def _table(part: Part, lang: str | None, every: bool) -> list[str]:
    rows = part.rows
    if part.same_as and not every:
        return [say("same_as", lang, set=part.same_as)]
    if rows.is_empty():
        return [say("empty_part", lang)]
    shown = rows if every else rows.tail(_ROWS) if part.nearest else rows.head(_ROWS)
    # The rule's own text repeats what its words say; files have it.
    shown = shown.drop("rule", strict=False)
    heads = [say(f"head_{name}", lang) for name in shown.columns]
    lines = aligned([heads, *shown.rows()])
    more = rows.height - shown.height
    if not more:
        return lines
    if part.nearest:
        return [lines[0], say("more_before", lang, count=f"{more:,}"), *lines[1:]]
    return [*lines, say("more_rows", lang, count=f"{more:,}")]


def check_output(path: str | Path) -> None:
    """Refuse an output before any work is done.

    Raises
    ------
    PageError
        C212: the suffix is not ``.xlsx``.
    InputError
        F201-F203: the path cannot be an output.
    """
    if output_suffix(path) != ".xlsx":
        raise PageError("C212", where=str(path))


def write_page(page: Page, path: str | Path, lang: str | None = None) -> None:
    """Write the whole page as a workbook, all or nothing.

    Parameters
    ----------
    page : Page
        From ``scheme_page``.
    path : str or Path
        ``.xlsx``.
    lang : {"zh", "en"}, optional
        Language of headings; the context's when omitted.

    Raises
    ------
    PageError
        C212: the suffix is another one.
    InputError
        The file cannot be written (F2xx).
    """
    check_output(path)
    with write_workbook(path, {"drg.version": drg.__version__, **page.origin}) as book:
        labels, values = zip(("", page.title), *page.facts, strict=True)
        _sheet(book, "summary", pl.DataFrame({"fact": labels, "value": values}), lang)
        for part in page.parts:
            if part.key in _SHEETS:
                _sheet(book, part.key, part.rows, lang)
        sets = [p.rows.select(pl.lit(p.title).alias("set"), pl.all()) for p in page.parts
                if p.key == "set"]  # fmt: skip
        if sets:
            _sheet(book, "codes", pl.concat(sets, how="diagonal"), lang)


def _sheet(book: Workbook, key: str, rows: pl.DataFrame, lang: str | None) -> None:
    heads = {name: say(f"head_{name}", lang) for name in rows.columns}
    book.sheet(say(f"sheet_{key}", lang), rows.columns, heads=heads).append(rows)
