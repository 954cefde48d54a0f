"""What a price is made of: each number with the document it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from drg.money import round_scaled, unscaled, yuan
from drg.payment.pricing.price_columns import NONE, UNSET, Branch
from drg.payment.pricing.route import bed_day_match
from drg.simulate.answer import Term
from drg.simulate.bounds import decimal_text
from drg.simulate.origins import Origins
from drg.text import language, text

if TYPE_CHECKING:
    from drg.payment.policy import DipPayment, DrgPayment, PatientShare
    from drg.payment.pricing.alone import Alone
    from drg.payment.pricing.dip_basis import DipBasis
    from drg.payment.pricing.group_cases import GroupBasis

__all__ = ["Terms"]

_DISEASE = (Branch.FIXED_FUND, Branch.FULL_STANDARD)
_DAYS = (Branch.PACKAGE, Branch.PER_DIEM)
_BY_DEVIATION = (Branch.LOW_BY_SCORE, Branch.HIGH_BY_SCORE, Branch.BLANK_GROUP)
_EPOCH = date(1970, 1, 1)


class Terms:
    """Terms of the prices of some claims.

    Parameters
    ----------
    alone : Alone
    origins : Origins
        Of the policy.
    lang : str, optional
    """

    def __init__(self, alone: Alone, origins: Origins, lang: str | None = None) -> None:
        self._alone = alone
        self._sheet = alone.sheet
        self._origins = origins
        self._lang = lang
        self._words: dict[str, str] = {}
        self._days = alone.claims.numbers("los_days").fen
        self._groups = (*alone.groups.names, "")
        group, score = alone.walk.group, alone.walk.score
        #: Weights scaled 10⁴ by place on the sheet.
        self.weights = (
            group.basis.weight_tables.weights_e4(alone.groups.names)
            if group is not None and group.points is None
            else np.empty(0, np.int64)
        )
        self.group: GroupBasis | None = group.basis if group else None
        self.score: DipBasis | None = score.own.basis if score and score.own else None

    def of(self, row: int) -> tuple[Term, ...]:
        """Terms of one claim, in the order in which they are multiplied; none if it is unpaid."""
        sheet = self._sheet
        if sheet.note[row] != UNSET:
            return ()
        return tuple(self._terms(row, int(sheet.branch[row])))

    def _terms(self, row: int, branch: int) -> Iterator[Term]:
        drg, dip = self._alone.policy.drg, self._alone.policy.dip
        if branch in _DISEASE:
            yield from self._of_disease(row)
        elif branch in _DAYS:
            yield from self._of_days(row)
        elif branch == Branch.VISIT:
            yield from self._of_visit()
        elif branch == Branch.BY_ITEM:
            yield self._amount("by_item", self._sheet.price[row])
        elif drg is not None and self.group is not None:
            yield from self._of_group(drg, self.group, row)
            yield from self._priced(row, branch)
            yield self._split(drg.share, row, branch)
        elif dip is not None:
            yield from self._of_score(self.score, row, branch)
            if dip.fund_by == "pay_ratio":
                yield self._amount("fund", self._sheet.fund[row], self._say("share_pay_ratio"))
            else:
                yield self._split(dip.share, row, branch)

    # ---- by group

    def _of_group(self, drg: DrgPayment, basis: GroupBasis, row: int) -> Iterator[Term]:
        sheet = self._sheet
        rate = int(sheet.rate[row])
        path = f"drg.rates.{rate}.rate"
        if drg.points is None:
            weight = int(self.weights[sheet.weight[row]])
            yield self._term("weight", unscaled(weight), self._table(basis, row))
            yield self._amount("rate", basis.rate_fen[rate], self._origins.words(path))
        else:
            if sheet.points is not None and sheet.points[row] != NONE:
                points = unscaled(int(sheet.points[row]))
                yield self._term("points", points, self._say(f"points_{drg.points.variant}"))
            yield self._amount("initial_value", basis.rate_fen[rate], self._origins.words(path))
        place = int(sheet.coefficient[row])
        given = len(drg.coefficients)
        yield self._coefficient(
            "drg", place, given, int(basis.coefficient_e4[place]),
            same=self._group_of(row) in drg.same_price_groups,
        )  # fmt: skip
        formula = self._say("formula_weight" if drg.points is None else "formula_points")
        yield self._amount("standard", sheet.standard[row], formula)

    def _table(self, basis: GroupBasis, row: int) -> str:
        on = _EPOCH + timedelta(days=int(self._alone.keys.scope.day[row]))
        table = basis.weight_tables.told_by(self._group_of(row), on)
        if table is None:
            return ""
        title = table.title_zh if self._zh else table.title_en
        return self._say("weight_table", title=title, id=table.id) if title else table.id

    def _coefficient(
        self, part: str, place: int, given: int, value: int, *, same: bool = False
    ) -> Term:
        """A hospital's coefficient; without a row it is 1."""
        if place <= 0:
            entry = "coefficient_same" if same else f"coefficient_none_{part}"
            source = self._say(entry)
        elif place <= given:
            source = self._origins.words(f"{part}.coefficients.{place - 1}.coefficient")
        else:
            source = self._say("coefficient_register")
        return self._term("coefficient", unscaled(value), source)

    # ---- by score

    def _of_score(self, basis: DipBasis | None, row: int, branch: int) -> Iterator[Term]:
        sheet = self._sheet
        if basis is not None and sheet.group_score is not None and sheet.value is not None:
            dip: DipPayment = basis.dip
            if sheet.group_score[row] != NONE:
                score = unscaled(int(sheet.group_score[row]))
                yield self._term("score", score, self._catalogue())
            if sheet.auxiliary is not None and sheet.auxiliary[row] != NONE:
                part = unscaled(int(sheet.auxiliary[row]))
                entry = "auxiliary_in_score" if dip.auxiliary == "score" else ""
                path = "dip.auxiliary_coefficients"
                source = self._say(entry) if entry else self._origins.words(path)
                yield self._term("auxiliary", part, source)
            place = int(sheet.coefficient[row])
            value = int(basis.coefficient_e4[max(place, 0)])
            yield self._coefficient("dip", place, len(dip.coefficients), value)
            if sheet.points is not None and sheet.points[row] != NONE:
                by = branch in _BY_DEVIATION
                formula = self._say("formula_deviation" if by else "formula_score")
                yield self._term("points", unscaled(int(sheet.points[row])), formula)
            place = int(sheet.value[row])
            if place >= 0:
                source = self._origins.words(f"dip.point_values.{place}.yuan")
                yield self._term("point_value", _value(basis.values[place]), source)
        yield self._amount("standard", sheet.standard[row], self._say("formula_points"))

    def _catalogue(self) -> str:
        dip = self._alone.policy.dip
        name = Path(dip.catalogue).name if dip else ""
        return self._say("catalogue", id=name) if name else ""

    # ---- otherwise

    def _of_disease(self, row: int) -> Iterator[Term]:
        pricer, place = self._alone.walk.diseases, int(self._alone.disease[row])
        if pricer is None or place < 0:
            return
        disease = pricer.table.rows[place]
        file = self._say("disease_row", file=pricer.table.file.name, row=disease.row)
        name = f"{disease.disease} {disease.name}".strip()
        yield self._term("disease", name, file)
        standard = self._sheet.standard[row]
        yield self._amount("disease_standard", standard, disease.source or file)
        apart = int(self._alone.apart[row])
        if apart:
            yield self._amount("billed_apart", apart)
        if disease.fund_fixed is not None:
            yield self._amount("fund_fixed", disease.fund_fixed, disease.source or file)
        elif disease.fund_ratio is not None:
            ratio = decimal_text(disease.fund_ratio)
            yield self._term("fund_ratio", ratio, disease.source or file)
        elif pricer.rule.fund == "ratio" and pricer.rule.fund_ratio is not None:
            path = "per_disease.fund_ratio"
            ratio = decimal_text(pricer.rule.fund_ratio)
            yield self._term("fund_ratio", ratio, self._origins.words(path))

    def _of_days(self, row: int) -> Iterator[Term]:
        rows = np.array([row])
        for pricer in self._alone.walk.bed_days:
            rule = pricer.rule
            if not len(bed_day_match(self._alone.claims, self._alone.keys, rule, rows)):
                continue
            title = rule.title_zh if self._zh else rule.title_en
            yield self._term("bed_day", title, self._origins.words(f"bed_day.{rule.id}.match"))
            yield self._term("days", str(max(int(self._days[row]), 1)))
            packaged = self._sheet.branch[row] == Branch.PACKAGE
            part = "package" if packaged else "factors" if rule.factors else "rates"
            source = self._origins.words(f"bed_day.{rule.id}.{part}")
            yield self._amount(f"bed_day_{part}", self._sheet.price[row], source)
            return

    def _of_visit(self) -> Iterator[Term]:
        rule = self._alone.policy.outpatient
        if rule is None or rule.ratio is None:
            return
        say = self._origins.words
        yield self._amount("visit_deductible", rule.deductible, say("outpatient.deductible"))
        yield self._term("visit_ratio", decimal_text(rule.ratio), say("outpatient.ratio"))
        if rule.annual_cap is not None:
            yield self._amount("visit_annual_cap", rule.annual_cap, say("outpatient.annual_cap"))

    # ---- what becomes of the standard

    def _priced(self, row: int, branch: int) -> Iterator[Term]:
        sheet = self._sheet
        if sheet.price[row] != sheet.standard[row]:
            source = text(f"settlement.branch_{Branch(branch).name}", self._lang)
            yield self._amount("price", sheet.price[row], source)

    def _split(self, share: PatientShare, row: int, branch: int) -> Term:
        by_item = branch in (Branch.LOW_BY_ITEM, Branch.HIGH_BY_ITEM)
        basis = "actual" if by_item else share.basis
        ratio: Fraction | None = (
            share.fund_ratio if basis == "policy_ratio" else share.patient_ratio
        )
        shown = "" if ratio is None else decimal_text(ratio)
        return self._amount("fund", self._sheet.fund[row], self._say(f"share_{basis}", ratio=shown))

    # ---- words

    def _group_of(self, row: int) -> str:
        return self._groups[int(self._alone.groups.codes[row])]

    @property
    def _zh(self) -> bool:
        return (self._lang or language()) == "zh"

    def _say(self, key: str, **params: object) -> str:
        if params:
            return text(f"simulate.{key}", self._lang, **params)
        found = self._words.get(key)
        if found is None:
            found = self._words[key] = text(f"simulate.{key}", self._lang)
        return found

    def _term(self, name: str, value: str, source: str = "") -> Term:
        return Term(name=self._say(f"term_{name}"), value=value, source=source)

    def _amount(self, name: str, fen: int | np.int64, source: str = "") -> Term:
        """A term that is money."""
        told = int(fen)
        words = self._say(f"term_{name}")
        return Term(name=words, value=yuan(told), amount_fen=told, source=source)


def _value(worth: Fraction) -> str:
    """What a point is worth: a decimal, or as published beside the quotient that is applied."""
    exact = decimal_text(worth)
    return f"{unscaled(round_scaled(worth))} ({exact})" if "/" in exact else exact
