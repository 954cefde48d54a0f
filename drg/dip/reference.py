"""The reference matcher: interprets a catalogue group by group and keeps every fact it finds.

The oracle of DIP: slow and readable. It shares the vocabulary with the compiler and nothing else;
the kernel is tested against it claim by claim. ``drg.dip.model.Matching`` tells what it settles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from drg.dip.choose import Candidate, Choice, Fit, fit_terms, narrow
from drg.dip.decision import Decision, ProcedureKind, Trial, TypeDecision
from drg.dip.grammar import Terms, terms_text
from drg.dip.truth import ClaimTruth
from drg.dip.vocabulary import Place, Vocabulary
from drg.grouping.reference_case import Case, Reading, Spelling, fold
from drg.grouping.result import GroupResult, Outcome
from drg.money import AmountError, fen

if TYPE_CHECKING:
    from drg.claims.model import Claim
    from drg.dip.model import Catalogue, Group, Subtype
    from drg.schemes.crosswalk import Crosswalk, Kind

__all__ = ["ReferenceMatcher", "cost_of"]

#: Where groups for every diagnosis, and for ranges, are kept.
_ANY = "*"
_QUIET_CLASSES = ("core", "primary")
#: Beyond this many digits of yuan a cost cannot be read, as in a column.
_TOP_FEN = 10**15


def cost_of(claim: Claim) -> int | None:
    """Total cost in fen as a column of costs is read; None: missing, not readable or below 0."""
    if claim.total_cost is None:
        return None
    try:
        cost = fen(claim.total_cost, half_up=True)
    except AmountError:
        return None
    return cost if 0 <= cost < _TOP_FEN else None


class ReferenceMatcher:
    """Groups one claim at a time, exactly as the catalogue's tables say.

    Parameters
    ----------
    catalogue : Catalogue
    crosswalks : mapping of {"dx", "px"} to Crosswalk, optional
        Claims come in the clinical edition.
    """

    def __init__(
        self, catalogue: Catalogue, crosswalks: Mapping[Kind, Crosswalk] | None = None
    ) -> None:
        self.catalogue = catalogue
        self.matching = catalogue.matching
        vocabulary = Vocabulary(catalogue)
        self.places = vocabulary.diagnoses
        crosswalks = dict(crosswalks or {})
        if "dx" in crosswalks:
            short = {code: code for code in self.places if code not in catalogue.dx_names}
            whole = crosswalks["dx"]
            crosswalks["dx"] = replace(whole, insurance={**short, **whole.insurance})
        known = {"dx": frozenset(self.places), "px": frozenset(vocabulary.procedures)}
        names = {"dx": catalogue.dx_names, "px": catalogue.px_names}
        lenient = catalogue.normalise_codes
        self._dx, self._px = (
            Spelling(known[kind], names[kind], lenient=lenient, crosswalk=crosswalks.get(kind))
            for kind in ("dx", "px")
        )
        self._groups = {group.code: group for group in catalogue.groups}
        self._terms = {
            group.code: _known_terms(group.terms, vocabulary) for group in catalogue.groups
        }
        self._subtypes: defaultdict[str, list[Subtype]] = defaultdict(list)
        for subtype in catalogue.subtypes:
            self._subtypes[subtype.group].append(subtype)
        self._tier_of = {
            name: n for n, tier in reversed([*enumerate(self.matching.tiers)]) for name in tier
        }
        ranks = reversed([*enumerate(self.matching.type_order)])
        self._rank_of = {name: n for n, name in ranks}
        self._of: defaultdict[str, list[int]] = defaultdict(list)
        for n, group in enumerate(catalogue.groups):
            for diagnosis in group.diagnosis if self._tier(group) is not None else ():
                self._of[_ANY if "-" in diagnosis else diagnosis.upper()].append(n)
            if not group.diagnosis and self._tier(group) is not None:
                self._of[_ANY].append(n)

    @property
    def spellings(self) -> Mapping[Kind, Spelling]:
        """How codes are read, by kind."""
        return {"dx": self._dx, "px": self._px}

    def match(self, claim: Claim) -> GroupResult:
        """Group one claim."""
        return self.decide(claim).result

    def decide(self, claim: Claim) -> Decision:
        """Group one claim and keep how.

        Parameters
        ----------
        claim : Claim
            Canonical fields; None means not reported.
        """
        case = Case(claim, self._dx, self._px)
        place = self.places.get(case.principal_dx or "")
        cost = cost_of(claim)
        kinds = self._kinds(case)
        ruling, ruling_code = self._ruling(kinds)
        truth = ClaimTruth(self.catalogue, case, self.places, cost)
        started = Decision(
            case, place, cost, kinds, ruling, ruling_code, (), None, (), truth.comorbidities,
            (), (), None, self._result(claim, Outcome.REJECTED, "E120"),
        )  # fmt: skip
        if not case.dx.codes or not case.dx.has_principal:
            return started
        if place is None:
            return replace(started, result=self._result(claim, Outcome.UNGROUPABLE, "U201"))
        trials = tuple(self._try(group, started, truth) for group in self._candidates(place))
        trials = tuple(sorted(trials, key=lambda trial: trial.tier))
        fitting = [trial for trial in trials if trial.verdict == "fits"]
        if not fitting:
            reason = self._why_none(place, trials)
            result = self._result(claim, Outcome.UNGROUPABLE, reason)
            return replace(started, trials=trials, result=result)
        choice = narrow(
            [trial.fit for trial in fitting if trial.tier == fitting[0].tier and trial.fit],
            principal=_first_procedure(case),
            cost_fen=cost,
            comparators=self.matching.comparators,
        )
        return self._scored(claim, replace(started, trials=trials, choice=choice), choice, truth)

    # ---- which groups fit

    def _candidates(self, place: Place) -> Iterator[Group]:
        """Groups that are for this diagnosis, or for every one."""
        keys = {place.subcategory, place.category, _ANY} - {""}
        for n in sorted({n for key in keys for n in self._of.get(key, ())}):
            group = self.catalogue.groups[n]
            if not group.diagnosis or _lists(group, place):
                yield group

    def _tier(self, group: Group) -> int | None:
        tiers = (self._tier_of.get(name) for name in self._type_names(group))
        return min((tier for tier in tiers if tier is not None), default=None)

    def _rank(self, group: Group) -> int:
        ranks = (self._rank_of.get(name) for name in self._type_names(group))
        return min((r for r in ranks if r is not None), default=len(self.matching.type_order))

    def _type_names(self, group: Group) -> tuple[str, str]:
        return self.catalogue.type_of(group), group.group_class

    def _try(self, group: Group, found: Decision, truth: ClaimTruth) -> Trial:
        """Whether a group fits: its procedures, its kind, then its conditions."""
        tier = self._tier(group)
        assert tier is not None
        shape = (group, self.catalogue.type_of(group), tier)
        candidate = Candidate(
            group.code, self._terms[group.code], group.mean_fen, group.score_e4, self._rank(group)
        )
        procedures = [fold(code) for code in found.case.px.codes if code is not None]
        fit: Fit | None = Fit(candidate)
        if group.terms:
            fit = fit_terms(candidate, procedures, self.matching.related)
            if fit is None:
                return Trial(*shape, "term", terms_text(self._lacking(group, procedures)), None)
        elif group.attribute:
            if found.ruling not in self.matching.attributes[group.attribute]:
                return Trial(*shape, "kind", "", None)
        elif group.group_class in _QUIET_CLASSES and found.ruling_code is not None:
            return Trial(*shape, "quiet", "", None)
        truths = {name: truth.holds(name, group.mean_fen) for name in group.conditions}
        for verdict, wanted in (("condition", False), ("unknown", None)):
            for name, held in truths.items():
                if held is wanted:
                    return Trial(*shape, verdict, name, fit)  # type: ignore[arg-type]
        return Trial(*shape, "fits", "", fit)

    def _lacking(self, group: Group, procedures: list[str]) -> Terms:
        """The terms that have to be met and are not."""
        needed = group.terms if self.matching.related == "all" else group.terms[:1]
        known = self._terms[group.code]
        return tuple(
            term
            for n, term in enumerate(needed)
            if fit_terms(Candidate("", _same(known[: n + 1])), procedures) is None
        )

    def _why_none(self, place: Place, trials: tuple[Trial, ...]) -> str:
        if any(trial.verdict == "unknown" for trial in trials):
            return "U214"
        own = [trial.group for trial in trials if trial.group.diagnosis]
        if any(place.subcategory in _folded(group) for group in own if place.subcategory):
            return "U212"
        return "U213" if own else "U211"

    # ---- kinds of procedures

    def _kinds(self, case: Case) -> tuple[ProcedureKind, ...]:
        codes = dict.fromkeys(code for code in case.px.codes if code is not None)
        derived = self.catalogue.derived
        return tuple(
            ProcedureKind(code, self.catalogue.kind_of(code), code in derived) for code in codes
        )

    def _ruling(self, kinds: tuple[ProcedureKind, ...]) -> tuple[str, str | None]:
        """The kind that chooses the comprehensive group, and the procedure it is of."""
        matching = self.matching
        if all(found.kind in matching.quiet for found in kinds):
            return matching.kinds[-1], None
        if matching.ruling == "principal":
            return kinds[0].kind, kinds[0].code
        heaviest = min(kinds, key=lambda found: matching.kinds.index(found.kind))
        return heaviest.kind, heaviest.code

    # ---- auxiliary subtype and score

    def _scored(self, claim: Claim, found: Decision, choice: Choice, truth: ClaimTruth) -> Decision:
        """The chosen group's subtype, score and note."""
        assert choice.code is not None
        group = self._groups[choice.code]
        listed = tuple(self._subtypes[group.code])
        types = tuple(self._types(group, truth))
        own = {decided.subtype for decided in types}
        matched = tuple(subtype for subtype in listed if subtype.subtype in own)
        subtype = max(matched, key=lambda s: s.score_e4, default=None)
        unlisted = subtype is None and group.score_e4 is None
        if unlisted and listed and self.matching.unlisted == "lowest":
            subtype = min(listed, key=lambda s: s.score_e4)
        found = replace(found, types=types, listed=listed, matched=matched, subtype=subtype)
        score = subtype.score_e4 if subtype else group.score_e4
        if score is None:
            result = self._result(claim, Outcome.UNGROUPABLE, "U215")
            return replace(found, result=result._replace(decided_by=choice.decided_by))
        names = {c.subtype: c.type for c in self.catalogue.classes}
        open_types = {decided.type for decided in types if decided.doubts}
        noted = (
            ("N430", any(loss.comparator == "nearest_mean" for loss in choice.losses)),
            ("N434", _untold_before(found.trials)),
            ("N435", choice.costless),
            ("N431", any(names.get(s.subtype) in open_types for s in listed)),
            ("N432", unlisted),
            ("N401", None in found.case.dx.codes),
            ("N402", None in found.case.px.codes),
            ("N433", found.place is not None and not found.place.subcategory),
            ("N403", any(r.respelled for r in _readings(found.case))),
        )
        note = next((code for code, applies in noted if applies), None)
        result = self._result(claim, Outcome.GROUPED, note)._replace(
            adrg=group.code,
            group=f"{group.code}_{subtype.subtype}" if subtype else group.code,
            group_name=group.name,
            group_class=self.catalogue.type_of(group),
            auxiliary=subtype.subtype if subtype else None,
            decided_by=choice.decided_by,
            score_e4=score,
        )
        return replace(found, result=result)

    def _types(self, group: Group, truth: ClaimTruth) -> Iterator[TypeDecision]:
        for name in dict.fromkeys(row.type for row in self.catalogue.classes):
            doubts: list[str] = []
            subtype: str | None = None
            conditions: tuple[str, ...] = ()
            for row in self.catalogue.classes:
                if row.type != name:
                    continue
                held = truth.all_hold(row.conditions, group.mean_fen)
                if held:
                    subtype, conditions = row.subtype, row.conditions
                    break
                if held is None:
                    told = {c: truth.holds(c, group.mean_fen) for c in row.conditions}
                    doubts += [c for c, truth_of in told.items() if truth_of is None]
            yield TypeDecision(name, subtype, conditions, tuple(dict.fromkeys(doubts)))

    def _result(self, claim: Claim, outcome: Outcome, reason: str | None) -> GroupResult:
        nothing = (None,) * 5
        catalogue = self.catalogue
        return GroupResult(
            claim.claim_id, *nothing, outcome, reason, catalogue.id, catalogue.digest
        )


