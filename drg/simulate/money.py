"""What a policy is expected to pay for each case by itself: price, terms, bounds.

The caps of a month and the claims beside a case are not known before the month is: every case is
priced as if it were the only one of its period and no cap left it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from drg.dip.deviation_rules import DEVIATION_CLASSES
from drg.money import PLACES, round_scaled, unscaled
from drg.payment.pricing.price_columns import NONE, NOTE_CODES, ROUTE_CODES, UNSET, Branch, Mode
from drg.payment.pricing.sheet import Sheet
from drg.reasons import reason_page, reason_title
from drg.simulate.answer import Money
from drg.simulate.bounds import Bounds
from drg.simulate.origins import Origins
from drg.simulate.terms import Terms
from drg.text import language, text

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from drg.claims.profiles import ClaimColumns
    from drg.payment.pricing.alone import Alone
    from drg.payment.pricing.price import Pricer

__all__ = ["case_money"]


def case_money(
    pricer: Pricer,
    grouped: pl.DataFrame,
    columns: ClaimColumns,
    *,
    changed: Sequence[str] = (),
    lang: str | None = None,
) -> list[Money]:
    """What each case of a small frame is expected to be paid.

    Parameters
    ----------
    pricer : Pricer
        Of the policy; its decisions count, its prior months do not.
    grouped : DataFrame
        What ``group_frame`` of the policy's scheme gives; the same claim may stand there in many
        versions, each row counts by itself.
    columns : ClaimColumns
        Which columns feed which field.
    changed : sequence of str, optional
        Numbers other than the policy's own, as ``drg.rates.310 = 9000``, for ``Money.changed``.
    lang : str, optional

    Returns
    -------
    list of Money
        One a row, in order. A claim that is not payable as it stands has a note and no price.

    Raises
    ------
    PaymentError
        As ``Pricer.assess`` does.
    """
    lang = lang or language()
    alone = pricer.alone(grouped, columns)
    policy = alone.policy
    origins = Origins(policy, lang)
    bounds = Bounds(alone, origins, lang)
    terms = Terms(alone, origins, lang)
    numbers = _numbers(alone, terms)
    title = policy.title_zh if lang == "zh" else policy.title_en
    over = _amounts(alone.over.fund)
    # Alternatives of a case are often alike in all that money depends on.
    known: dict[tuple[Any, ...], Money] = {}
    found = []
    for row, key in enumerate(_keys(alone)):
        money = known.get(key)
        if money is None:
            money = known[key] = Money(
                policy=policy.id,
                policy_title=title,
                digest=policy.digest,
                changed=tuple(changed),
                **_codes(alone, row, lang),
                **{name: column[row] for name, column in numbers.items()},
                capped_fund_fen=over[row] if alone.capped[row] else None,
                bounds=bounds.of(row),
                terms=terms.of(row),
            )
        found.append(money)
    return found


def _keys(alone: Alone) -> Iterator[tuple[Any, ...]]:
    """All that the money of each row depends on."""
    sheets = (getattr(alone.sheet, field.name) for field in fields(Sheet))
    columns = [
        *(column for column in sheets if column is not None),
        alone.over.fund, alone.capped, alone.disease, alone.apart, alone.groups.codes,
        alone.keys.scope.level.codes, alone.keys.scope.day,
    ]  # fmt: skip
    if alone.walk.bed_days:
        # Whatever chooses a kind of bed-day payment: no two rows are taken for alike.
        columns.append(np.arange(len(alone.reference)))
    return zip(alone.reference, *(column.tolist() for column in columns), strict=True)


def _codes(alone: Alone, row: int, lang: str) -> dict[str, Any]:
    """Codes of a row with their titles."""
    sheet = alone.sheet
    mode = Mode(int(sheet.mode[row])).name
    route = ROUTE_CODES[sheet.route[row]]
    kind, branch, note = (int(codes[row]) for codes in (sheet.case_class, sheet.branch, sheet.note))
    case_class = None if kind == UNSET else str(DEVIATION_CLASSES[kind])
    branch_name = None if branch == UNSET else Branch(branch).name
    code = None if note == UNSET else NOTE_CODES[note]
    note_title, note_mend = ("", "") if code is None else _note(code, lang)
    return {
        "pay_mode": mode,
        "pay_mode_title": text(f"settlement.mode_{mode}", lang),
        "route": route,
        "route_title": reason_title(route, lang),
        "case_class": case_class,
        "case_class_title": text(f"settlement.class_{case_class}", lang) if case_class else "",
        "branch": branch_name,
        "branch_title": text(f"settlement.branch_{branch_name}", lang) if branch_name else "",
        "note": code,
        "note_title": note_title,
        "note_mend": note_mend,
    }


@lru_cache(maxsize=128)
def _note(code: str, lang: str) -> tuple[str, str]:
    page = reason_page(code, lang)
    return page.title, page.mend


def _numbers(alone: Alone, terms: Terms) -> dict[str, list[Any]]:
    """Amounts and factors of every row; None: there is none."""
    sheet = alone.sheet
    cost, price, patient, fund = (
        _amounts(column) for column in (sheet.cost, sheet.price, sheet.patient, sheet.fund)
    )
    difference = [
        None if p is None or c is None or f is None or s is None else f + s - c
        for p, c, f, s in zip(price, cost, fund, patient, strict=True)
    ]
    nothing: list[str | None] = [None] * len(cost)
    rates: list[int | None] = [None] * len(cost)
    weight, coefficient, value = nothing, nothing, nothing
    if terms.group is not None:
        weight = _placed(terms.weights.tolist(), sheet.weight)
        coefficient = _placed(terms.group.coefficient_e4.tolist(), sheet.coefficient)
        known = terms.group.rate_fen.tolist()
        rates = [known[place] if place >= 0 else None for place in sheet.rate.tolist()]
    elif terms.score is not None and sheet.value is not None:
        coefficient = _placed(terms.score.coefficient_e4.tolist(), sheet.coefficient)
        published = [round_scaled(worth, PLACES) for worth in terms.score.values]
        value = _placed(published, sheet.value)
    return {
        "weight": weight,
        "score": _scaled(sheet.group_score, len(cost)),
        "points": _scaled(sheet.points, len(cost)),
        "rate_fen": rates,
        "point_value": value,
        "coefficient": coefficient,
        "auxiliary_coefficient": _scaled(sheet.auxiliary, len(cost)),
        "reference_fen": _references(alone),
        "standard_fen": _amounts(sheet.standard),
        "cost_fen": cost,
        "price_fen": price,
        "patient_fen": patient,
        "fund_fen": fund,
        "difference_fen": difference,
    }


def _references(alone: Alone) -> list[int | None]:
    """What costs are compared with, half up to the fen."""
    exact: list[Fraction | None] = list(alone.reference)
    pricer = alone.walk.diseases
    if pricer is not None:
        for row, place in enumerate(alone.disease.tolist()):
            if place >= 0 and exact[row] is None:
                exact[row] = Fraction(int(pricer.table.standard_fen[place]))
    return [None if value is None else round_scaled(value, 0) for value in exact]


def _amounts(column: NDArray[np.int64]) -> list[int | None]:
    return [None if value == NONE else value for value in column.tolist()]


def _scaled(column: NDArray[np.int64] | None, rows: int) -> list[str | None]:
    if column is None:
        return [None] * rows
    return [None if value == NONE else unscaled(value) for value in column.tolist()]


def _placed(table: list[int], places: NDArray[np.int32]) -> list[str | None]:
    return [unscaled(table[place]) if place >= 0 else None for place in places.tolist()]
