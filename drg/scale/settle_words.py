"""What settling a month came to, in lines: modes, reasons, classes, payment, check, files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from drg.money import PLACES, exact_sum, unscaled
from drg.reasons import reason_title
from drg.reports.figures import by_class, by_mode, unpaid_by_reason
from drg.reports.words import money, word
from drg.settlement.calendar import CalendarError, month_deadlines
from drg.settlement.ledger import BATCH_ACCOUNTS
from drg.text import aligned, text

if TYPE_CHECKING:
    from drg.payment.policy import Policy
    from drg.scale.settle_file import SettleRun

__all__ = ["report_lines"]

#: Scores summed up: as many digits as there can be, so that no sum is rounded.
_WIDE = pl.Decimal(38, PLACES)


def report_lines(run: SettleRun, policy: Policy, lang: str | None = None) -> list[str]:
    """The lines that ``drg settle`` ends with."""
    settled = run.settlement
    hospitals = settled.hospitals
    stand = int(hospitals["claims"].sum())
    last = settled.manifest["run"][-1] if settled.changed else {"claims": 0}
    posted = f"{last['claims']:,}"
    rows: list[tuple[str, ...]] = [
        (_say("policy", lang), f"{policy.id} ({policy.digest[:12]})"),
        (_say("month", lang), f"{settled.period} {_say('prior_run', lang, run=settled.run)}"),
        (
            _say("claims", lang),
            _say("claims_of", lang, read=f"{run.claims:,}", posted=posted, stand=f"{stand:,}"),
        ),
        *_resumed(run.resumed, lang),
        *_modes(settled.claims.lazy(), lang),
        *_classes(settled.claims.lazy(), lang),
        *_scores(settled.claims.lazy(), lang),
        *_payment(hospitals, lang),
        *_codes(settled.findings),
        (_say("check", lang), _say("check_ok", lang, entries=f"{settled.ledger.count:,}")),
        *_deadlines(policy, settled.period, lang),
    ]
    rate = run.claims / run.seconds if run.seconds > 0 else 0.0
    spent = _say("rate", lang, seconds=f"{run.seconds:.2f}", rate=f"{rate:,.0f}")
    files = " ".join(run.files) if run.files else _say("unchanged", lang)
    rows += [(_say("time", lang), spent), (_say("out", lang), f"{run.output}: {files}")]
    return aligned(rows)


def _resumed(rows: int, lang: str | None) -> Iterator[tuple[str, str]]:
    if rows:
        yield _say("resumed", lang), _say("resumed_of", lang, rows=f"{rows:,}")


def _modes(claims: pl.LazyFrame, lang: str | None) -> Iterator[tuple[str, str]]:
    """One line a pay mode; under the unpaid one their reasons."""
    sums = by_mode(claims)
    for mode, count, *fen in sums.iter_rows():
        amounts = dict(zip(("cost", "patient", "fund", "hospital"), map(money, fen), strict=True))
        kind = {"UNPAID": "unpaid_row", "STATISTICS": "counted_row"}.get(mode, "mode_row")
        yield word("mode", mode, lang), _say(kind, lang, count=f"{count:,}", **amounts)
        if mode == "UNPAID":
            unpaid = unpaid_by_reason(claims)
            for code, number, _ in unpaid.iter_rows():
                yield f"  {code}", f"{number:,} {reason_title(code or '', lang)}".rstrip()


def _classes(claims: pl.LazyFrame, lang: str | None) -> Iterator[tuple[str, str]]:
    found = by_class(claims)
    told = [
        f"{word('class', case_class, lang)} {count:,}"
        for case_class, count in found.iter_rows()
        if case_class is not None
    ]
    if told:
        yield _say("classes", lang), text("explain.semicolon", lang).join(told)


def _scores(claims: pl.LazyFrame, lang: str | None) -> Iterator[tuple[str, str]]:
    """Total score, and the point values as published."""
    if "point_value" not in claims.collect_schema():
        return
    scored = claims.filter(pl.col("point_value").is_not_null(), pl.col("fund_fen").is_not_null())
    sums = scored.group_by("point_value").agg(pl.col("points").cast(_WIDE).sum())
    found = sums.sort("point_value", descending=True).collect(engine="streaming")
    score = exact_sum(found["points"].to_physical().cast(pl.Int64).to_numpy())
    values = ", ".join(map(str, found["point_value"]))
    if values:
        whole, _, places = unscaled(score).partition(".")
        told = _say("scores_of", lang, score=f"{int(whole):,}.{places}", values=values)
        yield _say("scores", lang), told


def _payment(hospitals: pl.DataFrame, lang: str | None) -> Iterator[tuple[str, str]]:
    sums = {account: int(hospitals[f"{account}_fen"].sum()) for account in BATCH_ACCOUNTS}
    told = [f"{word('account', a, lang)} {money(fen)}" for a, fen in sums.items() if fen]
    yield _say("payment", lang), text("explain.semicolon", lang).join(told) or money(0)


def _codes(findings: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Findings that are about no single unpaid claim: decisions, holds, quotas."""
    other = findings.filter(pl.col("level") != "unpaid")
    counts = other.group_by("code").len().sort("code")
    for code, count in counts.iter_rows():
        yield f"  {code}", f"{count:,} {reason_title(code)}"


def _deadlines(policy: Policy, period: str, lang: str | None) -> Iterator[tuple[str, str]]:
    try:
        days = month_deadlines(period, policy.month)
    except CalendarError as error:
        yield _say("deadline", lang), error.message(lang)
        return
    told = [
        _say(key, lang, day=day.isoformat())
        for key, day in (("compute_by", days.compute_by), ("pay_by", days.pay_by))
        if day is not None
    ]
    if told:
        yield _say("deadline", lang), text("explain.semicolon", lang).join(told)


def _say(key: str, lang: str | None, /, **params: object) -> str:
    return text(f"settle.{key}", lang, **params)
