"""What a cleared year tells of a hospital: its sums, step by step, and why money is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from drg.money import round_scaled, unscaled
from drg.reports.words import insurance_word, say, word
from drg.settlement.matters import open_matters
from drg.text import text

if TYPE_CHECKING:
    from drg.claims.form import Cell
    from drg.settlement.year.clear import Clearing

__all__ = ["REASON_COLUMNS", "STEPS", "month_rows", "reason_rows", "step_rows", "value_rows"]

#: The year table in the order in which it is reckoned; the first part stands above what is paid.
STEPS = (
    "claims", "cost_fen", "patient_fen", "priced_fen", "moved_fen", "assessment", "assessed_fen",
    "deduction_fen", "quota_fen", "quota_left_fen", "counted_fen", "difference_fen",
    "sharing_fen", "reward_fen", "violation_fen", "payable_fen", "withheld_fen", "advance_fen",
    "working_capital_fen", "clearing_fen", "carried_fen", "next_quota_fen",
)  # fmt: skip
REASON_COLUMNS = ("item", "insurance", "amount_fen", "reason", "mend", "document")
#: Amounts of the year table that take or keep money: column, sign of what is told, key of words.
_TAKEN = (
    ("moved_fen", -1, "moved"),
    ("assessed_fen", -1, "assessed"),
    ("sharing_fen", -1, "sharing"),
    ("violation_fen", 1, "violation"),
    ("working_capital_fen", 1, "working_capital"),
    ("carried_fen", -1, "carried"),
)
_MATTER_ACCOUNTS = {"dispute": "dispute_withheld", "hold": "held", "deduction": "deduction"}


def step_rows(own: pl.DataFrame, lang: str) -> list[list[Cell]]:
    """A row a step: its name, its amount by insurance, and the amount of all.

    Parameters
    ----------
    own : DataFrame
        ``drg.settlement.year.clear.YEAR_SCHEMA`` of one hospital; steps that are nothing stay out.
    lang : str
    """
    rows: list[list[Cell]] = []
    for step in STEPS:
        values = own[step].to_list()
        if not any(value is not None and value for value in values):
            continue
        if step == "assessment":
            rows.append([say("year_assessment", lang), *(str(v) for v in values), None])
            continue
        numbers = [None if value is None else int(value) for value in values]
        total = sum(number for number in numbers if number is not None)
        rows.append([say(f"year_{step.removesuffix('_fen')}", lang), *numbers, total])
    return rows


def value_rows(clearing: Clearing, hospital: str, lang: str) -> list[list[Cell]]:
    """By insurance: point value of the year's end, what it is made of, and what it brings here.

    Insurance, score of the hospital and of the region, budget given out, settlement point value,
    pay ratio, part of the hospital; the first is empty where shares are not scores alone.
    """
    dip, rows = clearing.policy.dip, list[list["Cell"]]()
    alone = dip is not None and dip.fund_ratio_scope == "region"
    for one in clearing.allocations:
        settled = one.settled
        if settled is None or hospital not in one.parts:
            continue
        values = [
            "—" if value is None else unscaled(round_scaled(value))
            for value in (settled.value, settled.pay_ratio)
        ]
        own = unscaled(one.shares[hospital]) if alone else "—"
        score = unscaled(settled.score_e4)
        name = insurance_word(one.insurance, lang)
        rows.append([name, own, score, one.pool, *values, one.parts[hospital]])
    return rows


def month_rows(clearing: Clearing, hospital: str, lang: str) -> list[list[Cell]]:
    """By month: claims, cost, fund, paid, and what was not paid then."""
    rows: list[list[Cell]] = []
    for month in clearing.months:
        own = month.hospitals.filter(pl.col("hospital") == hospital)
        if own.is_empty():
            continue
        fund, paid = int(own["fund_fen"].sum()), int(own["advance_fen"].sum())
        counts = [int(own[name].sum()) for name in ("claims", "cost_fen")]
        rows.append([month.period, *counts, fund, paid, fund - paid])
    return rows


def reason_rows(
    clearing: Clearing, documents: Mapping[str, str], lang: str
) -> dict[str, list[tuple[object, ...]]]:
    """By hospital every amount that is taken or kept at the year's end, and why.

    Returns
    -------
    dict of str to list of tuple
        ``REASON_COLUMNS``; amounts in fen, null for a finding without one.
    """
    found: dict[str, list[tuple[object, ...]]] = {}
    for hospital, row in (*_taken(clearing, lang), *_matters(clearing, documents, lang)):
        found.setdefault(hospital, []).append(row)
    findings = clearing.findings.select("hospital", "claim", "code", "what", "mend")
    for hospital, claim, code, what, mend in findings.iter_rows():
        item = f"{code} {claim}".strip() if claim else code
        found.setdefault(hospital or "", []).append((item, "", None, what or "", mend or "", ""))
    return found


def _taken(clearing: Clearing, lang: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    rules = clearing.ledger.entries.filter(pl.col("document") != "")
    papers = {
        (h, i, a): d
        for h, i, a, d in rules.select("hospital", "insurance", "account", "document").iter_rows()
    }
    accounts = {"moved": "adjustment", "assessed": "adjustment", "carried": "liquidation"}
    for row in clearing.hospitals.iter_rows(named=True):
        for column, sign, key in _TAKEN:
            fen = sign * int(row[column] or 0)
            if fen > 0:
                account = accounts.get(key, key)
                paper = papers.get((row["hospital"], row["insurance"], account), "")
                yield row["hospital"], _row(key, row["insurance"], fen, paper, lang)


def _row(key: str, insurance: str | None, fen: int, document: str, lang: str) -> tuple[object, ...]:
    told = f"settlement.taken_{key}"
    return (
        say(f"year_{key}", lang), insurance_word(insurance, lang), fen, text(told, lang),
        text(f"{told}.mend", lang), document,
    )  # fmt: skip


def _matters(
    clearing: Clearing, documents: Mapping[str, str], lang: str
) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Disputes and holds that are still open, and what audit took off in the months."""
    frames = [month.matters for month in clearing.months]
    gone = [frame.filter(pl.col("matter") == "deduction") for frame in frames]
    for frame in (open_matters(frames), *gone):
        for row in frame.iter_rows(named=True):
            if not row["kept_fen"]:
                continue
            account = _MATTER_ACCOUNTS[row["matter"]]
            general = say(f"kept_{account}", lang)
            given: Sequence[str] = [row["reason"].strip()] if (row["reason"] or "").strip() else []
            document = row["document"] or ""
            yield (
                row["hospital"],
                (
                    f"{word('account', account, lang)} {row['period']} {row['ref']}",
                    insurance_word(row["insurance"], lang),
                    int(row["kept_fen"]),
                    text("explain.semicolon", lang).join([*given, general]),
                    text(f"settlement.kept_{account}.mend", lang),
                    documents.get(document) or document,
                ),
            )
