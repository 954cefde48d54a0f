"""Schemas between Spark and polars, and frames of one into the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import polars as pl

from drg.scale import RunError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType, StructType

__all__ = ["collected", "empty_of", "mapped", "need_spark", "plain_schema", "spark_schema"]


def need_spark() -> None:
    """Tell how Spark is to be had where it is not.

    Raises
    ------
    RunError
        C260.
    """
    try:
        import pyarrow  # noqa: F401
        import pyspark  # noqa: F401
    except ImportError as error:
        raise RunError("C260", module=str(error.name)) from error


def empty_of(df: DataFrame) -> pl.DataFrame:
    """A frame of a Spark frame's columns without rows, as workers see them."""
    from pyspark.sql.pandas.types import to_arrow_schema

    return pl.DataFrame(pl.from_arrow(to_arrow_schema(df.schema).empty_table()))


def spark_schema(df: DataFrame, frame: pl.DataFrame) -> StructType:
    """The schema of a Spark frame to which columns were added.

    Parameters
    ----------
    df : DataFrame
        Of Spark.
    frame : DataFrame
        Of polars: first the columns of ``df``, which may be renamed, then the added ones.
    """
    from pyspark.sql.types import StructField, StructType

    own = [field.dataType for field in df.schema.fields]
    added = [_type(frame.schema[name]) for name in frame.columns[len(own) :]]
    return StructType(
        [StructField(name, t) for name, t in zip(frame.columns, [*own, *added], strict=True)]
    )


def plain_schema(schema: Mapping[str, pl.DataType]) -> StructType:
    """The schema of a frame of our own in Spark."""
    from pyspark.sql.types import StructField, StructType

    return StructType([StructField(name, _type(dtype)) for name, dtype in schema.items()])


def mapped(
    df: DataFrame,
    work: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]],
    schema: StructType,
) -> DataFrame:
    """``df.mapInArrow``; a plain function around the work, for Spark asks a function's name."""

    def over(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return work(batches)

    return df.mapInArrow(over, schema)


def collected(df: DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """A small Spark frame on the driver."""
    found = pl.DataFrame(pl.from_arrow(df.toArrow()))
    return found.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _type(dtype: pl.DataType) -> DataType:
    """Of columns that we add."""
    from pyspark.sql import types

    if isinstance(dtype, pl.Decimal):
        return types.DecimalType(dtype.precision or 38, dtype.scale)
    known: dict[type[pl.DataType], DataType] = {
        pl.Enum: types.StringType(), pl.String: types.StringType(), pl.Int8: types.ByteType(),
        pl.Int32: types.IntegerType(), pl.Int64: types.LongType(), pl.Date: types.DateType(),
        pl.Boolean: types.BooleanType(),
    }  # fmt: skip
    return known[type(dtype)]
