"""A comparison for readers: lines for a terminal, and a file with every row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import polars as pl

import drg
from drg.claims.workbook import Workbook
from drg.claims.writers import output_suffix, write_frames, write_workbook
from drg.schemes.diff import CHANGES, SECTIONS, SchemeDiff
from drg.schemes.diff_rules import Change
from drg.text import aligned, text

__all__ = ["detail_lines", "summary_lines", "write_diff"]

#: Lines of a section, and codes of a set, that are told when not everything is asked for.
_LINES, _CODES = 12, 3
_SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": "·", "renamed": "="}
_EMPTY = "—"


def say(key: str, lang: str | None, /, **params: object) -> str:
    """One wording of compare.toml."""
    return text(f"compare.{key}", lang, **params)


def summary_lines(diff: SchemeDiff, lang: str | None = None) -> list[str]:
    """Counts by table and by MDC."""
    lines = _heading(diff, lang)
    if not diff:
        same = diff.before.digest == diff.after.digest
        return [*lines, say("nothing" if same else "nothing_said", lang)]
    heads = [say("head_section", lang), *(say(f"change_{c}", lang) for c in CHANGES)]
    rows = [heads]
    for section, *numbers in diff.counts.iter_rows():
        rows.append([say(f"section_{section}", lang), *map(_number, numbers)])
    lines += ["", *aligned(rows, right=range(1, len(heads)))]
    if diff.sets.height:
        by = dict(diff.sets["change"].value_counts().iter_rows())
        told = _join((say(f"change_{c}", lang), by.get(c, 0)) for c in CHANGES if by.get(c))
        lines.append(say("sets_changed", lang, count=f"{diff.sets.height:,}", told=told))
    if diff.splits.height:
        lines.append(say("splits_changed", lang, count=f"{diff.splits.height:,}"))
    return lines + _by_mdc(diff, lang)


def detail_lines(diff: SchemeDiff, lang: str | None = None, *, every: bool = False) -> list[str]:
    """The changes, section by section.

    Parameters
    ----------
    diff : SchemeDiff
        What changed.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.
    every : bool, optional
        Tell every row and code; otherwise the first of each section, and how many more.
    """
    lines: list[str] = []
    for section in diff.counts["section"]:
        rows = diff.section(section)
        lines += ["", f"== {say(f'section_{section}', lang)}"]
        if section == "code_set":
            entries = _sets(diff, lang, every)
        elif section == "drg" and diff.splits.height:
            entries = _splits(diff, lang)
        else:
            entries = (_entry(Change(*row), lang) for row in rows.select(Change._fields).rows())
        lines += _bounded(entries, lang, every)
    return lines


def write_diff(diff: SchemeDiff, path: str | Path, lang: str | None = None) -> int:
    """Write every change to a file, all or nothing.

    Parameters
    ----------
    diff : SchemeDiff
        What changed.
    path : str or Path
        ``.csv``, ``.tsv``, ``.parquet``: one row a change, the fields of ``Change``. ``.xlsx``:
        counts, sets and splits, and a sheet for each section.
    lang : {"zh", "en"}, optional
        Language of headings in XLSX; the context's when omitted.

    Returns
    -------
    int
        Changes written.

    Raises
    ------
    InputError
        The file cannot be written (F2xx).
    """
    if output_suffix(path) != ".xlsx":
        return write_frames(
            path, diff.changes.select(Change._fields), metadata=_origin(diff), for_people=True
        )
    with write_workbook(path, _origin(diff)) as book:
        heads = {"section": say("head_section", lang)}
        heads |= {change: say(f"change_{change}", lang) for change in CHANGES}
        names = {section: say(f"section_{section}", lang) for section in SECTIONS}
        counts = diff.counts.with_columns(pl.col("section").replace(names))
        _sheet(book, say("sheet_summary", lang), counts, heads)
        _sheet(book, say("sheet_sets", lang), _worded(diff.sets, lang), _heads(diff.sets, lang))
        _sheet(book, say("sheet_splits", lang), diff.splits, _heads(diff.splits, lang))
        for section in diff.counts["section"]:
            rows = diff.section(section).select(Change._fields)
            _sheet(book, names[section], _worded(rows, lang), _heads(rows, lang))
    return diff.changes.height


def _sheet(book: Workbook, title: str, frame: pl.DataFrame, heads: Mapping[str, str]) -> None:
    book.sheet(title, frame.columns, heads=heads).append(frame)


def _heads(frame: pl.DataFrame, lang: str | None) -> dict[str, str]:
    return {name: say(f"head_{name}", lang) for name in frame.columns}


def _worded(frame: pl.DataFrame, lang: str | None) -> pl.DataFrame:
    """Kinds of change in words."""
    words = {change: say(f"change_{change}", lang) for change in CHANGES}
    return frame.with_columns(pl.col("change").replace(words))


def _origin(diff: SchemeDiff) -> dict[str, str]:
    origin = {"drg.version": drg.__version__}
    for name, side in (("before", diff.before), ("after", diff.after)):
        origin |= {f"drg.{name}": side.label, f"drg.{name}_digest": side.digest}
    return origin


# ---- lines


def _heading(diff: SchemeDiff, lang: str | None) -> list[str]:
    sides = (("was", diff.before), ("now", diff.after))
    return [say(key, lang, value=side.words(lang)) for key, side in sides]


def _number(count: int) -> str:
    return f"{count:,}" if count else _EMPTY


def _join(pairs: Iterable[tuple[str, int]]) -> str:
    return "  ".join(f"{word} {count:,}" for word, count in pairs)


def _by_mdc(diff: SchemeDiff, lang: str | None) -> list[str]:
    """Rows by MDC: a table with the sections that have any."""
    found = {(mdc, section): rows for mdc, section, rows in diff.by_mdc.iter_rows()}
    sections = [s for s in SECTIONS if any(section == s for _, section in found)]
    if not sections:
        return []
    heads = ["MDC", *(say(f"section_{section}", lang) for section in sections)]
    rows = [
        [mdc, *(_number(found.get((mdc, section), 0)) for section in sections)]
        for mdc in sorted({mdc for mdc, _ in found})
    ]
    return ["", say("by_mdc", lang), *aligned([heads, *rows], right=range(1, len(heads)))]


def _bounded(entries: Iterable[list[str]], lang: str | None, every: bool) -> list[str]:
    """The lines of the entries, the first ``_LINES`` entries unless every one is wanted."""
    lines: list[str] = []
    more = 0
    for place, entry in enumerate(entries):
        if every or place < _LINES:
            lines += [f"  {line}" for line in entry]
        else:
            more += 1
    return [*lines, "  " + say("more", lang, count=f"{more:,}")] if more else lines


def _entry(row: Change, lang: str | None) -> list[str]:
    """One change; old and new text under each other where both are there."""
    sign = _SIGNS[row.change]
    place = f" [{row.mdc}]" if row.mdc and row.mdc != row.key else ""
    head = f"{sign} {row.key} {row.name}".rstrip() + place
    if row.column == "order":
        ahead = [
            say("order_after", lang, key=key) if key else say("order_first", lang)
            for key in (row.before, row.after)
        ]
        return [say("order_moved", lang, head=head, before=ahead[0], after=ahead[1])]
    if row.change in ("added", "removed"):
        # Of a list of codes the heading says it all.
        listed = row.column in ("mdc", "set")
        value = row.after or row.before
        return [head if listed else say("one_side", lang, head=head, value=value)]
    if row.table == "exclusion" and row.change == "renamed":
        return [say("renumbered", lang, before=row.before, after=row.after)]
    if row.table in ("adrg", "mdc", "check", "drg") and row.column == "rule":
        column = say("column_rule_names" if row.change == "renamed" else "column_rule", lang)
        pair = [say("was", lang, value=row.before), say("now", lang, value=row.after)]
        return [f"{head} {column}", *(f"    {line}" for line in pair)]
    values = {"before": row.before or _EMPTY, "after": row.after or _EMPTY}
    return [say("changed", lang, head=head, column=say(f"column_{row.column}", lang), **values)]


def _splits(diff: SchemeDiff, lang: str | None) -> Iterator[list[str]]:
    for mdc, adrg, name, before, after in diff.splits.iter_rows():
        pair = [say("was", lang, value=before), say("now", lang, value=after)]
        yield [f"~ {adrg} {name} [{mdc}]", *(f"    {line}" for line in pair)]
    # What is left belongs to ADRGs that only one side has, or is a matter of rule numbers.
    told = set(diff.splits["adrg"])
    rows = diff.section("drg").filter(~pl.col("adrg").is_in(list(told)))
    for row in rows.select(Change._fields).iter_rows():
        yield _entry(Change(*row), lang)


def _sets(diff: SchemeDiff, lang: str | None, every: bool) -> Iterator[list[str]]:
    codes = _codes_by_set(diff)
    for row in diff.sets.iter_rows(named=True):
        size = say("set_size", lang, before=row["codes_before"], after=row["codes_after"])
        head = f"{_SIGNS[row['change']]} {row['set']}"
        if row["change"] == "renamed":
            head = f"= {row['before']} → {row['set']}"
        counts = "".join(f" {s}{row[c]}" for s, c in (("+", "added"), ("-", "removed")) if row[c])
        found = codes[row["set"]] if counts else []
        shown = found if every else found[:_CODES]
        lines = [f"{head}{counts}  {size}", *(f"    {line}" for line in shown)]
        if len(found) > len(shown):
            lines.append("    " + say("more_codes", lang, count=f"{len(found) - len(shown):,}"))
        yield lines


def _codes_by_set(diff: SchemeDiff) -> dict[str, list[str]]:
    """Name of a set to its codes that came or went, in words."""
    lost = diff.sets.filter(pl.col("removed") > 0)
    now_called = dict(lost.select("before", "set").iter_rows())
    rows = diff.section("code_set").filter(pl.col("change") != "renamed")
    lines: defaultdict[str, list[str]] = defaultdict(list)
    for cells in rows.select(Change._fields).iter_rows():
        row = Change(*cells)
        name = row.after or now_called[row.before]
        lines[name].append(f"{_SIGNS[row.change]} {row.key} {row.name}".rstrip())
    return lines
