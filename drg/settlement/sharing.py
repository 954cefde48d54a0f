"""Who keeps a saving and who bears an overspend at the year's end.

``share_quota`` holds a hospital's cost against its quota (spec F.3, Taicang's bands);
``share_result`` holds what it earned by the price of its cases against what it booked (spec A.5,
K.2). Each amount is rounded half up once, and the parts add up to the difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from drg.money import round_scaled

__all__ = ["QuotaShare", "ResultShare", "share_quota", "share_result"]


@dataclass(frozen=True, slots=True)
class QuotaShare:
    """A year against its quota, in fen.

    Attributes
    ----------
    difference : int
        Quota less actual cost; negative: overspent.
    fund_share, hospital_bears : int
        Parts of an overspend; they add up to it.
    reward : int
        Paid to a hospital that stayed under its quota.
    """

    difference: int
    fund_share: int
    hospital_bears: int
    reward: int


def share_quota(
    quota: int,
    actual: int,
    *,
    band: Fraction | None = None,
    share: Fraction | None = None,
    reward: Fraction | None = None,
    reward_cap: Fraction | None = None,
) -> QuotaShare:
    """Share an overspend by its band, or reward a saving.

    Parameters
    ----------
    quota, actual : int
        Fen, zero or more.
    band : Fraction, optional
        The fund shares an overspend up to this part of the quota, and nothing above it; without
        it there is no such bound.
    share : Fraction, optional
        The fund's part inside the band; without it the hospital bears all.
    reward : Fraction, optional
        Part of the saving that is paid as a reward; without it there is none.
    reward_cap : Fraction, optional
        The most of a reward, as a part of the quota.

    Raises
    ------
    ValueError
        An amount is negative.

    Examples
    --------
    >>> share_quota(1000, 1300, band=Fraction("0.2"), share=Fraction("0.5"))
    QuotaShare(difference=-300, fund_share=100, hospital_bears=200, reward=0)
    """
    if quota < 0 or actual < 0:
        raise ValueError("quota and cost are not negative")
    difference = quota - actual
    if difference < 0:
        shared = Fraction(-difference) if band is None else min(Fraction(-difference), quota * band)
        fund = round_scaled(shared * (share or 0), 0)
        return QuotaShare(difference, fund, -difference - fund, 0)
    earned = difference * (reward or Fraction(0))
    if reward_cap is not None:
        earned = min(earned, quota * reward_cap)
    return QuotaShare(difference, 0, 0, round_scaled(earned, 0))


@dataclass(frozen=True, slots=True)
class ResultShare:
    """A year's earnings by price against what was booked, in fen.

    Attributes
    ----------
    difference : int
        ClaimArrays less booked; negative: the cases cost more than their price.
    final : int
        What the fund pays after sharing.
    """

    difference: int
    final: int


def share_result(
    payable: int,
    booked: int,
    *,
    keep: Fraction | None = None,
    share: Fraction | None = None,
    band: Fraction | None = None,
) -> ResultShare:
    """Leave a surplus to the hospital and share a reasonable overspend.

    Parameters
    ----------
    payable : int
        Fund payable by the price of the cases, fen.
    booked : int
        Fund cost booked by item after audit, fen.
    keep : Fraction, optional
        Part of a surplus that the hospital keeps; all when omitted.
    share : Fraction, optional
        The fund's part of a reasonable overspend; none when omitted.
    band : Fraction, optional
        An overspend is reasonable up to this part of the payable; all when omitted.

    Examples
    --------
    >>> share_result(600, 720, share=Fraction(1, 2), band=Fraction("0.1"))
    ResultShare(difference=-120, final=630)
    """
    difference = payable - booked
    if difference >= 0:
        kept = round_scaled(difference * (Fraction(1) if keep is None else keep), 0)
        return ResultShare(difference, booked + kept)
    over = Fraction(-difference)
    if band is not None:
        over = min(over, max(payable, 0) * band)
    return ResultShare(difference, payable + round_scaled(over * (share or 0), 0))
