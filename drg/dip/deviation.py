"""Score of a case by how far its cost is from its group's mean (spec B.5).

The rules are data (``drg.dip.deviation_rules``); a case is scored exactly by ``case_score``, a
batch by ``case_scores_e4``. Costs are compared by exact products, scores rounded half up once.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from drg.dip.deviation_rules import (
    DEVIATION_CLASSES,
    RULE_SETS,
    DeviationClass,
    DeviationRule,
    rule_set,
)
from drg.dip.errors import Number, not_negative
from drg.money import PLACES, exceeds, mul_div, product_array
from drg.quotients import quotient_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = [
    "DEVIATION_CLASSES",
    "RULE_SETS",
    "UNCLASSED",
    "UNSCORED",
    "CaseScore",
    "CaseScores",
    "DeviationClass",
    "DeviationRule",
    "case_score",
    "case_scores_e4",
    "classify",
    "needs_review",
    "rule_set",
]

#: In place of a class: there is no cost, or no mean to compare it with.
UNCLASSED = 255
#: In place of a score: experts decide it, or the case is unclassed.
UNSCORED = -1
_LOW, _NORMAL, _HIGH, _EXTREME, _BLANK = range(len(DEVIATION_CLASSES))
_ONE = 10**PLACES
_INT64 = 2**63 - 1


class CaseScore(NamedTuple):
    """Class and score of one case.

    Attributes
    ----------
    deviation : DeviationClass or None
        None: no cost, or no mean to compare it with.
    ratio : Fraction or None
        Cost over what it is compared with.
    score : Fraction or None
        Unrounded. None: experts decide, or there is no class.
    """

    deviation: DeviationClass | None
    ratio: Fraction | None
    score: Fraction | None


class CaseScores(NamedTuple):
    """Classes (uint8, places in ``DEVIATION_CLASSES``) and scores (int64, scaled 10⁴) of cases."""

    codes: NDArray[np.uint8]
    score_e4: Ints


def case_score(
    cost: Number | None,
    mean: Number,
    score: Number,
    hospital: Number = 1,
    auxiliary: Number = 1,
    *,
    rule: DeviationRule,
    blank: bool = False,
) -> CaseScore:
    """Class and exact score of one case: what ``case_scores_e4`` is checked against.

    Parameters
    ----------
    cost, mean : Number
        In one unit. ``mean``: last year's mean cost of the group (or of its subtype) at hospitals
        of that level; for a rule ``by_coefficient`` the group's mean or standard before
        coefficients. Zero: not known.
    score : Number
        Score of the group.
    hospital, auxiliary : Number, optional
        Coefficients.
    rule : DeviationRule
    blank : bool, optional
        The group is the blank group.

    Raises
    ------
    DipError
        D401, D403: a number that cannot be read or is negative.

    Examples
    --------
    >>> case_score(25000, 10000, 1000, "0.9", rule=RULE_SETS["jining"]).score
    Fraction(1400, 1)
    >>> case_score(4500, 10000, 1000, "1.2", rule=RULE_SETS["spec3"]).score
    Fraction(450, 1)
    """
    known = None if cost is None else not_negative(cost, "cost")
    reference, points = not_negative(mean, "mean"), not_negative(score, "score")
    factor = not_negative(hospital, "hospital coefficient")
    factor_a = not_negative(auxiliary, "auxiliary coefficient")
    ratio = None
    if known is not None and reference:
        ratio = known / reference
    if blank and rule.blank is not None:
        if ratio is None:
            return CaseScore(None, None, None)
        return CaseScore(DeviationClass.BLANK_GROUP, ratio, points * ratio * rule.blank)
    if rule.by_coefficient and ratio is not None:
        whole = factor * factor_a
        ratio = ratio / whole if whole else None
    if ratio is None:
        return CaseScore(None, None, None)
    found = _class_of(ratio, rule)
    normal = points * factor * factor_a
    value: Fraction | None = normal
    by = rule.high_score if found is DeviationClass.ULTRA_HIGH else "normal"
    if found is DeviationClass.EXTREME:
        by = rule.high_score if rule.extreme_score == "high" else "normal"
    if found is DeviationClass.ULTRA_LOW:
        value = ratio * (normal if rule.low_score == "after" else points * factor_a)
    elif found is DeviationClass.EXTREME and rule.extreme_score == "review":
        value = None
    elif by != "normal":
        over = ratio - _start(rule)
        inside = by == "inside"
        value = points * factor_a * ((over + factor) if inside else (over + 1) * factor)
    return CaseScore(found, ratio, value)


def _class_of(ratio: Fraction, rule: DeviationRule) -> DeviationClass:
    if rule.low is not None and (ratio < rule.low or (rule.low_inclusive and ratio == rule.low)):
        return DeviationClass.ULTRA_LOW
    for bound, inclusive, name in (
        (rule.extreme, rule.extreme_inclusive, DeviationClass.EXTREME),
        (rule.high, rule.high_inclusive, DeviationClass.ULTRA_HIGH),
    ):
        if bound is not None and (ratio > bound or (inclusive and ratio == bound)):
            return name
    return DeviationClass.NORMAL


def _start(rule: DeviationRule) -> Fraction:
    """Where a high score begins to rise: at the class's bound, or the extreme one without it."""
    bound = rule.extreme if rule.high is None else rule.high
    assert bound is not None  # a class above normal has a bound
    return bound


