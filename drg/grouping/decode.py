"""Kernel numbers -> result columns: Enum of the values that the scheme, or the place, can give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from drg.claims.frame import RESULT_NAMES

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from drg.schemes.compiled import Leaf

__all__ = ["LEAF_COLUMNS", "SEVERITIES", "Lookup", "Numbers", "text_column"]

#: The kernel's severity numbers.
SEVERITIES = (None, "NONE", "CC", "MCC")
#: Result columns that a leaf decides.
LEAF_COLUMNS = ("mdc", "adrg", "group", "outcome", "group_name")


class Numbers(NamedTuple):
    """What the kernel says of each row.

    Attributes
    ----------
    leaf, severity, reason : array of unsigned integers
        Places in the lookup's tables; same length.
    """

    leaf: NDArray[np.unsignedinteger]
    severity: NDArray[np.unsignedinteger]
    reason: NDArray[np.unsignedinteger]


class Lookup(NamedTuple):
    """The text that the numbers stand for.

    Attributes
    ----------
    leaves : DataFrame
        ``LEAF_COLUMNS``, and whatever else a leaf decides; one row a leaf number.
    reasons : Series
        One value a reason number; null for none.
    """

    leaves: pl.DataFrame
    reasons: pl.Series

    @classmethod
    def of(cls, leaves: Iterable[Leaf], reasons: Sequence[str]) -> Lookup:
        """The tables of one compiled scheme."""
        import polars as pl

        leaves = list(leaves)
        columns = {name: text_column([getattr(x, name) for x in leaves]) for name in LEAF_COLUMNS}
        return cls(pl.DataFrame(columns), text_column([reason or None for reason in reasons]))

    def frame(self, numbers: Numbers) -> pl.DataFrame:
        """The result columns of every row, then what else a leaf decides."""
        import polars as pl

        leaf, severity, reason = (pl.Series(n).cast(pl.UInt32) for n in numbers)
        named = self.leaves[leaf].with_columns(
            text_column(SEVERITIES).gather(severity).alias("severity"),
            self.reasons.gather(reason).alias("reason"),
        )
        return named.select(*RESULT_NAMES, *self.leaves.columns[len(LEAF_COLUMNS) :])

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Names and dtypes of ``frame``."""
        import numpy as np

        none = np.empty(0, np.uint8)
        return dict(self.frame(Numbers(none, none, none)).schema)


def text_column(values: Sequence[str | None]) -> pl.Series:
    """Text as Enum of its own values."""
    import polars as pl

    categories = list(dict.fromkeys(v for v in values if v is not None))
    return pl.Series(values, dtype=pl.Enum(categories))
