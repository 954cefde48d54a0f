"""Package of a county medical community (县域医共体打包付费, spec E.2).

All amounts are fen; half up once at each total, and parts always add up to what is given out.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from drg.money import allocate, round_scaled

__all__ = [
    "AssessedResult", "PackageResult", "advances", "assessed_result", "package_result", "split",
]  # fmt: skip


class PackageResult(NamedTuple):
    """A package and its balance: above zero a surplus, below an overspend."""

    package: int
    balance: int


class AssessedResult(NamedTuple):
    """A year's balance after assessment.

    Attributes
    ----------
    balance : int
        Package less spending.
    retained, returned : int
        Surplus that the community keeps, and what goes back to the fund.
    fund_extra, community_bears : int
        Overspend that the fund takes, and what the community bears.
    """

    balance: int
    retained: int = 0
    returned: int = 0
    fund_extra: int = 0
    community_bears: int = 0


def package_result(
    own_spend: int,
    outflow_spend: int,
    *,
    fund: int | None = None,
    ratio: Fraction | None = None,
    heads: int | None = None,
    per_head: int | None = None,
) -> PackageResult:
    """The package, as a share of the fund or per head, against all spending on its people.

    Parameters
    ----------
    own_spend, outflow_spend : int
        Fund's spending inside the community, and on its people elsewhere.
    fund, ratio : int and Fraction, optional
        Eligible fund and the share that is packaged.
    heads, per_head : int, optional
        Insured persons, and fen for each.

    Raises
    ------
    ValueError
        Neither or both ways are given, or a number is negative.

    Examples
    --------
    >>> package_result(180, 90, fund=300, ratio=Fraction("0.95"))
    PackageResult(package=285, balance=15)
    """
    if fund is not None and ratio is not None and heads is None and per_head is None:
        whole = round_scaled(fund * ratio, 0)
    elif heads is not None and per_head is not None and fund is None and ratio is None:
        whole = heads * per_head
    else:
        raise ValueError("a package is fund and ratio, or heads and per_head")
    if whole < 0 or own_spend < 0 or outflow_spend < 0:
        raise ValueError("a package and its spending are not negative")
    return PackageResult(whole, whole - own_spend - outflow_spend)


def split(amount: int, shares: Mapping[str, Fraction]) -> dict[str, int]:
    """A balance by the community's agreed shares, such as 6 : 3 : 1; the parts add up to it.

    Parameters
    ----------
    amount : int
        Surplus, or an overspend as a negative amount.
    shares : mapping of str to Fraction
        Zero or more each, together 1.

    Raises
    ------
    ValueError
        The shares do not add up to 1, or one is negative.

    Examples
    --------
    >>> split(100, {"lead": Fraction("0.6"), "town": Fraction("0.3"), "village": Fraction("0.1")})
    {'lead': 60, 'town': 30, 'village': 10}
    """
    if sum(shares.values()) != 1:
        raise ValueError(f"shares add up to 1, not {sum(shares.values())}")
    whole = lcm(*(share.denominator for share in shares.values()))
    return allocate(amount, {key: int(share * whole) for key, share in shares.items()})


def assessed_result(
    package: int,
    spend: int,
    assessment: Fraction,
    overspend_share: Fraction,
    reasonable_limit: Fraction,
) -> AssessedResult:
    """Surplus kept by the result of assessment; reasonable overspend shared (Baoshan 2021).

    ``retained = balance × assessment``; ``fund_extra = min(over, limit × package) × share``. That
    assessment counts is published, that it counts in proportion is this engine's reading.

    Parameters
    ----------
    package, spend : int
        Fen, zero or more.
    assessment : Fraction
        Result between 0 and 1.
    overspend_share : Fraction
        Fund's share of the reasonable overspend.
    reasonable_limit : Fraction
        Overspend up to this share of the package is reasonable.

    Examples
    --------
    >>> terms = Fraction("0.92"), Fraction("0.5"), Fraction("0.05")
    >>> assessed_result(285_000, 275_000, *terms)
    AssessedResult(balance=10000, retained=9200, returned=800, fund_extra=0, community_bears=0)
    >>> assessed_result(285_000, 305_000, *terms)
    AssessedResult(balance=-20000, retained=0, returned=0, fund_extra=7125, community_bears=12875)
    """
    if package < 0 or spend < 0:
        raise ValueError("a package and its spending are not negative")
    if not all(0 <= share <= 1 for share in (assessment, overspend_share)) or reasonable_limit < 0:
        raise ValueError("assessment and shares lie between 0 and 1")
    balance = package - spend
    if balance >= 0:
        kept = round_scaled(balance * assessment, 0)
        return AssessedResult(balance, retained=kept, returned=balance - kept)
    extra = round_scaled(min(Fraction(-balance), package * reasonable_limit) * overspend_share, 0)
    return AssessedResult(balance, fund_extra=extra, community_bears=-balance - extra)


def advances(package: int, prepay: Fraction, months: int = 12) -> tuple[int, ...]:
    """The part of a package that is paid ahead, in equal months that add up to it.

    Parameters
    ----------
    package : int
        Fen.
    prepay : Fraction
        Share paid ahead; the rest waits for the assessment.
    months : int, optional
        One or more.
    """
    paid = round_scaled(package * prepay, 0)
    return tuple(allocate(paid, dict.fromkeys(range(months), 1)).values())
