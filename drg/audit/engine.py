"""Judge claims by a rule set, batch by batch, and gather findings and counts.

Claims stay columns, texts are made for findings only; rules on all claims are judged at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from drg.audit.evidence import either
from drg.audit.kind import AuditClaims, Kind, Params, Whole
from drg.audit.kinds import KINDS
from drg.audit.model import NO_AMOUNT, Level, Result, Rule, RuleSet, Scope, Verdict
from drg.audit.narrow import narrow
from drg.audit.stakes import STAKES
from drg.audit.told import sentence
from drg.audit.vocabulary import Vocabulary
from drg.claims.named import Named
from drg.money import exact_sum
from drg.text import language

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.profiles import ClaimColumns

    Flags = NDArray[np.bool_]

__all__ = ["COUNTS", "FINDINGS", "Audit", "AuditResult", "audit_frame"]

#: Rules that are judged at once: most of a judge is numpy's and polars' work.
_JUDGES = 2
#: Claims for which another thread would cost more than it saves.
_FEW = 1000
#: Levels whose money is told line by line.
_BY_LINE = (Level.AUTO_DEDUCT,)
#: One row a finding. ``row`` from 1; ``amount_fen`` null: none can be told; ``claim_id`` and
#: ``hospital_id`` null: the file has none.
FINDINGS = pl.Schema(
    {
        "row": pl.Int64(),
        "claim_id": pl.String(),
        "hospital_id": pl.String(),
        "rule": pl.String(),
        "level": pl.String(),
        "result": pl.String(),
        "evidence": pl.String(),
        "amount_fen": pl.Int64(),
        "source": pl.String(),
    }
)
#: One row a hospital and rule; ``amount_fen``: what hits put at stake, 0 where none can be told.
COUNTS = pl.Schema(
    {
        "hospital_id": pl.String(),
        "rule": pl.String(),
        "level": pl.String(),
        "claims": pl.Int64(),
        "hits": pl.Int64(),
        "passes": pl.Int64(),
        "not_assessable": pl.Int64(),
        "amount_fen": pl.Int64(),
    }
)


@dataclass(frozen=True, kw_only=True)
class AuditResult:
    """What an audit says.

    Attributes
    ----------
    findings : DataFrame
        ``FINDINGS``, by row, then rule: every hit; on request every claim not assessable.
    counts : DataFrame
        ``COUNTS``, by hospital (none first), then rule.
    stakes : DataFrame
        ``STAKES``: what hits that deduct by themselves consist of, in the order of the run;
        ``row`` from 1. Hits without an amount have none.
    claims : int
        Claims audited.
    """

    findings: pl.DataFrame
    counts: pl.DataFrame
    stakes: pl.DataFrame
    claims: int


class Audit:
    """One run of a rule set over a file, batch by batch.

    Parameters
    ----------
    rules : RuleSet
    lang : {"zh", "en"}, optional
        Language of the evidence; the context's when omitted.
    every : bool, optional
        List claims that a rule cannot assess as well; they are always counted.
    reference : pair of DataFrame and ClaimColumns, optional
        Claims, grouped as those of the run are, whose distributions the indicators go by; the
        run's own when omitted.
    repeated : Series of String, optional
        Ids that several claims of the run have: nobody can tell whose their charges are, so that
        no rule on charges can assess these claims. Of one batch they are found in any case.
    """

    def __init__(
        self,
        rules: RuleSet,
        *,
        lang: str | None = None,
        every: bool = False,
        reference: tuple[pl.DataFrame, ClaimColumns] | None = None,
        repeated: pl.Series | None = None,
    ) -> None:
        self.rules = rules
        self._lang = lang or language()
        self._every = every
        self._reference = reference
        self._rows = 0
        self._findings: list[pl.DataFrame] = []
        self._tally = _Tally()
        bound = [_Bound.of(rule) for rule in rules.rules]
        self._now = [b for b in bound if b.kind.scope is not Scope.WHOLE]
        self._later = [b for b in bound if b.kind.scope is Scope.WHOLE]
        wanted = [n for b in self._later if b.kind.needs for n in b.kind.needs(b.params)]
        self._needs = tuple(dict.fromkeys(wanted))
        self._narrow: list[pl.DataFrame] = []
        self._vocabulary = Vocabulary()
        self._stakes: list[pl.DataFrame] = []
        none = pl.Series([], dtype=pl.String)
        self._repeated = none if repeated is None else repeated.drop_nulls()

    def add(
        self,
        frame: pl.DataFrame,
        columns: ClaimColumns,
        results: pl.DataFrame | None = None,
        items: pl.DataFrame | None = None,
    ) -> None:
        """Judge a batch by every rule that sees claims one by one.

        Parameters
        ----------
        frame : DataFrame
            Claims, in the order of the file.
        columns : ClaimColumns
        results : DataFrame, optional
            Columns that grouping and payment added, where ``frame`` does not have them.
        items : DataFrame, optional
            Charges with the columns of ``ITEM_COLUMNS`` typed, ``claim_id`` among them; those of
            other claims are left aside. With ``row`` in place of ``claim_id``: the place of the
            claim in ``frame`` (``drg.claims.items.ItemTable.of``). None: the run has no charges.
        """
        if results is not None:
            added = [n for n in results.columns if n not in frame.columns]
            frame = frame.hstack(results.select(added))
        claims = AuditClaims(frame, columns, vocabulary=self._vocabulary)
        again = np.zeros(claims.rows, np.bool_)
        if items is not None:
            claims.items = _items_of(claims, items)
            again = _repeated(claims.ids, self._repeated)

        def judge(bound: _Bound) -> _Judged:
            verdict = bound.kind.judge(claims, bound.params)
            if bound.kind.scope is Scope.ITEMS:
                verdict = _with_items(verdict, claims, again)
            return self._told(bound.rule, verdict, self._rows, claims.ids, claims.hospitals)

        # What most rules read is read before two of them ask for it at once.
        claims.codes("diagnoses")
        claims.codes("procedures")
        self._judge(judge, self._now, claims.hospitals)
        if self._later:
            self._narrow.append(narrow(claims, self._needs, self._rows))
        self._rows += claims.rows

    def finish(self) -> AuditResult:
        """Judge by the rules that must see every claim, and close the run."""
        if self._later and self._narrow:
            frame = pl.concat(self._narrow, rechunk=True)
            reference = None
            if self._reference is not None:
                reference = narrow(AuditClaims(*self._reference), self._needs)
            whole = Whole(frame, reference)
            hospitals = Named(*_named(frame["hospital_id"]))

            def judge(bound: _Bound) -> _Judged:
                verdict = bound.kind.judge(whole, bound.params)
                return self._told(bound.rule, verdict, 0, frame["claim_id"], hospitals)

            self._judge(judge, self._later, hospitals)
        return AuditResult(
            findings=pl.concat([FINDINGS.to_frame(), *self._findings]).sort("row", "rule"),
            counts=self._tally.frame(self.rules.rules),
            stakes=pl.concat([STAKES.to_frame(), *self._stakes]),
            claims=self._rows,
        )

    def _judge(
        self, judge: Callable[[_Bound], _Judged], rules: Sequence[_Bound], hospitals: Named
    ) -> None:
        if len(hospitals.codes) <= _FEW:
            self._note(map(judge, rules), hospitals)
            return
        with ThreadPoolExecutor(_JUDGES) as pool:
            self._note(pool.map(judge, rules), hospitals)

    def _note(self, every: Iterable[_Judged], hospitals: Named) -> None:
        for judged in every:
            self._tally.add(judged.rule, judged.verdict, hospitals)
            self._findings += judged.findings
            if judged.stakes is not None:
                self._stakes.append(judged.stakes)

    def _told(
        self, rule: Rule, verdict: Verdict, before: int, ids: pl.Series, hospitals: Named
    ) -> _Judged:
        told = [(verdict.hit, Result.HIT)]
        if self._every:
            told.append((verdict.unknown, Result.NOT_ASSESSABLE))
        findings = []
        for flags, result in told:
            rows = np.flatnonzero(flags)
            if len(rows):
                part = _findings(rule, verdict, result, rows, ids, hospitals, self._lang)
                findings.append(part.with_columns(part["row"] + before) if before else part)
        stakes = None
        if rule.level in _BY_LINE and verdict.stakes is not None:
            stakes = verdict.stakes.select(
                pl.lit(rule.id).alias("rule"), pl.col("row") + before + 1, pl.exclude("row")
            )
        return _Judged(rule, verdict, findings, stakes)


def audit_frame(
    rules: RuleSet,
    frame: pl.DataFrame,
    columns: ClaimColumns,
    items: pl.DataFrame | None = None,
    *,
    lang: str | None = None,
    every: bool = False,
) -> AuditResult:
    """Audit one frame, a claim a row, as ``Audit`` and ``Audit.add`` do.

    Parameters
    ----------
    rules, frame, columns, items, lang, every
    """
    audit = Audit(rules, lang=lang, every=every)
    audit.add(frame, columns, items=items)
    return audit.finish()


class _Bound(NamedTuple):
    rule: Rule
    kind: Kind
    params: Params

    @classmethod
    def of(cls, rule: Rule) -> _Bound:
        kind = KINDS[rule.kind]
        # Loading has checked them and filled in what the rule leaves out.
        return cls(rule, kind, kind.params.model_construct(**rule.params))


class _Judged(NamedTuple):
    rule: Rule
    verdict: Verdict
    findings: list[pl.DataFrame]
    stakes: pl.DataFrame | None


class _Tally:
    """Counts by rule and hospital."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._last: tuple[Any, Any] | None = None

    def add(self, rule: Rule, verdict: Verdict, hospitals: Named) -> None:
        names = [*hospitals.names, ""]
        size = len(names)
        for what, flags in (("hits", verdict.hit), ("unknown", verdict.unknown), ("claims", None)):
            if flags is not None and not flags.any():
                continue
            every = flags is None or flags.all()
            codes = hospitals.codes if every else hospitals.codes[flags]
            # The counts of all claims are the same for every rule of a batch.
            found = self._whole(hospitals) if every else np.bincount(codes, minlength=size)
            for n in np.flatnonzero(found):
                self._counts[names[n], rule.id, what] += int(found[n])
        if verdict.amount is None:
            return
        at_stake = verdict.hit & (verdict.amount != NO_AMOUNT)
        codes, amounts = hospitals.codes[at_stake], verdict.amount[at_stake]
        for n in np.unique(codes):
            self._counts[names[n], rule.id, "amount"] += exact_sum(amounts[codes == n])

    def _whole(self, hospitals: Named) -> np.ndarray[Any, np.dtype[np.int64]]:
        if self._last is None or self._last[0] is not hospitals.codes:
            counts = np.bincount(hospitals.codes, minlength=len(hospitals.names) + 1)
            self._last = (hospitals.codes, counts)
        return self._last[1]

    def frame(self, rules: Iterable[Rule]) -> pl.DataFrame:
        hospitals = sorted({key[0] for key in self._counts})
        rows: list[tuple[Any, ...]] = []
        for hospital in hospitals:
            for rule in rules:
                claims, hits, unknown, amount = (
                    self._counts[hospital, rule.id, what]
                    for what in ("claims", "hits", "unknown", "amount")
                )
                if claims:
                    passes = claims - hits - unknown
                    level = rule.level.value
                    rows.append(
                        (hospital or None, rule.id, level, claims, hits, passes, unknown, amount)
                    )
        return pl.DataFrame(rows, schema=COUNTS, orient="row")


