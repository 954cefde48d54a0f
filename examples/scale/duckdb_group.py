"""Group claims that DuckDB reads: ``python duckdb_group.py CLAIMS OUT.parquet``.

DuckDB hands out Arrow batches and takes them in again; claims and results may be any table or
query of it, of any size: one batch is in memory at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import duckdb
import pyarrow as pa

from drg.claims.profiles import match_columns
from drg.scale.arrow_group import load_work


def grouped(claims: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """The claims with the columns of grouping, batch by batch."""
    columns = match_columns(claims.schema.names)
    work = load_work("chs-drg-2.0", None, None, None, columns)
    (empty,) = work(iter([pa.RecordBatch.from_pylist([], schema=claims.schema)]))

    def batches() -> Iterator[pa.RecordBatch]:
        yield from work(claims)

    return pa.RecordBatchReader.from_batches(empty.schema, batches())


def main(claims: str, out: str) -> None:
    """Write the claims with the columns of grouping, and print what became of them."""
    with duckdb.connect() as db:
        # A cursor of its own: what is read stays open while what comes of it is written.
        source = db.cursor().sql(f"SELECT * FROM read_parquet('{claims}')")
        db.register("done", grouped(source.to_arrow_reader(50_000)))
        db.sql("SELECT * FROM done").write_parquet(out)
        print(db.sql(f"SELECT outcome, count(*) FROM '{out}' GROUP BY outcome ORDER BY outcome"))


if __name__ == "__main__":
    main(*sys.argv[1:])
