"""Everything an end user reads comes from here: the TOML catalogue beside this module.

A key is ``<file>.<entry>`` (``"readers.F101"``) or ``<file>.<entry>.<field>``. Chinese is the
default language; ``set_language("en")`` or the ``lang`` argument chooses English.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Literal

Lang = Literal["zh", "en"]
LANGUAGES: tuple[Lang, ...] = ("zh", "en")

#: Between the columns of an aligned table.
_GAP = "  "
#: Control characters but for tab and line end; marks that turn the direction of what follows;
#: halves of characters. A terminal would obey the first and be misread by the second.
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_FOLDER = Path(__file__).with_name("catalogue")
_language: ContextVar[str] = ContextVar("drg_language", default="zh")


def set_language(lang: str) -> None:
    """Choose the language of messages for this context (``"zh"`` or ``"en"``)."""
    if lang not in LANGUAGES:
        raise ValueError(f"lang must be one of {LANGUAGES}, not {lang!r}")
    _language.set(lang)


def language() -> str:
    """The language now in use: ``"zh"`` or ``"en"``."""
    return _language.get()


@cache
def catalogue(area: str) -> dict[str, Any]:
    """One file of the catalogue as nested tables."""
    with (_FOLDER / f"{area}.toml").open("rb") as file:
        return tomllib.load(file)


def text(key: str, /, lang: str | None = None, **params: object) -> str:
    """Wording of a key in one language, with its parameters filled in.

    Parameters
    ----------
    key : str
        ``"area.entry"`` reads fields ``zh``/``en``; ``"area.entry.mend"`` reads
        ``mend_zh``/``mend_en`` (empty when the entry has no such field).
    lang : str, optional
        ``"zh"`` or ``"en"``; the context's language when omitted.
    **params : object
        What stands in the wording's braces.

    Raises
    ------
    KeyError
        The catalogue has no such entry: a programming error, caught by the tests.
    """
    lang = lang or _language.get()
    area, _, rest = key.partition(".")
    entry, _, field = rest.partition(".")
    row = catalogue(area)[entry]
    wording = row.get(f"{field}_{lang}", "") if field else row[lang]
    return wording.format(**params) if params else str(wording)


def printable(words: str) -> str:
    r"""Text as it may go to a terminal: what it would obey instead of showing is spelled out.

    Spelled as JSON does, so that JSON stays what it is.

    Examples
    --------
    >>> print(printable("A1" + chr(27) + "[2J"))
    A1\u001b[2J
    """
    return _UNSHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}", words)


def aligned(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows of cells as lines whose columns stand under each other, Chinese counted as wide.

    Parameters
    ----------
    rows : sequence of sequence of str
        Cells; every row has the same number.
    right : sequence of int, optional
        Columns to align right.
    """
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            (" " * (w - _width(cell)) + cell) if n in right else cell + " " * (w - _width(cell))
            for n, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(_GAP.join(cells).rstrip())
    return lines


def _width(cell: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in cell)
