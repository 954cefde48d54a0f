"""What a layer pays, in whole fen and exact: start, segments, cap, ceiling (spec G).

Amounts are integers, ratios are numerators over a common denominator; each layer rounds half up
once, to the fen. ``Rule`` is a row of a plan made ready for this.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import NamedTuple

__all__ = ["Paid", "Rule", "make_rule", "over_ceiling", "pay", "start_fen"]

_BASES = ("absolute", "excess", "whole")


class Rule(NamedTuple):
    """One layer's terms for one kind of person.

    Attributes
    ----------
    id, kind : str
        As in ``Layer``.
    yearly : bool
        Bounds count the cost of the year, not of the visit.
    unit : int
        Starts and bounds are multiples of 1/``unit`` fen.
    start, start_next : int
        For the first stay and for those after it.
    share : int
        Where not -1: the start is the cost times ``share`` over ``unit``, from ``least`` to
        ``most`` (None: no bound).
    whole : bool
        All of the cost is paid once it exceeds the start.
    excess : bool
        Bounds count from the start on.
    bounds : tuple of (int, int or None, int)
        From, to (None: without end) and ratio of each segment, the ratio over ``over``.
    over : int
        Denominator of the ratios, times ``unit``.
    cap : int or None
        Most in a year, fen.
    ceilings : tuple of int
        Most that a person bears in a year, by rank of the region, fen (-1: no ceiling there);
        one: for all. Empty: the layer pays by ratio.
    """

    id: str
    kind: str
    yearly: bool
    unit: int = 1
    start: int = 0
    start_next: int = 0
    share: int = -1
    least: int | None = None
    most: int | None = None
    whole: bool = False
    excess: bool = False
    bounds: tuple[tuple[int, int | None, int], ...] = ()
    over: int = 1
    cap: int | None = None
    ceilings: tuple[int, ...] = ()


class Paid(NamedTuple):
    """What a layer makes of a base; fen."""

    deductible: int
    paid: int
    capped: int


def make_rule(
    id: str,
    kind: str,
    *,
    yearly: bool,
    start: int | Fraction = 0,
    start_next: int | Fraction | None = None,
    share: Fraction | None = None,
    least: int | Fraction | None = None,
    most: int | Fraction | None = None,
    segments: Sequence[tuple[int | None, Fraction]] = (),
    base: str = "absolute",
    cap: int | None = None,
    ceilings: Sequence[int] = (),
) -> Rule:
    """A rule from amounts in fen and exact ratios.

    Parameters
    ----------
    id, kind : str
    yearly : bool
    start, start_next : int or Fraction, optional
        Fen; ``start_next`` is as ``start`` when omitted.
    share, least, most : optional
        Start as a share of the cost, within bounds in fen.
    segments : sequence of (int or None, Fraction), optional
        Bound in fen, None without end, and ratio.
    base : {"absolute", "excess", "whole"}, optional
        What the bounds are measured on (``drg.benefits.terms.Row``).
    cap : int or None, optional
    ceilings : sequence of int, optional

    Raises
    ------
    ValueError
        An unknown ``base``.

    Examples
    --------
    >>> rule = make_rule("critical", "critical", yearly=True, start=1_000_000, segments=[
    ...     (5_000_000, Fraction("0.6")), (10_000_000, Fraction("0.7")), (None, Fraction("0.8"))])
    >>> pay(rule, 14_000_000)
    Paid(deductible=1000000, paid=9100000, capped=0)
    """
    if base not in _BASES:
        raise ValueError(f"base {base!r} is none of {', '.join(_BASES)}")
    if start_next is None:
        start_next = start
    exact = [Fraction(n) for n in (start, start_next, share or 0, least or 0, most or 0)]
    unit = lcm(*(number.denominator for number in exact))
    first, later, part, low, high = (int(number * unit) for number in exact)
    over = lcm(1, *(ratio.denominator for _, ratio in segments))
    bounds, lower = [], 0
    for bound, ratio in segments:
        upper = None if bound is None else bound * unit
        bounds.append((lower, upper, int(ratio * over)))
        lower = upper or 0
    return Rule(
        id, kind, yearly, unit, first, later, -1 if share is None else part,
        None if least is None else low, None if most is None else high,
        base == "whole", base == "excess", tuple(bounds), over * unit, cap, tuple(ceilings),
    )  # fmt: skip


def pay(rule: Rule, base: int, *, before: int = 0, used: int = 0, first: bool = True) -> Paid:
    """What a layer pays of the cost that reaches it.

    Parameters
    ----------
    rule : Rule
        One that pays by ratio.
    base : int
        Fen, zero or more.
    before : int, optional
        Of the year's cost, what reached the layer before; read by yearly rules alone.
    used : int, optional
        Of the cap, in fen.
    first : bool, optional
        The first stay of the year.

    Returns
    -------
    Paid
        Of the slice of cost that this visit adds: the part below the start, what is paid, and
        what the cap took away. Never more than the base.

    Examples
    --------
    >>> rule = make_rule("basic", "basic", yearly=False, start=200_000,
    ...                  segments=[(None, Fraction("0.6"))], cap=12_000_000)
    >>> pay(rule, 3_000_000), pay(rule, 3_000_000, used=11_000_000).capped
    (Paid(deductible=200000, paid=1680000, capped=0), 680000)
    """
    unit = rule.unit
    low = before * unit if rule.yearly else 0
    high = low + base * unit
    start = _start(rule, base, first)
    below = start - low
    below = 0 if below < 0 else below if unit == 1 else (2 * below + unit) // (2 * unit)
    deductible = base if below > base else below
    exact = _by_segments(rule, start, high)
    if low:
        exact -= _by_segments(rule, start, low)
    paid = (2 * exact + rule.over) // (2 * rule.over)
    paid = min(paid, base)
    if rule.cap is None:
        return Paid(deductible, paid, 0)
    left = rule.cap - used
    left = left if left > 0 else 0
    return Paid(deductible, paid, 0) if paid <= left else Paid(deductible, left, paid - left)


def start_fen(rule: Rule, base: int, *, first: bool = True) -> int:
    """Deductible of a cost, fen, half up, whether the cost reaches it or not.

    Examples
    --------
    >>> rule = make_rule("basic", "basic", yearly=False, share=Fraction("0.2"), least=200_000,
    ...                  most=1_000_000, segments=[(None, Fraction("0.6"))])
    >>> start_fen(rule, 800_000), start_fen(rule, 3_000_000), pay(rule, 3_000_000).paid
    (200000, 600000, 1440000)
    """
    return (2 * _start(rule, base, first) + rule.unit) // (2 * rule.unit)


def _start(rule: Rule, base: int, first: bool) -> int:
    """Start in units. One that is a share of the cost is not rounded before it is used."""
    if rule.share < 0:
        return rule.start if first else rule.start_next
    start = base * rule.share
    if rule.least is not None and start < rule.least:
        return rule.least
    return rule.most if rule.most is not None and start > rule.most else start


def _by_segments(rule: Rule, start: int, cost: int) -> int:
    """Cost up to here times its ratios, not rounded."""
    if cost <= start:
        return 0
    shift = start if rule.excess else 0
    floor = 0 if rule.whole else start
    found = 0
    for low, high, ratio in rule.bounds:
        bottom = max(low + shift, floor)
        if cost <= bottom:
            break
        top = cost if high is None else min(cost, high + shift)
        if top > bottom:
            found += (top - bottom) * ratio
    return found


def over_ceiling(ceiling: int, base: int, borne: int) -> Paid:
    """What a backstop takes over because a person has borne enough in a year.

    Parameters
    ----------
    ceiling : int
        Most that the person bears in a year, fen.
    base : int
        What this visit leaves to the person.
    borne : int
        What the year's visits before left.

    Examples
    --------
    >>> over_ceiling(1_000_000, 2_350_000, 0), over_ceiling(500_000, 100_000, 450_000)
    (Paid(deductible=1000000, paid=1350000, capped=0), Paid(deductible=50000, paid=50000, capped=0))
    """
    over = borne + base - ceiling
    paid = 0 if over < 0 else base if over > base else over
    return Paid(base - paid, paid, 0)
