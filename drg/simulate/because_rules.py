"""One rule on two forms of one claim: what makes it hold for the one and not for the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from drg.grouping.reference_rules import present
from drg.schemes.rules import (
    SCALAR_FIELDS,
    And,
    Codes,
    Compare,
    Count,
    Not,
    OneOf,
    Rule,
    Severity,
    State,
    TraumaSites,
    code_tests,
)
from drg.schemes.words import bracketed_words, field_words, rule_words, value_words
from drg.schemes.words import say as say_explain
from drg.text import text

if TYPE_CHECKING:
    from drg.grouping.reference_case import Case, SeverityFact
    from drg.simulate.compare_rules import Side

__all__ = ["Forms", "codes_words", "level_changes", "say", "scalar_words", "top_level"]

#: Codes that a reason names; further ones are counted.
_NAMED = 3


def say(key: str, lang: str | None, **params: object) -> str:
    """One wording of reasons (simulate.toml)."""
    return text(f"simulate.because_{key}", lang, **params)


class Forms(NamedTuple):
    """One claim before and after a change, under one scheme.

    Attributes
    ----------
    side : Side
        The scheme.
    before, after : Case
    lang : {"zh", "en"} or None
        Language of the words.
    """

    side: Side
    before: Case
    after: Case
    lang: str | None

    def turned(self, rule: Rule) -> str:
        """Why a rule that held holds no longer, or the other way round, in words."""
        gained = self.side.holds(rule, self.after) is True
        failing = self.before if gained else self.after
        parts = rule.rules if isinstance(rule, And) else (rule,)
        turning = [part for part in parts if self.side.holds(part, failing) is not True]
        words = (self._part(part, gained) for part in turning)
        return say_explain("semicolon", self.lang).join(words)

    def _part(self, part: Rule, gained: bool) -> str:
        """What made one condition hold or fail."""
        lang = self.lang
        match part:
            case Codes():
                return self._codes(part, gained)
            case Not(Codes() as inner):
                key = "not_out" if gained else "not_in"
                case = self.before if gained else self.after
                return self._found(key, inner, self._hits(inner, case))
            case Compare(field) | OneOf(field):
                return self._value(field, part, gained)
            case State(field) if field in SCALAR_FIELDS:
                return self._value(field, part, gained)
            case Severity(level):
                changes = level_changes(self, frozenset((level,)))
                return say_explain("semicolon", lang).join(changes) or self._plain(part, gained)
            case Count(test, _, _):
                numbers = [len(self._hits(test, case)) for case in (self.before, self.after)]
                return self._number(part, numbers)
            case TraumaSites():
                return self._number(part, [self._sites(c) for c in (self.before, self.after)])
            case _:
                return self._plain(part, gained)

    def _codes(self, test: Codes, gained: bool) -> str:
        if gained:
            return self._found("code_in", test, self._hits(test, self.after))
        if test.position == "principal":
            now = self.after.principal_dx if test.kind == "dx" else self.after.principal_px
            if now is None:
                return self._found("principal_none", test, ())
            return self._found("principal_out", test, (now,))
        return self._found("code_gone", test, self._hits(test, self.before))

    def _found(self, key: str, test: Codes, codes: Iterable[str]) -> str:
        return say(
            key,
            self.lang,
            place=say_explain(f"{test.position}_{test.kind}", self.lang),
            where=test.name or "{" + ", ".join(test.codes) + "}",
            codes=codes_words(self.side, test.kind, codes, self.lang),
        )

    def _hits(self, test: Codes, case: Case) -> list[str]:
        """Codes that meet a test, in the order of the claim."""
        hits = self.side.members(test) & present(case, test.position, test.kind)
        recorded = case.dx.codes if test.kind == "dx" else case.px.codes
        return [code for code in dict.fromkeys(recorded) if code in hits]

    def _value(self, field: str, part: Rule, gained: bool) -> str:
        return say(
            "value_holds" if gained else "value_fails",
            self.lang,
            field=field_words(field, self.lang),
            before=scalar_words(self.before, field, self.lang),
            after=scalar_words(self.after, field, self.lang),
            rule=rule_words(part, self.lang),
        )

    def _number(self, part: Rule, numbers: list[int]) -> str:
        rule = rule_words(part, self.lang)
        return say("number", self.lang, rule=rule, before=numbers[0], after=numbers[1])

    def _sites(self, case: Case) -> int:
        sites = self.side.scheme.trauma_site
        return len({sites[code] for code in case.any_dx if code in sites})

    def _plain(self, part: Rule, gained: bool) -> str:
        """A condition of several: the rule in words, and the codes that come or go."""
        rule = bracketed_words(part, self.lang)
        told = [say("part_holds" if gained else "part_fails", self.lang, rule=rule)]
        for test in dict.fromkeys(code_tests(part)):
            before, after = (self._hits(test, case) for case in (self.before, self.after))
            moved = [code for code in before if code not in after]
            moved += [code for code in after if code not in before]
            if moved:
                told.append(codes_words(self.side, test.kind, moved, self.lang))
        return say_explain("comma", self.lang).join(dict.fromkeys(told))


def codes_words(side: Side, kind: str, codes: Iterable[str], lang: str | None) -> str:
    """Codes with their names; of many the first ones, and how many there are."""
    named = [side.code_words(kind, code) for code in codes]
    told = say("list", lang).join(named[:_NAMED])
    return told if len(named) <= _NAMED else say("and_more", lang, codes=told, count=len(named))


def scalar_words(case: Case, field: str, lang: str | None) -> str:
    """A value of a claim as its rules see it."""
    value = case.values[SCALAR_FIELDS.index(field)]
    if value is not None:
        return value_words(field, value, lang)
    return say_explain("state_invalid" if field in case.unusable else "state_missing", lang)


# ---- severity


def top_level(case: Case) -> str:
    """The highest level that counts: ``MCC``, ``CC`` or ``NONE``."""
    return next((level for level in ("MCC", "CC") if level in case.levels), "NONE")


def level_changes(forms: Forms, levels: frozenset[str]) -> list[str]:
    """Which secondary diagnoses count otherwise than before at these levels, each in words."""
    before, after = forms.before, forms.after
    facts = [{fact.code: fact for fact in case.severity} for case in (before, after)]
    told = []
    for code in dict.fromkeys((*facts[0], *facts[1])):
        was, now = (found.get(code) for found in facts)
        if (_counted(was) ^ _counted(now)) & levels:
            told.append(_level_change(forms, code, was, now))
    return told


def _counted(fact: SeverityFact | None) -> frozenset[str]:
    return frozenset(fact.level.split("+")) if fact is not None and fact.counts else frozenset()


def _level_change(
    forms: Forms, code: str, was: SeverityFact | None, now: SeverityFact | None
) -> str:
    side, lang = forms.side, forms.lang
    fact = now or was
    assert fact is not None
    lost = was is not None and was.counts
    if lost:
        voided = now is not None
        key = "level_void" if voided else "level_gone"
        if now is None and code == forms.after.principal_dx:
            key = "level_principal"
    else:
        voided = was is not None
        key = "level_freed" if voided else "level_new"
        if was is None and code == forms.before.principal_dx:
            key = "level_secondary"
    principal = (forms.after if lost else forms.before).principal_dx
    words = say(
        key,
        lang,
        code=side.code_words("dx", code),
        level=fact.level,
        principal=side.code_words("dx", principal or ""),
        table=fact.table,
    )
    if voided:
        row = say_explain("exclusion_row", lang, principal=principal, table=fact.table)
        return f"{words} [exclusion.csv {row}]"
    return f"{words} [severity.csv {code}]"
