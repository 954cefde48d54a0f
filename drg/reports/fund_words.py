"""The fund warning in words, and as the lines that the command ends with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from drg.money import unscaled
from drg.reports.fund_report import UNKNOWN, funds_frame, lines_frame
from drg.reports.words import insurance_word, money
from drg.text import aligned, text

if TYPE_CHECKING:
    from drg.reports.fund_report import FundReport

__all__ = [
    "bounds_words", "fen_or_dash", "fund_rows", "insurance_of", "lead_lines", "level_word",
    "line_rows", "overall_words", "percent", "report_lines", "say", "unit_of", "why_words",
]  # fmt: skip

#: Marks that tell a level without colour.
_MARKS = {"green": "○", "yellow": "△", "orange": "◇", "red": "■"}
_NONE = "—"


def say(key: str, lang: str | None = None, /, **params: object) -> str:
    """Wording of the catalogue's file ``fund``."""
    return text(f"fund.{key}", lang, **params)


def level_word(level: str | None, lang: str | None = None) -> str:
    """A level with its mark; None: not judged."""
    return (
        say("level_none", lang)
        if level is None
        else f"{_MARKS[level]} {say(f'level_{level}', lang)}"
    )


def why_words(why: str, lang: str | None = None) -> str:
    """Measures joined by ``+`` in words."""
    return say("separator", lang).join(say(f"measure_{one}", lang) for one in why.split("+") if one)


def unit_of(unit: str, name: str, lang: str | None = None) -> str:
    """A hospital with its name, or the region."""
    if not unit:
        return say("unit_region", lang)
    return say("unknown", lang) if unit == UNKNOWN else f"{unit} {name}".strip()


def insurance_of(code: str, lang: str | None = None) -> str:
    """An insurance in words; ``""`` is all together."""
    if not code:
        return say("insurance_all", lang)
    if code == UNKNOWN:
        return say("unknown", lang)
    return insurance_word(code, lang) if code.isdigit() else code


def percent(ratio_e4: int | None) -> str:
    """A ratio scaled 10⁴ as a percentage with two decimals; a dash for None."""
    return _NONE if ratio_e4 is None else f"{unscaled(ratio_e4, 2)}%"


def fen_or_dash(fen: int | None) -> str:
    """Yuan; a dash for None."""
    return _NONE if fen is None else money(fen)


def lead_lines(report: FundReport, lang: str | None = None) -> Iterator[str]:
    """What was read, and what follows from what was not given."""
    comma = say("separator", lang)
    if report.lines:
        yield say(
            "lead", lang, count=len(report.settled), months=_runs(report.settled, comma),
            hospitals=len({line.unit for line in report.hospitals}),
        )  # fmt: skip
        if report.policy:
            yield say("counted_policy", lang, policy=report.policy)
        else:
            yield say("counted_all", lang)
    else:
        yield say("no_months", lang)
        return
    if report.gaps:
        yield say("gap", lang, months=_runs(report.gaps, comma))
    if not report.planned:
        yield say("no_plan", lang)
    elif all(line.budget is None or line.budget.even for line in report.lines):
        yield say("plan_even", lang)
    how = say("how_seasonal" if report.seasonal else "how_linear", lang)
    yield say("projection_how", lang, how=how)


def _runs(months: Sequence[int], comma: str) -> str:
    """Months as runs: ``1-3、5``."""
    parts: list[list[int]] = []
    for month in months:
        if parts and parts[-1][-1] == month - 1:
            parts[-1].append(month)
        else:
            parts.append([month])
    return comma.join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)


def overall_words(report: FundReport, lang: str | None = None) -> list[str]:
    """Level of the region, and how many hospitals have which."""
    if report.region is None:
        return []
    level = report.region.level
    told = (
        say("overall", lang, level=level_word(level, lang)) if level else say("overall_none", lang)
    )
    counts = say("separator", lang).join(
        f"{level_word(one, lang)} {count}" for one, count in report.counts().items()
    )
    return [told, say("counts", lang, counts=counts)] if counts else [told]


def report_lines(report: FundReport, lang: str | None = None) -> Iterator[str]:
    """What ``drg fund`` shows: lines of the warning, then the funds."""
    title = say("title", lang, year=report.year)
    if report.settled:
        title = f"{title} {say('until', lang, month=report.settled[-1])}"
    yield title
    yield from lead_lines(report, lang)
    if report.lines:
        yield ""
        yield from overall_words(report, lang)
        yield from aligned(line_rows(report, lang), right=tuple(range(4, 12)))
    if report.funds:
        yield ""
        yield say("section_funds", lang)
        yield from aligned(fund_rows(report, lang), right=tuple(range(2, 10)))


def line_rows(report: FundReport, lang: str | None = None) -> list[list[str]]:
    """Headings, then a row a line."""
    heads = ("unit", "insurance", "level", "why", "budget", "plan_so_far", "spent", "of_plan",
             "of_year", "projected", "over", "used_up")  # fmt: skip
    rows = [[say(f"head_{head}", lang) for head in heads]]
    for row in lines_frame(report).iter_rows(named=True):
        used_up = row["used_up"]
        rows.append(
            [
                unit_of(row["unit"], row["name"], lang), insurance_of(row["insurance"], lang),
                level_word(row["level"], lang), why_words(row["why"], lang),
                fen_or_dash(row["budget_fen"]), fen_or_dash(row["plan_so_far_fen"]),
                money(row["spent_fen"]), percent(row["of_plan_e4"]), percent(row["of_year_e4"]),
                fen_or_dash(row["projected_fen"]), fen_or_dash(row["over_fen"]),
                _NONE if used_up is None else say("month_of", lang, month=used_up),
            ]
        )  # fmt: skip
    return rows


def fund_rows(report: FundReport, lang: str | None = None) -> list[list[str]]:
    """Headings, then a row a fund and year."""
    heads = ("fund", "period", "income", "spending", "balance", "closing", "mean", "reserve",
             "risk", "risk_share", "level", "why")  # fmt: skip
    rows = [[say(f"head_{head}", lang) for head in heads]]
    for row in funds_frame(report).iter_rows(named=True):
        reserve = row["reserve_e4"]
        rows.append(
            [
                insurance_of(row["insurance"], lang), row["period"], money(row["income_fen"]),
                money(row["spending_fen"]), money(row["balance_fen"]),
                fen_or_dash(row["closing_fen"]), money(row["mean_fen"]),
                _NONE if reserve is None else unscaled(reserve), fen_or_dash(row["risk_fen"]),
                percent(row["risk_share_e4"]), level_word(row["level"], lang),
                why_words(row["why"], lang),
            ]
        )  # fmt: skip
    return rows


def bounds_words(row: Sequence[str], lang: str | None = None) -> list[str]:
    """A row of ``bounds_frame`` in words."""
    measure, insurance, bounds, note, source, status = row
    told = []
    for bound in bounds.split():
        sign = "<" if "<" in bound else ">"
        level, value = bound.split(sign)
        key = "below" if sign == "<" else "above"
        told.append(say(key, lang, level=level_word(level, lang), bound=value))
    return [
        say(f"measure_{measure}", lang),
        insurance_of(insurance, lang) if insurance else say("every_other", lang),
        say("semicolon", lang).join(told),
        note,
        source,
        say(f"status_{status}", lang),
    ]
