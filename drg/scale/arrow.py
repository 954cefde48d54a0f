"""Arrow batches of claims, as Spark, Ray and DuckDB hand them round, through the engine.

Columns of the input go on as they came; those that are added are plain text, whole numbers and
decimals, for outside of polars an Enum is text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["batch_of", "batches_of", "frame_of", "joined", "plain", "table_of"]

#: Rows of a batch that leaves what was brought together.
_BATCH = 50_000


def frame_of(batches: pa.RecordBatch | Sequence[pa.RecordBatch]) -> pl.DataFrame:
    """One or several batches of one schema as a frame; numbers are shared, not copied."""
    import pyarrow as pa

    if isinstance(batches, pa.RecordBatch):
        batches = [batches]
    found = pl.from_arrow(pa.Table.from_batches(batches))
    if not isinstance(found, pl.DataFrame):
        raise TypeError("batches without columns")
    return found


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with text in place of Enums."""
    enums = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Enum)]
    return frame.with_columns(pl.col(enums).cast(pl.String)) if enums else frame


def joined(
    batch: pa.RecordBatch, frame: pl.DataFrame, kept: NDArray[np.bool_] | None = None
) -> pa.RecordBatch:
    """A batch with the columns that were added to it.

    Parameters
    ----------
    batch : RecordBatch
        Claims as they came in.
    frame : DataFrame
        The same claims: first the batch's columns, under these names, then the added ones.
    kept : bool array, optional
        Rows that go on; all when omitted.
    """
    import pyarrow as pa

    added = frame.select(frame.columns[batch.num_columns :])
    arrays = [*batch.columns, *batch_of(added).columns]
    whole = pa.RecordBatch.from_arrays(arrays, names=frame.columns)
    return whole if kept is None else whole.filter(pa.array(kept))


def table_of(frame: pl.DataFrame) -> pa.Table:
    """A frame as a table of types that every Arrow implementation reads."""
    import pyarrow as pa

    table = plain(frame).to_arrow(compat_level=pl.CompatLevel.oldest())
    return table.cast(pa.schema([(field.name, _small(field.type)) for field in table.schema]))


def batch_of(frame: pl.DataFrame) -> pa.RecordBatch:
    """``table_of`` as one batch."""
    import pyarrow as pa

    table = table_of(frame).combine_chunks()
    found: list[pa.RecordBatch] = table.to_batches()
    return found[0] if found else pa.RecordBatch.from_pylist([], schema=table.schema)


def batches_of(frame: pl.DataFrame) -> Iterator[pa.RecordBatch]:
    """A frame in batches; none of one without rows."""
    for start in range(0, frame.height, _BATCH):
        yield batch_of(frame.slice(start, _BATCH))


def _small(dtype: Any) -> Any:
    """Types with 32-bit offsets in place of those with 64-bit ones."""
    import pyarrow as pa

    if pa.types.is_large_string(dtype):
        return pa.string()
    if pa.types.is_large_binary(dtype):
        return pa.binary()
    if pa.types.is_large_list(dtype):
        return pa.list_(_small(dtype.value_type))
    return dtype
