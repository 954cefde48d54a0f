"""What the steps of a DIP decision are about, and how each words itself (catalogue/dip.toml)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from drg.dip.grammar import parse_terms
from drg.dip.truth import RULE_FIELD
from drg.grouping.explain import Fact
from drg.money import unscaled, yuan
from drg.reasons import reason_title
from drg.schemes.words import field_words
from drg.schemes.words import say as say_explain
from drg.text import catalogue, text

if TYPE_CHECKING:
    from drg.dip.choose import Loss
    from drg.dip.decision import ProcedureKind, Trial, TypeDecision
    from drg.dip.model import AuxiliaryClass, Comorbidity, Condition, Group, Subtype
    from drg.dip.vocabulary import Place
    from drg.grouping.result import GroupResult

__all__ = [
    "CandidateFact",
    "ChoiceFact",
    "DiagnosisFact",
    "KindsFact",
    "ResultFact",
    "ScoreFact",
    "SubtypeFact",
    "TypeFact",
    "comparator_words",
    "kind_words",
    "money_words",
    "say",
    "type_words",
]

#: Comparators whose key is yes or no.
_YES_NO = ("reported_principal", "leading_principal")
_PREFIXES = 6


def say(key: str, lang: str | None, **params: object) -> str:
    """One wording of ``[dip_explain]``."""
    wording = text(f"dip.dip_explain.{key}", lang)
    return wording.format(**params) if params else wording


def money_words(cost_fen: int | None, lang: str | None) -> str:
    """The total cost of a claim."""
    return say("no_cost", lang) if cost_fen is None else say("cost", lang, cost=yuan(cost_fen))


def kind_words(kind: str, lang: str | None) -> str:
    """A kind of procedures; one that a catalogue names itself by its name."""
    return _or_name("kind", kind, lang)


def class_words(group_class: str, lang: str | None) -> str:
    """A class of groups."""
    return _or_name("class", group_class, lang)


def type_words(group_type: str, lang: str | None) -> str:
    """``core.surgery`` in words."""
    group_class, _, kind = group_type.partition(".")
    return f"{class_words(group_class, lang)}·{kind_words(kind, lang)}"


def comparator_words(name: str, lang: str | None) -> str:
    """A comparator in words."""
    return say(f"by_{name}", lang)


def _or_name(area: str, name: str, lang: str | None) -> str:
    known = f"{area}_{name}_zh" in catalogue("dip")["dip_explain"]
    return say(f"{area}_{name}", lang) if known else name


def condition_words(condition: Condition, lang: str | None) -> str:
    """What a condition asks for."""
    if condition.cci:
        return _range_words(say("cci", lang), condition.start, condition.stop)
    if condition.secondary:
        shown = say_explain("or_list", lang).join(condition.secondary[:_PREFIXES])
        if len(condition.secondary) > _PREFIXES:
            shown += "…"
        key = "secondary_other" if condition.other_category else "secondary"
        return say(key, lang, codes=shown)
    if condition.cost_multiple is not None:
        return say("cost_multiple", lang, multiple=_decimal(condition.cost_multiple))
    if condition.share_of:
        share = f"{_decimal((condition.share or Fraction(0)) * 100)}%"
        return say("share", lang, column=condition.share_of, share=share)
    field = field_words(RULE_FIELD.get(condition.field, condition.field), lang)
    if condition.values:
        values = say_explain("or_list", lang).join(condition.values)
        return say_explain("rule_one_of", lang, field=field, values=values)
    return _range_words(field, condition.start, condition.stop)


def _decimal(number: Fraction) -> str:
    """For a reader only: 0.5, 3."""
    return f"{float(number):g}"


def _range_words(what: str, start: int | None, stop: int | None) -> str:
    if start is None:
        return f"{what} < {stop}"
    return f"{what} ≥ {start}" if stop is None else f"{start} ≤ {what} < {stop}"


def _all_words(conditions: Sequence[Condition], lang: str | None) -> str:
    return say_explain("and", lang).join(condition_words(c, lang) for c in conditions)


@dataclass(frozen=True, slots=True)
class DiagnosisFact(Fact):
    """What the principal diagnosis is looked up by."""

    place: Place

    def text(self, lang: str | None) -> str:
        """One line without its source."""
        place = self.place
        key = "place" if place.subcategory else "place_category"
        return say(key, lang, subcategory=place.subcategory, category=place.category)


@dataclass(frozen=True, slots=True)
class KindsFact(Fact):
    """Kinds of the procedures, and the one that chooses the comprehensive group."""

    kinds: tuple[ProcedureKind, ...]
    ruling: str
    ruling_code: str | None
    names: Mapping[str, str]

    def text(self, lang: str | None) -> str:
        """One line without its source."""
        told = [
            f"{kind.code} {self.names.get(kind.code, '')}".rstrip()
            + say("kind_derived" if kind.derived else "kind_of", lang, kind=self._kind(kind, lang))
            for kind in self.kinds
        ]
        ruling = kind_words(self.ruling, lang)
        key = "ruling_none" if self.ruling_code is None else "ruling"
        told.append(say(key, lang, kind=ruling, code=self.ruling_code))
        return say("kinds", lang) + say_explain("semicolon", lang).join(told)

    @staticmethod
    def _kind(found: ProcedureKind, lang: str | None) -> str:
        return kind_words(found.kind, lang)


@dataclass(frozen=True, slots=True)
class CandidateFact(Fact):
    """A group of the diagnosis: whether it fits, and where it lost.

    Attributes
    ----------
    trial : Trial
    chosen : bool
    later : bool
        It fits, but a group of an earlier tier does too.
    loss : Loss or None
        The comparator that it lost at.
    """

    trial: Trial
    chosen: bool
    later: bool
    loss: Loss | None

    @property
    def distance(self) -> tuple[int, int]:
        """How far from fitting: by verdict, then by how many of its terms are not met."""
        order = ("fits", "unknown", "condition", "term", "quiet", "kind")
        verdict, terms = self.trial.verdict, self.trial.group.terms
        lacking = len(parse_terms(self.trial.about)) if verdict == "term" else 0
        # Some terms met come before none met, whatever their number.
        return order.index(verdict) + (lacking == len(terms) > 0), lacking

    def text(self, lang: str | None) -> str:
        """One line without its source."""
        group = self.trial.group
        row = f"{group.code} {group.name}".rstrip()
        told = say("candidate", lang, row=row, type=type_words(self.trial.type, lang))
        return told + self._why(lang)

    def _why(self, lang: str | None) -> str:
        if self.chosen:
            return say("chosen", lang)
        if self.later:
            return say("later", lang)
        if self.loss is not None:
            by = comparator_words(self.loss.comparator, lang)
            own, best = (_key_words(self.loss.comparator, key, lang) for key in self.loss[2:])
            return say("lost", lang, by=by, own=own, best=best)
        return say(f"fit_{self.trial.verdict}", lang, about=self.trial.about)


def _key_words(comparator: str, key: int | str, lang: str | None) -> str:
    """A comparator's key for a reader."""
    if isinstance(key, str):
        return key
    if comparator in _YES_NO:
        return say("yes" if key else "no", lang)
    if comparator == "nearest_mean":
        return say("yuan_off", lang, amount=yuan(-key))
    if comparator == "highest_score":
        return unscaled(key) if key >= 0 else say("no_score", lang)
    return str(1 - key) if comparator == "type_order" else str(key)


