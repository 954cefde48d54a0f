"""Every fen that is refused, held or not paid now, with a reason in words and what to do.

Fuxin's rule (阜政办发[2009]108号) demands the reason. Claims that were not settled stand with their
cost; disputes, holds, deductions and what a batch keeps stand with the fen not paid, and these add
up to the fund payable less what is paid now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import polars as pl

from drg.reasons import ReasonError, reason_page
from drg.reports.figures import UNPAID, answered_for
from drg.reports.words import say
from drg.settlement.calendar import hold_limit
from drg.settlement.ledger import Ledger
from drg.text import language, text

__all__ = ["NOT_SETTLED", "UNPAID_SCHEMA", "reason_words", "unpaid_lines"]

#: One row an amount. ``amount_fen`` is the cost of a claim not settled, else fund not paid now.
UNPAID_SCHEMA = pl.Schema(
    {
        "hospital_id": pl.String(),
        "kind": pl.String(),
        "ref": pl.String(),
        "settled_version": pl.Int32(),
        "insurance": pl.String(),
        "discharged_on": pl.Date(),
        "cost_fen": pl.Int64(),
        "amount_fen": pl.Int64(),
        "code": pl.String(),
        "reason": pl.String(),
        "mend": pl.String(),
        "rule": pl.String(),
        "document": pl.String(),
        "until": pl.Date(),
    }
)
#: Kinds whose amount is a cost that no fund stands against.
NOT_SETTLED = ("unpaid", "statistics")
_OVER_CAP = ("HIGH_OVER_CAP", "APPLIED_OVER_CAP", "REVIEW_OVER_CAP")
_MATTER_ACCOUNTS = {"dispute": "dispute_withheld", "hold": "held", "deduction": "deduction"}
#: Accounts of a batch whose money is not paid now.
_KEPT = ("retention", "dispute_withheld", "held", "deduction", "suspended", "balance")


def unpaid_lines(
    lines: pl.DataFrame,
    ledger: Ledger,
    kept: pl.DataFrame,
    matters: pl.DataFrame,
    *,
    documents: Mapping[str, str],
    hold_days: int | None = None,
    lang: str | None = None,
) -> pl.DataFrame:
    """What is not paid, claim by claim and batch by batch.

    Parameters
    ----------
    lines : DataFrame
        ``figures.claim_lines``.
    ledger : Ledger
    kept : DataFrame
        ``figures.batches``.
    matters : DataFrame
        ``drg.settlement.matters.MATTER_SCHEMA``.
    documents : mapping of str to str
        Id to title.
    hold_days : int, optional
        Days after which a hold ends.
    lang : str, optional

    Returns
    -------
    DataFrame
        ``UNPAID_SCHEMA``; claims in their order, then matters, then batches.
    """
    parts = [
        _claims(lines, ledger, lang),
        _over_cap(lines, lang),
        _no_fund(lines, lang),
        _matters(matters, lines, hold_days, lang),
        _batches(kept, matters, lang),
    ]
    found = pl.concat([part.select(UNPAID_SCHEMA.names()) for part in parts])
    titles = {key: title for key, title in documents.items() if title}
    return found.with_columns(pl.col("document").replace(titles))


def _claims(lines: pl.DataFrame, ledger: Ledger, lang: str | None) -> pl.DataFrame:
    """Claims without a price, and those that the fund does not answer for."""
    wanted = [*_wanted(lines), "pay_mode", "route", "payment_note"]
    found = lines.filter(~answered_for()).select(*wanted, *_reason_column(lines))
    entries = ledger.standing(["unsettled", "statistics"])
    rules = entries.select("ref", pl.col("version").alias("settled_version"), "rule", "document")
    refused = found["pay_mode"] == UNPAID
    code = (
        pl.select(pl.when(refused).then(found["payment_note"].cast(pl.String))
                  .otherwise(pl.coalesce(found["payment_note"].cast(pl.String),
                                         found["route"].cast(pl.String))))
        .to_series()
        .fill_null("")
    )  # fmt: skip
    both = pl.DataFrame([code.alias("code"), found["reason"].cast(pl.String).fill_null("")])
    words = {
        pair: reason_words(pair[0], pair[1], lang)
        for pair in both.unique().sort("code").iter_rows()
    }
    told = [words[pair] for pair in both.iter_rows()]
    made = found.with_columns(
        pl.Series("kind", ["unpaid" if r else "statistics" for r in refused], pl.String),
        pl.col("cost_fen").fill_null(0).alias("amount_fen"),
        code.alias("code"),
        pl.Series("reason", [reason for reason, _ in told], pl.String),
        pl.Series("mend", [mend for _, mend in told], pl.String),
        pl.lit(None, pl.Date).alias("until"),
    )
    keys = ["ref", "settled_version"]
    return _complete(made.join(rules, on=keys, how="left", nulls_equal=True, maintain_order="left"))


def _over_cap(lines: pl.DataFrame, lang: str | None) -> pl.DataFrame:
    """Cases that a cap kept from being paid by item: what lies above their price."""
    found = lines.filter(pl.col("branch").cast(pl.String).is_in(_OVER_CAP))
    return _complete(
        found.select(
            *_wanted(found),
            pl.lit("over_cap").alias("kind"),
            (pl.col("cost_fen") - pl.col("price_fen")).clip(0).alias("amount_fen"),
            pl.lit(say("zero_over_cap", lang)).alias("reason"),
            pl.lit(text("settlement.zero_over_cap.mend", lang)).alias("mend"),
            pl.lit("A.4.cap").alias("rule"),
        )
    )


def _no_fund(lines: pl.DataFrame, lang: str | None) -> pl.DataFrame:
    """Claims that are priced and for which the fund still pays nothing."""
    found = lines.filter((pl.col("fund_fen") == 0) & (pl.col("cost_fen") > 0) & answered_for())
    visit = pl.col("pay_mode").cast(pl.String) == "VISIT"

    def said(field: str) -> pl.Expr:
        either = [
            pl.lit(text(f"settlement.zero_{key}{field}", lang)) for key in ("visit", "patient")
        ]
        return pl.when(visit).then(either[0]).otherwise(either[1])

    return _complete(
        found.select(
            *_wanted(found),
            pl.lit("zero").alias("kind"),
            pl.lit(0, pl.Int64).alias("amount_fen"),
            said("").alias("reason"),
            said(".mend").alias("mend"),
            pl.when(visit).then(pl.lit("E.1")).otherwise(pl.lit("0.3.6")).alias("rule"),
        )
    )


def _matters(
    matters: pl.DataFrame, lines: pl.DataFrame, hold_days: int | None, lang: str | None
) -> pl.DataFrame:
    """Disputes, holds and deductions, each with the reason of its decision."""
    open_ = matters.filter(pl.col("kept_fen") != 0)
    accounts = [_MATTER_ACCOUNTS[matter] for matter in open_["matter"]]
    given = zip(open_["reason"], accounts, strict=True)
    until = [
        hold_limit(since, hold_days) if matter == "hold" and since and hold_days else None
        for matter, since in zip(open_["matter"], open_["since"], strict=True)
    ]
    rules = {"dispute_withheld": "F.2.dispute", "held": "F.2.hold", "deduction": "A.8.deduction"}
    made = open_.select(
        pl.col("hospital").alias("hospital_id"),
        pl.col("matter").cast(pl.String).alias("kind"),
        "ref",
        pl.col("version").alias("settled_version"),
        "insurance",
        pl.col("kept_fen").alias("amount_fen"),
        pl.Series("reason", [_given(why, account, lang) for why, account in given], pl.String),
        pl.Series("mend", [text(f"settlement.kept_{a}.mend", lang) for a in accounts], pl.String),
        pl.Series("rule", [rules[account] for account in accounts], pl.String),
        pl.col("document").fill_null(""),
        pl.Series("until", until, pl.Date),
    )
    known = lines.select("ref", *(n for n in ("discharged_on", "cost_fen") if n in lines.columns))
    known = known.join(made.select("ref").unique(), on="ref", how="semi").unique("ref", keep="last")
    return _complete(made.join(known, on="ref", how="left", maintain_order="left"))


def _given(why: str | None, account: str, lang: str | None) -> str:
    general = say(f"kept_{account}", lang)
    return (
        f"{why.strip()}{text('explain.semicolon', lang)}{general}"
        if why and why.strip()
        else general
    )


def _batches(kept: pl.DataFrame, matters: pl.DataFrame, lang: str | None) -> pl.DataFrame:
    """What a batch keeps beyond what its claims' matters tell."""
    told = (
        matters.select(
            "period", "hospital", "insurance",
            pl.col("matter").cast(pl.String).replace(_MATTER_ACCOUNTS).alias("account"),
            "kept_fen",
        )
        .group_by("period", "hospital", "insurance", "account")
        .agg(pl.col("kept_fen").sum())
    )  # fmt: skip
    keys = ["period", "hospital", "insurance", "account"]
    accounts = kept.with_columns(pl.col("account").cast(pl.String)).filter(
        pl.col("account").is_in(_KEPT)
    )
    sums = accounts.group_by(keys, maintain_order=True).agg(
        pl.col("fen").sum(), pl.col("rule").first(), pl.col("document").first()
    )
    rest = sums.join(told, on=keys, how="full", nulls_equal=True, coalesce=True).with_columns(
        (pl.col("fen").fill_null(0) - pl.col("kept_fen").fill_null(0)).alias("amount_fen")
    )
    rest = rest.filter(pl.col("amount_fen") != 0).sort("hospital", *keys, nulls_last=True)
    names = rest["account"].to_list()
    return _complete(
        rest.select(
            pl.col("hospital").alias("hospital_id"),
            pl.lit("batch").alias("kind"),
            pl.col("period").alias("ref"),
            "insurance",
            "amount_fen",
            pl.col("account").alias("code"),
            pl.Series("reason", [say(f"kept_{name}", lang) for name in names], pl.String),
            pl.Series("mend", [text(f"settlement.kept_{n}.mend", lang) for n in names], pl.String),
            pl.col("rule").fill_null(""),
            pl.col("document").fill_null(""),
        )
    )


