"""Kernel numbers -> result columns of a DIP catalogue."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from drg.claims.frame import DIP_RESULT_NAMES, RESULT_NAMES
from drg.grouping.decode import text_column
from drg.money import PLACES

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from drg.dip.compiled import CompiledCatalogue

__all__ = ["DipLookup", "DipNumbers"]

#: Digits of a score before and after the point.
_PRECISION = 18


class DipNumbers(NamedTuple):
    """What the kernel says of each row.

    Attributes
    ----------
    leaf : array of uint32
    decided : array of uint8
    reason : array of uint16
        Places in the lookup's tables; same length.
    """

    leaf: NDArray[np.uint32]
    decided: NDArray[np.uint8]
    reason: NDArray[np.uint16]


class DipLookup(NamedTuple):
    """The text and the scores that the numbers stand for.

    Attributes
    ----------
    leaves : DataFrame
        What a leaf decides; one row a leaf number.
    decided, reasons : Series of Enum
        One value a number; null for none.
    """

    leaves: pl.DataFrame
    decided: pl.Series
    reasons: pl.Series

    @classmethod
    def of(cls, compiled: CompiledCatalogue) -> DipLookup:
        """The tables of a compiled catalogue."""
        import polars as pl

        leaves = compiled.leaves
        scores = [
            None if leaf.score_e4 is None else Decimal(leaf.score_e4).scaleb(-PLACES)
            for leaf in leaves
        ]
        columns = {
            "mdc": text_column([None] * len(leaves)),
            "adrg": text_column([leaf.adrg for leaf in leaves]),
            "group": text_column([leaf.group for leaf in leaves]),
            "severity": text_column([None] * len(leaves)),
            "outcome": text_column([leaf.outcome for leaf in leaves]),
            "group_name": text_column([leaf.name for leaf in leaves]),
            "group_class": text_column([leaf.type for leaf in leaves]),
            "auxiliary": text_column([leaf.auxiliary for leaf in leaves]),
            "score": pl.Series(scores, dtype=pl.Decimal(_PRECISION, PLACES)),
        }
        reasons = text_column([reason or None for reason in compiled.reasons])
        return cls(pl.DataFrame(columns), text_column(compiled.decided), reasons)

    def frame(self, numbers: DipNumbers) -> pl.DataFrame:
        """The result columns of every row."""
        import polars as pl

        leaf, decided, reason = (pl.Series(n).cast(pl.UInt32) for n in numbers)
        named = self.leaves[leaf].with_columns(
            self.decided.gather(decided).alias("decided_by"),
            self.reasons.gather(reason).alias("reason"),
        )
        return named.select(*RESULT_NAMES, *DIP_RESULT_NAMES)

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Names and dtypes of ``frame``."""
        import numpy as np

        none = np.empty(0, np.uint8)
        return dict(self.frame(DipNumbers(none, none, none)).schema)  # type: ignore[arg-type]
