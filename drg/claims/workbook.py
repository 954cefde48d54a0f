"""XLSX workbooks in constant memory: sheets with a frozen heading, a filter and fitting columns.

A sheet that is full goes on in a further one of its name. Writing the file in one step is the
business of ``drg.claims.writers``.
"""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl

from drg.errors import InputError

__all__ = ["Sheet", "Workbook"]

_ROWS = 1_048_575
_COLUMNS = 16_384
_TEXT = 32_767
#: Excel keeps 15 digits of a number.
_NUMBER = 10**15
_TOO_LONG = -2  # what xlsxwriter answers for a text over the limit
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

    Raises
    ------
    InputError
        F205 xlsxwriter is missing; F207, F208 a sheet cannot hold the data.
    OSError
        The system refuses to write.
    """

    def __init__(self, draft: Path, where: str, metadata: Mapping[str, str] | None = None) -> None:
        self._draft = draft
        self._where = where
        self._metadata = dict(metadata or {})
        self._sheets: list[Sheet] = []

    def __enter__(self) -> Workbook:
        try:
            import xlsxwriter  # type: ignore[import-untyped]
        except ImportError as error:
            raise InputError("F205", where=self._where) from error
        self._errors = xlsxwriter.exceptions.XlsxFileError
        self._folder = tempfile.TemporaryDirectory(prefix="drg-")
        options = {
            "constant_memory": True,
            "tmpdir": self._folder.name,
            "default_date_format": "yyyy-mm-dd",
        }
        self._book = xlsxwriter.Workbook(str(self._draft), options)
        for name, value in self._metadata.items():
            self._book.set_custom_property(name, value, "text")
        self._bold = self._book.add_format({"bold": True})
        return self

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

    def sheet(
        self,
        title: str,
        columns: Sequence[str],
        *,
        heads: Mapping[str, str] | None = None,
        widths: Mapping[str, int] | None = None,
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
        """
        if len(columns) > _COLUMNS:
            raise InputError("F208", where=self._where, found=len(columns), limit=_COLUMNS)
        named = [(heads or {}).get(column, column) for column in columns]
        sheet = Sheet(self, title, named, [(widths or {}).get(column) for column in columns])
        self._sheets.append(sheet)
        return sheet


class Sheet:
    """One sheet of a ``Workbook``, filled frame by frame."""

    def __init__(
        self, book: Workbook, title: str, heads: Sequence[str], fixed: Sequence[int | None]
    ) -> None:
        self._book = book
        self._title = title
        self._heads = heads
        self._fixed = fixed
        self._wanted = [_width(head) + 3 for head in heads]  # room for the filter's arrow
        self._pages = 0
        self._turn_page()

    def append(self, frame: pl.DataFrame) -> None:
        """Add the rows of a frame that has the sheet's columns; no column holds lists."""
        start = 0
        while start < frame.height:
            if self._used == _ROWS:
                self._finish()
                self._turn_page()
            part = frame.slice(start, _ROWS - self._used)
            self._fit(part.head(_SAMPLE))
            self._fill(part)
            start += part.height

    def _turn_page(self) -> None:
        self._pages += 1
        title = self._title if self._pages == 1 else f"{self._title}{self._pages}"
        self._page = self._book._book.add_worksheet(title)
        self._page.freeze_panes(1, 0)
        for column, head in enumerate(self._heads):
            self._page.write_string(0, column, head, self._book._bold)
        self._used = 0

    def _fit(self, frame: pl.DataFrame) -> None:
        for column, series in enumerate(frame):
            if self._fixed[column] is None:
                longest = max((_width(str(v)) for v in series if v is not None), default=0)
                self._wanted[column] = max(self._wanted[column], longest + 1)

    def _finish(self) -> None:
        low, high = _WIDTHS
        for column, (fixed, wanted) in enumerate(zip(self._fixed, self._wanted, strict=True)):
            width = max(low, min(wanted, high)) if fixed is None else fixed
            self._page.set_column(column, column, width)
        if self._heads:
            self._page.autofilter(0, 0, self._used, len(self._heads) - 1)

    def _fill(self, frame: pl.DataFrame) -> None:
        """Numbers and dates as such, everything else as text."""
        writers = [_cell_writer(self._page, dtype) for dtype in frame.dtypes]
        for row_number, row in enumerate(frame.iter_rows(), start=self._used + 1):
            for column, value in enumerate(row):
                if value is None:
                    continue
                if writers[column](row_number, column, value) == _TOO_LONG:
                    raise InputError(
                        "F207",
                        where=self._book._where,
                        column=frame.columns[column],
                        length=len(str(value)),
                        limit=_TEXT,
                    )
        self._used += frame.height


def _width(cell: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in cell)


def _cell_writer(page: Any, dtype: pl.DataType) -> Callable[[int, int, Any], int]:
    """Writer of one column's cells; it returns -2 when a text is too long for a cell."""

    def number(row: int, column: int, value: Any) -> int:
        # Longer numbers, and NaN, go in as text.
        if abs(value) < _NUMBER:
            return int(page.write_number(row, column, value))
        return int(page.write_string(row, column, str(value)))

    def text(row: int, column: int, value: Any) -> int:
        return int(page.write_string(row, column, str(value)))

    if dtype.is_numeric():
        return number
    if dtype == pl.Boolean:
        return lambda row, column, value: int(page.write_boolean(row, column, value))
    if dtype == pl.Date or dtype == pl.Datetime(time_zone=None):
        return lambda row, column, value: int(page.write_datetime(row, column, value))
    return text