def classify(
    cost_fen: Ints,
    mean_fen: Ints,
    rule: DeviationRule,
    *,
    hospital_coef_e4: Ints | None = None,
    aux_coef_e4: Ints | None = None,
    blank: Flags | None = None,
) -> NDArray[np.uint8]:
    """Class of each case.

    Parameters
    ----------
    cost_fen, mean_fen : int64 array
        Fen, as ``case_score`` takes them; a cost below zero or a mean of zero or less: not known.
    rule : DeviationRule
    hospital_coef_e4, aux_coef_e4 : int64 array, optional
        Scaled 10⁴; count where the rule is ``by_coefficient``, 1 when omitted.
    blank : bool array, optional
        Cases of the blank group.

    Returns
    -------
    uint8 array
        Place in ``DEVIATION_CLASSES``, or ``UNCLASSED``.

    Examples
    --------
    >>> import numpy as np
    >>> costs, means = np.array([500_000, 500_001, 0]), np.array([1_000_000, 1_000_000, 0])
    >>> classify(costs, means, RULE_SETS["taian"]).tolist()
    [0, 1, 255]
    """
    import numpy as np

    left, right = cost_fen, mean_fen
    if rule.by_coefficient:
        one = np.full(len(cost_fen), _ONE, np.int64)
        left, right = _own_standards(
            cost_fen,
            mean_fen,
            one if hospital_coef_e4 is None else hospital_coef_e4,
            one if aux_coef_e4 is None else aux_coef_e4,
        )
    out = np.full(len(cost_fen), _NORMAL, np.uint8)
    if rule.high is not None:
        out[exceeds(left, rule.high, right, inclusive=rule.high_inclusive)] = _HIGH
    if rule.extreme is not None:
        out[exceeds(left, rule.extreme, right, inclusive=rule.extreme_inclusive)] = _EXTREME
    if rule.low is not None:
        # Not below the bound is at or above it, so the flag turns round.
        out[~exceeds(left, rule.low, right, inclusive=not rule.low_inclusive)] = _LOW
    out[right <= 0] = UNCLASSED
    if blank is not None and rule.blank is not None:
        out[blank] = _BLANK
    out[(cost_fen < 0) | (mean_fen <= 0)] = UNCLASSED
    return out


def _own_standards(cost: Ints, mean: Ints, hospital: Ints, auxiliary: Ints) -> tuple[Ints, Ints]:
    """Costs and hospitals' own standards in one unit that keeps both exact."""
    import numpy as np

    left, right = _ONE * _ONE, int(hospital.max(initial=0)) * int(auxiliary.max(initial=0))
    if max(left * int(cost.max(initial=0)), right * int(mean.max(initial=0))) <= _INT64:
        return cost * left, mean * hospital * auxiliary
    # Beyond int64 all four are Python's integers; whoever compares handles both.
    wide = [column.astype(object) for column in (cost, mean, hospital, auxiliary)]
    return (
        np.asarray(wide[0] * left, object),
        np.asarray(wide[1] * wide[2] * wide[3], object),
    )


