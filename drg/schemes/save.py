"""Write a scheme folder: whole, as the extension of a base, or an overlay of one.

Written beside its place and moved there when complete, so a folder is there whole or not at all.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from drg.claims.encoding import DENIED, FULL, system_code
from drg.errors import InputError, TableError
from drg.placing import put_in_place
from drg.schemes.amend import amendment_format, amendments
from drg.schemes.catalog import OVERLAY_FILE, SCHEME_FILE
from drg.schemes.tables import SCHEME_TABLES, TableFormat, file_digest

#: (table name, rows ``op`` + the table's columns) -> one amendment id a row.
AmendmentOf = Callable[[str, pl.DataFrame], pl.Series]

#: Small tables in an order of their own: given whole where that is the shorter way to say it.
_MAY_BE_WHOLE = ("mdc", "adrg", "drg", "check")


def save_scheme(
    folder: Path, header: Mapping[str, Any], tables: Mapping[str, pl.DataFrame]
) -> None:
    """Write a scheme that stands alone.

    Parameters
    ----------
    folder : Path
        Must not exist, or be empty.
    header : mapping
        What scheme.toml says. Its ``tables`` may hold ``source`` and ``status`` by table; rows
        and digests are added here.
    tables : mapping of str to DataFrame
        By name, columns as in ``SCHEME_TABLES``, all ``String``; optional ones may be absent.

    Raises
    ------
    TableError
        T131: the folder holds something already.
    InputError
        F204, F209, F210: the folder cannot be written.
    """
    files = {name: (table, tables[name], False) for name, table in _present(tables)}
    _write(folder, SCHEME_FILE, header, files)


def save_extension(
    folder: Path,
    header: Mapping[str, Any],
    base: Mapping[str, pl.DataFrame],
    tables: Mapping[str, pl.DataFrame],
    amendment_of: AmendmentOf,
) -> None:
    """Write a scheme as what it changes of its base.

    Parameters
    ----------
    folder, header
        As for ``save_scheme``; the header's ``extends`` names the base and its ``amendments``
        explain every id that ``amendment_of`` gives. Origins of unchanged tables are left out.
    base, tables : mapping of str to DataFrame
        Resolved tables of the base and of the scheme.
    amendment_of : callable
        Names the amendment of each changed row.

    Raises
    ------
    TableError
        T131: the folder holds something already.
    """
    _write(folder, SCHEME_FILE, header, _changes(base, tables, amendment_of, _MAY_BE_WHOLE))


def save_overlay(
    folder: Path,
    header: Mapping[str, Any],
    base: Mapping[str, pl.DataFrame],
    tables: Mapping[str, pl.DataFrame],
    amendment_of: AmendmentOf,
) -> None:
    """Write an overlay (``compat/<name>``) of a scheme: as ``save_extension``, amendments only."""
    _write(folder, OVERLAY_FILE, header, _changes(base, tables, amendment_of, ()))


_Files = dict[str, tuple[TableFormat, pl.DataFrame, bool]]


def _present(tables: Mapping[str, pl.DataFrame]) -> list[tuple[str, TableFormat]]:
    return [(n, t) for n, t in SCHEME_TABLES.items() if n in tables or not t.optional]


def _changes(
    base: Mapping[str, pl.DataFrame],
    tables: Mapping[str, pl.DataFrame],
    amendment_of: AmendmentOf,
    whole: tuple[str, ...],
) -> _Files:
    files: _Files = {}
    for name, table in _present(tables):
        below = base.get(name)
        if below is None:
            below = pl.DataFrame(schema=dict.fromkeys(table.header, pl.String))
        changes = amendments(below, tables[name], table)
        if changes.is_empty():
            continue
        named = changes.select(
            "op", amendment_of(name, changes).alias("amendment"), pl.exclude("op")
        )
        if name in whole and len(_csv(tables[name])) < len(_csv(named)):
            files[name] = (table, tables[name], False)
        else:
            files[name] = (amendment_format(table), named, True)
    return files


def _write(folder: Path, file: str, header: Mapping[str, Any], files: _Files) -> None:
    import tomli_w

    with new_folder(folder) as draft:
        origins = header.get("tables", {})
        entries = {}
        for name, (table, frame, amends) in files.items():
            path = draft / table.file
            path.write_bytes(_csv(frame.select(table.header)))
            entry: dict[str, object] = {"rows": frame.height, "sha256": file_digest(path)}
            entries[name] = entry | ({"amends": True} if amends else {}) | origins.get(name, {})
        used = {i for _, frame, amends in files.values() if amends for i in frame["amendment"]}
        text = tomli_w.dumps(_arranged(header, entries, used))
        (draft / file).write_text(text, encoding="utf-8", newline="\n")


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder beside ``out`` to fill, which takes its place in the end; all or nothing.

    Raises
    ------
    TableError
        T131 ``out`` is there and holds something.
    InputError
        F209 no room, F210 no permission, F204 another reason of the system.
    """
    final = out.resolve()
    draft = final.with_name(f".{final.name}-{secrets.token_hex(4)}")
    try:
        if final.exists() and (not final.is_dir() or any(final.iterdir())):
            raise TableError("T131", where=str(out))
        draft.mkdir(parents=True)
        yield draft
        if final.exists():
            final.rmdir()
        put_in_place(draft, final)
    except OSError as error:
        system = system_code(error)
        code = "F209" if system in FULL else "F210" if system in DENIED else "F204"
        raise InputError(code, where=str(out), system=system) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _arranged(
    header: Mapping[str, Any], entries: Mapping[str, Any], used: set[str]
) -> dict[str, Any]:
    """Plain keys, flags, tables, then what explains them: the order a reader wants.

    Explanations of amendments that no row names are left out.
    """
    last = ("amendments", "accepted", "notes")
    first = {k: v for k, v in header.items() if k not in ("flags", "tables", *last)}
    flags = {"flags": header["flags"]} if "flags" in header else {}
    told = {k: header[k] for k in last if k in header}
    if "amendments" in told:
        told["amendments"] = [a for a in told["amendments"] if a["id"] in used]
    return first | flags | {"tables": dict(entries)} | told


def _csv(frame: pl.DataFrame) -> bytes:
    # Null is written as nothing; an empty string would be written as two quotes.
    empty = frame.with_columns(pl.all().replace("", None))
    return empty.write_csv(quote_style="necessary", line_terminator="\n").encode()
