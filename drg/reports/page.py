"""A self-contained page for screen and A4: no network, no script, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from drg.claims.writers import atomic_path

__all__ = [
    "Column", "Marked", "chart", "figures", "listed", "notice", "page", "pair", "save_page",
    "section", "table",
]  # fmt: skip

_STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.5 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC",
  system-ui, sans-serif; color: #1c2733; background: #fff; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .2rem; }
h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; border-bottom: 1px solid #c8d2dc; }
p { margin: .3rem 0; }
.keys, .pair { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; padding: 0; }
.pair { gap: 0 2rem; margin: 0; }
.pair > div { flex: 1 1 18rem; }
.keys div { flex: 1 1 9rem; border: 1px solid #c8d2dc; border-radius: 4px; padding: .4rem .6rem; }
.keys dt { color: #51606e; font-size: .85rem; }
.keys dd { margin: 0; font-size: 1.15rem; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { border-bottom: 1px solid #dde4ea; padding: .2rem .4rem; text-align: left;
  vertical-align: top; }
th { background: #eef3f7; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.number { white-space: normal; }
svg { width: 100%; max-width: 40rem; height: auto; display: block; }
.notice { border-left: 4px solid #8a6d1d; background: #fbf6e6; padding: .4rem .8rem;
  margin: .8rem 0; }
.good { border-color: #2c7a4b; background: #eaf6ee; }
.bad { border-color: #b5473c; background: #fbecea; }
body.wide { max-width: 78rem; }
.wide .keys { display: grid; grid-template-columns: repeat(4, 1fr); }
.wide .broad svg { max-width: none; }
.wide th { word-break: keep-all; }
.whole { white-space: nowrap; }
table.even { table-layout: fixed; }
.even th:first-child { width: 30%; }
td small { display: block; white-space: normal; color: #51606e; font-size: .82em; }
td.green { border-left: 4px solid #00805d; }
td.yellow { border-left: 4px solid #e0b400; background: #fdf8e3; }
td.orange { border-left: 4px solid #d55e00; background: #fdf0e6; }
td.red { border-left: 4px solid #a11a3c; background: #fbe7ec; font-weight: 600; }
footer { color: #51606e; font-size: .85rem; margin-top: 2rem; }
@page { size: A4; margin: 14mm; }
@media print {
  body { margin: 0; max-width: none; font-size: 9pt; }
  table { font-size: 7.5pt; }
  th, td { padding: .1rem .2rem; }
  h2 { break-after: avoid; }
  tr, svg, .keys div { break-inside: avoid; }
  thead { display: table-header-group; }
  .wide h1 { font-size: 1.3rem; }
  .wide h2 { font-size: 1rem; margin-top: 1rem; }
  .wide .keys { grid-template-columns: repeat(6, 1fr); margin: .6rem 0; }
}
"""
#: Paper of wide pages.
_ACROSS = "@page { size: A4 landscape; margin: 12mm; }\n"


class Marked(str):
    """A cell with a look of its own, or with a small line under it.

    ``look`` is ``green``, ``yellow``, ``orange``, ``red`` or ``""``; it only helps to find what
    the text says as well.
    """

    look: str
    note: str

    def __new__(cls, words: str, look: str = "", *, note: str = "") -> Marked:
        cell = super().__new__(cls, words)
        cell.look, cell.note = look, note
        return cell


class Column(NamedTuple):
    """Heading of a column, whether it holds figures, whether its cells stay on one line."""

    head: str
    number: bool = False
    whole: bool = False


def page(
    title: str, lang: str, parts: Iterable[str], *, wide: bool = False, own_style: str = ""
) -> str:
    """A whole page; ``parts`` are made by the functions here.

    A ``wide`` one has room for tables of many columns and is printed across the paper;
    ``own_style`` comes after the style of all pages.
    """
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    body = "\n".join(part for part in parts if part)
    style, kind = (_STYLE + _ACROSS, ' class="wide"') if wide else (_STYLE, "")
    return (
        f'<!DOCTYPE html>\n<html lang="{"zh-CN" if lang == "zh" else "en"}">\n<head>\n'
        f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}{own_style}</style>\n</head>\n<body{kind}>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def save_page(path: str | Path, whole: str) -> None:
    """Write a page, all or nothing.

    Raises
    ------
    InputError
        F204, F209, F210: the system refuses to write.
    """
    with atomic_path(path) as draft:
        draft.write_text(whole, "utf-8", newline="\n")


def figures(rows: Sequence[tuple[str, str]]) -> str:
    """Key figures: a name and a figure each."""
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(figure)}</dd></div>" for name, figure in rows
    )
    return f'<dl class="keys">{cells}</dl>'


def section(title: str, *parts: str) -> str:
    """A heading with what follows it; nothing without parts."""
    body = "\n".join(part for part in parts if part)
    return f"<h2>{escape(title)}</h2>\n{body}" if body else ""


def pair(first: str, second: str) -> str:
    """Two sections beside each other, where there is room."""
    return f'<div class="pair"><div>{first}</div><div>{second}</div></div>'


def chart(svg: str, note: str = "", *, broad: bool = False) -> str:
    """A chart of ``drg.reports.svg``, and a line under it; a ``broad`` one fills the page."""
    drawn = f'<div class="broad">{svg}</div>' if broad and svg else svg
    return f"{drawn}\n<p>{escape(note)}</p>" if note else drawn


def notice(words: str, kind: str = "", items: Iterable[str] = ()) -> str:
    """A boxed line (``kind``: ``good`` or ``bad``) with a list under it."""
    rows = "".join(f"<li>{escape(item)}</li>" for item in items)
    more = f"<ul>{rows}</ul>" if rows else ""
    return f'<div class="{f"notice {kind}".strip()}">{escape(words)}{more}</div>'


def listed(words: Iterable[str]) -> str:
    """Lines of text."""
    return "\n".join(f"<p>{escape(line)}</p>" for line in words if line)


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, even: bool = False) -> str:
    """A table of texts; columns of ``even`` ones stand under each other from table to table."""
    marks = [
        ' class="number"' if column.number else ' class="whole"' if column.whole else ""
        for column in columns
    ]
    head = "".join(
        f"<th{mark}>{escape(column.head)}</th>" for mark, column in zip(marks, columns, strict=True)
    )
    body = "\n".join(
        "<tr>" + "".join(_cell(mark, cell) for mark, cell in zip(marks, row, strict=True)) + "</tr>"
        for row in rows
    )
    kind = ' class="even"' if even else ""
    return f"<table{kind}>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _cell(mark: str, cell: str) -> str:
    words = escape(cell)
    if isinstance(cell, Marked):
        mark = f' class="{cell.look}"' if cell.look else mark
        words += f"<small>{escape(cell.note)}</small>" if cell.note else ""
    return f"<td{mark}>{words}</td>"
