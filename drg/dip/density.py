"""Cases crowded just above the low bound: an indicator of gaming (spec B.5).

At 49.9 % of the mean a case earns 0.499 of the score, at 50.1 % the whole of it. Costs that gather
above that step, and are missing below it, ask for a look at the hospital.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from drg.dip.deviation_rules import DeviationRule
from drg.dip.errors import DipError, Number, exact
from drg.money import exceeds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["LowBoundDensity", "low_bound_density"]

#: Width of a band, as a share of the mean.
_WIDTH = Fraction(1, 20)


class LowBoundDensity(NamedTuple):
    """Cases near the low bound by unit, int64: three bands of equal width, then all with a mean.

    Attributes
    ----------
    under, over, beyond : int64 array
        Cases just below the bound, just above it, and in the band after that.
    cases : int64 array
        All cases with a cost and a mean.
    """

    under: Ints
    over: Ints
    beyond: Ints
    cases: Ints

    def excess(self, unit: int = 0) -> Fraction | None:
        """Cases just above the bound by the mean of the bands around; 1 where nothing is odd.

        None: both neighbours are empty.
        """
        around = int(self.under[unit]) + int(self.beyond[unit])
        return Fraction(2 * int(self.over[unit]), around) if around else None


def low_bound_density(
    cost_fen: Ints,
    mean_fen: Ints,
    rule: DeviationRule,
    *,
    width: Number = _WIDTH,
    units: NDArray[np.integer[Any]] | None = None,
) -> LowBoundDensity:
    """Count the cases around the low bound.

    Parameters
    ----------
    cost_fen, mean_fen : int64 array
        Fen. ``mean_fen``: what costs are compared with; for a rule ``by_coefficient`` the
        hospital's own standard. A cost below zero or a mean of zero or less: not counted.
    rule : DeviationRule
        Its low bound; a case at the bound is on the side that the rule puts it.
    width : Number, optional
        Of a band, as a share of the mean.
    units : integer array, optional
        Number of each case's hospital, zero or more; all together when omitted.

    Raises
    ------
    DipError
        D401; D404: no low bound; D415: a width that leaves no band below the bound.

    Examples
    --------
    >>> import numpy as np
    >>> from drg.dip.deviation_rules import RULE_SETS
    >>> costs = np.array([47, 51, 52, 53, 54, 57])
    >>> found = low_bound_density(costs, np.full(6, 100), RULE_SETS["spec2020"])
    >>> found.over.tolist(), str(found.excess())
    ([4], '4')
    """
    import numpy as np

    size = exact(width, "width")
    if rule.low is None:
        raise DipError("D404", bounds="-")
    if not 0 < size <= rule.low:
        raise DipError("D415", where="width", value=width)
    known = (cost_fen >= 0) & (mean_fen > 0)
    cost, mean = cost_fen[known], mean_fen[known]
    unit = np.zeros(len(cost), np.int64) if units is None else units[known]
    number = 1 if units is None else int(units.max(initial=-1)) + 1
    edges = [
        exceeds(cost, rule.low + step * size, mean, inclusive=step != 0 or not rule.low_inclusive)
        for step in (-1, 0, 1, 2)
    ]
    under, over, beyond = (np.bincount(unit[a & ~b], minlength=number) for a, b in pairwise(edges))
    cases = np.bincount(unit, minlength=number)
    return LowBoundDensity(under, over, beyond, cases)
