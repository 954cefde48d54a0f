"""What became of the claims of an uploaded file: counts as data, and in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl

from drg.grouping.result import Outcome
from drg.reasons import reason_title
from drg.reports.words import count, money, word
from drg.scale.summary import Tally
from drg.text import text

if TYPE_CHECKING:
    from drg.grouping.base import ClaimGrouper
    from drg.payment.policy import Policy

__all__ = ["Told"]


class Told:
    """Counts result frames and tells of them.

    Parameters
    ----------
    grouper : ClaimGrouper
    """

    def __init__(self, grouper: ClaimGrouper) -> None:
        self._grouper = grouper
        self._tally = Tally(by_version=bool(grouper.versions))
        self._cases: Counter[str] = Counter()
        self._funds: Counter[str] = Counter()
        self._notes: Counter[str] = Counter()

    def add(self, frame: pl.DataFrame) -> None:
        """Count one frame."""
        self._tally.add(frame)
        if "pay_mode" not in frame.columns:
            return
        modes = frame.group_by(pl.col("pay_mode").cast(pl.String)).agg(
            cases=pl.len(), fund=pl.col("fund_fen").sum()
        )
        for mode, cases, fund in modes.iter_rows():
            self._cases[mode] += cases
            self._funds[mode] += fund
        notes = frame["payment_note"].cast(pl.String).drop_nulls().value_counts()
        self._notes.update(dict(notes.iter_rows()))

    def summary(self, policy: Policy | None) -> dict[str, object]:
        """Fields of the event ``summary``; amounts in fen, ``words`` for a reader."""
        outcomes: Counter[str] = Counter()
        reasons = []
        for (outcome, code), cases in sorted(self._tally.counts.items()):
            outcomes[outcome] += cases
            if code:
                title = reason_title(code)
                reasons.append({"outcome": outcome, "code": code, "title": title, "count": cases})
        modes = [
            {"mode": mode, "title": word("mode", mode), "count": cases,
             "fund_fen": self._funds[mode]}
            for mode, cases in sorted(self._cases.items())
        ]  # fmt: skip
        return {
            "scheme": self._grouper.scheme_id,
            "digest": self._grouper.digest,
            "policy": None if policy is None else policy.id,
            "policy_digest": None if policy is None else policy.digest,
            "rows": self._tally.rows,
            "outcomes": {outcome.value: outcomes[outcome.value] for outcome in Outcome},
            "reasons": reasons,
            "modes": modes,
            "notes": dict(sorted(self._notes.items())),
            "words": self._words(outcomes),
        }

    def _words(self, outcomes: Counter[str]) -> list[str]:
        def line(name: str, value: str) -> str:
            return text("service.sum_line", name=name, value=value)

        scheme, rows = self._grouper.scheme_id, self._tally.rows
        words = [
            line(text("cli.sum_scheme"), f"{scheme} ({self._grouper.digest[:12]})"),
            line(text("cli.sum_claims"), count(rows)),
        ]
        for outcome in Outcome:
            if cases := outcomes[outcome.value]:
                share = f"{count(cases)} ({cases / rows:.2%})"
                words.append(line(text(f"cli.sum_{outcome.value}"), share))
        for mode, cases in sorted(self._cases.items()):
            fund = money(self._funds[mode])
            words.append(
                text("service.sum_mode", mode=word("mode", mode), cases=count(cases), fund=fund)
            )
        for note, cases in self._notes.most_common():
            title = reason_title(note)
            words.append(text("service.sum_unpriced", cases=count(cases), note=note, title=title))
        return words
