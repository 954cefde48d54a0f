"""Priced claims as ledger entries: whole columns, no row of Python's.

First one *posting* a claim (what it comes to, under which rule), then its entries: three for a paid
claim, one for any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.payment.pricing.price_columns import PRICE_DTYPES
from drg.payment.weight_table import insurance_code
from drg.settlement.ledger import CLAIM_ACCOUNTS, ENTRY_SCHEMA, HEADS

if TYPE_CHECKING:
    from drg.payment.policy import Policy

__all__ = ["CLAIM_COLUMNS", "POSTING_SCHEMA", "claim_entries", "posting_of_claims", "postings"]

#: Columns of a settled claim that say how it stands in the ledger: ``ref`` its id there (``#12``
#: for row 12 without an id), ``settled_version`` its version, ``row`` its row of the input from 1,
#: ``run`` the run that settled it. After those of ``drg.payment.pricing.price``.
CLAIM_COLUMNS = pl.Schema(
    {"ref": pl.String(), "settled_version": pl.Int32(), "row": pl.Int64(), "run": pl.Int32()}
)
_HEAD = pl.Enum(HEADS)
#: One row a claim; amounts in fen. ``cost_fen`` is 0 where an unsettled claim has no cost.
POSTING_SCHEMA = pl.Schema(
    {
        "hospital": pl.String(),
        "insurance": pl.String(),
        "ref": pl.String(),
        "version": pl.Int32(),
        "head": _HEAD,
        "cost_fen": pl.Int64(),
        "fund_fen": pl.Int64(),
        "patient_fen": pl.Int64(),
        "rule": pl.String(),
        "document": pl.String(),
    }
)
#: Section of the specification by pay mode, and where its numbers stand in a policy.
_SECTIONS = {
    "DRG": ("A", ("drg.share", "drg.rates", "drg.")),
    "POINTS": ("A.7", ("drg.points", "drg.rates", "drg.")),
    "DIP": ("B.5", ("dip.point_values", "dip.")),
    "PER_DISEASE": ("C", ("per_disease.",)),
    "BED_DAY": ("D", ("bed_day.",)),
    "VISIT": ("E.1", ("outpatient.",)),
    "BY_ITEM": ("0.4", ()),
    "STATISTICS": ("0.4.scope", ()),
    "UNPAID": ("0.4.unpaid", ()),
}
_UNPAID, _STATISTICS = "UNPAID", "STATISTICS"


def postings(priced: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """What each claim comes to.

    Parameters
    ----------
    priced : DataFrame
        A priced frame with ``CLAIM_COLUMNS``; ``hospital_id`` and ``insurance`` under these names,
        if it has them.
    policy : Policy
        Names bases and documents.

    Returns
    -------
    DataFrame
        ``POSTING_SCHEMA``, one row a claim in the same order.
    """
    mode = priced["pay_mode"]
    head = (
        pl.when(mode == _UNPAID)
        .then(pl.lit("unsettled"))
        .when(mode == _STATISTICS)
        .then(pl.lit("statistics"))
        .otherwise(pl.lit("fund"))
    )
    rule, document = _rules(priced, policy)
    paid = ~mode.is_in([_UNPAID, _STATISTICS])
    return priced.select(
        _hospital(priced).alias("hospital"),
        _insurance(priced).alias("insurance"),
        "ref",
        pl.col("settled_version").alias("version"),
        head.cast(_HEAD).alias("head"),
        pl.col("cost_fen").fill_null(0),
        pl.when(paid).then("fund_fen").otherwise(0).alias("fund_fen"),
        pl.when(paid).then("patient_fen").otherwise(0).alias("patient_fen"),
        rule.alias("rule"),
        document.alias("document"),
    )


def posting_of_claims(claims: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Of settled claims what a ledger is held to: ref, version, party, head, and the amounts.

    ``own_fen`` is what the hospital bears by the priced frame, ``-hospital_fen``; null where it
    says nothing.
    """
    unpaid, statistics = (pl.col("pay_mode") == mode for mode in (_UNPAID, _STATISTICS))
    paid = ~(unpaid | statistics)
    heads = {name: pl.lit(name, _HEAD) for name in HEADS}
    head = (
        pl.when(unpaid)
        .then(heads["unsettled"])
        .when(statistics)
        .then(heads["statistics"])
        .otherwise(heads["fund"])
    )
    parties = {"hospital_id", "insurance"} & {*claims.lazy().collect_schema().names()}
    found = (
        claims.lazy()
        .select(
            "ref",
            pl.col("settled_version").alias("version"),
            head.alias("head"),
            pl.col("cost_fen").fill_null(0),
            pl.when(paid).then("fund_fen").otherwise(0).alias("fund_fen"),
            pl.when(paid).then("patient_fen").otherwise(0).alias("patient_fen"),
            pl.when(paid).then(-pl.col("hospital_fen")).alias("own_fen"),
            *sorted(parties),
        )
        .collect()
    )
    party = _hospital(found).alias("hospital"), _insurance(found).alias("insurance")
    return found.with_columns(*party).drop("hospital_id", strict=False)


