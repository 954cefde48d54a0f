"""A plan made ready: for each kind of visit the rules that hold, worked out once and kept."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from drg.benefits.formulas import Rule, make_rule
from drg.benefits.people import Person, Unsaid, holds, place_of, spelled
from drg.benefits.plan import Plan
from drg.benefits.terms import AT_HOME, Adjust, Backstop, Row
from drg.payment.pricing.levels import level_of

__all__ = ["Compiled", "Key", "Terms", "compiled"]

#: Names of a plan for someone it has no name for.
_NONE = "none"
#: Reason code of what a visit does not report.
_UNSAID = {
    "level": "N501", "retired": "N502", "region": "N503", "off_site": "N504", "category": "N504",
    "care": "N505", "insurance": "N508",
}  # fmt: skip
_OPEN = "N506"

#: A visit's off_site, category, care, retired, region, level and insurance, as it reports them.
Key = tuple[str, str, str, "bool | None", str, str, str]


class Terms(NamedTuple):
    """What holds for one kind of visit.

    Attributes
    ----------
    reason : str
        Why it cannot be settled; ``""``: it can.
    basic : Rule or None
        None: the plan has none; what basic insurance paid has to be reported.
    critical, assistance : Rule or None
        None: not entitled.
    backstops : tuple of Rule
    first_self_pay : bool
        What is paid first of class B counts as compliant.
    stay : bool
        Counts among the stays of a year.
    rank : int
        Rank of the region, the lowest 0; -1: not told.
    paths : tuple of str
        Rows and changes of the plan that hold, such as ``"basic.rows.tertiary"``, by layer.
    """

    reason: str = ""
    basic: Rule | None = None
    critical: Rule | None = None
    assistance: Rule | None = None
    backstops: tuple[Rule, ...] = ()
    first_self_pay: bool = False
    stay: bool = True
    rank: int = -1
    paths: tuple[str, ...] = ()


class _Undecided(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Compiled:
    """Answers of a plan by kind of visit.

    Attributes
    ----------
    regions : tuple of str
        The plan's regions, the lowest first.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.regions = (*plan.names.get("region", ()),)
        self._names = {kind: spelled(names) for kind, names in plan.names.items()}
        self._known: dict[Key, Terms] = {}

    def terms(self, key: Key) -> Terms:
        """What holds for a visit."""
        found = self._known.get(key)
        if found is None:
            try:
                found = self._decide(self._person(key))
            except _Undecided as undecided:
                found = Terms(reason=undecided.reason)
            self._known[key] = found
        return found

    def _person(self, key: Key) -> Person:
        off_site, category, care, retired, region, level, insurance = key
        covered = self.plan.insurances
        if covered and insurance not in covered:
            raise _Undecided(_UNSAID["insurance"])
        return Person(
            self._named("off_site", off_site) if off_site.strip() else AT_HOME,
            self._named("category", category) if category.strip() else _NONE,
            care,
            retired,
            self._names.get("region", {}).get(region.strip().casefold(), ""),
            level_of(level),
            insurance,
        )

    def _named(self, kind: str, text: str) -> str:
        """A name of the plan. A category that a plan without categories does not know is none."""
        names = self._names.get(kind, {})
        found = names.get(text.strip().casefold())
        if found is None and (names or kind == "off_site"):
            if kind == "off_site" and text.strip().casefold() == AT_HOME:
                return AT_HOME
            raise _Undecided(_UNSAID[kind])
        return found or _NONE

    def _decide(self, person: Person) -> Terms:
        plan = self.plan
        rank = self.regions.index(person.region) if person.region else -1
        # By call, not with the plan: several threads may ask at once.
        taken: list[str] = []
        return Terms(
            basic=self._layer("basic", person, taken),
            critical=self._layer("critical", person, taken),
            assistance=self._layer("assistance", person, taken),
            backstops=tuple(
                self._backstop(name, row, rank, taken)
                for name, row in plan.backstops.items()
                if _decided(row, person)
            ),
            first_self_pay=plan.critical is not None and plan.critical.first_self_pay,
            stay=person.care == "inpatient",
            rank=rank,
            paths=tuple(taken),
        )

    def _layer(self, layer: str, person: Person, taken: list[str]) -> Rule | None:
        terms = getattr(self.plan, layer)
        if terms is None:
            return None
        rows = sorted(terms.rows.items(), key=lambda item: place_of(item[1]), reverse=True)
        chosen = next(((name, row) for name, row in rows if _decided(row, person)), None)
        if chosen is None:
            return None
        self._given(f"{layer}.rows.{chosen[0]}", taken)
        changes = []
        for name, change in terms.adjust.items():
            if _decided(change, person):
                self._given(f"{layer}.adjust.{name}", taken)
                changes.append(change)
        return self._rule(layer, layer, chosen[1], changes)

    def _backstop(self, name: str, row: Backstop, rank: int, taken: list[str]) -> Rule:
        self._given(f"backstops.{name}", taken)
        if row.ceiling is not None:
            return make_rule(name, "backstop", yearly=True, cap=row.cap, ceilings=[row.ceiling])
        if row.ceilings:
            if rank < 0:
                raise _Undecided(_UNSAID["region"])
            ceilings = [row.ceilings.get(region, -1) for region in self.regions]
            return make_rule(name, "backstop", yearly=True, cap=row.cap, ceilings=ceilings)
        return self._rule(name, "backstop", row, [])

    def _given(self, path: str, taken: list[str]) -> None:
        """Take a row or change, nothing of which is left open."""
        taken.append(path)
        if any(wanted.startswith(f"{path}.") for wanted in self.plan.wanted):
            raise _Undecided(_OPEN)

    def _rule(self, id: str, kind: str, row: Row, changes: list[Adjust]) -> Rule:
        start = Fraction(row.start or 0)
        if row.start_of_income is not None:
            if self.plan.means.income is None:
                raise _Undecided(_OPEN)
            start = row.start_of_income * self.plan.means.income
        later = None if row.start_next is None else Fraction(row.start_next)
        share, cap = row.start_ratio, row.cap
        least = None if row.start_min is None else Fraction(row.start_min)
        most = None if row.start_max is None else Fraction(row.start_max)
        segments = [(s.to, s.ratio) for s in row.segments] or [(None, row.ratio or Fraction(0))]
        for change in changes:
            if (times := change.start_factor) is not None:
                start *= times
                later = later and later * times
                share = share and share * times
                least = least and least * times
                most = most and most * times
            if change.ratio_delta is not None:
                delta = change.ratio_delta
                segments = [
                    (to, min(max(r + delta, Fraction(0)), Fraction(1))) for to, r in segments
                ]
            if (left := change.self_pay_factor) is not None:
                segments = [(to, 1 - (1 - ratio) * left) for to, ratio in segments]
            if change.uncapped:
                cap = None
        return make_rule(
            id, kind, yearly=kind != "basic", start=start, start_next=later, share=share,
            least=least, most=most, segments=segments, base=row.segment_base, cap=cap,
        )  # fmt: skip


def _decided(who: Row | Adjust, person: Person) -> bool:
    found = holds(who, person)
    if isinstance(found, Unsaid):
        raise _Undecided(_UNSAID[found.dimension])
    return found


def compiled(plan: Plan) -> Compiled:
    """A plan's answers, kept with it."""
    found = plan._kept
    # A copy of a plan with other numbers must not answer for the plan it was made from.
    if isinstance(found, Compiled) and found.plan is plan:
        return found
    made = Compiled(plan)
    plan._kept = made
    return made
