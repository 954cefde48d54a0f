"""What pays by score (DIP): whoever scores claims hands the pricer this, and nothing else.

The scores, the point value and the deviation of a case from its group belong to the source; the
pricer routes claims to it, takes its standard, and splits that between fund and patient.
``drg.payment.pricing.dip_scores`` scores by a policy; another source may stand in for it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from drg.claims.profiles import ClaimColumns

    Ints = NDArray[np.int64]
    Small = NDArray[np.uint8]
    Places = NDArray[np.int32]

__all__ = ["ScoreSource", "Scores"]


class Scores(NamedTuple):
    """Scores of some claims, row by row; what a source does not tell is None.

    Attributes
    ----------
    score_e4 : int64 array
        Final score, scaled 10⁴.
    standard_fen : int64 array
        What it is worth, rounded half up to the fen once.
    scored : bool array
        The claim has a group, a score and a point value; the other arrays count only there.
    note : uint8 array
        Why it has not: a ``drg.payment.pricing.price_columns.Note``. None: there is no score.
    case_class : uint8 array
        Place in ``drg.dip.deviation_rules.DEVIATION_CLASSES``; ``UNSET``: not classed.
    awaits : bool array
        Extreme cases that special review decides: what stands here is the score of their group.
    by_deviation : bool array
        The score comes from the formula of its class, not from that of a normal case.
    group_score_e4 : int64 array
        Score before coefficients and deviation, that of an auxiliary subtype where it counts.
    coefficient : int32 array
        Place in ``coefficients``.
    auxiliary_e4 : int64 array
        Auxiliary coefficient; below zero: none.
    value : int32 array
        Place in ``values``.
    coefficients : int64 array
        Hospital coefficients, scaled 10⁴.
    values : tuple of Fraction
        Yuan a point, exact.
    reference_fen : int64 array
        What costs are compared with, before any coefficient; 0: nothing.
    """

    score_e4: Ints
    standard_fen: Ints
    scored: NDArray[np.bool_]
    note: Small | None = None
    case_class: Small | None = None
    awaits: NDArray[np.bool_] | None = None
    by_deviation: NDArray[np.bool_] | None = None
    group_score_e4: Ints | None = None
    coefficient: Places | None = None
    auxiliary_e4: Ints | None = None
    value: Places | None = None
    coefficients: Ints | None = None
    values: tuple[Fraction, ...] = ()
    reference_fen: Ints | None = None


class ScoreSource(Protocol):
    """Scores claims under one catalogue."""

    def scores(self, frame: pl.DataFrame, columns: ClaimColumns, rows: NDArray[np.intp]) -> Scores:
        """Scores of these rows of a frame of claims; each claim by itself, whatever the others."""
        ...
