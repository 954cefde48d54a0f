"""Text of a source as rows of cells, and cells as the values that are meant.

CSV in UTF-8 (BOM or not), UTF-16 with BOM or GB18030 (covers GBK), gzipped or not. What a cell
holds beyond its value (blanks around it, full-width forms, invisible marks) is taken off.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from drg.errors import TableError
from drg.schemes.importing.conventions import layout
from drg.schemes.importing.source import unpacked

#: Longest cell that is read; a rule of a published scheme has some 150 characters.
MAX_CELL = 20_000
MAX_ROWS = 2_000_000

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: Byte order mark, zero-width blanks and joiners, soft hyphen, direction marks, controls.
_INVISIBLE = re.compile(
    "[\\ufeff\\u200b-\\u200f\\u202a-\\u202e\\u2060\\u00ad\\x00-\\x08\\x0b-\\x1f\\x7f]"
)
_FULL_WIDTH = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)}
#: So many characters of three UTF-8 bytes before the first fault show that UTF-8 was meant.
_MEANT_UTF8 = 4
_INTEGER = re.compile(r"-?\d{1,9}(\.0*)?")


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of a source before anything is made of it.

    Attributes
    ----------
    file : str
        File or sheet.
    rows : list of (int, list of str)
        Row as an editor counts, and its cells; rows without any text are left out.
    encoding : str
        What the file was written in; ``""`` for a sheet.
    blank : int
        Number of rows without any text.
    """

    file: str
    rows: list[tuple[int, list[str]]]
    encoding: str = ""
    blank: int = 0


def read_csv(data: bytes, file: str) -> Rows:
    """A CSV or TSV file as rows.

    Raises
    ------
    TableError
        T140 damaged gzip, T141 too large, T144 not text in a known encoding, or not CSV.
    """
    text, encoding = _decoded(unpacked(data, file), file)
    head = text[: text.find("\n")] if "\n" in text else text
    marks = max(",\t;|", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=marks)
    previous = csv.field_size_limit(MAX_CELL)
    rows, blank = [], 0
    try:
        for cells in reader:
            if any(map(plain, cells)):
                rows.append((reader.line_num, cells))
            else:
                blank += 1
            if len(rows) > MAX_ROWS:
                raise TableError("T141", where=file, limit=f"{MAX_ROWS} rows")
    except csv.Error as error:
        raise TableError("T144", where=f"{file}:{reader.line_num}", detail=str(error)) from error
    finally:
        csv.field_size_limit(previous)
    return Rows(file, rows, encoding, blank)


def _decoded(data: bytes, file: str) -> tuple[str, str]:
    if data.startswith(_UTF16):
        tries = [("utf-16", "utf-16")]
    elif data.startswith(codecs.BOM_UTF8):
        tries = [("utf-8-sig", "utf-8-sig")]
    else:
        tries = [("utf-8", "utf-8"), ("gb18030", "gb18030")]
    for name, shown in tries:
        try:
            text = data.decode(name)
        except UnicodeDecodeError as error:
            before = data[: error.start] if name == "utf-8" else b""
            if sum(c > "\u07ff" for c in before.decode("utf-8", "ignore")) >= _MEANT_UTF8:
                break  # damaged UTF-8, not GB18030
            continue
        if "\x00" not in text:
            return text, shown
    raise TableError("T144", where=file, detail="/".join(name for name, _ in tries))


def decoded(data: bytes, file: str) -> str:
    """A text file's content; T144 when its encoding is not known."""
    return _decoded(data, file)[0]


def plain(cell: str) -> str:
    """A cell without invisible marks and without blanks around it."""
    cleaned = _INVISIBLE.sub("", cell).replace("\u3000", " ").replace("\u00a0", " ")
    return cleaned.strip()


def code(cell: str) -> str:
    """A code as it is meant: full-width signs as ASCII, invisible marks and outer blanks off."""
    cleaned = plain(cell)
    if cleaned.isascii():
        return cleaned
    return plain(cleaned.translate(_signs()))


@cache
def _signs() -> dict[int, int | str]:
    signs: dict[int, int | str] = dict(_FULL_WIDTH)
    return signs | {ord(sign): ours for sign, ours in layout("conventions")["code_signs"].items()}


def integer(cell: str) -> int | None:
    """A whole number written as ``3``, ``3.0``, ``'3`` or in full-width digits; else None."""
    cleaned = unicodedata.normalize("NFKC", plain(cell)).lstrip("'").strip()
    return int(cleaned.partition(".")[0]) if _INTEGER.fullmatch(cleaned) else None


def heading(cell: str) -> str:
    """A column's or sheet's name for comparison: no case, blanks, dashes, brackets or width."""
    folded = unicodedata.normalize("NFKC", plain(cell)).casefold()
    return re.sub(r"[\s_\-/()\[\]【】（）:：.、·*]+", "", folded)
