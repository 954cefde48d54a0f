"""A sheet laid out by hand, to be read and printed: lines, labels with values, small tables.

Cells go through xlsxwriter one by one, top to bottom; large tables are ``drg.claims.workbook``'s.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from drg.money import yuan

__all__ = ["MONEY", "Cell", "Form", "Kind", "Number", "print_on_a4", "text_width"]

#: Number format of yuan.
MONEY = "#,##0.00"
_COUNT, _LINE_HEIGHT = "#,##0", 16

#: ``fen`` holds integer fen and shows yuan; None is an empty cell.
Kind = Literal["text", "fen", "count"]


class Number(NamedTuple):
    """A decimal, written out, with a number format of its own."""

    value: str
    form: str


Cell = str | int | Number | None


class Form:
    """One such sheet; ``Workbook.form`` makes it.

    Parameters
    ----------
    page : xlsxwriter Worksheet
        Empty, in constant memory.
    look : callable
        Properties of a cell format to the format.
    widths : sequence of int
        Columns of the form, in characters.
    """

    def __init__(self, page: Any, look: Callable[..., Any], widths: Sequence[int]) -> None:
        self._page = page
        self._look = look
        self._widths = tuple(widths)
        self._row = 0
        for column, width in enumerate(widths):
            page.set_column(column, column, width)
        print_on_a4(page)

    def line(self, text: str, style: Literal["title", "head", "note"] = "note") -> None:
        """One text over all columns, wrapped."""
        properties: dict[str, Any] = {"text_wrap": True, "valign": "top"}
        height = _LINE_HEIGHT
        if style == "title":
            properties |= {"bold": True, "font_size": 16, "align": "center"}
            height = 2 * _LINE_HEIGHT
        elif style == "head":
            properties |= {"bold": True, "font_size": 12}
        lines = -(-text_width(text) // (sum(self._widths) - 2)) or 1
        self._page.set_row(self._row, height * lines)
        last = len(self._widths) - 1
        shown, look = _inert(text), self._look(**properties)
        if last:
            self._page.merge_range(self._row, 0, self._row, last, shown, look)
        else:
            self._page.write_string(self._row, 0, shown, look)
        self._row += 1

    def gap(self) -> None:
        """An empty row."""
        self._row += 1

    def pairs(self, rows: Sequence[tuple[str, str]]) -> None:
        """Labels, each with its value over the columns beside it."""
        room = sum(self._widths[1:]) - 2
        last = len(self._widths) - 1
        label = self._look(bold=True, valign="top", text_wrap=True)
        body = self._look(text_wrap=True, valign="top", align="left")
        for name, value in rows:
            lines = max(
                -(-text_width(value) // room), -(-text_width(name) // (self._widths[0] - 1)), 1
            )
            self._page.set_row(self._row, _LINE_HEIGHT * lines)
            self._page.write_string(self._row, 0, _inert(name), label)
            if last > 1:
                self._page.merge_range(self._row, 1, self._row, last, _inert(value), body)
            else:
                self._page.write_string(self._row, 1, _inert(value), body)
            self._row += 1

    def table(
        self,
        heads: Sequence[str],
        kinds: Sequence[Kind],
        rows: Sequence[Sequence[Cell]],
        *,
        spans: Sequence[int] = (),
        total: bool = False,
    ) -> None:
        """A ruled table from the first column of the form on.

        Parameters
        ----------
        heads : sequence of str
            Empty: the table above goes on.
        kinds : sequence of {"text", "fen", "count"}
            By column of the table.
        rows : sequence of sequence of str, int, Number or None
            Cells.
        spans : sequence of int, optional
            Columns of the form that each column of the table takes; one when omitted.
        total : bool, optional
            The last row is a total, in bold.
        """
        ruled: dict[str, Any] = {"border": 1, "text_wrap": True, "valign": "top"}
        heading = {**ruled, "bold": True, "bg_color": "#E8EEF4", "align": "center"}
        taken = list(spans) or [1] * len(kinds)
        starts = [sum(taken[:n]) for n in range(len(taken))]
        places = [(at, at + span - 1) for at, span in zip(starts, taken, strict=True)]
        if heads:
            self._table_row(places, ["text"] * len(heads), heads, heading)
        for number, row in enumerate(rows):
            bold = total and number == len(rows) - 1
            self._table_row(places, kinds, row, {**ruled, "bold": bold})

    def _table_row(
        self,
        places: Sequence[tuple[int, int]],
        kinds: Sequence[Kind],
        cells: Sequence[Cell],
        ruled: dict[str, Any],
    ) -> None:
        lines = 1
        for (first, last), cell in zip(places, cells, strict=True):
            if isinstance(cell, str):
                room = sum(self._widths[first : last + 1]) - 1
                lines = max(lines, -(-text_width(cell) // room))
        self._page.set_row(self._row, _LINE_HEIGHT * lines)
        for (first, last), kind, cell in zip(places, kinds, cells, strict=True):
            if last > first:
                self._page.merge_range(self._row, first, self._row, last, "", self._look(**ruled))
            self._cell(first, kind, cell, ruled)
        self._row += 1

    def _cell(self, column: int, kind: Kind, cell: Cell, ruled: dict[str, Any]) -> None:
        row = self._row
        if cell is None:
            self._page.write_blank(row, column, None, self._look(**ruled))
        elif isinstance(cell, str):
            self._page.write_string(row, column, _inert(cell), self._look(**ruled))
        elif isinstance(cell, Number):
            # As fen below: the same text as float up to 15 digits.
            look = self._look(**ruled, num_format=cell.form)
            self._page.write_number(row, column, float(cell.value), look)
        elif kind == "fen":
            look = self._look(**ruled, num_format=MONEY)
            # Yuan with two decimals are the same text as float up to 15 digits.
            self._page.write_number(row, column, float(yuan(cell)), look)
        else:
            self._page.write_number(row, column, cell, self._look(**ruled, num_format=_COUNT))


def print_on_a4(page: Any) -> None:
    """Paper, page numbers, and as many pages long as it takes but one wide."""
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_footer("&P / &N")


def text_width(cell: str) -> int:
    """Columns that a text fills, Chinese counted as wide."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in cell)


def _inert(text: str) -> str:
    # xlsxwriter passes a text in <r> tags on as markup.
    return f" {text}" if text.startswith("<r>") else text