def claim_entries(posted: pl.DataFrame, period: str) -> pl.DataFrame:
    """Entries of claims: claim by claim in their order, the accounts of each in theirs.

    Parameters
    ----------
    posted : DataFrame
        ``POSTING_SCHEMA``.
    period : str
        ``"2025-06"``.

    Returns
    -------
    DataFrame
        ``ENTRY_SCHEMA``. The entries of a claim add up to its cost.
    """
    heads = [CLAIM_ACCOUNTS.index(head) for head in HEADS]
    head = np.array(heads, np.uint8)[posted["head"].to_physical().to_numpy()]
    paid = head == 0
    parts = len(HEADS)
    starts = np.cumsum(np.where(paid, parts, 1)) - np.where(paid, parts, 1)
    count = int(starts[-1]) + (parts if paid[-1] else 1) if len(head) else 0
    claim = np.repeat(np.arange(len(head), dtype=np.uint32), np.where(paid, parts, 1))
    cost, fund, patient = (
        posted[name].to_numpy() for name in ("cost_fen", "fund_fen", "patient_fen")
    )
    account, fen = np.empty(count, np.uint8), np.empty(count, np.int64)
    account[starts], fen[starts] = head, np.where(paid, fund, cost)
    whole = starts[paid]
    account[whole + 1], fen[whole + 1] = 1, patient[paid]
    account[whole + 2], fen[whole + 2] = 2, (cost - fund - patient)[paid]
    at = pl.Series(claim)
    accounts = pl.Series(account).cat.to(ENTRY_SCHEMA["account"])
    gathered = posted.select("hospital", "insurance", "ref", "version", "rule", "document").select(
        pl.all().gather(at)
    )
    return gathered.select(
        pl.lit(period).alias("period"),
        "hospital",
        "insurance",
        pl.lit("claim", ENTRY_SCHEMA["subject"]).alias("subject"),
        "ref",
        "version",
        accounts.alias("account"),
        pl.Series("fen", fen),
        "rule",
        "document",
    )


def _hospital(priced: pl.DataFrame) -> pl.Expr:
    if "hospital_id" not in priced.columns:
        return pl.lit("")
    return pl.col("hospital_id").cast(pl.String).str.strip_chars().fill_null("")


def _insurance(priced: pl.DataFrame) -> pl.Expr:
    if "insurance" not in priced.columns:
        return pl.lit(None, pl.String)
    spelled = priced["insurance"].cast(pl.String).unique().drop_nulls().to_list()
    codes = {text: insurance_code(text) or None for text in spelled}
    column = pl.col("insurance").cast(pl.String)
    changed = {text: code for text, code in codes.items() if text != code}
    return column.replace(changed) if changed else column


def _rules(priced: pl.DataFrame, policy: Policy) -> tuple[pl.Series, pl.Series]:
    """Rule and document by row; worked out once for each mode, branch and note there is."""
    number = np.zeros(priced.height, np.uint32)
    names: list[list[str]] = []
    for column in ("pay_mode", "branch", "payment_note"):
        dtype = PRICE_DTYPES[column]
        known = dtype.categories.to_list() if isinstance(dtype, pl.Enum) else []
        place = priced[column].cast(dtype).to_physical().cast(pl.UInt32).fill_null(len(known))
        number = number * np.uint32(len(known) + 1) + place.to_numpy()
        names.append([*known, ""])
    there = np.zeros(np.prod([len(known) for known in names]), np.bool_)
    there[number] = True
    rules = np.flatnonzero(there)
    made = [_rule(*_texts(int(n), names), policy) for n in rules]
    slot = np.zeros(len(there), np.uint32)
    slot[rules] = np.arange(len(rules))
    at = pl.Series(slot[number])
    rule, document = zip(*made, strict=True) if made else ((), ())
    return (
        pl.Series(rule, dtype=pl.String).gather(at),
        pl.Series(document, dtype=pl.String).gather(at),
    )


def _texts(number: int, names: list[list[str]]) -> tuple[str, str, str]:
    """Mode, branch and note of a number."""
    number, note = divmod(number, len(names[2]))
    mode, branch = divmod(number, len(names[1]))
    return names[0][mode], names[1][branch], names[2][note]


def _rule(mode: str, branch: str, note: str, policy: Policy) -> tuple[str, str]:
    section, paths = _SECTIONS[mode]
    if mode == _UNPAID:
        return f"{section}.{note}" if note else section, ""
    if mode == "DRG" and branch in ("STANDARD", "") and policy.drg is not None:
        rule = f"A.5.{policy.drg.share.basis}"
    else:
        rule = f"{section}.{branch.lower()}" if branch else section
    return rule, document_of(policy, *paths)


def document_of(policy: Policy, *paths: str) -> str:
    """Id of the document that the first of these parts of a policy stands in; ``""``: not said."""
    for path in paths:
        for number, origin in policy.provenance.items():
            if number.startswith(path):
                return origin.source
    return ""
