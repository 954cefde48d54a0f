"""What a check found, counted by hospital and rule, and told in lines."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.audit.model import Level
from drg.fen_column import yuan_texts
from drg.money import yuan
from drg.scale.summary import Summary, aligned
from drg.text import language, text

if TYPE_CHECKING:
    from drg.audit.model import RuleSet
    from drg.claims.items import ItemTable
    from drg.scale.check_deductions import Deductions

__all__ = ["SUMMARY_SCHEMA", "CheckReport", "by_hospital"]

#: One row a hospital and code; ``amount`` in yuan, null for codes that never tell one.
SUMMARY_SCHEMA = pl.Schema(
    {
        "hospital_id": pl.String(),
        "code": pl.String(),
        "title": pl.String(),
        "level": pl.String(),
        "claims": pl.Int64(),
        "hits": pl.Int64(),
        "passes": pl.Int64(),
        "not_assessable": pl.Int64(),
        "amount": pl.Decimal(18, 2),
    }
)
#: Lines of hospital and rule shown on the terminal.
_TOP = 10
#: Rules named that could judge nothing.
_NAMED = 30


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What a check found.

    Attributes
    ----------
    summary : Summary
        Outcomes of the claims; its output is the file of findings, or the input without one.
    codes : mapping of str to int
        Reason code or rule to number of findings, those that are not assessable left out.
    words : mapping of str to (str, str)
        Title and mend of each of ``codes``.
    levels : mapping of str to int
        Level to number of findings.
    listed : int
        Rows of the file of findings: with those that are not assessable, where they were asked for.
    table : DataFrame
        ``SUMMARY_SCHEMA``: what was found by hospital and code.
    rules : RuleSet or None
        What the claims were audited by.
    items : ItemTable or None
        Their charges.
    strangers, repeated : int
        Ids of charges that no claim has; claims with charges to read whose id another has, too.
    deductions : Deductions or None
        What deducts by itself.
    summary_path, deductions_path : Path or None
        Files written of these.
    """

    summary: Summary
    codes: Mapping[str, int]
    words: Mapping[str, tuple[str, str]]
    levels: Mapping[str, int]
    listed: int
    table: pl.DataFrame
    rules: RuleSet | None = None
    items: ItemTable | None = None
    strangers: int = 0
    repeated: int = 0
    deductions: Deductions | None = None
    summary_path: Path | None = None
    deductions_path: Path | None = None

    @property
    def findings(self) -> int:
        """Findings in all."""
        return sum(self.codes.values())

    @property
    def refused(self) -> int:
        """What must be mended before the claims can go on: exit code 1 speaks of it."""
        return self.summary.refused + self.levels.get(Level.REJECT, 0)

    def lines(self, lang: str | None = None) -> list[str]:
        """Counts by code, most frequent first, each with what to do; then what else there is."""
        lang = lang or language()
        rows = [(text("cli.sum_claims", lang), f"{self.summary.claims:,}", "", "")]
        rows.append((text("cli.sum_findings", lang), f"{self.findings:,}", "", ""))
        at_stake = self._amounts()
        for code, count in sorted(self.codes.items(), key=lambda item: (-item[1], item[0])):
            title, mend = self.words[code]
            rows.append((f"  {code}", f"{count:,}", at_stake.get(code, ""), f"{title}  {mend}"))
        lines = aligned(rows, right=(1, 2))
        if self.rules is not None:
            lines += self._audit_lines(self.rules, lang)
        return lines + self.summary.dates_note(lang)

    def _audit_lines(self, rules: RuleSet, lang: str) -> list[str]:
        counts = (f"{text(f'check.level_{level}', lang)} {count:,}"
                  for level, count in self.levels.items())  # fmt: skip
        title = rules.title_zh if lang == "zh" else rules.title_en
        told = text("check.rules_words", lang, title=title, id=rules.id,
                    count=len(rules.rules), digest=rules.digest[:12])  # fmt: skip
        rows = [(text("check.rules", lang), told)]
        if self.items is not None:
            lost = f"{sum(self.items.unreadable.values()):,}"
            words = text("check.charges_words", lang, rows=f"{self.items.rows:,}",
                         homeless=f"{self.items.homeless:,}", lost=lost,
                         strangers=f"{self.strangers:,}")  # fmt: skip
            rows.append((text("check.charges", lang), words))
            if self.repeated:
                words = text("check.charges_repeated", lang, count=f"{self.repeated:,}")
                rows.append(("", words))
        if self.levels:
            rows.append((text("check.levels", lang), text("explain.comma", lang).join(counts)))
        return [*aligned(rows), *self._unjudged(lang), *self._top(lang), *self._written(lang)]

    def _amounts(self) -> dict[str, str]:
        told = self.table.filter(pl.col("amount") != 0).group_by("code").agg(pl.col("amount").sum())
        return {code: f"{amount:,}" for code, amount in told.iter_rows()}

    def _unjudged(self, lang: str | None) -> list[str]:
        """Rules that could judge no claim, and how many could not judge some."""
        judged = pl.col("hits") + pl.col("passes")
        rules = self.table.group_by("code", maintain_order=True).agg(
            judged.sum().alias("judged"), pl.col("not_assessable").sum()
        )
        rules = rules.filter(pl.col("not_assessable") > 0)
        none = sorted(rules.filter(pl.col("judged") == 0)["code"])
        lines = []
        if none:
            named = " ".join(none[:_NAMED]) + (" …" if len(none) > _NAMED else "")
            lines.append(text("check.unjudged", lang, count=len(none), rules=named))
        if some := rules.height - len(none):
            lines.append(text("check.partly", lang, count=some))
        return lines

    def _top(self, lang: str | None) -> list[str]:
        found = self.table.filter(pl.col("hits") > 0)
        found = found.sort("hits", "hospital_id", "code", descending=[True, False, False])
        found = found.head(_TOP)
        if found.is_empty():
            return []
        heads = ("hospital_id", "code", "level", "claims", "hits", "not_assessable", "amount",
                 "title")  # fmt: skip
        rows = [tuple(text(f"check.head_{head}", lang) for head in heads)]
        rows += [
            (
                row["hospital_id"] or text("check.no_hospital", lang),
                row["code"],
                text(f"check.level_{row['level']}", lang),
                f"{row['claims']:,}",
                f"{row['hits']:,}",
                f"{row['not_assessable']:,}",
                "" if row["amount"] is None else f"{row['amount']:,}",
                row["title"],
            )
            for row in found.iter_rows(named=True)
        ]
        heading = text("check.top", lang, count=found.height)
        return [heading, *(f"  {line}" for line in aligned(rows, right=(3, 4, 5, 6)))]

    def _written(self, lang: str | None) -> list[str]:
        lines = []
        if self.deductions is not None and self.deductions_path is not None:
            lines.append(
                text(
                    "check.deductions",
                    lang,
                    claims=f"{self.deductions.frame.height:,}",
                    amount=f"{Decimal(yuan(self.deductions.total_fen)):,}",
                    out=self.deductions_path,
                )
            )
            if left := self.deductions.left_out:
                lines.append(text("check.deductions_left", lang, count=f"{left:,}"))
            if once := self.deductions.once_fen:
                amount = f"{Decimal(yuan(once)):,}"
                lines.append(text("check.deductions_once", lang, amount=amount))
        if self.summary_path is not None:
            lines.append(text("check.summary_written", lang, out=self.summary_path))
        return lines


