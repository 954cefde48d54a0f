"""What the first pass leaves of a part, as bytes: kept beside a run, or sent to another machine.

Layout: a magic word, the length of a JSON head, the head, then blocks that begin at multiples of
64: every claim's arrays as they lie in memory, little-endian, so that a file that is mapped is not
read before it is needed, and the lists of what may change as Arrow IPC. Nothing in it is executed.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

import drg
from drg.claims.named import Named
from drg.payment.mechanisms.standard import PaymentError
from drg.payment.pricing.assessed import Assessed, Candidates, Packages, Stays, Visits, Worth
from drg.payment.pricing.sheet import Sheet

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    Rows = NDArray[Any]

__all__ = ["made_by", "pack", "unpack"]

_MAGIC = b"drg part 1\n"
_LENGTH = 8
_ALIGNED = 64
#: Lists of what may change, by their name in ``Assessed``.
_LISTS: dict[str, type] = {
    "candidates": Candidates, "stays": Stays, "visits": Visits, "packages": Packages,
}  # fmt: skip
#: Tables that places on the sheet stand for, by their name in ``Assessed``.
_TABLES = ("weights", "coefficients", "rates", "values")
#: Arrays of every claim, by name: the only types there are, so that a head cannot ask for others.
_TYPES = {
    **dict.fromkeys(("mode", "route", "case_class", "branch", "note"), ("<u1",)),
    **dict.fromkeys(("weight", "rate", "coefficient", "value", "version"), ("<i4",)),
    **dict.fromkeys(
        ("standard", "cost", "price", "patient", "fund", "points", "group_score", "auxiliary"),
        ("<i8",),
    ),
    **dict.fromkeys(("first", "second", "content"), ("<u8",)),
    "hospital": ("<u1", "<u2", "<u4", "<u8", "<i4", "<i8"),
    "month": ("<i2",),
}


def made_by() -> dict[str, str]:
    """What two machines must have alike to work on one period.

    Ids and contents of claims are compared by hashes that are the same in every process of one
    version of polars, not across versions.
    """
    return {"drg": drg.__version__, "polars": pl.__version__, "order": sys.byteorder}


def pack(assessed: Assessed) -> bytes:
    """A part after the first pass, as bytes.

    Parameters
    ----------
    assessed : Assessed
        What ``Pricer.assess`` gives; of any number of rows.

    Returns
    -------
    bytes
        About 100 bytes a claim, hardly more than 15 when compressed. ``unpack`` gives the same
        part, its key and what it lists included.

    Examples
    --------
    Assessed on many machines, decided on one, finished on many::

        state = pack(pricer.assess(frame))                   # a worker, for each part
        decisions = pricer.decide([unpack(s) for s in states])    # states in the order of the rows
        priced = pricer.finish(unpack(state), decisions)     # a worker, for each part

    ``Decisions`` are found by ``Assessed.key``.
    """
    sheet = {field.name: getattr(assessed.sheet, field.name) for field in fields(Sheet)}
    arrays = {name: array for name, array in sheet.items() if array is not None} | {
        "first": assessed.identity[0],
        "second": assessed.identity[1],
        "content": assessed.content,
        "version": assessed.version,
        "hospital": assessed.hospital.codes,
        "month": assessed.month,
    }
    blocks: list[bytes | memoryview] = []
    told: list[list[Any]] = []
    at = 0

    def add(name: str, kind: str, block: bytes | memoryview) -> None:
        nonlocal at
        gap = -at % _ALIGNED
        blocks.extend((bytes(gap), block))
        size = block.nbytes if isinstance(block, memoryview) else len(block)
        told.append([name, kind, at + gap, size])
        at += gap + size

    for name, array in arrays.items():
        dtype = array.dtype.newbyteorder("<")
        kind = dtype.str.replace("|", "<")
        if kind not in _TYPES[name]:
            raise TypeError(f"{name}: {array.dtype}")
        add(name, kind, _view(np.ascontiguousarray(array, dtype)))
    for name in _LISTS:
        if (listed := getattr(assessed, name)) is not None:
            add(name, "list", _ipc(_frame_of(listed)))
    for name in _TABLES:
        if (table := getattr(assessed, name)) is not None:
            add(name, "table", _ipc(table.to_frame(table.name)))
    names = list(assessed.hospital.names)
    head = {
        "made": made_by(), "rows": assessed.rows, "key": assessed.key, "hospitals": names,
        "blocks": told,
    }  # fmt: skip
    text = json.dumps(head, ensure_ascii=False).encode()
    start = len(_MAGIC) + _LENGTH + len(text)
    length = len(text).to_bytes(_LENGTH, "little")
    return b"".join([_MAGIC, length, text, bytes(-start % _ALIGNED), *blocks])


def unpack(data: Buffer, *, copy: bool = True) -> Assessed:
    """The part that ``pack`` was given.

    Parameters
    ----------
    data : bytes or another buffer
        Such as a memory map.
    copy : bool, optional
        False: arrays are views of the buffer, as writable as that is. A part whose claims are
        refused (``drg.settlement.rerun.refuse_rows``) is written to.

    Raises
    ------
    PaymentError
        P495: this is no packed part, or not whole; P496: other versions of the engine or of polars
        packed it, and what they hashed cannot be compared.
    """
    view = memoryview(data).cast("B")
    try:
        head, start = _head(view)
        made = made_by()
        if head["made"] != made:
            found = {str(key): str(value) for key, value in head["made"].items()}
            raise PaymentError("P496", found=_told(found), wanted=_told(made))
        return _read(head, view[start:], copy=copy)
    except PaymentError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, pl.exceptions.PolarsError) as error:
        raise PaymentError("P495", why=str(error)[:200]) from error


def _head(view: memoryview) -> tuple[dict[str, Any], int]:
    if bytes(view[: len(_MAGIC)]) != _MAGIC:
        raise PaymentError("P495", why=repr(bytes(view[: len(_MAGIC)])))
    begin = len(_MAGIC) + _LENGTH
    end = begin + int.from_bytes(view[len(_MAGIC) : begin], "little")
    if end > len(view):
        raise PaymentError("P495", why=f"{len(view)} < {end}")
    head: dict[str, Any] = json.loads(bytes(view[begin:end]))
    return head, end + (-end % _ALIGNED)


def _read(head: Mapping[str, Any], view: memoryview, *, copy: bool) -> Assessed:
    rows = int(head["rows"])
    arrays: dict[str, Rows] = {}
    rest: dict[str, Any] = {}
    for name, kind, at, size in head["blocks"]:
        if at < 0 or size < 0 or at + size > len(view):
            raise ValueError(f"{name}: {at}+{size} > {len(view)}")
        block = view[at : at + size]
        if kind == "list":
            rest[name] = _listed(_LISTS[name], _frame(block))
        elif kind == "table":
            if name not in _TABLES:
                raise ValueError(name)
            rest[name] = _frame(block).to_series()
        else:
            if kind not in _TYPES[name]:
                raise ValueError(f"{name}: {kind}")
            array = np.frombuffer(block, np.dtype(kind).newbyteorder("<"))
            if len(array) != rows:
                raise ValueError(f"{name}: {len(array)} ≠ {rows}")
            native = array.astype(array.dtype.newbyteorder("="), copy=copy)
            arrays[name] = native
    hospital = Named(tuple(head["hospitals"]), arrays.pop("hospital"))
    identity = arrays.pop("first"), arrays.pop("second")
    content, version, month = (arrays.pop(name) for name in ("content", "version", "month"))
    tables = {name: rest.pop(name, None) for name in _TABLES}
    return Assessed(
        sheet=Sheet(**arrays), identity=identity, content=content, version=version,
        hospital=hospital, month=month, key=str(head["key"]), **tables, **rest,
    )  # fmt: skip


def _frame_of(listed: Any) -> pl.DataFrame:
    """A list as columns; those of a ``Worth`` are called ``item.price`` and so on."""
    columns: dict[str, Any] = {}
    for field in fields(listed):
        value = getattr(listed, field.name)
        if isinstance(value, Worth):
            parts = {part.name: getattr(value, part.name) for part in fields(Worth)}
            columns |= {f"{field.name}.{k}": v for k, v in parts.items() if v is not None}
        else:
            columns[field.name] = value
    return pl.DataFrame(columns)


def _listed(kind: Callable[..., Any], frame: pl.DataFrame) -> Any:
    found: dict[str, Any] = {}
    worths: dict[str, dict[str, Rows]] = {}
    for column in frame:
        name, dot, part = column.name.partition(".")
        if dot:
            worths.setdefault(name, {})[part] = column.to_numpy()
        else:
            found[name] = column if column.dtype == pl.String else column.to_numpy()
    return kind(**found, **{name: Worth(**parts) for name, parts in worths.items()})


def _view(array: Rows) -> memoryview:
    return array.data.cast("B") if len(array) else memoryview(b"")


def _ipc(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer)
    return buffer.getvalue()


def _frame(block: memoryview) -> pl.DataFrame:
    return pl.read_ipc_stream(io.BytesIO(block)).rechunk()


def _told(made: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in made.items())
