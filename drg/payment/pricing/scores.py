"""What pays by score (DIP): whoever scores claims hands the pricer this, and nothing else.

The scores, the point value and the deviation of a case from its group belong to the source; the
pricer routes claims to it, takes its standard, and splits that between fund and patient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from drg.claims.profiles import ClaimColumns

    Ints = NDArray[np.int64]

__all__ = ["ScoreSource", "Scores"]


class Scores(NamedTuple):
    """Scores of some claims, row by row.

    Attributes
    ----------
    score_e4 : int64 array
        Final score, scaled 10⁴.
    standard_fen : int64 array
        What it is worth, rounded half up to the fen once.
    scored : bool array
        The claim has a group and a score; the other arrays count only there.
    """

    score_e4: Ints
    standard_fen: Ints
    scored: NDArray[np.bool_]


class ScoreSource(Protocol):
    """Scores claims under one catalogue."""

    def scores(self, frame: pl.DataFrame, columns: ClaimColumns, rows: NDArray[np.intp]) -> Scores:
        """Scores of these rows of a frame of claims; each claim by itself, whatever the others."""
        ...
