"""Findings of a check as one frame: what grouping says, then what the rules of an audit say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from drg.audit.model import Result
from drg.fen_column import yuan_texts
from drg.grouping.result import Outcome
from drg.reasons import reason_page, reason_title
from drg.text import text

if TYPE_CHECKING:
    from drg.audit.model import Rule

__all__ = ["FINDING_SCHEMA", "Finding", "audit_findings", "grouping_findings"]

#: Level of a grouping finding that neither rejects a claim nor asks for a second look.
NOTE = "note"
#: Reasons of these kinds mean that somebody should look at the claim.
_REVIEWED = ("Q", "U")
_REFUSED = (Outcome.REJECTED, Outcome.NOT_IN_FORCE)
_YUAN = pl.Decimal(18, 2)


class Finding(NamedTuple):
    """One thing to look at in one claim.

    Attributes
    ----------
    row : int
        Number of the row, from 1.
    claim_id : str
        ``""`` where the file has no ids.
    outcome : str
        Outcome of the claim under the scheme.
    code : str
        Reason code, or id of an audit rule.
    title, mend : str
        Wording of the code's page.
    concerns : str
        The codes or values it is about, as the file has them.
    level : str
        ``reject``, ``auto_deduct`` or ``review``; ``note`` for what only grouping notes.
    result : str
        ``hit`` or ``not_assessable``.
    hospital_id : str or None
        None where the file has none.
    amount : Decimal or None
        Yuan at stake; None where none can be told.
    source : str
        Document of the rule, or the scheme.
    """

    row: int
    claim_id: str
    outcome: str
    code: str
    title: str
    concerns: str
    mend: str
    level: str
    result: str
    hospital_id: str | None
    amount: Decimal | None
    source: str

    def line(self, lang: str | None = None) -> str:
        """One line for a terminal; the mends stand once, in the report."""
        place = self.claim_id or text("cli.row_number", lang, row=self.row)
        told = [f"{place}  {self.code} {self.title}", self.concerns]
        if self.result == Result.NOT_ASSESSABLE:
            told.append(text("check.not_assessable", lang))
        if self.amount is not None:
            told.append(text("check.at_stake", lang, amount=f"{self.amount:,}"))
        return "  ".join(told).rstrip()


FINDING_SCHEMA = pl.Schema(
    {name: pl.String() for name in Finding._fields} | {"row": pl.Int64(), "amount": _YUAN}
)


def grouping_findings(
    found: pl.DataFrame, ids: pl.Series, hospitals: pl.Series, source: str, first: int, lang: str
) -> pl.DataFrame:
    """Findings of the grouping stage of one batch.

    Parameters
    ----------
    found : DataFrame
        From ``GroupingFindings.find``.
    ids, hospitals : Series of String
        Of every claim of the batch; null: none.
    source : str
        The scheme, where the batch has no column of schemes.
    first : int
        Claims before this batch.
    lang : {"zh", "en"}

    Returns
    -------
    DataFrame
        ``FINDING_SCHEMA``.
    """
    words = {code: _words(code, lang) for code in found["code"].unique()}
    row = found["row"]
    refused = pl.col("outcome").is_in(_REFUSED) & (pl.col("code") == pl.col("reason"))
    review = pl.col("code").str.head(1).is_in(_REVIEWED)
    level = (
        pl.when(refused).then(pl.lit("reject")).when(review).then(pl.lit("review"))
        .otherwise(pl.lit(NOTE))
    )  # fmt: skip
    frame = found.with_columns(
        row=pl.col("row").cast(pl.Int64) + first + 1,
        claim_id=ids.gather(row).fill_null(""),
        title=_worded(words, 0),
        mend=_worded(words, 1),
        level=level,
        result=pl.lit(Result.HIT.value),
        hospital_id=hospitals.gather(row),
        amount=pl.lit(None, _YUAN),
        source=pl.col("source").fill_null(source),
    )
    return frame.select(FINDING_SCHEMA.names()).cast(FINDING_SCHEMA)


def audit_findings(
    found: pl.DataFrame, rules: Iterable[Rule], outcomes: pl.Series, lang: str
) -> pl.DataFrame:
    """Findings of an audit.

    Parameters
    ----------
    found : DataFrame
        ``AuditResult.findings``.
    rules : iterable of Rule
        Its rules.
    outcomes : Series of String
        Outcome of every claim of the run.
    lang : {"zh", "en"}

    Returns
    -------
    DataFrame
        ``FINDING_SCHEMA``, in the same order.
    """
    zh = lang == "zh"
    words = {r.id: (r.title_zh, r.mend_zh) if zh else (r.title_en, r.mend_en) for r in rules}
    frame = found.select(
        "row",
        pl.col("claim_id").fill_null(""),
        outcome=outcomes.gather(found["row"] - 1),
        code=pl.col("rule"),
        title=_worded(words, 0, "rule"),
        concerns=pl.col("evidence"),
        mend=_worded(words, 1, "rule"),
        level="level",
        result="result",
        hospital_id="hospital_id",
        amount=yuan_texts(found["amount_fen"]),
        source="source",
    )
    return frame.cast(FINDING_SCHEMA)


def _worded(words: Mapping[str, tuple[str, str]], place: int, of: str = "code") -> pl.Expr:
    told = [pair[place] for pair in words.values()]
    return pl.col(of).replace_strict(list(words), told, return_dtype=pl.String)


def _words(code: str, lang: str) -> tuple[str, str]:
    """Title and mend of a code; empty for a private table's own check, which has no page."""
    if not reason_title(code, lang):
        return "", ""
    page = reason_page(code, lang)
    return page.title, page.mend