@dataclass(frozen=True, slots=True)
class ChoiceFact(Fact):
    """The chosen group, and the comparator that left it alone."""

    code: str
    decided_by: str | None
    fitted: int
    by_cost: bool

    def text(self, lang: str | None) -> str:
        """One line without its source."""
        if self.decided_by is None:
            return say("only_one", lang, code=self.code)
        by = comparator_words(self.decided_by, lang)
        words = say("decided", lang, code=self.code, count=self.fitted, by=by)
        return words + (say("by_cost", lang) if self.by_cost else "")


@dataclass(frozen=True, slots=True)
class TypeFact(Fact):
    """An auxiliary type: the claim's class in it, and what could not be told."""

    decided: TypeDecision
    row: AuxiliaryClass | None
    conditions: tuple[Condition, ...]
    doubts: tuple[Condition, ...]
    comorbidities: tuple[Comorbidity, ...]

    def text(self, lang: str | None) -> str:
        """One line without its source."""
        if self.row is None:
            words = say("type_none", lang, type=self.decided.type)
        else:
            how = _all_words(self.conditions, lang) or say_explain("always", lang)
            words = say("type_is", lang, row=_row_words(self.row, lang), how=how)
        if self.comorbidities:
            names = (f"{c.name} {c.weight}" for c in self.comorbidities)
            words += say("comorbid", lang, names=say_explain("comma", lang).join(names))
        if self.doubts:
            words += say("type_open", lang, what=_all_words(self.doubts, lang))
        return words


@dataclass(frozen=True, slots=True)
class SubtypeFact(Fact):
    """A subtype that the group publishes: whether the claim is of it, and whether it counts."""

    subtype: Subtype
    row: AuxiliaryClass | None
    matched: bool
    taken: bool

    def text(self, lang: str | None) -> str:
        """One line without its source."""
        name = _row_words(self.row, lang) if self.row else self.subtype.subtype
        score = unscaled(self.subtype.score_e4)
        if self.row is None and not self.taken:
            return say("subtype_no_rule", lang, row=name, score=score)
        state = "taken" if self.taken else "lower" if self.matched else "not_of"
        return say(f"subtype_{state}", lang, row=name, score=score)


@dataclass(frozen=True, slots=True)
class ScoreFact(Fact):
    """Whose score counts."""

    group: Group
    subtype: Subtype | None
    unlisted: bool

    def text(self, lang: str | None) -> str:
        """One line without its source."""
        score = self.subtype.score_e4 if self.subtype else self.group.score_e4
        if score is None:
            return say("score_none", lang, code=self.group.code)
        taken = self.subtype.subtype if self.subtype else ""
        key = "score_base" if not taken else "score_lowest" if self.unlisted else "score_subtype"
        return say(key, lang, score=unscaled(score), subtype=taken)


@dataclass(frozen=True, slots=True)
class ResultFact(Fact):
    """The result of a claim."""

    result: GroupResult

    def text(self, lang: str | None) -> str:
        """One line without its source."""
        result = self.result
        outcome = str(result.outcome.value)
        parts = [f"{outcome} {say_explain(f'outcome_{outcome}', lang)}"]
        if result.group:
            parts.append(f"{result.group} {result.group_name or ''}".rstrip())
        if result.score_e4 is not None:
            parts.append(say("score", lang, score=unscaled(result.score_e4)))
        if result.reason:
            parts.append(f"{result.reason} {reason_title(result.reason, lang)}".rstrip())
        return say_explain("result", lang) + say_explain("semicolon", lang).join(parts)


def _row_words(row: AuxiliaryClass, lang: str | None) -> str:
    name = row.name_zh if say_explain("title_language", lang) == "zh" else row.name_en
    return f"{row.subtype} {name}".rstrip()