def case_scores_e4(
    cost_fen: Ints,
    mean_fen: Ints,
    score_e4: Ints,
    hospital_coef_e4: Ints,
    aux_coef_e4: Ints,
    rule: DeviationRule,
    blank: Flags | None = None,
) -> CaseScores:
    """Class and score of each case.

    Parameters
    ----------
    cost_fen, mean_fen
        As ``classify`` takes them.
    score_e4 : int64 array
        Score of the group, scaled 10⁴, zero or more.
    hospital_coef_e4, aux_coef_e4 : int64 array
        Coefficients, scaled 10⁴; 10 000 where none applies.
    rule : DeviationRule
    blank : bool array, optional
        Cases of the blank group; none when omitted.

    Returns
    -------
    CaseScores
        Rows in the order given. Scores rounded half up once, ``UNSCORED`` where the class is
        ``UNCLASSED`` or experts decide.

    Raises
    ------
    OverflowError
        A score does not fit int64.

    Examples
    --------
    >>> import numpy as np
    >>> costs, full = np.array([400_000, 900_000, 2_500_000]), lambda n: np.full(3, n)
    >>> rule = RULE_SETS["jining"]
    >>> found = case_scores_e4(
    ...     costs, full(1_000_000), full(10_000_000), full(9_000), full(10_000), rule)
    >>> found.codes.tolist(), found.score_e4.tolist()
    ([0, 1, 2], [4000000, 9000000, 14000000])
    """
    import numpy as np

    coefs = {"hospital_coef_e4": hospital_coef_e4, "aux_coef_e4": aux_coef_e4}
    codes = classify(cost_fen, mean_fen, rule, **coefs, blank=blank)
    out = np.full(len(codes), UNSCORED, np.int64)
    high = codes == _HIGH
    normal = codes == _NORMAL
    if rule.extreme_score == "high":
        high |= codes == _EXTREME
    elif rule.extreme_score == "normal":
        normal |= codes == _EXTREME
    if rule.high_score == "normal":
        normal |= high
        high = np.zeros_like(high)
    columns = (cost_fen, mean_fen, score_e4, hospital_coef_e4, aux_coef_e4)

    def rows_of(mask: Flags) -> list[Ints]:
        return [column[mask] for column in columns]

    _, _, score, hospital, auxiliary = rows_of(normal)
    out[normal] = product_array(score, hospital, auxiliary, over=_ONE * _ONE)
    low = codes == _LOW
    out[low] = _low_scores(rule, *rows_of(low))
    out[high] = _high_scores(rule, *rows_of(high))
    if rule.blank is not None:
        empty = codes == _BLANK
        cost, mean, score, _, _ = rows_of(empty)
        top, bottom = (np.full(len(cost), n, np.int64) for n in rule.blank.as_integer_ratio())
        out[empty] = _quotient([score, cost, top], [mean, bottom])
    return CaseScores(codes, out)


def _low_scores(
    rule: DeviationRule, cost: Ints, mean: Ints, score: Ints, hospital: Ints, auxiliary: Ints
) -> Ints:
    import numpy as np

    if rule.by_coefficient and rule.low_score == "after":
        return _quotient([score, cost], [mean])
    factors, scale = [score, auxiliary, cost], _ONE
    if rule.by_coefficient:
        return _quotient([score, cost, np.full(len(cost), _ONE)], [mean, hospital])
    if rule.low_score == "after":
        factors, scale = [*factors, hospital], _ONE * _ONE
    return _quotient(factors, [mean, np.full(len(cost), scale)])


def _high_scores(
    rule: DeviationRule, cost: Ints, mean: Ints, score: Ints, hospital: Ints, auxiliary: Ints
) -> Ints:
    import numpy as np

    if not len(cost):
        return np.empty(0, np.int64)
    top, bottom = _start(rule).as_integer_ratio()
    left, right = cost, mean
    if rule.by_coefficient:
        left, right = _own_standards(cost, mean, hospital, auxiliary)
    most = max(_size(left) * bottom, _size(right) * max(top, _size(hospital) * bottom))
    if 3 * most * _ONE > _INT64:
        left, right, hospital = (c.astype(object) for c in (left, right, hospital))
    if rule.high_score == "inside":
        over = left * (bottom * _ONE) - right * (top * _ONE) + right * hospital * bottom
        factors = [score, auxiliary, over]
    else:
        factors = [score, auxiliary, hospital, left * bottom - right * (top - bottom)]
    return _quotient(factors, [right, np.full(len(cost), bottom * _ONE * _ONE)])


def _size(column: Ints) -> int:
    return int(column.max())


def _quotient(factors: list[Ints], divisors: list[Ints]) -> Ints:
    """``quotient_array``, also where a column holds Python's integers."""
    import numpy as np

    if all(column.dtype != object for column in (*factors, *divisors)):
        return quotient_array(factors, divisors)
    tops = map(math.prod, zip(*(column.tolist() for column in factors), strict=True))
    under = map(math.prod, zip(*(column.tolist() for column in divisors), strict=True))
    return np.array([mul_div(a, 1, b) for a, b in zip(tops, under, strict=True)], np.int64)


def needs_review(codes: NDArray[np.uint8], rule: DeviationRule) -> Flags:
    """Which cases may be put to special review, or must be, by their class.

    Examples
    --------
    >>> import numpy as np
    >>> needs_review(np.array([1, 2, 3], np.uint8), RULE_SETS["spec3"])
    array([False,  True, False])
    """
    import numpy as np

    wanted = [DEVIATION_CLASSES.index(name) for name in rule.review]
    found: Flags = np.isin(codes, np.array(wanted, np.uint8))
    return found
