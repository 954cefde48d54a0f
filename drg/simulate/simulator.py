"""One case before upload: where it is, what it is expected to be paid, what would change it.

All alternatives of a case go through the kernel in one batch and are priced in one more; only
paths and reasons come from the reference grouper, claim by claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from drg.simulate.alternatives import Alternatives, Wanted, say
from drg.simulate.answer import (
    Change,
    Difference,
    Explanation,
    Grouping,
    Line,
    Scenario,
    ScenarioKind,
    Simulation,
)
from drg.simulate.because import Because, because_money, because_scheme, serving_grouper
from drg.simulate.cases import Cases
from drg.simulate.desk import Answered, Answers, Desk, Pricers, scheme_of
from drg.simulate.findings import raised_and_cleared
from drg.simulate.naming import CodeNames
from drg.simulate.others import Other, in_order, on_any_day, other_changes, same_grouping
from drg.simulate.stay import Means, case_stays

if TYPE_CHECKING:
    import polars as pl

    from drg.audit.model import RuleSet
    from drg.claims.model import Claim
    from drg.claims.profiles import ClaimColumns
    from drg.grouping.base import ClaimGrouper
    from drg.payment.policy import Policy

__all__ = ["MEANS", "Other", "Simulator", "Wanted"]

#: Columns of the means of groups: ``group``, ``los_mean`` (days, Decimal text), ``cost_mean_fen``
#: (Int64), ``source`` (text); null: not told.
MEANS = ("group", "los_mean", "cost_mean_fen", "source")

#: Other groupers whose names are kept at the most.
_DESKS = 8


class Simulator:
    """Explains and simulates cases under one scheme and policy. Immutable, shared by threads.

    Parameters
    ----------
    grouper : ClaimGrouper
    policy : Policy, optional
        Without one there is no money.
    rules : RuleSet, optional
        Audit rules; without them only grouping has findings.
    means : DataFrame, optional
        Means of groups (``MEANS``).
    hospitals : DataFrame, optional
        Register of hospitals, as ``drg.payment.pricing.price.Pricer`` takes it.
    changed : sequence of str, optional
        Numbers of the policy that are not its own, as ``drg.rates.310 = 9000``.
    edition_stated : bool, optional
        The user said which edition the codes are of: none is suspected to be of the other.

    Raises
    ------
    PaymentError
        P426: the policy pays for groups of another scheme; or as ``Pricer`` does.
    """

    def __init__(
        self,
        grouper: ClaimGrouper,
        policy: Policy | None = None,
        *,
        rules: RuleSet | None = None,
        means: pl.DataFrame | None = None,
        hospitals: pl.DataFrame | None = None,
        changed: Sequence[str] = (),
        edition_stated: bool = False,
    ) -> None:
        self.grouper = grouper
        self.policy = policy
        self._rules = rules
        self._stated = edition_stated
        self._changed = tuple(changed)
        self._means = None if means is None else Means(means)
        self._pricers = Pricers(hospitals)
        self._desk = Desk(grouper, rules, edition_stated=edition_stated)
        self._desks: dict[tuple[str, str], Desk] = {}
        if policy is not None:
            self._desk.require(policy)
            self._pricers.of(policy)

    def explain(self, case: Claim, *, lang: str | None = None) -> Explanation:
        """One case as it stands.

        Parameters
        ----------
        case : Claim or Case
            A ``Case`` has what payment and audit read besides.
        lang : {"zh", "en"}, optional
            Language of the texts; the context's when omitted.
        """
        return self._explained(Cases.of([case]), None, lang)[0]

    def simulate(
        self,
        case: Claim,
        wanted: Wanted | None = None,
        others: Sequence[Other] = (),
        *,
        lang: str | None = None,
    ) -> Simulation:
        """One case and its alternatives.

        Parameters
        ----------
        case : Claim or Case
        wanted : Wanted, optional
            Which alternatives; every recorded code when omitted.
        others : sequence of Other, optional
            Other schemes, policies or numbers for the same case.
        lang : {"zh", "en"}, optional

        Raises
        ------
        SimulateError
            G401, G402: a corrected value cannot be read, or its column cannot be corrected.
        PaymentError
            As ``Pricer.assess`` does.
        """
        return self._simulated(Cases.of([case]), wanted, others, None, lang)[0]

    def explain_frame(
        self,
        frame: pl.DataFrame,
        columns: ClaimColumns,
        *,
        first_row: int = 1,
        lang: str | None = None,
    ) -> list[Explanation]:
        """Every case of a frame, in order, read as ``drg group`` and ``drg settle`` read it.

        Parameters
        ----------
        frame : DataFrame
            One case a row.
        columns : ClaimColumns
            Which columns feed which field.
        first_row : int, optional
            Number of the first row, for ``Explanation.row``.
        lang : {"zh", "en"}, optional
        """
        return self._explained(Cases(frame, columns, first_row=first_row), first_row, lang)

    def simulate_frame(
        self,
        frame: pl.DataFrame,
        columns: ClaimColumns,
        wanted: Wanted | None = None,
        others: Sequence[Other] = (),
        *,
        first_row: int = 1,
        lang: str | None = None,
    ) -> list[Simulation]:
        """Every case of a frame with its alternatives, all in one batch.

        Parameters and errors as of ``simulate`` and ``explain_frame``.
        """
        cases = Cases(frame, columns, first_row=first_row)
        return self._simulated(cases, wanted, others, first_row, lang)

    # ---- cases as they stand

    def _explained(
        self, cases: Cases, first_row: int | None, lang: str | None
    ) -> list[Explanation]:
        names = self._names(cases)
        pricer = self._pricers.of(self.policy) if self.policy else None
        count = len(cases.base)
        answers = self._desk.answers(cases.batch, pricer, self._changed, lang, firm=count)
        return self._explanations(cases, names, answers, first_row, lang)

    def _names(self, cases: Cases) -> list[CodeNames]:
        return [CodeNames(serving_grouper(self.grouper, base.claim)) for base in cases.base]

    def _explanations(
        self,
        cases: Cases,
        names: Sequence[CodeNames],
        answers: Answers,
        first_row: int | None,
        lang: str | None,
    ) -> list[Explanation]:
        """Explanations of the cases, whose answers stand first."""
        grouped = answers.grouped.head(len(cases.base))
        stays = case_stays(grouped, cases.batch.columns, self._means, lang=lang)
        found = []
        for n, base in enumerate(cases.base):
            row = answers.rows[n]
            found.append(
                Explanation(
                    claim_id=base.claim.claim_id,
                    row=None if first_row is None else first_row + n,
                    grouping=row.grouping,
                    money=row.money,
                    stay=stays[n],
                    path=tuple(
                        Line(
                            text=line.text,
                            depth=line.depth,
                            holds=line.holds,
                            kind=line.kind,
                            source="; ".join(line.sources),
                        )
                        for line in self.grouper.path(base.claim, lang)
                    ),
                    findings=row.findings,
                    diagnoses=names[n].listed("dx", base.claim),
                    procedures=names[n].listed("px", base.claim),
                )
            )
        return found

    # ---- alternatives

    def _simulated(
        self,
        cases: Cases,
        wanted: Wanted | None,
        others: Sequence[Other],
        first_row: int | None,
        lang: str | None,
    ) -> list[Simulation]:
        names = self._names(cases)
        asked = wanted or Wanted()
        alternatives = [
            Alternatives(base, asked, named.name, lang)
            for base, named in zip(cases.base, names, strict=True)
        ]
        count = len(cases.base)
        batch = cases.with_alternatives([one.tried for one in alternatives])
        pricer = self._pricers.of(self.policy) if self.policy else None
        answers = self._desk.answers(batch, pricer, self._changed, lang, firm=count)
        explanations = self._explanations(cases, names, answers, first_row, lang)
        ordered = in_order(others)
        elsewhere = [self._elsewhere(cases, other, lang) for other in ordered]
        changes = [other_changes(self.grouper, self.policy, other, lang) for other in ordered]
        found, place = [], count
        for n, (base, tried) in enumerate(zip(cases.base, alternatives, strict=True)):
            own = answers.rows[n]
            because = Because(self.grouper, base.claim, lang)
            scenarios: list[Scenario] = []
            for one in tried.tried:
                row = answers.rows[place]
                place += 1
                why = because.of(one.claim)
                if self.policy is not None:
                    why += self._why_paid(own, row, self.policy, lang)
                scenarios.append(
                    _scenario(len(scenarios) + 1, one.kind, one.label, one.changes, own, row, why)
                )
            for other, rows, changed in zip(ordered, elsewhere, changes, strict=True):
                why = self._why_elsewhere(base.claim, other, own, rows[n], lang)
                label = say(f"label_{other.kind}", lang, label=other.label)
                scenarios.append(
                    _scenario(len(scenarios) + 1, other.kind, label, changed, own, rows[n], why)
                )
            found.append(
                Simulation(
                    base=explanations[n],
                    scenarios=tuple(scenarios),
                    notice=say("notice", lang),
                    left_out=tried.left_out,
                )
            )
        return found

    def _elsewhere(self, cases: Cases, other: Other, lang: str | None) -> list[Answered]:
        """The cases under another scheme, policy or numbers, in one batch."""
        desk = self._desk_of(other.grouper)
        pricer = None
        if other.policy is not None and desk.serves(other.policy):
            # Another policy is asked for as another year's, whose days these are not.
            policy = on_any_day(other.policy) if other.kind == "policy" else other.policy
            pricer = self._pricers.of(policy)
        return desk.answers(cases.batch, pricer, other.numbers, lang).rows

    def _desk_of(self, grouper: ClaimGrouper) -> Desk:
        if same_grouping(self.grouper, grouper):
            return self._desk
        key = grouper.digest, grouper.codes
        found = self._desks.get(key)
        if found is None:
            if len(self._desks) >= _DESKS:
                self._desks.clear()
            made = Desk(grouper, self._rules, edition_stated=self._stated)
            found = self._desks.setdefault(key, made)
        return found

    def _why_paid(
        self, own: Answered, row: Answered, policy: Policy, lang: str | None
    ) -> tuple[str, ...]:
        """Why a payment differs, or why there is none under another scheme."""
        if own.money is not None and row.money is None:
            kind, scheme = scheme_of(policy)
            found = row.grouping.scheme or row.grouping.scheme_title
            wanted = scheme or kind.upper()
            return (say("other_policy", lang, policy=policy.id, wanted=wanted, found=found),)
        return because_money(own.money, row.money, lang)

    def _why_elsewhere(
        self, claim: Claim, other: Other, own: Answered, row: Answered, lang: str | None
    ) -> tuple[str, ...]:
        why: tuple[str, ...] = ()
        if not same_grouping(self.grouper, other.grouper):
            why = because_scheme(self.grouper, other.grouper, claim, lang)
        if other.policy is None:
            return why
        day, days = claim.discharged_on, other.policy.in_force
        if other.kind == "policy" and day is not None and day not in days and row.money:
            why += (say("other_days", lang, policy=other.policy.id, in_force=str(days)),)
        return why + self._why_paid(own, row, other.policy, lang)


def _scenario(
    place: int,
    kind: ScenarioKind,
    label: str,
    changes: tuple[Change, ...],
    own: Answered,
    row: Answered,
    because: tuple[str, ...],
) -> Scenario:
    raised, cleared = raised_and_cleared(own.findings, row.findings)
    return Scenario(
        place=place,
        kind=kind,
        label=label,
        changes=changes,
        grouping=row.grouping,
        money=row.money,
        same_group=_seat(own.grouping) == _seat(row.grouping),
        difference=_difference(own, row),
        because=because,
        raised=raised,
        cleared=cleared,
    )


def _seat(grouping: Grouping) -> tuple[str, str | None]:
    return grouping.outcome, grouping.group


def _difference(own: Answered, row: Answered) -> Difference:
    """What a scenario comes to less what the case comes to."""
    one, other = own.money, row.money
    if one is None or other is None:
        return Difference(score=_less(row.grouping.score, own.grouping.score))
    return Difference(
        weight=_less(other.weight, one.weight),
        score=_less(other.score, one.score),
        standard_fen=_gap(other.standard_fen, one.standard_fen),
        fund_fen=_gap(other.fund_fen, one.fund_fen),
        difference_fen=_gap(other.difference_fen, one.difference_fen),
    )


def _less(one: str | None, other: str | None) -> str | None:
    return None if one is None or other is None else format(Decimal(one) - Decimal(other), "f")


def _gap(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one - other
