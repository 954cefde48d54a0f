"""What the days of a stay cost: one price, tiers by day, or factors that fall (spec D).

A stay's day of admission and day of discharge count once; leave days are off before. Arrays are
int64 days and fen of one shape without nulls; the caller masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from drg.errors import TableError
from drg.money import product_array
from drg.payment.mechanisms.quotients import RATIO_SCALE, portion_array, times
from drg.payment.pricing.levels import level_of, wider_levels
from drg.payment.weight_table import insurance_code

if TYPE_CHECKING:
    from drg.payment.mechanisms.quotients import Flags, Ints
    from drg.payment.policy import BedDay, DayFactor, DayRate

__all__ = [
    "DayPrice", "Tier", "VariablePerDiem", "covered", "day_price", "gross_fen", "mean_factor_e4",
    "variable_per_diem",
]  # fmt: skip


class Tier(NamedTuple):
    """Price of a day up to and with a day of the stay; None: for every day after."""

    last_day: int | None
    per_diem: int


class DayPrice(NamedTuple):
    """What the days of a kind of stay cost: tiers, and the factor of the person's category."""

    tiers: tuple[Tier, ...]
    factor: Fraction


class VariablePerDiem(NamedTuple):
    """Sum of day factors, scaled 10⁶, and their price in fen."""

    factor_sum_e6: Ints
    gross: Ints


def gross_fen(
    days: Ints, tiers: Sequence[Tier] | int, factor: Fraction | Ints = Fraction(1)
) -> Ints:
    """Days of a stay at their price, rounded half up once.

    Parameters
    ----------
    days : int64 array
        Zero or more.
    tiers : sequence of Tier, or int
        By day of the stay, in order; or one price for every day.
    factor : Fraction or int64 array, optional
        Of the person's category; an array is scaled 10⁶.

    Raises
    ------
    ValueError
        A stay is longer than the tiers reach (``covered`` tells), or they are out of order.

    Examples
    --------
    >>> import numpy as np
    >>> tiers = [Tier(30, 26_000), Tier(90, 20_800), Tier(None, 18_200)]
    >>> gross_fen(np.array([30, 120]), tiers)
    array([ 780000, 2574000])
    >>> gross_fen(np.array([45]), 26_000, Fraction("0.8"))
    array([936000])
    """
    import numpy as np

    steps = [Tier(None, tiers)] if isinstance(tiers, int) else list(tiers)
    if not covered(days, steps).all():
        raise ValueError("a stay is longer than the tiers reach")
    gross = np.zeros(len(days), np.int64)
    first = 1
    for last, per_diem in steps:
        gross += _days_within(days, first, last) * per_diem
        first = (last or 0) + 1
    return times(gross, factor)


def covered(days: Ints, tiers: Sequence[Tier]) -> Flags:
    """Whether every day of a stay has a price.

    Raises
    ------
    ValueError
        The tiers do not stand in order.
    """
    import numpy as np

    ends = [tier.last_day for tier in tiers]
    closed = [end for end in ends if end is not None]
    if None in ends[:-1] or any(b <= a for a, b in zip([0, *closed], closed, strict=False)):
        raise ValueError(f"tiers end at rising days, an open one last, not {ends}")
    most = np.iinfo(np.int64).max if ends and ends[-1] is None else max(closed, default=0)
    return (days >= 0) & (days <= most)