def _wanted(lines: pl.DataFrame) -> Iterable[str]:
    names = ("hospital_id", "ref", "settled_version", "insurance", "discharged_on", "cost_fen")
    return [name for name in names if name in lines.columns]


def _reason_column(lines: pl.DataFrame) -> list[pl.Expr]:
    return [pl.col("reason") if "reason" in lines.columns else pl.lit("").alias("reason")]


def _complete(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of ``UNPAID_SCHEMA``, what is not there null."""
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in UNPAID_SCHEMA.items()
    )


def reason_words(code: str, grouping: str = "", lang: str | None = None) -> tuple[str, str]:
    """Why, and what to do, by the pages of the codes.

    Parameters
    ----------
    code : str
        Of a note or route of pricing.
    grouping : str, optional
        Reason code of the grouping, which says why a claim has no group.
    """
    return _words(code, grouping, lang or language())


@cache
def _words(code: str, grouping: str, lang: str) -> tuple[str, str]:
    reasons, mends = [], []
    for one, key in ((code, "reason_of"), (grouping, "grouping_reason")):
        if not one:
            continue
        try:
            page = reason_page(one, lang)
        except ReasonError:  # a check of somebody's own tables
            reasons.append(say("unregistered", lang, code=one))
            continue
        what = page.what.rstrip("。.")
        reasons.append(say(key, lang, code=one, title=page.title, what=what))
        mends.append(page.mend)
    if not reasons:
        reasons.append(say("no_reason", lang))
    return text("explain.semicolon", lang).join(reasons), " ".join(mends)