def by_hospital(
    grouping: pl.DataFrame,
    claims: pl.DataFrame,
    counts: pl.DataFrame | None,
    titles: Mapping[str, str],
    stakes: Collection[str],
) -> pl.DataFrame:
    """What was found, by hospital (none first) and code.

    Parameters
    ----------
    grouping : DataFrame
        ``hospital_id, code, level, hits`` of what grouping found.
    claims : DataFrame
        ``hospital_id, claims`` of the run.
    counts : DataFrame or None
        ``COUNTS`` of an audit.
    titles : mapping of str to str
        Titles of the codes and rules.
    stakes : collection of str
        Rules that can tell an amount.
    """
    of_grouping = grouping.join(claims, on="hospital_id", how="left", nulls_equal=True).select(
        "hospital_id",
        "code",
        "level",
        "claims",
        "hits",
        passes=pl.col("claims") - pl.col("hits"),
        not_assessable=pl.lit(0, pl.Int64),
        amount=pl.lit(None, pl.String),
    )
    parts = [of_grouping]
    if counts is not None:
        amount = pl.when(pl.col("rule").is_in(list(stakes))).then(
            pl.lit(yuan_texts(counts["amount_fen"]))
        )
        told = counts.with_columns(amount=amount)
        parts.append(told.select(pl.col("rule").alias("code"), pl.exclude("rule", "amount_fen")))
    frame = pl.concat([part.select(of_grouping.columns).cast(_COUNTED) for part in parts])
    title = pl.col("code").replace_strict(titles, default="", return_dtype=pl.String)
    frame = frame.with_columns(title=title).select(SUMMARY_SCHEMA.names()).cast(SUMMARY_SCHEMA)
    return frame.sort("hospital_id", "code", "level", nulls_last=False)


_COUNTED = pl.Schema(
    {
        name: pl.String() if name == "amount" else dtype
        for name, dtype in SUMMARY_SCHEMA.items()
        if name != "title"
    }
)
