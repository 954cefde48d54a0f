"""Claim files of every kind: opened, read to the end, grouped; one row likewise as a claim."""

from __future__ import annotations

import gzip
import io
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from fuzz.documented import chosen, documented, parts, scratch

import drg
from drg.claims.frame import RESULT_NAMES
from drg.claims.readers import open_claims
from drg.claims.row import claim_of

__all__ = ["lists", "parquet", "text", "workbook"]

#: Rows of which each is grouped alone as well.
_ALONE = 4
_TEXTS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz")
_LISTS = (".json", ".jsonl", ".ndjson", ".json.gz")
_NAMES = (
    "claim_id", "sex", "age", "age_days", "birth_weight_g", "los_days", "disposition", "diagnoses",
    "procedures", "discharged_on", "total_cost", "department", "diag2", "x",
)  # fmt: skip
_KINDS = (
    pl.String(), pl.Int64(), pl.UInt64(), pl.Int8(), pl.Float64(), pl.Float32(), pl.Boolean(),
    pl.Date(), pl.Datetime("us"), pl.Datetime("ns", "Asia/Shanghai"), pl.Time(), pl.Duration("ms"),
    pl.Decimal(38, 4), pl.Categorical(), pl.Enum([]), pl.Binary(), pl.Null(), pl.Int128(),
    pl.List(pl.String()), pl.List(pl.Categorical()), pl.List(pl.Int64()), pl.List(pl.Float64()),
    pl.List(pl.List(pl.String())),
)  # fmt: skip
_TYPES = b"""<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml"
 ContentType="application/xml"/><Default Extension="rels"
 ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>"""
_ROOT = b"""<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship
 Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
 Target="xl/workbook.xml"/></Relationships>"""
_LINKS = b"""<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship
 Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
 Target="worksheets/sheet1.xml"/><Relationship Id="rId2"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
 Target="sharedStrings.xml"/><Relationship Id="rId3"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"
 Target="styles.xml"/></Relationships>"""
_BOOK = b"""<?xml version="1.0" encoding="UTF-8"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
 xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>
<sheet name="1" sheetId="1" r:id="rId1"/></sheets></workbook>"""
#: Parts of a workbook by the names that an input gives them; the rest is as here.
_MEMBERS = {
    "types": ("[Content_Types].xml", _TYPES),
    "root": ("_rels/.rels", _ROOT),
    "book": ("xl/workbook.xml", _BOOK),
    "links": ("xl/_rels/workbook.xml.rels", _LINKS),
    "sheet": ("xl/worksheets/sheet1.xml", b""),
    "strings": ("xl/sharedStrings.xml", b""),
    "styles": ("xl/styles.xml", b""),
}


@cache
def _grouper() -> drg.Grouper:
    return drg.Grouper.load("demo")


def _read(path: Path) -> None:
    """Read a file as a run does; a row has the same group in its frame and alone."""
    with documented(), open_claims(path) as source:
        rows = 0
        for frame in source.batches():
            rows += frame.height
            grouped = _grouper().group_frame(frame, source.columns, threads=1)
            assert grouped.height == frame.height
            assert grouped.columns[: frame.width] == frame.columns
            told = grouped.select(RESULT_NAMES).head(_ALONE)
            for row, found in zip(frame.head(_ALONE).rows(named=True), told.rows(), strict=True):
                alone = _grouper().group(claim_of(row, source.columns))
                single = tuple(getattr(alone, name) for name in RESULT_NAMES)
                assert [*map(str, found)] == [*map(str, single)], (row, found, single)
        assert rows == source.rows
        if source.items is not None:
            assert isinstance(source.items.collect(), pl.DataFrame)


def text(data: bytes) -> None:
    """CSV, TSV and text; the first byte says which, and whether it is packed by us or damaged."""
    suffix, content = chosen(data, _TEXTS)
    if suffix.endswith(".gz"):
        packed, content = chosen(content, ("packed", "raw"))
        content = gzip.compress(content, 1, mtime=0) if packed == "packed" else content
    with scratch() as folder:
        path = folder / f"claims{suffix}"
        path.write_bytes(content)
        _read(path)


def lists(data: bytes) -> None:
    """Settlement lists as JSON."""
    suffix, content = chosen(data, _LISTS)
    if suffix.endswith(".gz"):
        content = gzip.compress(content, 1, mtime=0)
    with scratch() as folder:
        path = folder / f"claims{suffix}"
        path.write_bytes(content)
        _read(path)


def parquet(data: bytes) -> None:
    """A sound Parquet file: columns of any type under the names of fields, of values of any kind.

    A line a column: two letters for name and type, then its values with ``;`` between them.
    """
    columns: dict[str, pl.Series] = {}
    for line in data.split(b"\n")[:12]:
        if len(line) < 2:
            continue
        name = _NAMES[line[0] % len(_NAMES)]
        values = [bytes(part) for part in line[2:].split(b";")[:50]]
        columns[name] = _column(name, values, _KINDS[line[1] % len(_KINDS)])
    most = max((len(column) for column in columns.values()), default=0)
    frame = pl.DataFrame([column.extend_constant(None, most - len(column))
                          for column in columns.values()])  # fmt: skip
    with scratch() as folder:
        path = folder / "claims.parquet"
        frame.write_parquet(path, row_group_size=3)
        _read(path)


def _column(name: str, values: list[bytes], dtype: pl.DataType) -> pl.Series:
    """Texts as a column of a type; a value that is none of it is null."""
    texts: list[Any] = [None if one == b"-" else one.decode("utf-8", "replace") for one in values]
    if dtype == pl.Binary:
        return pl.Series(name, values, pl.Binary)
    if isinstance(dtype, pl.Enum):
        dtype = pl.Enum([*dict.fromkeys(text for text in texts if text is not None)])
    column = pl.Series(name, texts, pl.String)
    if isinstance(dtype, pl.List):
        column = column.str.split("|")
    if dtype.is_temporal() or dtype == pl.Boolean:
        column = column.cast(pl.Int64, strict=False)
    if dtype == pl.Null:
        return pl.Series(name, [None] * len(texts), pl.Null)
    try:
        return column.cast(dtype, strict=False)
    except pl.exceptions.PolarsError:
        return column


def damaged(data: bytes) -> None:
    """Parquet byte by byte. Not among the usual targets: polars may end the process over one."""
    with scratch() as folder:
        path = folder / "claims.parquet"
        path.write_bytes(data)
        _read(path)


def workbook(data: bytes) -> None:
    """A workbook: its bytes, or its parts (``@@ sheet``, ``@@ strings``) packed into one."""
    if not data.startswith(b"PK"):
        given = parts(data)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as book:
            for key, (name, usual) in _MEMBERS.items():
                if content := given.get(key, usual):
                    book.writestr(zipfile.ZipInfo(name), content)
        data = packed.getvalue()
    with scratch() as folder:
        path = folder / "claims.xlsx"
        path.write_bytes(data)
        _read(path)
