"""What the year's end needs of each hospital: quota, working capital, assessment, violations.

And what it says of them: the year table, and findings where something is to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl

from drg.money import allocate, round_scaled, scaled
from drg.payment.weight_table import insurance_code
from drg.settlement.counted import under_total_budget
from drg.settlement.year.region import ClearingError, rate_mode
from drg.settlement.year.sums import parties_of

if TYPE_CHECKING:
    from drg.payment.policy import Policy
    from drg.settlement.budget import Budget
    from drg.settlement.settled import Settlement
    from drg.settlement.year.sums import Party, PartySums
    from drg.settlement.year.terms import PartyYear

__all__ = [
    "YEAR_SCHEMA", "Note", "assessments_of", "by_hospital", "notes_of", "quotas_in_force",
    "shares_known", "violations_of", "working_capital", "year_table",
]  # fmt: skip

#: Decimals of an assessment, as ``drg.settlement.inputs`` reads them.
_RATIO_PLACES = 6
#: The year table: one row a hospital and insurance, amounts in fen.
YEAR_SCHEMA = pl.Schema(
    {
        "hospital": pl.String(),
        "name": pl.String(),
        "insurance": pl.String(),
        "claims": pl.Int64(),
        "cost_fen": pl.Int64(),
        "patient_fen": pl.Int64(),
        "priced_fen": pl.Int64(),
        "moved_fen": pl.Int64(),
        "assessment": pl.Decimal(10, _RATIO_PLACES),
        "assessed_fen": pl.Int64(),
        "deduction_fen": pl.Int64(),
        "quota_fen": pl.Int64(),
        "quota_left_fen": pl.Int64(),
        "counted_fen": pl.Int64(),
        "difference_fen": pl.Int64(),
        "sharing_fen": pl.Int64(),
        "reward_fen": pl.Int64(),
        "violation_fen": pl.Int64(),
        "payable_fen": pl.Int64(),
        "withheld_fen": pl.Int64(),
        "advance_fen": pl.Int64(),
        "working_capital_fen": pl.Int64(),
        "clearing_fen": pl.Int64(),
        "carried_fen": pl.Int64(),
        "next_quota_fen": pl.Int64(),
    }
)
_EMPLOYEE, _RESIDENT = "310", "390"
#: Numbers that share an overspend, and a saving.
_OVER = ("year.overspend_share", "year.overspend_band")
_SAVED = ("year.surplus_keep", "year.reward_ratio", "year.reward_cap")


def by_hospital(hospitals: pl.DataFrame | None) -> dict[str, dict[str, object]]:
    """Rows of the register by hospital; assessments as exact fractions."""
    if hospitals is None:
        return {}
    found = {str(row["hospital_id"]): row for row in hospitals.iter_rows(named=True)}
    for row in found.values():
        if (text := row.get("assessment")) is not None:
            row["assessment"] = Fraction(scaled(text, _RATIO_PLACES), 10**_RATIO_PLACES)
    return found


@dataclass(frozen=True, slots=True)
class Note:
    """A finding before it is worded."""

    code: str
    hospital: str = ""
    claim: str = ""
    row: int | None = None


def violations_of(
    decisions: pl.DataFrame, months: Sequence[Settlement], sums: Mapping[Party, PartySums]
) -> tuple[dict[Party, int], list[Note]]:
    """Violations by hospital and insurance; of several decisions on one claim the last holds.

    A decision names a claim of the year, or a hospital and insurance as ``H1/310``.
    """
    last = {
        row["claim_id"]: row
        for row in decisions.filter(pl.col("matter") == "violation").iter_rows(named=True)
    }
    if not last:
        return {}, []
    about = pl.Series("ref", sorted(last))
    owners: dict[str, Party] = {}
    for month in months:
        rows = parties_of(month).filter(pl.col("ref").is_in(about.implode())).collect()
        spelled = rows.select("ref", "hospital", "insurance").iter_rows()
        owners |= {ref: (h, insurance_code(i) if i else None) for ref, h, i in spelled}
    owners = {f"{h}/{i}": (h, i) for h, i in sums} | owners
    found: dict[Party, int] = {}
    notes = []
    for name, row in last.items():
        if name not in owners:
            notes.append(Note("P697", "", name, row["row"]))
        elif row["decision"] == "accepted":
            found[owners[name]] = found.get(owners[name], 0) + row["amount_fen"]
    return found, notes


def quotas_in_force(
    sums: Mapping[Party, PartySums],
    policy: Policy,
    budget: Budget | None,
    year: int,
    notes: list[Note],
) -> dict[Party, int]:
    """Quotas that bind: prices hold, the budget has a line, and the hospital is large enough."""
    if budget is None or rate_mode(policy) is not None:
        return {}
    lines = {key[1:3] for key in budget.lines if key[0] == "hospital" and key[3] == year}
    if not lines:
        return {}
    found: dict[Party, int] = {}
    rules = policy.budget
    mins = (rules.employee_min, rules.resident_min) if rules else (None, None)
    for (hospital, insurance), own in sums.items():
        quota = budget.quota(hospital, insurance or "", year)
        employee, resident = under_total_budget(own.fund, own.fund, *mins)
        if (insurance == _EMPLOYEE and not employee) or (insurance == _RESIDENT and not resident):
            notes.append(Note("P693", hospital))
        elif quota is None:
            notes.append(Note("P690", hospital))
        else:
            found[hospital, insurance] = quota
    present = {(hospital, insurance) for hospital, insurance in sums}
    notes += [Note("P699", hospital) for hospital, insurance in sorted(lines - present)]
    return found


def shares_known(parties: Iterable[PartyYear], policy: Policy) -> None:
    """See that the policy gives what an overspend or a saving that is there is shared by.

    Raises
    ------
    ClearingError
        P491: it leaves a number open that this year needs.
    """
    parties = list(parties)
    over = any(one.difference is not None and one.difference < 0 for one in parties)
    saved = any(one.difference is not None and one.difference > 0 for one in parties)
    if any(one.given.by_result and one.given.claims for one in parties):
        # Nothing was compared if the policy gives neither number.
        over = saved = True
    needed = (*(_OVER if over else ()), *(_SAVED if saved else ()))
    if left := [path for path in needed if path in policy.wanted]:
        raise ClearingError("P491", paths=", ".join(left), first=left[0])


def working_capital(
    sums: Mapping[Party, PartySums], policy: Policy, register: Mapping[str, Mapping[str, object]]
) -> dict[Party, int]:
    """A hospital's working capital, taken back from its insurances in proportion to their fund."""
    found: dict[Party, int] = {}
    if not policy.month.working_capital:
        return found
    for hospital, row in register.items():
        capital = row["working_capital_fen"]
        funds = {i or "": own.fund for (h, i), own in sums.items() if h == hospital}
        if isinstance(capital, int) and any(funds.values()):
            for insurance, part in allocate(capital, funds).items():
                found[hospital, insurance or None] = part
    return found


