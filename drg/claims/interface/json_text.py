"""JSON text as values, one after the other, in flat memory; and values as JSON text.

Numbers stay as they are written (``Number``), so that no digit of an amount is lost. Whatever has
no single meaning is refused: a key that stands twice, NaN, a text that ends in the middle.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any, NamedTuple

from drg.errors import InputError

__all__ = ["Number", "Placed", "dump", "kind_of", "read_values"]

#: Characters read at a time, and the longest one value may be.
_CHUNK, _LARGEST = 1 << 20, 1 << 25
#: Longest number: amounts have 16 digits, ids that were written as numbers 30.
_DIGITS = 40
#: Escapes of half a character, and of NUL: no text file can hold them.
_NO_TEXT = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_BLANK = re.compile(r"[ \t\r\n\ufeff]*")


class Number(str):
    """A number as its text stands in the file."""

    __slots__ = ()


class Placed(NamedTuple):
    """A value of a file.

    Attributes
    ----------
    value : Any
        dict, list, str, ``Number``, bool or None.
    number : int
        Which value it is, from 1.
    line : int
        Line it begins in, from 1.
    """

    value: Any
    number: int
    line: int


class _Refused(Exception):
    """What the decoder met: code and parameters of the error."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code, self.params = code, params


def _number(text: str) -> Number:
    if len(text) > _DIGITS:
        raise _Refused("F155", digits=len(text), most=_DIGITS)
    return Number(text)


def _constant(text: str) -> object:
    raise _Refused("F153", text=text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _Refused("F154", key=next(key for key in keys if keys.count(key) > 1))
    return found


_DECODER = json.JSONDecoder(
    parse_float=_number, parse_int=_number, parse_constant=_constant, object_pairs_hook=_once
)


class _Text:
    """The part of a file that is being decoded."""

    def __init__(self, path: Path, where: str) -> None:
        self.file = path.open(encoding="utf-8", newline="")
        self.where = where
        self.text = ""
        self.at = self.counted = 0
        self.line = 1  # of the character at `counted`
        self.gone = 0  # characters of the first line here that were let go
        self.number = 0
        self.ended = False

    def more(self, size: int = _CHUNK) -> None:
        """Read on; what has been decoded is let go."""
        self.here()
        self.gone = self.column(self.at) - 1
        read = self.file.read(max(size, _CHUNK))
        self.text = self.text[self.at :] + read
        self.at = self.counted = 0
        self.ended = not read

    def next_char(self) -> str:
        """The next character that is no blank, not taken; ``""`` at the end."""
        while True:
            self.at = _BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.text) or self.ended:
                return self.text[self.at : self.at + 1]
            self.more()

    def here(self) -> int:
        """The line of the next character."""
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line

    def column(self, place: int) -> int:
        """The column of a character of the text, from 1."""
        begun = self.text.rfind("\n", 0, place)
        return place - begun if begun >= 0 else self.gone + place + 1

    def value(self) -> Placed:
        """Decode one value."""
        self.number += 1
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                left = len(self.text) - self.at
                if not self.ended and left <= _LARGEST:
                    self.more(left)
                    continue
                raise self._damaged(error, left) from None
            except RecursionError:
                raise self.refused("F152") from None
            except _Refused as refused:
                raise self.refused(refused.code, **refused.params) from None
            if end == len(self.text) and not self.ended:
                self.more()  # a number may go on
                continue
            if _NO_TEXT.search(self.text, self.at, end) and not _is_text(value):
                raise self.refused("F156")
            placed = Placed(value, self.number, self.here())
            self.at = end
            return placed

    def refused(self, code: str, **params: object) -> InputError:
        return InputError(code, where=self.where, number=self.number, line=self.here(), **params)

    def _damaged(self, error: json.JSONDecodeError, left: int) -> InputError:
        if left > _LARGEST:
            return self.refused("F160", size=_LARGEST >> 20)
        begun = error.msg.startswith("Unterminated") or error.pos >= len(self.text.rstrip())
        if begun:
            return self.refused("F151")
        line = self.here() + self.text.count("\n", self.at, error.pos)
        column = self.column(error.pos)
        found = self.text[error.pos : error.pos + 1]
        return InputError(
            "F150", where=self.where, number=self.number, line=line, column=column, found=found
        )


def _is_text(value: object) -> bool:
    shown = json.dumps(value, ensure_ascii=False)
    try:
        shown.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in shown


def read_values(path: Path, where: str) -> Iterator[Placed]:
    """The values of a file: the elements of one array, or values that follow each other.

    Parameters
    ----------
    path : Path
        UTF-8 text: one value, an array of values, or one value a line (NDJSON).
    where : str
        File named in errors.

    Raises
    ------
    InputError
        F150 no JSON, F151 cut off, F152 nested too deep, F153 NaN or Infinity, F154 a key that
        stands twice, F155 a number too long, F156 an escape that is no character, F160 a value
        that is too large, F161 more text after the array, F162 nothing in it.
    """
    text = _Text(path, where)
    with text.file:
        first = text.next_char()
        if not first:
            raise InputError("F162", where=where)
        if first != "[":
            while text.next_char():
                yield text.value()
            return
        text.at += 1
        if text.next_char() == "]":
            text.at += 1
        else:
            yield text.value()
            while (mark := text.next_char()) == ",":
                text.at += 1
                if text.next_char() == "":
                    break
                yield text.value()
            mark = text.next_char()
            if mark == "":
                raise text.refused("F151")
            if mark != "]":
                raise InputError("F150", where=where, number=text.number, line=text.here(),
                                 column=text.column(text.at), found=mark)  # fmt: skip
            text.at += 1
        if text.next_char():
            raise text.refused("F161")


def dump(value: Any) -> str:
    """A value as JSON text on one line; numbers as they were written.

    Raises
    ------
    RecursionError
        It is nested too deep.
    """
    if isinstance(value, dict):
        cells = (f"{encode_basestring(key)}:{dump(inner)}" for key, inner in value.items())
        return "{" + ",".join(cells) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return encode_basestring(value)
    return "null" if value is None else "true" if value else "false"


def kind_of(value: object) -> str:
    """Name of a JSON value's kind: object, array, string, number, boolean or null."""
    if isinstance(value, bool):
        return "boolean"
    kinds = ((dict, "object"), (list, "array"), (Number, "number"), (str, "string"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")
