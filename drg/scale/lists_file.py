"""Settlement lists to tables and claims to settlement lists, streaming, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from drg.claims.frame import BLANKS
from drg.claims.interface.lists import list_schema
from drg.claims.interface.rows import FAULTS, ITEM_COLUMNS
from drg.claims.interface.skeleton import settlement_list
from drg.claims.interface.writing import WRITTEN_SUFFIXES, json_suffix, write_values
from drg.claims.items import match_items
from drg.claims.profiles import ClaimColumns
from drg.claims.readers import ClaimSource, open_claims, open_file
from drg.claims.writers import output_suffix, write_frames
from drg.errors import InputError
from drg.scale import RunError
from drg.scale.group_file import Progress, refuse_same
from drg.text import text

__all__ = ["ConvertRun", "canonical_rows", "convert_lists"]

_BATCH = 10_000
_FAULT = r"F1\d\d"


@dataclass(frozen=True, kw_only=True)
class ConvertRun:
    """What a run of ``convert_lists`` did.

    Attributes
    ----------
    output : Path
    claims, items : int
        Rows read; ``items`` 0 where charges were not asked for.
    left : int
        Charges not written, for they name none of the claims.
    faults : mapping of str to int
        Lists with a value that could not be read, by code (F170 …).
    """

    output: Path
    claims: int
    items: int
    left: int
    faults: Mapping[str, int]

    def lines(self) -> list[str]:
        """The run in words."""
        said = [text("lists.converted", claims=f"{self.claims:,}", out=self.output)]
        if self.items:
            said.append(text("lists.items", items=f"{self.items:,}"))
        if self.left:
            said.append(text("lists.homeless", count=f"{self.left:,}"))
        if self.faults:
            said.append(text("lists.faults", column=FAULTS))
        for code, count in self.faults.items():
            said.append(f"  {code} {count:>6,}  {text(f'readers.{code}')}")
        return said


def convert_lists(
    source_path: str | Path,
    out_path: str | Path,
    *,
    items: str | Path | None = None,
    sheet: str | int | None = None,
    progress: Progress | None = None,
) -> ConvertRun:
    """Turn settlement lists into a table, or claims of any kind into settlement lists.

    Parameters
    ----------
    source_path : str or Path
        Lists (``.json`` …) or any file of claims.
    out_path : str or Path
        A table (``.csv``, ``.tsv``, ``.parquet``, ``.xlsx``), or lists (``.json``, ``.jsonl``,
        ``.ndjson``).
    items : str or Path, optional
        To a table: where the charges by class go. To lists: the file they come from; charges of
        lists come along by themselves.
    sheet : str or int, optional
        XLSX input: sheet by name or by position from 0.
    progress : callable, optional
        Called with the claims done and in all.

    Raises
    ------
    InputError
        The input cannot be read (F1xx) or the output not be written (F2xx); F183: a table of
        charges is asked of a file that has none; F186: charges of claims that share an id.
    RunError
        C201: an output is an input, or both outputs are one file.
    """
    source_path, out_path = Path(source_path), Path(out_path)
    refuse_same(source_path, out_path)
    to_lists = out_path.suffix.lower() in WRITTEN_SUFFIXES
    if to_lists:
        json_suffix(out_path)
    else:
        output_suffix(out_path)
    with open_claims(source_path, sheet=sheet) as source:
        faults = _faults(source)
        if to_lists:
            if items is not None:
                refuse_same(Path(items), out_path)
            charges = _charges(source, items)
            count = sum(map(len, charges.values()))
            used: set[str] = set()
            write_values(out_path, _lists(source, charges, used, progress))
            left = sum(len(rows) for name, rows in charges.items() if name not in used)
        else:
            count = left = 0
            if items is not None:
                if Path(items).resolve() == out_path.resolve():
                    raise RunError("C201", where=str(items))
                if source.items is None:
                    raise InputError("F183", where=str(source_path))
                refuse_same(source_path, Path(items))
                output_suffix(items)
                count = write_frames(items, source.items)
            write_frames(out_path, _told(source, progress), schema=source.schema)
        rows = source.rows
    return ConvertRun(output=out_path, claims=rows, items=count - left, left=left, faults=faults)


def canonical_rows(frame: pl.DataFrame, columns: ClaimColumns) -> Iterator[dict[str, Any]]:
    """Claims as canonical columns: text, null where not reported; codes as lists.

    Parameters
    ----------
    frame : DataFrame
    columns : ClaimColumns
        Which columns feed which field. A column with a name of its own that lists have as well
        (``encounter_id`` …) goes along.
    """
    own = {n: n for n in list_schema() if n in frame.columns and n not in columns.scalars}
    wanted = {**own, **columns.scalars}
    for name in ("diagnoses", "procedures"):
        wanted.pop(name, None)
    made = [_text(pl.col(source)).alias(name) for name, source in wanted.items()]
    for name, sources, joined in (
        ("diagnoses", columns.diagnoses, columns.diagnoses_joined),
        ("procedures", columns.procedures, columns.procedures_joined),
    ):
        parts = [_codes(frame, source, joined, columns.separator) for source in sources]
        if parts:
            made.append(pl.concat_list(parts).alias(name))
    for row in frame.select(made).iter_rows(named=True):
        for name in ("diagnoses", "procedures"):
            codes = [code or "" for code in row.get(name) or ()]
            while codes and not codes[-1]:
                codes.pop()
            row[name] = codes
        yield row


def _text(column: pl.Expr) -> pl.Expr:
    cell = column.cast(pl.String).str.strip_chars(BLANKS)
    return pl.when(cell != "").then(cell)


def _codes(frame: pl.DataFrame, source: str, joined: bool, separator: str) -> pl.Expr:
    column = pl.col(source)
    if isinstance(frame.schema[source], pl.List):
        return column
    cells = column.cast(pl.String).str.strip_chars(BLANKS)
    listed = cells.str.split(separator) if joined else pl.concat_list(cells)
    return listed.fill_null([])


def _faults(source: ClaimSource) -> dict[str, int]:
    """Lists by the codes of what could not be read in them."""
    if FAULTS not in source.schema:
        return {}
    codes = pl.col(FAULTS).cast(pl.String).str.extract_all(_FAULT).list.unique()
    found = source.scan().select(codes.alias("code")).explode("code").drop_nulls()
    counts = found.group_by("code").len().sort("code").collect()
    return dict(counts.iter_rows())


def _charges(
    source: ClaimSource, items: str | Path | None
) -> dict[str | None, list[dict[str, Any]]]:
    """Charges by class of every claim, from the lists themselves or from a table."""
    if items is None:
        frame = None if source.items is None else source.items.collect()
    else:
        with open_file(items) as table:
            matched = match_items(table.schema.names(), where=str(items))
            names = {matched[name]: name for name in ITEM_COLUMNS if name in matched}
            frame = table.cells().rename(names)
    if frame is None:
        return {}
    kept = frame.select(_text(pl.col(n)).alias(n) for n in ITEM_COLUMNS if n in frame.columns)
    found: dict[str | None, list[dict[str, Any]]] = {}
    for row in kept.iter_rows(named=True):
        found.setdefault(row["claim_id"], []).append(row)
    return found


def _lists(
    source: ClaimSource,
    charges: Mapping[str | None, list[dict[str, Any]]],
    used: set[str],
    progress: Progress | None,
) -> Iterator[dict[str, Any]]:
    """Claims as lists with their charges; ``used`` gets the ids that have some."""
    for batch in _told(source, progress):
        for claim in canonical_rows(batch, source.columns):
            own = charges.get(name, []) if (name := claim.get("claim_id")) is not None else []
            if own and name is not None:
                if name in used:
                    # Both would get the charges of both.
                    raise InputError("F186", where=str(source.path), id=name)
                used.add(name)
            yield settlement_list(claim, own)


def _told(source: ClaimSource, progress: Progress | None) -> Iterator[pl.DataFrame]:
    done = 0
    for batch in source.batches(_BATCH):
        yield batch
        done += batch.height
        if progress is not None:
            progress(done, source.rows)
