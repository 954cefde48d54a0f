"""What a mean or point value leaves out: quantiles of costs, optimal intervals of hospitals (B.7).

The optimal interval is a set of hospitals that use less than the region's mean: in one dimension
by income a point, in two by income and cost a point. In the second the point value is where the
distances to those hospitals add up to the least; being no rational number, it is found in
decimals of fixed precision, so that every machine finds the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from drg.dip.errors import DipError, Number, exact, not_negative, positive

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = [
    "Hospital",
    "geometric_centre",
    "optimal_interval",
    "optimal_interval_2d",
    "quantile_kept",
]

#: Shares of the cases that quantile trimming keeps between, as published.
_LOW, _HIGH = Fraction("0.025"), Fraction("0.975")
_DIGITS = 40
#: Steps of the search for the centre end below this share of the points' extent.
_STOP = Decimal("1e-15")
_MOST_STEPS = 2000


def quantile_kept(
    costs: Ints,
    low: Number = _LOW,
    high: Number = _HIGH,
    groups: NDArray[np.integer[Any]] | None = None,
) -> Flags:
    """Which costs quantile trimming keeps.

    Of ``n`` costs in order of size, those from number ``⌊n × low⌋`` to the same counted from
    ``1 - high`` above, equal ones included; so ties never depend on the order of cases, and at
    least one case stays.

    Parameters
    ----------
    costs : int64 array
        Fen.
    low, high : Number, optional
        Shares, ``0 <= low < high <= 1``.
    groups : integer array, optional
        Number of each case's group, zero or more; each group is trimmed by itself.

    Returns
    -------
    bool array

    Raises
    ------
    DipError
        D401: a share that cannot be read; D411: shares out of order.

    Examples
    --------
    >>> import numpy as np
    >>> quantile_kept(np.array([1, 2, 3, 90]), "0.25", "0.75").tolist()
    [False, True, True, False]
    """
    import numpy as np

    least, most = exact(low, "low"), exact(high, "high")
    if not 0 <= least < most <= 1:
        raise DipError("D411", low=str(low), high=str(high))
    if not len(costs):
        return np.empty(0, np.bool_)
    numbers = np.zeros(len(costs), np.int64) if groups is None else groups
    order = np.lexsort((costs, numbers))
    counts = np.bincount(numbers)
    starts = np.cumsum(counts) - counts
    (a, b), (c, d) = least.as_integer_ratio(), (1 - most).as_integer_ratio()
    sizes = counts.tolist()
    few = np.array([n * a // b for n in sizes], np.int64)
    many = np.array([n * c // d for n in sizes], np.int64)
    last = len(costs) - 1
    bottom = costs[order[np.minimum(starts + few, last)]]
    top = costs[order[np.clip(starts + counts - 1 - many, 0, last)]]
    kept: Flags = (costs >= bottom[numbers]) & (costs <= top[numbers])
    return kept


class Hospital(NamedTuple):
    """What a hospital took in and spent, and its total score.

    Attributes
    ----------
    income : Number
        Total inpatient charges.
    score : Number
        Total score, greater than zero.
    cost : Number
        What the stays cost the hospital; for two dimensions alone.
    """

    income: Number
    score: Number
    cost: Number = 0


def optimal_interval(hospitals: Sequence[Hospital]) -> Fraction:
    """Point value from the hospitals below the region's mean (one dimension).

    ``Σ income ÷ Σ score`` of the hospitals whose income a point is below that of the region; all
    hospitals alike, the region's mean.

    Raises
    ------
    DipError
        D401–D403: a number that cannot be; D412: no hospital.

    Examples
    --------
    >>> optimal_interval([Hospital(1000, 100), Hospital(1400, 100), Hospital(1100, 100)])
    Fraction(21, 2)
    """
    known = _known(hospitals)
    mean = _value(known)
    below = [h for h in known if h[0] < mean * h[1]]
    return _value(below) if below else mean


def optimal_interval_2d(hospitals: Sequence[Hospital]) -> Decimal:
    """Point value from income and cost a point (two dimensions).

    The income coordinate of the geometric centre of the hospitals whose income and cost a point
    are both below the region's, and whose income covers their cost.

    Returns
    -------
    Decimal
        To some thirty digits.

    Raises
    ------
    DipError
        D401–D403: a number that cannot be; D412: no hospital; D413: none lies in the interval.

    Examples
    --------
    >>> rows = [(900, 100, 850), (800, 100, 780), (1500, 100, 1400), (700, 100, 900)]
    >>> optimal_interval_2d([Hospital(*row) for row in rows])
    Decimal('8')
    """
    known = _known(hospitals)
    mean = _value(known)
    mean_cost = sum((h[2] for h in known), Fraction(0)) / sum((h[1] for h in known), Fraction(0))
    points = [
        (income / score, cost / score)
        for income, score, cost in known
        if income < mean * score and cost < mean_cost * score and income >= cost
    ]
    if not points:
        raise DipError("D413")
    return geometric_centre(points)[0]


def geometric_centre(points: Sequence[tuple[Number, Number]]) -> tuple[Decimal, Decimal]:
    """The point whose distances to the given points add up to the least.

    On a line with an even number of points it is not the only one: the lowest given point that
    does is taken.

    Raises
    ------
    DipError
        D401: a number that cannot be read; D412: no point.

    Examples
    --------
    >>> geometric_centre([(0, 0), (4, 0), (2, 2), (2, 1)])
    (Decimal('2'), Decimal('1'))
    """
    if not points:
        raise DipError("D412")
    with localcontext() as context:
        context.prec = _DIGITS
        places = sorted((_decimal(x), _decimal(y)) for x, y in points)
        for place in dict.fromkeys(places):
            if _is_centre(place, places):
                return place
        return _search(places)


def _search(places: list[tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    """Weiszfeld's steps from the mean, over points of which none is the centre."""
    n = len(places)
    x, y = (sum((p[axis] for p in places), Decimal(0)) / n for axis in (0, 1))
    extent = max(abs(p[0] - x) + abs(p[1] - y) for p in places)
    for _ in range(_MOST_STEPS):
        weights = [Decimal(0)] * n
        for number, (a, b) in enumerate(places):
            distance = ((a - x) ** 2 + (b - y) ** 2).sqrt()
            # On a point the step is undefined; none is the centre, so it is left out of one step.
            weights[number] = 1 / distance if distance else Decimal(0)
        total = sum(weights, Decimal(0))
        new_x = sum((w * p[0] for w, p in zip(weights, places, strict=True)), Decimal(0)) / total
        new_y = sum((w * p[1] for w, p in zip(weights, places, strict=True)), Decimal(0)) / total
        step = abs(new_x - x) + abs(new_y - y)
        x, y = new_x, new_y
        if step <= _STOP * extent:
            break
    return x, y


def _is_centre(place: tuple[Decimal, Decimal], places: list[tuple[Decimal, Decimal]]) -> bool:
    """Whether the pull of the other points is no more than that of those at the place."""
    here = pull_x = pull_y = Decimal(0)
    for a, b in places:
        distance = ((a - place[0]) ** 2 + (b - place[1]) ** 2).sqrt()
        if not distance:
            here += 1
            continue
        pull_x += (a - place[0]) / distance
        pull_y += (b - place[1]) / distance
    return (pull_x**2 + pull_y**2).sqrt() <= here * (1 + _STOP)


def _known(hospitals: Sequence[Hospital]) -> list[tuple[Fraction, Fraction, Fraction]]:
    if not hospitals:
        raise DipError("D412")
    return [
        (not_negative(h.income, "income"), positive(h.score, "score"), not_negative(h.cost, "cost"))
        for h in hospitals
    ]


def _value(known: Sequence[tuple[Fraction, Fraction, Fraction]]) -> Fraction:
    income, score = (sum((h[axis] for h in known), Fraction(0)) for axis in (0, 1))
    return income / score


def _decimal(value: Number) -> Decimal:
    number = exact(value, "point")
    return Decimal(number.numerator) / Decimal(number.denominator)
