"""Cover of a hospital's statement: costs, what the fund owes, what is paid now and by when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from drg.errors import DrgError
from drg.reports.figures import MONEY_SUMS
from drg.reports.unpaid import NOT_SETTLED
from drg.reports.words import insurance_word, say, word
from drg.settlement.calendar import CalendarError, month_deadlines
from drg.text import language, text

if TYPE_CHECKING:
    from drg.claims.form import Cell
    from drg.claims.workbook import Workbook
    from drg.dates import Month
    from drg.payment.policy import Policy
    from drg.settlement.settled import Settlement

__all__ = [
    "Cover", "ReportError", "deadline_words", "place_of", "policy_of", "policy_words",
    "status_words", "write_cover",
]  # fmt: skip

_WIDTHS = (22, 16, 11, 18, 18, 18, 18)
_PAID = "advance"


class ReportError(DrgError, ValueError):
    """A report cannot be made of what was given."""

    exit_code = 2


def policy_of(settlement: Settlement, policy: Policy | None = None) -> Policy:
    """The policy a month was settled under.

    Raises
    ------
    ReportError
        P450: none is at hand, or it is another one.
    """
    found = policy or settlement.policy
    asked = f"{settlement.policy_id}@{settlement.policy_digest[:12]}"
    if found is None:
        raise ReportError("P450", wanted=asked, found="—")
    if (found.id, found.digest) != (settlement.policy_id, settlement.policy_digest):
        raise ReportError("P450", wanted=asked, found=f"{found.id}@{found.digest[:12]}")
    return found


@dataclass(frozen=True, slots=True)
class Cover:
    """What a cover tells.

    Attributes
    ----------
    hospital, name : str
        Id (``""``: not reported) and name (``""``: not known).
    month : Month
    policy : Policy
    runs : int
        Times the month was settled.
    modes : DataFrame
        ``figures.by_mode`` by insurance.
    payable, batches : DataFrame
        ``figures.payable`` and ``figures.batches`` of the hospital.
    unpaid : DataFrame
        ``unpaid.UNPAID_SCHEMA``.
    documents : mapping of str to str
        Id to title.
    """

    hospital: str
    name: str
    month: Month
    policy: Policy
    runs: int
    modes: pl.DataFrame
    payable: pl.DataFrame
    batches: pl.DataFrame
    unpaid: pl.DataFrame
    documents: Mapping[str, str]

    @property
    def kept(self) -> int:
        """Fund payable that is not paid now, in fen."""
        paid = self.batches.filter(pl.col("account") == _PAID)["fen"].sum()
        return int(self.payable["fen"].sum()) - int(paid)

    def told(self, lang: str | None = None) -> dict[str, str]:
        """Hospital and period in words."""
        hospital = self.hospital or say("unknown_hospital", lang)
        return {"hospital": f"{hospital} {self.name}".strip(), "period": str(self.month)}


def write_cover(book: Workbook, cover: Cover, lang: str | None = None) -> None:
    """Add the cover to a workbook as its next sheet."""
    form = book.form(say("sheet_cover", lang), _WIDTHS)
    policy = cover.policy
    form.line(say("statement_title", lang, place=place_of(policy, lang)), "title")
    form.pairs(
        [
            (say("hospital", lang), cover.told(lang)["hospital"]),
            (say("period", lang), str(cover.month)),
            (say("policy", lang), policy_words(policy, lang)),
            (say("status", lang), status_words(policy, lang)),
            (say("deadlines", lang), deadline_words(policy, str(cover.month), lang)),
            (say("runs", lang), str(cover.runs)),
        ]
    )
    if policy.synthetic:
        form.line(say("synthetic", lang), "head")
    form.gap()
    form.line(say("section_modes", lang), "head")
    form.table(
        _heads("mode insurance claims cost patient fund hospital", lang),
        ["text", "text", "count", "fen", "fen", "fen", "fen"],
        _mode_rows(cover.modes, lang),
        total=True,
    )
    form.line(say("borne", lang))
    form.gap()
    form.line(say("section_accounts", lang), "head")
    form.table(
        _heads("account insurance amount rule document", lang),
        ["text", "text", "fen", "text", "text"],
        _account_rows(cover, lang),
        spans=(1, 1, 2, 1, 2),
    )
    form.gap()
    refused = cover.unpaid.filter(pl.col("kind").is_in(NOT_SETTLED))
    if refused.height:
        form.line(say("section_unpaid", lang), "head")
        form.table(
            _heads("code claims cost reason", lang),
            ["text", "count", "fen", "text"],
            _reason_rows(refused),
            spans=(1, 1, 2, 3),
        )
        form.gap()
    if cover.unpaid.height:
        form.line(say("each_reason", lang, sheet=say("sheet_unpaid", lang)))
    else:
        form.line(say("nothing_unpaid", lang))
    form.line(say("not_official", lang))
    form.gap()
    form.line(say("signed", lang))


def place_of(policy: Policy, lang: str | None = None) -> str:
    """The policy's place by name."""
    return policy.place_zh if (lang or language()) == "zh" else policy.place


