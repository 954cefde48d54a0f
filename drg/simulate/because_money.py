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
        The roads and classes that differ, the terms, then what they come to. Empty where one of
        the two has no price.
    """
    if base is None or changed is None:
        return ()
    told = [*_roads(base, changed, lang)]
    terms = [*_pairs(base, changed, _TERMS, lang)]
    results = [*_pairs(base, changed, _RESULTS, lang)]
    semicolon = say_explain("semicolon", lang)
    told += [semicolon.join(part) for part in (terms, results) if part]
    if base.note != changed.note:
        if changed.note is None:
            told.append(say("note_gone", lang, note=f"{base.note} {base.note_title}".rstrip()))
        else:
            note = f"{changed.note} {changed.note_title}".rstrip()
            told.append(say("note_new", lang, note=note))
    return tuple(told) or (say("money_same", lang),)


def _roads(base: Money, changed: Money, lang: str | None) -> Iterator[str]:
    for name in _ROADS:
        if getattr(base, name) == getattr(changed, name):
            continue
        titles = [getattr(money, f"{name}_title") or getattr(money, name) or say("none", lang)
                  for money in (base, changed)]  # fmt: skip
        yield say(f"road_{name}", lang, before=titles[0], after=titles[1])


def _pairs(base: Money, changed: Money, names: tuple[str, ...], lang: str | None) -> Iterator[str]:
    """Terms that differ: from what to what."""
    for name in names:
        values = getattr(base, name), getattr(changed, name)
        if values[0] != values[1]:
            words = [_value(name, value, lang) for value in values]
            title = say(f"term_{name}", lang)
            yield say("term", lang, title=title, before=words[0], after=words[1])


def _value(name: str, value: str | int | None, lang: str | None) -> str:
    if value is None:
        return say("none", lang)
    return say("yuan", lang, amount=yuan(value)) if isinstance(value, int) else value