def _findings(
    rule: Rule,
    verdict: Verdict,
    result: Result,
    rows: np.ndarray[Any, np.dtype[np.int64]],
    ids: pl.Series,
    hospitals: Named,
    lang: str,
) -> pl.DataFrame:
    names = pl.Series([*hospitals.names, None], dtype=pl.String)
    told: dict[str, pl.Series | str | None] = {
        "row": pl.Series(rows + 1, dtype=pl.Int64),
        "claim_id": ids.gather(rows),
        "hospital_id": names.gather(hospitals.codes[rows]),
        "rule": rule.id,
        "level": rule.level.value,
        "result": result.value,
        "evidence": pl.Series(verdict.evidence(rows, lang), dtype=pl.String),
        "amount_fen": None,
        "source": rule.source,
    }
    if verdict.amount is not None and result is Result.HIT:
        amounts = pl.Series(verdict.amount[rows])
        told["amount_fen"] = amounts.set(amounts == NO_AMOUNT, None)
    # Whole columns, not expressions: most rules have few hits, and planning would cost more.
    same = (
        value.alias(name)
        if isinstance(value, pl.Series)
        else pl.Series(name, [value], FINDINGS[name]).new_from_index(0, len(rows))
        for name, value in told.items()
    )
    return pl.DataFrame(list(same))