def assessments_of(
    parties: Iterable[Party], policy: Policy, register: Mapping[str, Mapping[str, object]]
) -> dict[str, Fraction]:
    """Assessment coefficients; none where the policy has no assessment.

    Raises
    ------
    ClearingError
        P484: the register does not have every hospital's.
    """
    if policy.year.assessment == "none":
        return {}
    found = {h: register.get(h, {}).get("assessment") for h, _ in parties}
    if missing := sorted(h for h, value in found.items() if value is None):
        raise ClearingError("P484", hospitals=", ".join(missing))
    return {h: value for h, value in found.items() if isinstance(value, Fraction)}


def notes_of(cleared: PartyYear, policy: Policy) -> Iterable[Note]:
    """What is to be looked at in a hospital's year."""
    given = cleared.given
    hospital = given.party[0]
    if cleared.carried:
        yield Note("P691", hospital)
    if given.withheld:
        yield Note("P692", hospital)
    if cleared.next_open:
        yield Note("P694", hospital)
    if cleared.sharing < 0:
        yield Note("P695", hospital)
    if given.violation and not policy.year.violation_this_year:
        yield Note("P696", hospital)


def year_table(
    parties: Iterable[PartyYear], register: Mapping[str, Mapping[str, object]]
) -> pl.DataFrame:
    """The year table (``YEAR_SCHEMA``), in the order of the parties."""
    rows = []
    for one in parties:
        g = one.given
        hospital, insurance = g.party
        rows.append(
            {
                "hospital": hospital,
                "name": register.get(hospital, {}).get("name"),
                "insurance": insurance,
                "claims": g.claims,
                "cost_fen": g.cost,
                "patient_fen": g.patient,
                "priced_fen": g.priced,
                "moved_fen": g.moved,
                "assessment": round_scaled(g.assessment, _RATIO_PLACES),
                "assessed_fen": one.assessed,
                "deduction_fen": g.deduction,
                "quota_fen": g.quota,
                "quota_left_fen": one.quota_left,
                "counted_fen": g.counted,
                "difference_fen": one.difference,
                "sharing_fen": one.sharing,
                "reward_fen": one.reward,
                "violation_fen": one.violation_cash,
                "payable_fen": one.payable,
                "withheld_fen": g.withheld,
                "advance_fen": g.advance,
                "working_capital_fen": g.working_capital,
                "clearing_fen": one.clearing,
                "carried_fen": one.carried,
                "next_quota_fen": one.next_quota,
            }
        )
    whole = pl.DataFrame(rows, schema={**YEAR_SCHEMA, "assessment": pl.Int64})
    scaled = (pl.col("assessment").cast(pl.Decimal(16, _RATIO_PLACES)) / 10**_RATIO_PLACES).cast(
        YEAR_SCHEMA["assessment"]
    )
    return whole.with_columns(scaled)
