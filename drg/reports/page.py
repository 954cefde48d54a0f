"""A self-contained page for screen and A4: no network, no script, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

__all__ = ["Column", "chart", "figures", "listed", "notice", "page", "pair", "section", "table"]

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
footer { color: #51606e; font-size: .85rem; margin-top: 2rem; }
@page { size: A4; margin: 14mm; }
@media print {
  body { margin: 0; max-width: none; font-size: 9pt; }
  table { font-size: 7.5pt; }
  th, td { padding: .1rem .2rem; }
  h2 { break-after: avoid; }
  tr, svg, .keys div { break-inside: avoid; }
  thead { display: table-header-group; }
}
"""


class Column(NamedTuple):
    """Heading of a column of a table, and whether it holds figures."""

    head: str
    number: bool = False


def page(title: str, lang: str, parts: Iterable[str]) -> str:
    """A whole page; ``parts`` are made by the functions here."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    body = "\n".join(part for part in parts if part)
    return (
        f'<!DOCTYPE html>\n<html lang="{"zh-CN" if lang == "zh" else "en"}">\n<head>\n'
        f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


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


def chart(svg: str, note: str = "") -> str:
    """A chart that ``drg.reports.svg`` drew, and a line under it."""
    return f"{svg}\n<p>{escape(note)}</p>" if note else svg


def notice(words: str, kind: str = "", items: Iterable[str] = ()) -> str:
    """A boxed line (``kind``: ``good`` or ``bad``) with a list under it."""
    rows = "".join(f"<li>{escape(item)}</li>" for item in items)
    more = f"<ul>{rows}</ul>" if rows else ""
    return f'<div class="{f"notice {kind}".strip()}">{escape(words)}{more}</div>'


def listed(words: Iterable[str]) -> str:
    """Lines of text."""
    return "\n".join(f"<p>{escape(line)}</p>" for line in words if line)


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts."""
    marks = [' class="number"' if column.number else "" for column in columns]
    head = "".join(
        f"<th{mark}>{escape(column.head)}</th>" for mark, column in zip(marks, columns, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(f"<td{mark}>{escape(cell)}</td>" for mark, cell in zip(marks, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
