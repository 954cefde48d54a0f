"""The quarter: what lies within the quota is paid up at once, the rest is suspended.

Source of the rule: Fuxin 阜政办发[2009]108号 (spec F.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["QuarterResult", "balance_quarter"]


@dataclass(frozen=True, slots=True)
class QuarterResult:
    """A hospital's quarter, in fen.

    Attributes
    ----------
    actual : int
        Fund cost of the months.
    within : int
        The part within the quota.
    pay_quarter : int
        Still to be paid of it: retention released, advances taken off. A negative amount is
        carried to the year's balance and not claimed back.
    suspended : int
        Above the quota: not paid, with a warning, until the year's end.
    """

    actual: int
    within: int
    pay_quarter: int
    suspended: int

    @property
    def payable(self) -> int:
        """What is paid now, never negative."""
        return max(self.pay_quarter, 0)

    @property
    def carried(self) -> int:
        """Zero or negative: advances above the quota, carried to the year's end."""
        return min(self.pay_quarter, 0)


def balance_quarter(months: Sequence[int], paid: Sequence[int], quota: int) -> QuarterResult:
    """Balance the months of a quarter against its quota.

    Parameters
    ----------
    months : sequence of int
        Fund cost of each month, fen.
    paid : sequence of int
        Paid for each month so far, fen.
    quota : int
        Quota of the quarter, fen.

    Raises
    ------
    ValueError
        An amount is negative.

    Examples
    --------
    >>> balance_quarter([130, 130, 130], [117, 117, 117], 320)
    QuarterResult(actual=390, within=320, pay_quarter=-31, suspended=70)
    """
    if min(quota, *months, *paid, 0) < 0:
        raise ValueError("amounts of a quarter are not negative")
    actual = sum(months)
    within = min(actual, quota)
    return QuarterResult(actual, within, within - sum(paid), actual - within)
