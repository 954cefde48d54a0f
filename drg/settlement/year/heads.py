"""Years that are paid by the head: outpatients of an institution, people of a medical community.

What their visits and stays cost was paid month by month; here it is held against the heads
(spec E). Where heads or the people's community are not known, nothing is paid or taken: the result
is marked open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from drg.payment.mechanisms.community import assessed_result, package_result, split
from drg.payment.mechanisms.outpatient import institution_result
from drg.payment.policy import CommunityPackage
from drg.settlement.year.sums import PAID_MODES, Party, PartySums

if TYPE_CHECKING:
    from drg.payment.policy import Policy
    from drg.settlement.budget import Budget
    from drg.settlement.settled import Settlement

__all__ = ["CommunityYear", "HeadsYear", "community_years", "heads_years"]

#: Column of claims: the medical community whose insured person the patient is.
COMMUNITY = "insured_community"
Register: TypeAlias = Mapping[str, Mapping[str, object]]
#: Numbers that share an overspend.
_OVER = ("community.overspend_share", "community.reasonable_limit")


@dataclass(frozen=True, kw_only=True)
class HeadsYear:
    """An institution's outpatients, in fen.

    Attributes
    ----------
    hospital : str
    reimbursed : int
        Fund's part of the year's visits.
    capitation, result, final : int
        As ``drg.payment.mechanisms.outpatient.InstitutionResult``; 0 where open.
    open : bool
        The persons signed with it are not known.
    """

    hospital: str
    reimbursed: int
    capitation: int = 0
    result: int = 0
    final: int = 0
    open: bool = False

    @property
    def adjustment(self) -> int:
        """What the year adds to, or takes from, the visits as paid."""
        return 0 if self.open else self.final - self.reimbursed


@dataclass(frozen=True, kw_only=True)
class CommunityYear:
    """A medical community's package, in fen.

    Attributes
    ----------
    hospital : str
        Id of the community, as the register has it.
    own, outflow : int
        Fund spent on its people inside and elsewhere.
    package, balance, retained, returned, fund_extra, bears : int
        As ``drg.payment.mechanisms.community``; 0 where open.
    shares : mapping of str to int
        What is retained, or borne, by the parts of the policy's split.
    open : bool
        Heads, budget, shares or the people's community are not known.
    """

    hospital: str
    own: int = 0
    outflow: int = 0
    package: int = 0
    balance: int = 0
    retained: int = 0
    returned: int = 0
    fund_extra: int = 0
    bears: int = 0
    shares: Mapping[str, int] = field(default_factory=dict)
    open: bool = False

    @property
    def adjustment(self) -> int:
        """Surplus that it keeps; an overspend that it bears is negative."""
        return self.retained - self.bears


def heads_years(
    sums: Mapping[Party, PartySums], policy: Policy, register: Register
) -> list[HeadsYear]:
    """Every institution with visits, where the policy pays outpatients by the head."""
    rules = policy.outpatient
    if rules is None or rules.per_head is None:
        return []
    visits: dict[str, int] = {}
    for (hospital, _), own in sums.items():
        if "VISIT" in own.by_mode:
            visits[hospital] = visits.get(hospital, 0) + own.by_mode["VISIT"]
    found = []
    for hospital, reimbursed in sorted(visits.items()):
        enrolled = register.get(hospital, {}).get("enrolled")
        if not isinstance(enrolled, int):
            found.append(HeadsYear(hospital=hospital, reimbursed=reimbursed, open=True))
            continue
        result = institution_result(
            enrolled, reimbursed, rules.per_head, rules.surplus_keep, rules.overspend_share
        )
        found.append(HeadsYear(hospital=hospital, reimbursed=reimbursed, **result._asdict()))
    return found


def community_years(
    months: Iterable[Settlement],
    policy: Policy,
    budget: Budget | None,
    year: int,
    register: Register,
) -> list[CommunityYear]:
    """Every community of the register, where the policy has packages."""
    rules = policy.community
    members = {h: str(row["community"]) for h, row in register.items() if row.get("community")}
    if rules is None or not members:
        return []
    spent = _spent(months)
    return [
        _community(name, members, spent, policy, _fund(budget, name, year), register)
        for name in sorted(set(members.values()))
    ]


def _community(
    name: str,
    members: Mapping[str, str],
    spent: Mapping[tuple[str, str], int] | None,
    policy: Policy,
    fund: int | None,
    register: Register,
) -> CommunityYear:
    rules = policy.community or CommunityPackage()
    row = register.get(name, {})
    heads, assessment = row.get("enrolled"), row.get("assessment")
    by_head = rules.per_head is not None
    known = isinstance(heads, int) if by_head else fund is not None and rules.ratio is not None
    if spent is None or not known or (rules.assessed and not isinstance(assessment, Fraction)):
        return CommunityYear(hospital=name, open=True)
    own = sum(a for (h, home), a in spent.items() if home == name and members.get(h) == name)
    away = sum(a for (h, home), a in spent.items() if home == name and members.get(h) != name)
    found = (
        package_result(own, away, heads=_int(heads), per_head=rules.per_head)
        if by_head
        else package_result(own, away, fund=fund, ratio=rules.ratio)
    )
    if found.balance < 0 and any(path in policy.wanted for path in _OVER):
        return CommunityYear(hospital=name, open=True)
    # Without a limit every overspend is reasonable.
    whole = Fraction(max(own + away, 1), max(found.package, 1))
    result = assessed_result(
        found.package,
        own + away,
        assessment if isinstance(assessment, Fraction) and rules.assessed else Fraction(1),
        rules.overspend_share or Fraction(0),
        whole if rules.reasonable_limit is None else rules.reasonable_limit,
    )
    change = result.retained - result.community_bears
    return CommunityYear(
        hospital=name,
        own=own,
        outflow=away,
        package=found.package,
        balance=found.balance,
        retained=result.retained,
        returned=result.returned,
        fund_extra=result.fund_extra,
        bears=result.community_bears,
        shares=split(change, rules.split) if rules.split else {},
    )


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _fund(budget: Budget | None, name: str, year: int) -> int | None:
    """The community's fund over all insurances; None: the budget has no line for it."""
    if budget is None:
        return None
    amounts = [
        budget.quota(name, insurance, year, level="community")
        for insurance in budget.insurances(year)
    ]
    given = [amount for amount in amounts if amount is not None]
    return sum(given) if given else None


def _spent(months: Iterable[Settlement]) -> dict[tuple[str, str], int] | None:
    """Fund by hospital and the patient's community; None: a month's claims do not say it."""
    found: dict[tuple[str, str], int] = {}
    for month in months:
        claims = month.claims.lazy()
        if COMMUNITY not in claims.collect_schema().names():
            if not month.ledger.sums.filter(
                (pl.col("account") == "fund") & (pl.col("fen") != 0)
            ).height:
                continue
            return None
        rows = (
            claims.filter(pl.col("pay_mode").cast(pl.String).is_in(PAID_MODES))
            .group_by(
                pl.col("hospital_id").cast(pl.String).str.strip_chars().fill_null(""),
                pl.col(COMMUNITY).cast(pl.String).str.strip_chars().fill_null(""),
            )
            .agg(pl.col("fund_fen").sum())
            .collect(engine="streaming")
        )
        for hospital, home, fen in rows.iter_rows():
            found[hospital, home] = found.get((hospital, home), 0) + fen
    return found
