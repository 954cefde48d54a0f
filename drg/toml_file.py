"""TOML files that may have been written to harm: read within bounds, or one plain reason why not.

Python's reader takes numbers of any size and tables of any depth: a file of a few lines can hold
the process for hours, or end it in whatever walks the result.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from drg.text import text

__all__ = ["MAX_TOML_BYTES", "TomlError", "exact", "parse_toml", "read_toml"]

#: The largest that is shipped has 13 kB.
MAX_TOML_BYTES = 1 << 20
#: Tables and arrays inside each other; ours have five.
_DEPTH = 32
#: Digits of a number, and the zeros that its exponent may stand for.
_DIGITS, _EXPONENT = 40, 30
#: More parts of a dotted key than anything nests: the time to read one grows with their square.
_KEY = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
_LONG_KEY = re.compile(rf"""(?<![A-Za-z0-9_"'.-])(?:{_KEY}){{{_DEPTH}}}""")


class TomlError(ValueError):
    """A file is no TOML, or none that is read; its text says why, in the language of the call."""


def read_toml(path: Path, *, exactly: bool = False) -> dict[str, Any]:
    """Read a TOML file.

    Parameters
    ----------
    path : Path
        UTF-8, with or without a byte order mark (editors on Windows put one before the text).
    exactly : bool, optional
        Decimals as ``Decimal``, as they are written; otherwise as float.

    Raises
    ------
    TomlError
        It is no regular file, too large, not UTF-8, no TOML, nested too deep, or holds a number
        of too many digits.
    OSError
        The system does not let it be read.
    """
    try:
        said = path.stat()
    except ValueError as error:  # a name with a NUL in it
        raise TomlError(text("errors.toml_no_file")) from error
    if not stat.S_ISREG(said.st_mode):  # a pipe would be waited for, a device has no end
        raise TomlError(text("errors.toml_no_file"))
    with path.open("rb") as file:
        data = file.read(MAX_TOML_BYTES + 1)
    return parse_toml(data, exactly=exactly)


def parse_toml(data: bytes | str, *, exactly: bool = False) -> dict[str, Any]:
    """Read TOML text, as ``read_toml`` does.

    Raises
    ------
    TomlError
    """
    if len(data) > MAX_TOML_BYTES:
        raise TomlError(text("errors.toml_too_large", None, limit=MAX_TOML_BYTES))
    try:
        written = data if isinstance(data, str) else data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TomlError(text("errors.toml_not_utf8", None, offset=error.start)) from error
    if _LONG_KEY.search(written):
        raise TomlError(text("errors.toml_too_deep", None, limit=_DEPTH))
    decimal: Callable[[str], Any] = exact if exactly else float
    try:
        found = tomllib.loads(written, parse_float=decimal)
    except TomlError:
        raise
    except RecursionError as error:
        raise TomlError(text("errors.toml_too_deep", None, limit=_DEPTH)) from error
    except tomllib.TOMLDecodeError as error:
        raise TomlError(str(error)) from error
    except ValueError as error:  # an integer of more digits than Python reads, or no date
        raise TomlError(text("errors.toml_number", None, limit=_DIGITS)) from error
    _check(found)
    return found


def exact(written: str) -> Decimal:
    """A decimal as it is written.

    Raises
    ------
    TomlError
        Its exact value would take more than some tens of digits.
    """
    try:
        number = Decimal(written.replace("_", ""))
    except InvalidOperation as error:
        raise TomlError(text("errors.toml_number", None, limit=_DIGITS)) from error
    _, digits, exponent = number.as_tuple()
    if len(digits) > _DIGITS or (isinstance(exponent, int) and abs(exponent) > _EXPONENT):
        raise TomlError(text("errors.toml_number", None, limit=_DIGITS))
    return number


def _check(found: dict[str, Any]) -> None:
    """Refuse what is nested too deep and integers that are too long, layer by layer."""
    layer: list[Any] = [found]
    for _ in range(_DEPTH):
        inner: list[Any] = []
        for value in layer:
            inner += value.values() if isinstance(value, dict) else value
        if any(isinstance(v, int) and v.bit_length() > 4 * _DIGITS for v in inner):
            raise TomlError(text("errors.toml_number", None, limit=_DIGITS))
        layer = [v for v in inner if isinstance(v, dict | list)]
        if not layer:
            return
    raise TomlError(text("errors.toml_too_deep", None, limit=_DEPTH))
