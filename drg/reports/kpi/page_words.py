"""Cells and names of the page of figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from drg.money import PLACES, unscaled
from drg.reports.kpi.catalog import shown
from drg.reports.page import Marked
from drg.reports.words import count, insurance_word, money
from drg.text import text

if TYPE_CHECKING:
    from drg.reports.kpi.catalog import Kpi

__all__ = ["NONE", "amount", "figure", "say", "short", "unit_name", "whole_yuan"]

NONE = "—"


def say(key: str, lang: str | None = None, /, **params: object) -> str:
    """Wording of the catalogue's file ``kpi_page``."""
    return text(f"kpi_page.{key}", lang, **params)


def amount(value: int | None, unit: str) -> str:
    """A numerator or denominator in its unit (``count fen days e4``); a dash for None."""
    if value is None:
        return NONE
    if unit == "fen":
        return money(value)
    if unit != "e4":
        return count(value)
    whole, _, rest = unscaled(abs(value), PLACES).partition(".")
    return f"{'-' if value < 0 else ''}{int(whole):,}.{rest}"


def figure(
    kpi: Kpi, row: Sequence[int | None], lang: str, *, flag: str = "", of: bool = True
) -> str:
    """A cell: the value, its flag, and under it numerator and denominator of a rate.

    Parameters
    ----------
    kpi : Kpi
    row : sequence of int or None
        Value, numerator, denominator.
    lang : {"zh", "en"}
    flag : str, optional
        ``high``, ``low``, ``review`` or ``""``.
    of : bool, optional
        Show numerator and denominator.
    """
    value, top, bottom = row
    if value is None:
        return NONE
    told = shown(kpi, value, lang)
    if flag:
        told = f"{told} {say(f'flag_{flag}', lang)}"
    if not of or top is None or bottom is None or not kpi.denominator:
        return told
    parts = amount(top, kpi.numerator_unit), amount(bottom, kpi.denominator_unit)
    note = say("of", lang, numerator=parts[0], denominator=parts[1])
    return Marked(told, note=note)


def unit_name(dimensions: Sequence[str], values: Sequence[str | None], lang: str) -> str:
    """A unit of a level: its dimensions beside each other; what is not reported is said."""
    told = []
    for dimension, value in zip(dimensions, values, strict=True):
        if not value:
            told.append(say("unknown", lang))
        else:
            told.append(insurance_word(value, lang) if dimension == "insurance" else value)
    return " ".join(told)


def short(value: int, places: int = PLACES) -> str:
    """A scaled number without zeros at its end, at least one decimal: ``1.0``, ``0.95``."""
    whole, _, rest = unscaled(value, places).partition(".")
    return f"{whole}.{rest.rstrip('0') or '0'}"


def whole_yuan(fen: int) -> str:
    """Fen as yuan for an axis: without decimals where there are none."""
    told = money(fen)
    return told.removesuffix(".00")
