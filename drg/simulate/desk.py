"""Cases grouped, priced and checked under one grouper: batches in, answers in words out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from drg.payment.mechanisms.standard import PaymentError
from drg.payment.pricing.dip_catalogue import paid_scheme
from drg.payment.pricing.price import Pricer
from drg.simulate.findings import case_findings
from drg.simulate.money import case_money
from drg.simulate.placed import Placer, results_of

if TYPE_CHECKING:
    from drg.audit.model import RuleSet
    from drg.dates import Interval
    from drg.grouping.base import ClaimGrouper
    from drg.payment.policy import Policy
    from drg.simulate.answer import CaseFinding, Grouping, Money
    from drg.simulate.cases import Batch

__all__ = ["Answered", "Answers", "Desk", "Pricers", "scheme_of"]

#: Pricers kept at the most.
_KEPT = 16


class Answered(NamedTuple):
    """One row: where it is, what it is paid, what there is to look at."""

    grouping: Grouping
    money: Money | None
    findings: tuple[CaseFinding, ...]


class Answers(NamedTuple):
    """A batch's rows in order, and the grouped frame that they come from."""

    rows: list[Answered]
    grouped: pl.DataFrame


class Pricers:
    """Pricers by policy, made when first asked for; may be shared by threads.

    Parameters
    ----------
    hospitals : DataFrame or None
        Register of hospitals.
    """

    def __init__(self, hospitals: pl.DataFrame | None) -> None:
        self._hospitals = hospitals
        self._kept: dict[tuple[str, Interval], Pricer] = {}

    def of(self, policy: Policy) -> Pricer:
        """The pricer of a policy."""
        # Of one digest there are two: the policy itself, and as if it were in force on any day.
        key = policy.digest, policy.in_force
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            found = self._kept.setdefault(key, Pricer(policy, self._hospitals))
        return found


def scheme_of(policy: Policy) -> tuple[str, str]:
    """Kind and id of what a policy's groups are of, each ``""`` where it does not say."""
    kind = "drg" if policy.drg is not None else "dip" if policy.dip is not None else ""
    return kind, paid_scheme(policy)


class Desk:
    """Answers for cases under one grouper. Immutable; may be shared by threads.

    Parameters
    ----------
    grouper : ClaimGrouper
    rules : RuleSet or None
    edition_stated : bool
        As ``case_findings`` takes it.
    """

    def __init__(
        self, grouper: ClaimGrouper, rules: RuleSet | None, *, edition_stated: bool
    ) -> None:
        self.grouper = grouper
        self._placer = Placer(grouper)
        self._rules = rules
        self._edition_stated = edition_stated

    def serves(self, policy: Policy) -> bool:
        """Whether a policy pays for groups of this grouper."""
        kind, scheme = scheme_of(policy)
        if kind and kind != self.grouper.kind:
            return False
        versions = [version.id for version in self.grouper.versions]
        return scheme in ("", *(versions or [self.grouper.scheme_id]))

    def require(self, policy: Policy) -> None:
        """Refuse a policy that pays for other groups.

        Raises
        ------
        PaymentError
            P426: claims grouped under another scheme than the policy's.
        """
        if not self.serves(policy):
            kind, scheme = scheme_of(policy)
            raise PaymentError(
                "P426", policy=policy.id, wanted=scheme or kind, found=self.grouper.scheme_id
            )

    def answers(
        self,
        batch: Batch,
        pricer: Pricer | None,
        changed: Sequence[str],
        lang: str | None,
        *,
        grouped: pl.DataFrame | None = None,
        firm: int = 0,
    ) -> Answers:
        """Group, price and check a batch.

        Parameters
        ----------
        batch : Batch
        pricer : Pricer or None
            None: no money is told.
        changed : sequence of str
            Numbers other than the policy's own.
        lang : {"zh", "en"} or None
        grouped : DataFrame, optional
            The batch as this grouper groups it, where that is known.
        firm : int, optional
            So many rows at the beginning must fall under the policy's scheme; of later ones those
            that fall under another version of the place have no money.

        Raises
        ------
        PaymentError
            As ``case_money``; P426 for one of the ``firm`` rows.
        """
        frame, columns = batch
        if grouped is None:
            grouped = self.grouper.group_frame(frame, columns, threads=1)
        places = [self._placer.answer(r, lang) for r in results_of(self._placer, grouped)]
        money: list[Money | None] = [None] * len(places)
        if pricer is not None:
            wanted = pricer.scheme
            other = [n for n, at in enumerate(places) if wanted and at.scheme not in (wanted, None)]
            if other and other[0] < firm:
                found = places[other[0]].scheme
                raise PaymentError("P426", policy=pricer.policy.id, wanted=wanted, found=found)
            left = set(other)
            rows = [n for n in range(len(places)) if n not in left]
            priced = grouped[rows] if other else grouped
            told = case_money(pricer, priced, columns, changed=changed, lang=lang)
            for row, one in zip(rows, told, strict=True):
                money[row] = one
        findings = case_findings(
            self.grouper,
            self._rules,
            frame,
            columns,
            grouped,
            edition_stated=self._edition_stated,
            lang=lang,
        )
        rows_of = [Answered(*row) for row in zip(places, money, findings, strict=True)]
        return Answers(rows_of, grouped)
