"""XLSX workbooks in constant memory: sheets with a frozen heading, a filter and fitting columns.

A sheet that is full goes on in a further one of its name; ``drg.claims.form`` has sheets that are
laid out by hand. Writing the file in one step is the business of ``drg.claims.writers``.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import polars as pl

from drg.claims.cells import TEXT_LIMIT, CellStyle, rows_xml
from drg.claims.form import MONEY, Form, print_on_a4, text_width
from drg.errors import InputError

__all__ = ["MONEY", "Sheet", "Workbook"]

_DAY = "yyyy-mm-dd"
#: Rows below a heading in the first row.
_ROWS = 1_048_575
_COLUMNS = 16_384
#: Rows turned into XML at a time.
_BATCH = 20_000
#: Narrowest and widest column, in characters.
_WIDTHS = (8, 60)
#: Rows of a frame that are looked at to choose widths.
_SAMPLE = 200


class Workbook:
    """A workbook being written; a context manager that leaves no temporary file behind.

    Parameters
    ----------
    draft : Path
        File to write.
    where : str
        What messages call it.
    metadata : mapping of str to str, optional
        Custom properties.
    created : date, optional
        Date of making that the file tells, so that the same content is the same bytes; the
        clock's when omitted.

    Raises
    ------
    InputError
        F205 xlsxwriter is missing; F207, F208 a sheet cannot hold the data.
    OSError
        The system refuses to write.
    """

    def __init__(
        self,
        draft: Path,
        where: str,
        metadata: Mapping[str, str] | None = None,
        *,
        created: dt.date | None = None,
    ) -> None:
        self._draft = draft
        self._where = where
        self._metadata = dict(metadata or {})
        self._created = created
        self._sheets: list[Sheet] = []
        self._formats: dict[str, Any] = {}

    def __enter__(self) -> Workbook:
        try:
            import xlsxwriter  # type: ignore[import-untyped]
        except ImportError as error:
            raise InputError("F205", where=self._where) from error
        self._errors = xlsxwriter.exceptions.XlsxFileError
        self._folder = tempfile.TemporaryDirectory(prefix="drg-", ignore_cleanup_errors=True)
        options = {"constant_memory": True, "tmpdir": self._folder.name}
        self._book = xlsxwriter.Workbook(str(self._draft), options)
        if self._created:
            noon = dt.datetime.combine(self._created, dt.time(12))
            self._book.set_properties({"created": noon})
        for name, value in self._metadata.items():
            self._book.set_custom_property(name, value, "text")
        return self

    def look(self, **properties: Any) -> Any:
        """A cell format of xlsxwriter with these properties, made once."""
        key = repr(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(properties)
        return self._formats[key]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                for sheet in self._sheets:
                    sheet._finish()
                self._book.close()
        except self._errors as failed:
            cause = failed.args[0] if failed.args else None
            raise OSError(getattr(cause, "errno", None), str(failed)) from failed
        finally:
            for page in self._book.worksheets():
                page._opt_close()  # else its temporary file outlives a failed run
            self._folder.cleanup()

    def form(self, title: str, widths: Sequence[int]) -> Form:
        """Add a sheet that is laid out by hand; widths are characters, column by column."""
        return Form(self._book.add_worksheet(title), self.look, widths)

    def sheet(
        self,
        title: str,
        columns: Sequence[str],
        *,
        heads: Mapping[str, str] | None = None,
        widths: Mapping[str, int] | None = None,
        fen: Collection[str] = (),
        formats: Mapping[str, str] | None = None,
        lines: Sequence[str] = (),
        printed: bool = False,
        frozen: int = 0,
        outline: Collection[str] = (),
    ) -> Sheet:
        """Add a sheet; sheets stand in the order in which they are added.

        Parameters
        ----------
        title : str
            At most 31 characters.
        columns : sequence of str
            Columns of the frames to come.
        heads : mapping of str to str, optional
            Heading of a column, where it is not the column's name.
        widths : mapping of str to int, optional
            Width of a column in characters; fitted to the first rows when not given.
        fen : collection of str, optional
            Columns of integer fen, shown as yuan.
        formats : mapping of str to str, optional
            Number format of a column, such as ``"0.0000"``.
        lines : sequence of str, optional
            Lines of text above the headings.
        printed : bool, optional
            Prints on A4, landscape, as wide as the page, headings and page numbers on each.
        frozen : int, optional
            Columns at the left that stay in sight.
        outline : collection of str, optional
            Columns that can be folded away together, by the mark above them.
        """
        if len(columns) > _COLUMNS:
            raise InputError("F208", where=self._where, found=len(columns), limit=_COLUMNS)
        plan = _Plan(
            title=title,
            columns=tuple(columns),
            heads=[(heads or {}).get(column, column) for column in columns],
            fixed=[(widths or {}).get(column) for column in columns],
            fen=frozenset(fen),
            formats=dict(formats or {}),
            lines=tuple(lines),
            printed=printed,
            frozen=frozen,
            outline=frozenset(outline),
        )
        sheet = Sheet(self, plan)
        self._sheets.append(sheet)
        return sheet


class _Plan(NamedTuple):
    """What is asked of a sheet."""

    title: str
    columns: tuple[str, ...]
    heads: list[str]
    fixed: list[int | None]
    fen: frozenset[str]
    formats: dict[str, str]
    lines: tuple[str, ...]
    printed: bool
    frozen: int
    outline: frozenset[str]


class Sheet:
    """One sheet of a ``Workbook``, filled frame by frame."""

    def __init__(self, book: Workbook, plan: _Plan) -> None:
        self._book = book
        self._plan = plan
        self._wanted = [text_width(head) + 3 for head in plan.heads]  # room for the filter's arrow
        self._pages = 0
        self._turn_page()

    def append(self, frame: pl.DataFrame) -> None:
        """Add the rows of a frame that has the sheet's columns; no column holds lists."""
        self._refuse_long_texts(frame)
        start = 0
        while start < frame.height:
            if self._used == self._room:
                self._finish()
                self._turn_page()
            part = frame.slice(start, min(self._room - self._used, _BATCH))
            self._fit(part.head(_SAMPLE))
            self._fill(part)
            start += part.height

    def _turn_page(self) -> None:
        plan = self._plan
        self._pages += 1
        title = plan.title if self._pages == 1 else f"{plan.title}{self._pages}"
        self._page = self._book._book.add_worksheet(title)
        self._head = len(plan.lines)
        for number, line in enumerate(plan.lines):
            bold = self._book.look(bold=number == 0, font_size=14 if number == 0 else 11)
            self._page.write_string(number, 0, line, bold)
        heading = self._book.look(bold=True)
        self._page.freeze_panes(self._head + 1, plan.frozen)
        for column, head in enumerate(plan.heads):
            self._page.write_string(self._head, column, head, heading)
        if plan.printed:
            self._page.set_landscape()
            self._page.repeat_rows(self._head)
            print_on_a4(self._page)
        self._room = _ROWS - self._head
        self._used = 0

    def _fit(self, frame: pl.DataFrame) -> None:
        for column, series in enumerate(frame):
            if self._plan.fixed[column] is None:
                longest = max((text_width(str(v)) for v in series if v is not None), default=0)
                marks = longest // 3 + 1 if series.name in self._plan.fen else 0
                self._wanted[column] = max(self._wanted[column], longest + marks + 1)

    def _finish(self) -> None:
        low, high = _WIDTHS
        for column, (fixed, wanted) in enumerate(zip(self._plan.fixed, self._wanted, strict=True)):
            width = max(low, min(wanted, high)) if fixed is None else fixed
            level = int(self._plan.columns[column] in self._plan.outline)
            self._page.set_column(column, column, width, None, {"level": level})
        if self._plan.heads:
            self._page.autofilter(self._head, 0, self._head + self._used, len(self._plan.heads) - 1)

    def _refuse_long_texts(self, frame: pl.DataFrame) -> None:
        texts = [s.name for s in frame if s.dtype == pl.String]
        if not texts or not frame.height:
            return
        lengths = frame.select(pl.col(texts).str.len_chars().max()).row(0, named=True)
        for column, length in lengths.items():
            if length is not None and length > TEXT_LIMIT:
                where = self._book._where
                raise InputError(
                    "F207", where=where, column=column, length=length, limit=TEXT_LIMIT
                )

    def _fill(self, frame: pl.DataFrame) -> None:
        """Rows as XML into the file where xlsxwriter keeps those of constant memory.

        Cell by cell it writes some 170,000 cells a second, which a month of a province has not
        the time for; whole columns at a time are ten times as fast.
        """
        page, first = self._page, self._head + 1 + self._used
        last = first + frame.height - 1
        page._write_single_row(last)  # the heading, if it is still waiting
        page._check_dimensions(last, frame.width - 1)
        page.row_data_fh.write(rows_xml(frame, first + 1, self._styles(frame)))
        self._used += frame.height

    def _styles(self, frame: pl.DataFrame) -> dict[str, CellStyle]:
        found = {}
        for name, dtype in frame.schema.items():
            fen = name in self._plan.fen
            shown = self._plan.formats.get(name, MONEY if fen else "")
            if not shown and dtype in (pl.Date, pl.Datetime):
                shown = _DAY
            if shown:
                number = self._book.look(num_format=shown)._get_xf_index()
                found[name] = CellStyle(number, fen)
        return found
