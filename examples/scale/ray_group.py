"""Group a folder of Parquet with Ray Data: ``python ray_group.py CLAIMS OUT``.

Ray hands round Arrow tables; the work is the one that Spark workers do. Without a cluster Ray
starts on this machine alone.
"""

from __future__ import annotations

import sys

import pyarrow as pa
import ray

from drg.claims.profiles import match_columns
from drg.scale.arrow import frame_of, table_of
from drg.scale.arrow_group import load_work


def main(claims: str, out: str) -> None:
    """Write the claims with the columns of grouping."""
    data = ray.data.read_parquet(claims)
    columns = match_columns(data.schema().names)
    work = load_work("chs-drg-2.0", None, None, None, columns)

    def grouped(batch: pa.Table) -> pa.Table:
        # A worker process loads the scheme with its first batch and keeps it.
        return table_of(work.grouped(frame_of(batch.to_batches())))

    data.map_batches(grouped, batch_format="pyarrow", batch_size=50_000).write_parquet(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