def _items_of(claims: AuditClaims, items: pl.DataFrame) -> pl.DataFrame:
    """The charges of these claims with the claim's place."""
    if "row" in items.columns:  # as ``ItemTable.of`` gives them
        return items
    rows = pl.DataFrame({"claim_id": claims.ids, "row": np.arange(claims.rows)})
    return items.join(rows, on="claim_id", how="inner", maintain_order="left")


def _with_items(verdict: Verdict, claims: AuditClaims, again: Flags) -> Verdict:
    """A rule on charges cannot assess a claim without any, nor one whose id stands again."""
    bare = np.ones(claims.rows, np.bool_)
    if claims.items is not None:
        bare[claims.items["row"].to_numpy()] = False
    hit = verdict.hit & ~again
    unknown = (verdict.unknown | bare | again) & ~hit
    if not again.any():
        return verdict._replace(unknown=unknown)
    evidence = either(again, sentence("audit_findings.repeated_id"), verdict.evidence)
    stakes = verdict.stakes
    if stakes is not None:
        stakes = stakes.filter(pl.Series(~again[stakes["row"].to_numpy()], dtype=pl.Boolean))
    return verdict._replace(hit=hit, unknown=unknown, evidence=evidence, stakes=stakes)


def _repeated(ids: pl.Series, known: pl.Series) -> Flags:
    """Claims whose id another claim of the batch has, or that is known to stand again."""
    again = ids.is_not_null() & (ids.is_duplicated() | ids.is_in(known.implode()))
    return np.asarray(again.fill_null(False))


def _named(series: pl.Series) -> tuple[tuple[str, ...], np.ndarray[Any, Any]]:
    names = series.unique().drop_nulls().sort()
    numbers = series.cast(pl.Enum(names)).to_physical().cast(pl.UInt32).fill_null(len(names))
    return tuple(names), numbers.to_numpy()
