"""Text files as strict UTF-8: encodings detected over the whole file, gzip unpacked.

UTF-8 (with BOM or not) is used where it lies; UTF-16 with BOM and GB18030 (which covers GBK and
GB2312) are rewritten as UTF-8 into a working folder that the caller owns and removes. Memory is
constant. Nothing is guessed from a sample and nothing is replaced by "?". Also, for readers and
writers alike, what the system said about a file, in a form that is the same in every language.
"""

from __future__ import annotations

import codecs
import errno
import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl

from drg.errors import InputError

__all__ = [
    "BLOCK",
    "DENIED",
    "FULL",
    "PlainText",
    "blocks",
    "first_invalid_utf8",
    "plain_text",
    "system_code",
]

#: Bytes read at a time.
BLOCK = 1 << 20
#: How often what a packed file holds may hold the file, once it is more than ``_UNPACKED`` bytes:
#: claims pack 1:5 to 1:40, gzip's own limit is 1:1032.
_RATIO, _UNPACKED = 200, 1 << 30
#: System codes that mean: not allowed, and no room.
DENIED = ("EACCES", "EPERM", "EROFS")
FULL = ("ENOSPC", "EDQUOT")

_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_CONTINUATION, _LEAD = 0x80, 0xC0
#: So many characters of three UTF-8 bytes before the first fault show that UTF-8 was meant.
_MEANT_UTF8 = 4
#: How polars words what the system told it.
_OS_ERROR = re.compile(r"os error (\d+)")


@dataclass(frozen=True)
class PlainText:
    """A UTF-8 text file to read.

    Attributes
    ----------
    path : Path
        The file itself, or its UTF-8 copy in the working folder.
    encoding : str
        What the file was written in: ``utf-8``, ``utf-8-sig``, ``utf-16`` or ``gb18030``.
    """

    path: Path
    encoding: str


def plain_text(path: Path, workdir: Callable[[], Path]) -> PlainText:
    """The file as strict UTF-8, rewritten in the working folder only where needed.

    Parameters
    ----------
    path : Path
        Text file, or one compressed by gzip when its name ends in ``.gz``.
    workdir : callable
        Gives the working folder; called only when a copy has to be written.

    Raises
    ------
    InputError
        F103 nothing in it, F107 no known encoding, F108 damaged UTF-8, F109 damaged gzip,
        F126 not text, F135 it unpacks to more than any data do.
    """
    where = str(path)
    if path.suffix.lower() == ".gz":
        unpacked = workdir() / "unpacked"
        _unpack(path, unpacked)
        path = unpacked
    with path.open("rb") as file:
        head = file.read(4)
    if not head:
        raise InputError("F103", where=where)
    if encoding := _UTF16.get(head[:2]):
        target = workdir() / "utf8"
        if (offset := _transcode(path, target, encoding)) is not None:
            raise InputError("F108", where=where, offset=offset)
        return _checked(target, "utf-16", where)
    fault = first_invalid_utf8(path, where)
    if fault is None:
        return PlainText(path, "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8")
    if _meant_utf8(path, fault):
        raise InputError("F108", where=where, offset=fault)
    target = workdir() / "utf8"
    if (offset := _transcode(path, target, "gb18030")) is not None:
        raise InputError("F107", where=where, utf8=fault, gb18030=offset)
    return _checked(target, "gb18030", where)


def blocks(path: Path, start: int = 0) -> Iterator[bytes]:
    """The file's bytes from ``start`` on, ``BLOCK`` at a time."""
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while block := file.read(BLOCK):
            yield block


def first_invalid_utf8(path: Path, where: str = "") -> int | None:
    """Byte offset of the first fault in the file read as strict UTF-8; None when it has none.

    Raises
    ------
    InputError
        F126 when a byte is NUL: no text file has one (nor has UTF-16 without a BOM a chance).
    """
    base, carry = 0, b""
    for block in blocks(path):
        if b"\0" in block:
            raise InputError("F126", where=where)
        data = carry + block
        whole = len(data) - _unfinished(data)
        if not _is_utf8(data[:whole]):
            return base + _fault(data)
        carry = data[whole:]
        base += whole
    return base if carry and not _is_utf8(carry) else None


def _unfinished(data: bytes) -> int:
    """How many bytes at the end are the last character, which the next block may finish."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= _LEAD:
            return back
        if byte < _CONTINUATION:
            return 0
    return 0


def _is_utf8(data: bytes) -> bool:
    # polars' validator is several times as fast as bytes.decode on Chinese text.
    if data.isascii():
        return True
    try:
        pl.Series([data], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return True


def _fault(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return len(data)


def _meant_utf8(path: Path, fault: int) -> bool:
    """Whether the text before the fault is plainly UTF-8, so that GB18030 would garble it."""
    with path.open("rb") as file:
        before = file.read(min(fault, BLOCK))
    text = before.decode("utf-8", errors="ignore")
    return sum(char >= "\u0800" and char != "\ufeff" for char in text) >= _MEANT_UTF8


def _unpack(source: Path, target: Path) -> None:
    room = max(_UNPACKED, _RATIO * source.stat().st_size)
    try:
        with gzip.open(source, "rb") as packed, target.open("wb") as out:
            _copy(packed, out, room, str(source))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError("F109", where=str(source)) from error


def _copy(packed: gzip.GzipFile, out: BinaryIO, room: int, where: str) -> None:
    while block := packed.read(BLOCK):
        room -= len(block)
        if room < 0:
            raise InputError("F135", where=where, ratio=_RATIO)
        out.write(block)


def _transcode(source: Path, target: Path, encoding: str) -> int | None:
    """Write the file as UTF-8; the byte offset of the first fault when it is not so encoded."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    done = pending = 0
    try:
        with target.open("wb") as out:
            for block in blocks(source):
                pending = len(decoder.getstate()[0])
                out.write(decoder.decode(block).encode("utf-8"))
                done += len(block)
            pending = len(decoder.getstate()[0])
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return done - pending + error.start
    return None


def _checked(target: Path, encoding: str, where: str) -> PlainText:
    first_invalid_utf8(target, where)  # a NUL in it means that the file was not text at all
    return PlainText(target, encoding)


def system_code(error: BaseException) -> str:
    """Symbol of the system's error code; the kind of the exception when there is none.

    Examples
    --------
    >>> system_code(OSError("parquet: No space left on device (os error 28)"))
    'ENOSPC'
    """
    number = getattr(error, "errno", None)
    if number is None and (told := _OS_ERROR.search(str(error))):
        # On Windows the number is one of Windows' own, and the constructor translates it.
        number = OSError(int(told[1]), "", None, int(told[1])).errno
    return errno.errorcode.get(number or 0, type(error).__name__)
