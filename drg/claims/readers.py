"""Open claims: one file, or every file of a folder or pattern, as their own columns in order.

What a claim's fields are is found among the columns by header profiles. Whatever is wrong with a
file is one ``InputError``: code, place, mend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from drg.claims.derived import derive
from drg.claims.input_files import InputFile, input_files, is_many, refuse_unfinished
from drg.claims.many import open_files, open_input
from drg.claims.open_file import INPUT_SUFFIXES, open_file
from drg.claims.profiles import ClaimColumns, Header, load_profiles, match_columns
from drg.claims.source import BATCH, ClaimSource, explained
from drg.forked import refuse_after_fork

__all__ = [
    "BATCH", "INPUT_SUFFIXES", "ClaimSource", "explained", "open_claims", "open_file",
]  # fmt: skip

_SAMPLE = 10_000


def open_claims(
    path: str | Path | Sequence[InputFile],
    *,
    sheet: str | int | None = None,
    profile: str | None = None,
) -> ClaimSource:
    """Open claims and find the claim's fields among the columns.

    Parameters
    ----------
    path : str, Path or sequence of InputFile
        File with one of ``INPUT_SUFFIXES``; a folder or a pattern (``2025/*.parquet``): all claim
        files in it (``drg.claims.input_files``), one after the other as if they were one.
    sheet : str or int, optional
        XLSX only: sheet by name, or by position from 0; the first when omitted.
    profile : str, optional
        Read the header with this profile only.

    Returns
    -------
    ClaimSource
        Rows in the file's order. A file with a header and no rows is valid.

    Raises
    ------
    InputError
        The file is missing, of an unknown kind, damaged, or lacks a needed column; F190-F194: the
        files of a folder are not of one kind.
    TableError
        A header profile is broken.
    """
    refuse_after_fork()
    source = _opened(path, sheet)
    try:
        with explained(source.path):
            columns = match_columns(
                source.schema.names(), source.schema, where=str(source.path), profile=profile
            )
            source.columns = _choose_separator(_derived(columns, source), source)
    except BaseException:
        source.close()
        raise
    return source


def _opened(path: str | Path | Sequence[InputFile], sheet: str | int | None) -> ClaimSource:
    if isinstance(path, str | Path):
        if not is_many(path):
            return open_file(path, sheet=sheet)
        named, path = Path(path), input_files(path)
        refuse_unfinished(path)
        return open_files(named, path, sheet=sheet)
    refuse_unfinished(path)
    if len(path) == 1:
        return open_input(path[0], sheet=sheet)
    return open_files(path[0].path.parent, path, sheet=sheet)


def _derived(columns: ClaimColumns, source: ClaimSource) -> ClaimColumns:
    """Add what the file's profile works out: translated codes and the like, behind its columns."""
    rules = next(p.derived for p in load_profiles() if p.id == columns.profile)
    if rules is None:
        return columns
    made, columns = derive(columns, rules, Header(source.schema.names(), str(source.path)))
    source.add(made)
    return columns


def _choose_separator(columns: ClaimColumns, source: ClaimSource) -> ClaimColumns:
    """Of the separators the profile declares, the one that the joined columns use most."""
    joined = [
        name
        for names, is_joined in (
            (columns.diagnoses, columns.diagnoses_joined),
            (columns.procedures, columns.procedures_joined),
        )
        if is_joined
        for name in names
        if source.schema[name] in (pl.String, pl.Categorical, pl.Enum)
    ]
    declared = next(p.separators for p in load_profiles() if p.id == columns.profile)
    if not joined or len(declared) == 1:
        return columns
    text = pl.concat_str([pl.col(name).cast(pl.String) for name in joined], ignore_nulls=True)
    uses = (
        source.scan()
        .head(_SAMPLE)
        .select(text.str.count_matches(mark, literal=True).sum().alias(mark) for mark in declared)
    )
    counts = uses.collect().row(0, named=True)
    return replace(columns, separator=max(declared, key=lambda mark: counts[mark]))
