"""How each layer of a visit was reckoned, in words.

Retells what ``drg.benefits.visit`` did from the same rules; tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from drg.benefits.compiled import compiled
from drg.benefits.visit import settle_visit
from drg.money import round_scaled
from drg.reports.benefit_numbers import percent
from drg.reports.words import money
from drg.text import language, text

if TYPE_CHECKING:
    from drg.benefits.batch import OneVisit
    from drg.benefits.compiled import Terms
    from drg.benefits.formulas import Rule
    from drg.benefits.model import Balance, Layer, Visit
    from drg.benefits.plan import Plan

__all__ = ["Piece", "layer_title", "pieces_of", "reached_before", "step_words", "terms_of"]


class Piece(NamedTuple):
    """A slice of the cost that one ratio pays.

    Attributes
    ----------
    amount : Fraction
        Fen.
    ratio : Fraction
    """

    amount: Fraction
    ratio: Fraction


def terms_of(plan: Plan, visit: Visit) -> Terms:
    """The rules that hold for a visit."""
    return compiled(plan).terms(
        (
            visit.off_site, visit.category, visit.care, visit.retired, visit.region, visit.level,
            visit.insurance,
        )
    )  # fmt: skip


def layer_title(plan: Plan, layer: Layer, lang: str | None = None) -> str:
    """A layer by the name that people know it under."""
    backstop = plan.backstops.get(layer.id) if layer.kind == "backstop" else None
    if backstop is None:
        return _say(f"layer_{layer.kind}", lang)
    title = backstop.title_zh if (lang or language()) == "zh" else backstop.title_en
    return title or layer.id


def pieces_of(rule: Rule, base: int, before: int, *, first: bool) -> list[Piece]:
    """The slices of a visit's cost, each with the ratio that it gets.

    Parameters
    ----------
    rule : Rule
        One that pays by ratio.
    base : int
        What reached the layer, fen.
    before : int
        What reached it earlier in the year; read by yearly rules alone.
    first : bool
        The first stay of the year.
    """
    low = before * rule.unit if rule.yearly else 0
    high = low + base * rule.unit
    start = start_of(rule, base, first=first)
    if high <= start:
        return []
    low = max(low, start) if not rule.whole or low > start else 0
    shift = start if rule.excess else 0
    found = []
    for lower, upper, ratio in rule.bounds:
        bottom = max(low, lower + shift)
        top = high if upper is None else min(high, upper + shift)
        if top > bottom:
            part = Fraction(ratio * rule.unit, rule.over)
            found.append(Piece(Fraction(top - bottom, rule.unit), part))
    return found


def start_of(rule: Rule, base: int, *, first: bool) -> int:
    """The start that a visit had, in the rule's own unit."""
    if rule.share < 0:
        return rule.start if first else rule.start_next
    start = base * rule.share
    if rule.least is not None:
        start = max(start, rule.least)
    return start if rule.most is None else min(start, rule.most)


def step_words(plan: Plan, one: OneVisit, lang: str | None = None) -> list[str]:
    """One line a layer: start, slices with their ratios, cap, sum."""
    if one.settled.reason:
        return []
    terms = terms_of(plan, one.visit)
    rules = {rule.id: rule for rule in (terms.basic, terms.critical, terms.assistance,
                                        *terms.backstops) if rule is not None}  # fmt: skip
    semicolon = text("explain.semicolon", lang)
    lines, borne = [], one.before.backstop
    for layer in one.settled.layers:
        rule = rules.get(layer.id)
        if rule is None:
            told = [_say("step_reported", lang, paid=money(layer.paid))]
        elif rule.ceilings:
            told = [_ceiling_words(plan, rule, layer, one, lang)]
        else:
            told = list(_rule_words(rule, layer, one.before, borne, lang))
        if layer.kind == "backstop":
            borne += layer.paid
        lines.append(_say("step", lang, layer=layer_title(plan, layer, lang),
                          told=semicolon.join(told)))  # fmt: skip
    return lines


def _rule_words(
    rule: Rule, layer: Layer, year: Balance, backstops: int, lang: str | None
) -> Iterator[str]:
    first, before = year.visits == 0, reached_before(layer.kind, year)
    start = start_of(rule, layer.base, first=first)
    if rule.yearly and before:
        yield _say("step_year", lang, before=money(before), base=money(layer.base))
    if start:
        yield _say("step_start", lang, start=_fen(Fraction(start, rule.unit)))
    pieces = pieces_of(rule, layer.base, before, first=first)
    whole = layer.paid + layer.capped
    if pieces:
        parts = [f"{_fen(p.amount)} × {percent(p.ratio)}" for p in pieces]
        yield f"{' + '.join(parts)} = {money(whole)}"
    elif start:
        yield _say("step_below", lang)
    if rule.cap is not None:
        used = backstops if layer.kind == "backstop" else getattr(year, layer.kind)
        key = "step_capped" if layer.capped else "step_cap"
        yield _say(key, lang, cap=money(rule.cap), used=money(used), paid=money(layer.paid))


def _ceiling_words(plan: Plan, rule: Rule, layer: Layer, one: OneVisit, lang: str | None) -> str:
    borne = one.before.patient
    ceiling = rule.ceilings[0]
    if len(rule.ceilings) > 1:
        _, after = settle_visit(plan, one.visit, one.before)
        ceiling = rule.ceilings[compiled(plan).regions.index(after.region)]
    key = "step_ceiling" if layer.paid else "step_under"
    if ceiling < 0:
        key = "step_no_ceiling"
    return _say(
        key, lang, ceiling=money(ceiling), borne=money(borne), base=money(layer.base),
        over=money(layer.paid),
    )  # fmt: skip


def reached_before(kind: str, year: Balance) -> int:
    """What reached a layer of a kind earlier in the year, fen."""
    return {
        "basic": 0,
        "critical": year.compliant,
        "assistance": year.compliant - year.critical,
        "backstop": year.patient + year.backstop,
    }[kind]


def _fen(amount: Fraction) -> str:
    """Yuan; parts of a fen, which a start by ratio may have, are rounded half up to be shown."""
    return money(round_scaled(amount, 0))


def _say(key: str, lang: str | None, **params: object) -> str:
    return text(f"benefits.{key}", lang, **params)