def _known_terms(terms: Terms, vocabulary: Vocabulary) -> Terms:
    """Terms in the known codes' spelling, folded; prefixes stay prefixes."""
    return tuple(
        tuple(fold(part if part.endswith("*") else vocabulary.procedure(part)) for part in term)
        for term in terms
    )


def _untold_before(trials: tuple[Trial, ...]) -> bool:
    """Whether a group of a tier before the one that decides might have fitted."""
    decides = min(trial.tier for trial in trials if trial.verdict == "fits")
    return any(trial.verdict == "unknown" and trial.tier < decides for trial in trials)


def _same(terms: Terms) -> Terms:
    """The last term, as often as it is among these."""
    return tuple(term for term in terms if set(term) == set(terms[-1]))


def _folded(group: Group) -> list[str]:
    return [diagnosis.upper() for diagnosis in group.diagnosis]


def _lists(group: Group, place: Place) -> bool:
    """Whether the group is for the subcategory, its category, or a range that the latter is in."""
    for diagnosis in _folded(group):
        first, dash, last = diagnosis.partition("-")
        if dash:
            if first[:3] <= place.category <= last[:3]:
                return True
        elif diagnosis in (place.subcategory, place.category):
            return True
    return False


def _first_procedure(case: Case) -> str | None:
    """The reported principal procedure, folded; None: none, or it is unknown."""
    return fold(case.px.codes[0]) if case.px.codes and case.px.codes[0] else None


def _readings(case: Case) -> Iterator[Reading]:
    yield from case.readings("dx") + case.readings("px")
