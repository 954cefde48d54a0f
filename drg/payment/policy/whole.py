"""What makes a policy whole: numbers that its choices ask for, rows that decide each case.

A number that is neither given nor left open on purpose leaves cases unpaid, and is wanted; rows
that contradict each other would stop the month. Both are told when the policy is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from drg.payment.mechanisms.standard import PaymentError
from drg.payment.policy.errors import PolicyError
from drg.payment.pricing.levels import level_of
from drg.payment.weight_table import insurance_code
from drg.text import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drg.payment.policy import (
        BedDay,
        DayRate,
        DipPayment,
        DrgPayment,
        PatientShare,
        Policy,
    )
    from drg.payment.policy.numbers import Scope

__all__ = ["check_whole", "unsaid"]

#: A number, whether it is there, and the choice that asks for it.
_Asked = tuple[str, object, str]


def unsaid(policy: Policy) -> dict[str, str]:
    """Paths of what a policy's own choices ask for and it does not give, and why."""
    return {
        path: text("policies.unsaid", None, path=path, because=because)
        for path, value, because in _asked(policy)
        if value in (None, (), {})
    }


def check_whole(policy: Policy, file: str) -> None:
    """No case has two rows that fit it, nor a day without a price.

    Raises
    ------
    PolicyError
        P473 two rows that fit one case, neither more specific; P462 a day without a price.
    """
    if drg := policy.drg:
        _decided(drg.rates, [""] * len(drg.rates), "drg.rates", file)
        groups = [row.group for row in drg.coefficients]
        _decided(drg.coefficients, groups, "drg.coefficients", file)
    if dip := policy.dip:
        for name in ("point_values", "pay_ratios", "coefficients"):
            rows = getattr(dip, name)
            _decided(rows, [getattr(row, "group", "") for row in rows], f"dip.{name}", file)
    for entry in policy.bed_day:
        _days_follow(entry, file)


def _asked(policy: Policy) -> Iterator[_Asked]:
    if policy.drg is not None:
        yield from _by_group(policy.drg)
    if policy.dip is not None:
        yield from _by_score(policy.dip)
    points = policy.drg.points if policy.drg is not None else None
    for entry in policy.bed_day:
        yield from _by_day(entry, in_points=points is not None and points.daily_points is not None)
    if policy.outpatient is not None:
        yield "outpatient.ratio", policy.outpatient.ratio, "[outpatient]"
    if policy.per_disease is not None:
        yield "per_disease.table", policy.per_disease.table, "[per_disease]"


def _by_group(drg: DrgPayment) -> Iterator[_Asked]:
    points, share = drg.points, drg.share
    yield "drg.rates", drg.rates, "[drg]"
    if points is None:
        yield "drg.weights", drg.weights, "[drg]"
    else:
        yield "drg.points.city_mean", points.city_mean, "[drg.points]"
        yield "drg.points.group_means", points.group_means, "[drg.points]"
    yield from _shared(share, "drg.share")
    if drg.outliers is not None and drg.outliers.reference == "mean" and points is None:
        yield "drg.outliers.means", drg.outliers.means, 'drg.outliers.reference = "mean"'
    if drg.transfer is not None:
        yield "drg.transfer.gmlos", drg.transfer.gmlos, "[drg.transfer]"
    if (new := drg.new_technology) is not None:
        yield "drg.new_technology.group_means", new.group_means, "[drg.new_technology]"
        yield "drg.new_technology.means", new.means, "[drg.new_technology]"


def _by_score(dip: DipPayment) -> Iterator[_Asked]:
    yield "dip.point_values", dip.point_values, "[dip]"
    if dip.fund_by == "patient_share":
        yield from _shared(dip.share, "dip.share")
    elif dip.fund_ratio_scope != "case":
        yield "dip.pay_ratios", dip.pay_ratios, 'dip.fund_by = "pay_ratio"'
    if dip.auxiliary == "coefficient":
        because = 'dip.auxiliary = "coefficient"'
        yield "dip.auxiliary_coefficients", dip.auxiliary_coefficients, because
    if (rule := dip.deviation) is not None:
        because = f'dip.deviation.reference = "{rule.reference}"'
        if rule.reference == "means":
            yield "dip.deviation.means", rule.means, because
        elif rule.reference == "score":
            yield "dip.deviation.regional_mean", rule.regional_mean, because


def _shared(share: PatientShare, path: str) -> Iterator[_Asked]:
    because = f'{path}.basis = "{share.basis}"'
    if share.basis == "policy_ratio":
        yield f"{path}.fund_ratio", share.fund_ratio, because
    elif share.basis != "actual":
        yield f"{path}.patient_ratio", share.patient_ratio, because


def _by_day(entry: BedDay, *, in_points: bool) -> Iterator[_Asked]:
    path = f"bed_day.{entry.id}"
    marks = [getattr(entry.match, name) for name in type(entry.match).model_fields]
    yield f"{path}.match.principal_dx", next(filter(None, marks), None), "[[bed_day]]"
    because = f'{path}.fund = "{entry.fund}"'
    if entry.fund == "ratio":
        yield f"{path}.fund_ratio", entry.fund_ratio, because
    elif entry.fund == "class_shares":
        yield f"{path}.ratio_a", entry.ratio_a, because
        yield f"{path}.ratio_b", entry.ratio_b, because
    if entry.factors:
        yield f"{path}.base", entry.base, f"{path}.factors"
    elif entry.package is None and not in_points:
        yield f"{path}.rates", entry.rates, "[[bed_day]]"


def _decided(rows: Sequence[Scope], extra: Sequence[str], path: str, file: str) -> None:
    """Refuse rows that fit one case where neither is more specific."""
    from drg.payment.pricing.scope import ScopeTable

    try:
        ScopeTable(rows, extra, what=path)
    except PaymentError as error:
        if error.code != "P421":
            raise
        first, second = (rows[int(str(error.params[name]))] for name in ("first", "second"))
        raise PolicyError("P473", where=file, path=path, scope="—", first=_told(first),
                          second=_told(second)) from None  # fmt: skip


def _told(row: Scope) -> str:
    named = (row.insurance, row.hospital_level, row.hospital, getattr(row, "group", ""))
    return " ".join([*filter(None, named), str(row.in_force)])


def _days_follow(entry: BedDay, file: str) -> None:
    """Refuse tiers of one scope that leave a day between them without a price, on any date."""
    scopes: dict[tuple[str, ...], list[DayRate]] = {}
    for row in entry.rates:
        level, category = level_of(row.hospital_level), row.category.strip()
        key = (insurance_code(row.insurance), level, row.hospital.strip(), category)
        scopes.setdefault(key, []).append(row)
    for rows in scopes.values():
        starts = {row.in_force.start or date.min for row in rows}
        for day in sorted(starts | {row.in_force.end for row in rows if row.in_force.end}):
            due: int | None = 1
            held = (row for row in rows if day in row.in_force)
            for row in sorted(held, key=lambda row: row.from_day):
                if row.from_day != due:
                    raise PolicyError(
                        "P462", where=file, path=f"bed_day.{entry.id}.rates.from_day",
                        value=str(row.from_day), why=text("policies.why_tiers", None, day=due or 1),
                    )  # fmt: skip
                due = None if row.to_day is None else row.to_day + 1
