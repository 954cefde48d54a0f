"""Which terms of a price differ between two prices of one case, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from drg.money import yuan
from drg.schemes.words import say as say_explain
from drg.simulate.because_rules import say

if TYPE_CHECKING:
    from drg.simulate.answer import Money

__all__ = ["because_money"]

#: Terms in the order in which a price is made of them; amounts in fen are shown as yuan.
_TERMS = ("weight", "score", "points", "rate_fen", "point_value", "coefficient",
          "auxiliary_coefficient", "reference_fen", "cost_fen", "patient_fen")  # fmt: skip
_RESULTS = ("standard_fen", "price_fen", "fund_fen")
#: What is often the standard itself.
_STANDARDS = ("reference_fen", "price_fen")
#: What says by which road a case is paid: its title, and the code that tells two apart.
_ROADS = ("pay_mode", "route", "case_class", "branch")


def because_money(
    base: Money | None, changed: Money | None, lang: str | None = None
) -> tuple[str, ...]:
    """Why a changed case is paid otherwise, or why it is not.

    Parameters
    ----------
    base, changed : Money or None
        Of the case as it stands and as changed; None: not priced.
    lang : {"zh", "en"}, optional
        Language of the words; the context's when omitted.

    Returns
    -------
    tuple of str
        The roads and classes that differ, the terms, then what they come to; one sentence where the
        changed case is not payable. Empty where one of the two has no price.
    """
    if base is None or changed is None:
        return ()
    if changed.note is not None:
        return (_unpaid(base, changed, lang),)
    told = [_payable(base, changed, lang)] if base.note else [*_roads(base, changed, lang)]
    terms = [*_pairs(base, changed, _TERMS, lang)]
    results = [*_pairs(base, changed, _RESULTS, lang)]
    semicolon = say_explain("semicolon", lang)
    told += [semicolon.join(part) for part in (terms, results) if part]
    return tuple(told) or (say("money_same", lang),)


def _unpaid(base: Money, changed: Money, lang: str | None) -> str:
    """That nothing is paid after the change, and what was before."""
    after = _note(changed)
    if base.note is None:
        return say("note_new", lang, note=after, fund=_value("fund_fen", base.fund_fen, lang))
    if base.note == changed.note:
        return say("note_still", lang, note=after)
    return say("note_other", lang, before=_note(base), after=after)


def _payable(base: Money, changed: Money, lang: str | None) -> str:
    """That the changed case is paid, and by which road; the case as it stands is not."""
    titles = (changed.pay_mode_title or changed.pay_mode, changed.branch_title)
    how = say_explain("semicolon", lang).join(filter(None, titles))
    return say("note_gone", lang, note=_note(base), how=how)


def _note(money: Money) -> str:
    return f"{money.note} {money.note_title}".rstrip()


def _roads(base: Money, changed: Money, lang: str | None) -> Iterator[str]:
    for name in _ROADS:
        if getattr(base, name) == getattr(changed, name):
            continue
        titles = [getattr(money, f"{name}_title") or getattr(money, name) or say("none", lang)
                  for money in (base, changed)]  # fmt: skip
        yield say(f"road_{name}", lang, before=titles[0], after=titles[1])


def _pairs(base: Money, changed: Money, names: tuple[str, ...], lang: str | None) -> Iterator[str]:
    """Terms that differ: from what to what; of another pay mode those that it has."""
    other = base.pay_mode != changed.pay_mode
    standard = base.standard_fen, changed.standard_fen
    for name in names:
        values = getattr(base, name), getattr(changed, name)
        # A reference or a price that is the standard itself is told once, as such.
        if values[0] == values[1] or (name in _STANDARDS and values == standard):
            continue
        if other and values[1] is None:
            continue
        words = [_value(name, value, lang) for value in values]
        title = say(f"term_{name}", lang)
        if other and values[0] is None:
            yield say("term_new", lang, title=title, after=words[1])
        else:
            yield say("term", lang, title=title, before=words[0], after=words[1])


def _value(name: str, value: str | int | None, lang: str | None) -> str:
    if value is None:
        return say("none", lang)
    return say("yuan", lang, amount=yuan(value, marks=True)) if isinstance(value, int) else value
