"""Where simulated cases are written: a workbook of three sheets, or a folder of CSV files.

Both are filled a few cases at a time, in constant memory, and are there whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

import polars as pl

from drg.claims.writers import output_suffix, write_workbook
from drg.scale.elsewhere import CaseError
from drg.scale.simulate_rows import DECIMALS, SHEETS
from drg.scale.stage import staged
from drg.text import text

if TYPE_CHECKING:
    from drg.claims.workbook import Sheet, Workbook

__all__ = ["Book", "open_book", "output_kind"]

Kind = Literal["workbook", "folder"]

#: Widths of columns of long words, in characters; the others fit what they hold.
_WIDTHS = {
    "claim_id": 18, "group_name": 32, "principal_dx_name": 24, "principal_px_name": 24,
    "reason": 28, "label": 40, "changes": 40, "because": 60, "raised": 40, "cleared": 40,
    "note": 40, "left_out": 40, "title": 36, "concerns": 36, "mend": 50,
}  # fmt: skip
#: Columns that stay in sight: row and id of the case, and the place of a scenario.
_FROZEN = {"cases": 2, "scenarios": 3, "findings": 2}
#: Text as the file has it that a workbook holds as whole numbers, where it is one.
_WHOLE = {"age": 0}
_BOM = b"\xef\xbb\xbf"


class Book(Protocol):
    """What is being written."""

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files."""

    def append(self, name: str, frame: pl.DataFrame) -> None:
        """Add rows to one of ``SHEETS``."""


def output_kind(path: Path) -> Kind:
    """What a path asks for.

    Raises
    ------
    CaseError
        G414: another suffix than ``.xlsx``.
    InputError
        F202, F203: there is no such folder to write into.
    """
    if path.is_dir() or not path.suffix:
        return "folder"
    if path.suffix.lower() != ".xlsx":
        raise CaseError("G414", where=str(path), suffix=path.suffix)
    output_suffix(path)
    return "workbook"


@contextmanager
def open_book(
    path: Path, kind: Kind, about: Sequence[str], metadata: Mapping[str, str], lang: str
) -> Iterator[Book]:
    """A book whose files are in place when the block has ended well.

    Parameters
    ----------
    path : Path
    kind : {"workbook", "folder"}
    about : sequence of str
        Lines above the first sheet, or of ``about.txt``.
    metadata : mapping of str to str
        Provenance.
    lang : {"zh", "en"}

    Raises
    ------
    InputError
        F2xx: it cannot be written.
    """
    if kind == "workbook":
        with write_workbook(path, metadata) as book:
            yield _Sheets(book, path.name, about, lang)
        return
    with staged(path) as folder, ExitStack() as stack:
        provenance = [f"{name} = {value}" for name, value in metadata.items() if value]
        lines = "\n".join([*about, "", *provenance, ""])
        (folder / "about.txt").write_text(lines, "utf-8", newline="\n")
        yield _Folder(folder, stack)


class _Sheets:
    """A workbook; numbers are numbers, amounts yuan with two places."""

    def __init__(self, book: Workbook, name: str, about: Sequence[str], lang: str) -> None:
        self.files = (name,)
        self._sheets: dict[str, Sheet] = {}
        for key, schema in SHEETS.items():
            heads = {column: text(f"simulate.head_{column}", lang) for column in schema}
            self._sheets[key] = book.sheet(
                text(f"simulate.sheet_{key}", lang),
                list(schema),
                heads=heads,
                widths={column: _WIDTHS[column] for column in schema if column in _WIDTHS},
                fen=[column for column in schema if column.endswith("_fen")],
                formats={c: f"0.{'0' * n}" for c, n in DECIMALS.items() if c in schema},
                lines=about if key == "cases" else (),
                printed=True,
                frozen=_FROZEN[key],
            )

    def append(self, name: str, frame: pl.DataFrame) -> None:
        """Add rows to a sheet."""
        places = {**DECIMALS, **_WHOLE}
        numbers = [_number(frame[column], places[column]) for column in frame.columns
                   if column in places]  # fmt: skip
        self._sheets[name].append(frame.with_columns(numbers))


def _number(texts: pl.Series, places: int) -> pl.Series:
    """Decimal text as numbers; as it is where a number would not say the same (a quotient)."""
    decimals = rf"(\.\d{{1,{places}}})?" if places else ""
    if not texts.str.contains(rf"^-?\d{{1,18}}{decimals}$").all():
        return texts
    return texts.cast(pl.Decimal(30, places) if places else pl.Int64)


class _Folder:
    """Text files beside each other; amounts stay fen."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._open: dict[str, BinaryIO] = {}
        for key, schema in SHEETS.items():
            file = stack.enter_context((folder / f"{key}.csv").open("wb"))
            file.write(_BOM)  # Excel takes text without it for GBK
            schema.to_frame().write_csv(file)
            self._open[key] = file
        self.files = (*(f"{key}.csv" for key in SHEETS), "about.txt")

    def append(self, name: str, frame: pl.DataFrame) -> None:
        """Add rows to a file."""
        frame.write_csv(self._open[name], include_header=False)