def day_price(
    bed_day: BedDay,
    *,
    insurance: str = "",
    hospital_level: str = "",
    hospital: str = "",
    category: str = "",
    on: date | None = None,
) -> DayPrice | None:
    """The prices that hold for one kind of stay; None when the policy has none.

    Of the rates that fit, those of the most specific scope hold: hospital, then level, then
    insurance, then category. The category's factor applies unless the rates name the category.

    Parameters
    ----------
    bed_day : BedDay
    insurance, hospital_level, hospital, category : str, optional
        As the claim has them; ``""`` not reported: only rates for everyone fit.
    on : date, optional
        Discharge; None fits rates without dates only.

    Raises
    ------
    TableError
        P416: the days of these rates overlap, or leave a gap.
    """
    category, named_insurance = category.strip(), insurance_code(insurance)
    levels = ("", *reversed(wider_levels(level_of(hospital_level))))
    fitting: dict[tuple[int, ...], list[DayRate]] = {}
    for rate in bed_day.rates:
        level = level_of(rate.hospital_level)
        named = (rate.hospital.strip(), insurance_code(rate.insurance), rate.category.strip())
        asked = (hospital.strip(), named_insurance, category)
        here = on in rate.in_force if on else not any(rate.in_force.texts)
        if (
            here
            and level in levels
            and all(a in ("", b) for a, b in zip(named, asked, strict=True))
        ):
            width = (bool(named[0]), levels.index(level), bool(named[1]), bool(named[2]))
            fitting.setdefault(width, []).append(rate)
    if not fitting:
        return None
    narrowest = max(fitting)
    rates = sorted(fitting[narrowest], key=lambda rate: rate.from_day)
    factors = {} if narrowest[-1] else bed_day.category_factors
    own = f"{named_insurance}|{category}"
    factor = factors.get(own, factors.get(category, Fraction(1)))
    _check_days([(rate.from_day, rate.to_day) for rate in rates], bed_day.id, "rates")
    return DayPrice(tuple(Tier(rate.to_day, rate.per_diem) for rate in rates), factor)


def variable_per_diem(
    days: Ints, emergency: Flags, factors: Sequence[DayFactor], base: int
) -> VariablePerDiem:
    """Days weighted by factors that fall over the stay, at one base price.

    The shape of the United States' inpatient psychiatric system (42 CFR 412.424).

    Parameters
    ----------
    days : int64 array
        Zero or more.
    emergency : bool array
        The stay began in an emergency department: ``emergency_factor`` where a row has one.
    factors : sequence of DayFactor
        From day 1 without gap; the last one open.
    base : int
        Fen for factor 1.

    Raises
    ------
    TableError
        P416: days overlap, leave a gap, or the last row is not open.

    Examples
    --------
    >>> import numpy as np
    >>> from drg.payment.policy import DayFactor
    >>> table = [
    ...     DayFactor(from_day=1, to_day=1, factor="1.19", emergency_factor="1.31"),
    ...     DayFactor(from_day=2, factor="1.12"),
    ... ]
    >>> variable_per_diem(np.array([1, 3]), np.array([True, False]), table, 80_000)
    VariablePerDiem(factor_sum_e6=array([1310000, 3430000]), gross=array([104800, 274400]))
    """
    import numpy as np

    rows = sorted(factors, key=lambda row: row.from_day)
    _check_days([(row.from_day, row.to_day) for row in rows], "factors", "factors", whole=True)
    total = np.zeros(len(days), np.int64)
    for row in rows:
        plain = int(row.factor * RATIO_SCALE)
        special = plain if row.emergency_factor is None else int(row.emergency_factor * RATIO_SCALE)
        count = _days_within(days, row.from_day, row.to_day)
        total += count * np.where(emergency, special, plain)
    prices = np.full(len(days), base, np.int64)
    return VariablePerDiem(total, product_array(total, prices, over=RATIO_SCALE))


def mean_factor_e4(factor_sum_e6: Ints, days: Ints) -> Ints:
    """Mean factor of a stay's days, scaled 10⁴ and rounded half up; days above zero."""
    import numpy as np

    one = np.ones(len(days), np.int64)
    return portion_array(factor_sum_e6, one, days * (RATIO_SCALE // 10**4))


def _days_within(days: Ints, first: int, last: int | None) -> Ints:
    import numpy as np

    inside: Ints = np.clip(days if last is None else np.minimum(days, last), first - 1, None)
    return inside - (first - 1)


def _check_days(
    spans: Sequence[tuple[int, int | None]], where: str, what: str, *, whole: bool = False
) -> None:
    """Refuse spans of days that overlap, leave a gap, or do not begin with day 1."""
    due: int | None = 1
    for first, last in spans:
        if first != due or (last is not None and last < first):
            raise TableError("P416", where=where, what=what, found=first, wanted=due or "—")
        due = None if last is None else last + 1
    if whole and due is not None:
        raise TableError("P416", where=where, what=what, found="—", wanted=due)
