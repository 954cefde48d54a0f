"""CSV tables of ``tables/interface``: header, sources and cells checked when they are read."""

from __future__ import annotations

import csv
from pathlib import Path

from drg.errors import TableError
from drg.paths import tables_root

__all__ = ["interface_folder", "read_table"]

_STATUS = ("official", "transcribed", "derived", "recalled", "synthetic")


def interface_folder() -> Path:
    """Where the tables of the interface lie."""
    return tables_root() / "interface"


def read_table(path: Path, header: tuple[str, ...], key: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of one table.

    Parameters
    ----------
    path : Path
    header : tuple of str
        Its columns, in order; ``source`` and ``status`` must be filled.
    key : tuple of str
        Columns that together stand once.

    Raises
    ------
    TableError
        T105 another header, T106 an empty cell of the key, the source or the status, T107 a key
        that stands twice, T109 an unknown status, T110 no readable UTF-8 CSV, T120 no such file.
    """
    where = str(path)
    try:
        lines = list(csv.reader(path.read_text("utf-8").splitlines(), strict=True))
    except OSError as error:
        raise TableError("T120", where=where, detail=str(error)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError("T110", where=where, detail=str(error)) from error
    if not lines or tuple(lines[0]) != header:
        found = ",".join(lines[0]) if lines else ""
        raise TableError("T105", where=where, found=found, wanted=",".join(header))
    rows, seen = [], set()
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) != len(header):
            raise TableError("T110", where=where, detail=f"{number}: {len(cells)} ≠ {len(header)}")
        row = dict(zip(header, cells, strict=True))
        for name in (*key, "source", "status"):
            if not row[name]:
                raise TableError("T106", where=where, row=number, column=name)
        if row["status"] not in _STATUS:
            choices = ", ".join(_STATUS)
            raise TableError("T109", where=where, row=number, column="status",
                             cell=row["status"], choices=choices)  # fmt: skip
        own = tuple(row[name] for name in key)
        if own in seen:
            raise TableError(
                "T107", where=where, row=number, column=", ".join(key), cell=", ".join(own)
            )
        seen.add(own)
        rows.append(row)
    return rows
