"""What settling benefits came to, in lines: layers with their shares, categories of persons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from drg.benefits.model import LAYERS
from drg.claims.typed import ClaimArrays
from drg.money import exact_sum, mul_div, unscaled
from drg.reasons import reason_title
from drg.reports.words import count, money
from drg.text import aligned, text

if TYPE_CHECKING:
    from drg.scale.benefit_file import BenefitFileRun

__all__ = ["percent", "report_lines"]

_PAID = tuple(f"{kind}_paid" for kind in LAYERS)
#: Words of the fields without which a visit cannot be settled; ``_ALWAYS`` by any plan.
_ALWAYS = ("total", "own_pay", "first_self_pay", "discharged")
_NEEDED = {
    "total": "total_cost", "own_pay": "fully_self_paid", "first_self_pay": "first_self_paid",
    "discharged": "discharged_on", "insurance": "insurance", "level": "hospital_level",
    "region": "region_level", "retired": "retired",
}  # fmt: skip
#: And of those that say something special where they are filled: nothing, where there are none.
_ASSUMED = {"category": "person_category", "off_site": "off_site", "care": "care_type"}
_SUMS = ("total", "eligible", *_PAID, "fund_paid", "patient_paid")


def report_lines(run: BenefitFileRun, lang: str | None = None) -> list[str]:
    """The lines that ``drg benefit -o`` ends with."""
    visits = _visits(run)
    settled = visits.filter(pl.col("fund_paid").is_not_null())
    sums = {name: exact_sum(settled[name].to_numpy()) for name in _SUMS}
    told = _say(
        "visits_of", lang, visits=count(visits.height), persons=count(run.persons),
        settled=count(settled.height), unsettled=count(visits.height - settled.height),
    )  # fmt: skip
    rows: list[tuple[str, ...]] = [
        (_say("sum_plan", lang), f"{run.plan.id} ({run.plan.digest[:12]})"),
        (_say("sum_visits", lang), told),
        *_reasons(visits, lang),
        *_absent(run, lang),
        (_say("sum_total", lang), money(sums["total"])),
        (_say("sum_eligible", lang), money(sums["eligible"])),
        *_layers(settled, sums, lang),
    ]
    if settled.height:
        rows.append((_say("sum_check", lang), _say("sum_check_ok", lang)))
    if run.balances_out is not None:
        told = _say("balances_of", lang, path=run.balances_out, persons=count(run.kept))
        rows.append((_say("sum_balances", lang), told))
    if run.sheets_in is not None:
        told = _say("sheets_of", lang, path=run.sheets_in, count=count(run.sheets))
        rows.append((_say("sum_sheets", lang), told))
    rate = visits.height / run.seconds if run.seconds > 0 else 0.0
    spent = _say("sum_rate", lang, seconds=f"{run.seconds:.2f}", rate=f"{rate:,.0f}")
    rows += [(_say("sum_time", lang), spent), (_say("sum_out", lang), str(run.output))]
    return [*aligned(rows), "", *_categories(settled, lang), *_warning(run, lang)]


def percent(part: int, whole: int) -> str:
    """A share of an amount in per cent with two decimals, half up; ``—`` of nothing."""
    return f"{unscaled(mul_div(part, 10_000, whole), 2)}%" if whole else "—"


def _visits(run: BenefitFileRun) -> pl.DataFrame:
    """Amounts in fen, category and reason of every visit."""
    frame = run.run.frame
    claims = ClaimArrays(frame, run.columns)
    category = claims.texts("person_category")
    names = pl.Series([*category.names, None], dtype=pl.String)
    fen = [
        (pl.col(name) * 100).cast(pl.Int64).alias(name) for name in _SUMS if name != "total"
    ]  # fmt: skip
    return frame.select(*fen, pl.col("benefit_reason").cast(pl.String)).with_columns(
        pl.Series("total", claims.money("total_cost").fen),
        names.gather(category.codes).alias("category"),
        claims.patients.alias("person"),
    )


def _reasons(visits: pl.DataFrame, lang: str | None) -> Iterator[tuple[str, str]]:
    """Reasons with their visits, the most frequent first."""
    found = visits.drop_nulls("benefit_reason").group_by("benefit_reason").len()
    for code, number in found.sort("len", "benefit_reason", descending=[True, False]).iter_rows():
        yield f"  {code}", f"{count(number)} {reason_title(code, lang)}".rstrip()


def _absent(run: BenefitFileRun, lang: str | None) -> Iterator[tuple[str, str]]:
    """Columns that the plan asks for and the file does not have, by what follows from it."""
    asked = {*run.plan.asked(), *_ALWAYS}
    for key, fields in (("sum_absent", _NEEDED), ("sum_assumed", _ASSUMED)):
        lacking = [
            f"{_say(word, lang)} {field}"
            for word, field in fields.items()
            if word in asked and field not in run.columns.scalars
        ]
        if lacking:
            yield (
                _say(key, lang),
                _say(f"{key}_of", lang, columns=_say("comma", lang).join(lacking)),
            )


def _layers(
    settled: pl.DataFrame, sums: dict[str, int], lang: str | None
) -> Iterator[tuple[str, str]]:
    """One line a layer that paid anything, then the funds and the patient."""
    shown = [(f"layer_{kind}", name) for kind, name in zip(LAYERS, _PAID, strict=True)]
    for key, name in (*shown, ("fund", "fund_paid"), ("patient", "patient_paid")):
        visits = int((settled[name] > 0).sum())
        if not visits and key.startswith("layer_"):
            continue
        yield _say(key, lang), _say(
            "share_of", lang, paid=money(sums[name]), total=money(sums["total"]),
            share=percent(sums[name], sums["total"]), visits=count(visits),
        )  # fmt: skip


def _categories(settled: pl.DataFrame, lang: str | None) -> list[str]:
    """A table by category of person: who paid how much of what."""
    persons = pl.col("person").drop_nulls().n_unique()
    found = settled.group_by("category").agg(pl.len().alias("visits"), persons, pl.col(_SUMS).sum())
    paying = [name for name in _PAID if settled[name].sum()]
    heads = ("visits", "persons", "total")
    rows = [(
        _say("sum_category", lang), *(_say(f"head_{head}", lang) for head in heads),
        *(_say(f"layer_{name.removesuffix('_paid')}", lang) for name in paying),
        _say("head_patient", lang), _say("head_fund_share", lang),
    )]  # fmt: skip
    rows += [
        (row["category"] or _say("category_none", lang), count(row["visits"]),
         count(row["person"]), money(row["total"]), *(money(row[name]) for name in paying),
         money(row["patient_paid"]), percent(row["fund_paid"], row["total"]))
        for row in found.sort("category", nulls_last=True).iter_rows(named=True)
    ]  # fmt: skip
    return aligned(rows, right=range(1, len(rows[0])))


def _warning(run: BenefitFileRun, lang: str | None) -> list[str]:
    """That numbers are recalled stands under every sum they made."""
    recalled = any(found.status == "recalled" for found in run.plan.provenance.values())
    return ["", _say("recalled", lang)] if recalled else []


def _say(key: str, lang: str | None, **params: object) -> str:
    return text(f"benefits.{key}", lang, **params)