def policy_words(policy: Policy, lang: str | None = None) -> str:
    """A policy's title, id and digest."""
    title = policy.title_zh if (lang or language()) == "zh" else policy.title_en
    return say("policy_of", lang, title=title, id=policy.id, digest=policy.digest[:12])


def status_words(policy: Policy, lang: str | None = None) -> str:
    """How the numbers of a policy are known, counted by status."""
    counts: dict[str, int] = {}
    for origin in policy.provenance.values():
        counts[origin.status] = counts.get(origin.status, 0) + 1
    parts = [
        say("status_of", lang, status=word("status", status, lang), count=number)
        for status, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return text("explain.semicolon", lang).join(parts) or "—"


def deadline_words(policy: Policy, period: str, lang: str | None = None) -> str:
    """By when a month is computed and paid and how long money may be held."""
    rules = policy.month
    try:
        days = month_deadlines(period, rules)
    except CalendarError:
        return say("deadline_unknown", lang)
    parts = []
    if days.compute_by:
        parts.append(say("compute_by", lang, day=days.compute_by.isoformat()))
    if days.pay_by:
        parts.append(say("pay_by", lang, day=days.pay_by.isoformat()))
    if rules.hold_days:
        parts.append(say("hold_days", lang, days=rules.hold_days))
    return text("explain.semicolon", lang).join(parts) or say("no_deadlines", lang)


def _heads(names: str, lang: str | None) -> list[str]:
    return [say(f"head_{name}", lang) for name in names.split()]


def _mode_rows(modes: pl.DataFrame, lang: str | None) -> list[list[Cell]]:
    sums = ("claims", *MONEY_SUMS)
    rows: list[list[Cell]] = [
        [word("mode", row["pay_mode"], lang), insurance_word(row["insurance"], lang),
         *(int(row[name]) for name in sums)]
        for row in modes.iter_rows(named=True)
    ]  # fmt: skip
    total: list[Cell] = [say("head_total", lang), None, *(int(modes[n].sum()) for n in sums)]
    return [*rows, total]


def _account_rows(cover: Cover, lang: str | None) -> list[list[Cell]]:
    """By insurance: what the fund owes, then what becomes of it, account by account."""
    rows: list[list[Cell]] = []
    for insurance, fen in cover.payable.select("insurance", "fen").iter_rows():
        name = insurance_word(insurance, lang)
        rows.append([say("payable", lang), name, int(fen), "", ""])
        own = cover.batches.filter(pl.col("insurance").eq_missing(pl.lit(insurance)))
        rows += [
            [word("account", row["account"], lang), name, int(row["fen"]), row["rule"],
             cover.documents.get(row["document"]) or row["document"]]
            for row in own.iter_rows(named=True)
        ]  # fmt: skip
    return rows


def _reason_rows(refused: pl.DataFrame) -> list[list[Cell]]:
    grouped = (
        refused.group_by("code", "reason")
        .agg(pl.len().alias("claims"), pl.col("amount_fen").sum())
        .sort(["claims", "code", "reason"], descending=[True, False, False])
    )
    names = ("code", "claims", "amount_fen", "reason")
    return [list(row) for row in grouped.select(names).iter_rows()]
