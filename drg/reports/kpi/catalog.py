"""Definitions of the figures as data: ``tables/kpi.toml`` read and checked.

A figure is one sum of measures over another, or names a computation that is none; its formula is
told from the same row, so that words and numbers cannot part.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from drg.errors import TableError
from drg.money import unscaled, yuan
from drg.paths import tables_root
from drg.text import text

__all__ = ["Catalogue", "Kpi", "Measure", "Parameters", "kpi_catalogue", "read_catalogue", "shown"]

UNITS = ("percent", "ratio", "fen", "days", "points", "count", "class")
THEMES = ("money", "efficiency", "errors", "quality", "structure")
#: Kinds that are sums of measures over claims; ``kpi_report`` has a step of its own for others.
SUMMED = ("sum", "ratio", "case_mix", "case_mix_high")
KINDS = (
    *SUMMED, "index", "cv", "cv_sample", "mean_cv", "cv_count", "coverage", "growth",
    "growth_year", "groups", "quadrant", "fund",
)  # fmt: skip
LEVELS_OF = ("", "period", "group", "above_group", "above_hospital", "fund")
_MEASURE_UNITS = ("count", "fen", "days", "e4")
_HUNDREDTHS = 2
_MINUS = "\u2212 "


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What is summed over claims.

    Attributes
    ----------
    id : str
    unit : str
        ``count``, ``fen``, ``days`` or ``e4`` (ten-thousandths).
    title_zh, title_en : str
    needs : tuple of str
        Columns without which no claim has it.
    """

    id: str
    unit: str
    title_zh: str
    title_en: str
    needs: tuple[str, ...]

    def title(self, lang: str) -> str:
        """Name in a language."""
        return self.title_zh if lang == "zh" else self.title_en


@dataclass(frozen=True, kw_only=True)
class Kpi:
    """One figure.

    Attributes
    ----------
    id : str
    title_zh, title_en : str
    theme : str
        ``money``, ``efficiency``, ``errors``, ``quality`` or ``structure``.
    kind : str
        ``ratio``, ``sum``, or the computation that is neither.
    unit : str
        ``percent``, ``ratio``, ``fen`` (yuan when shown), ``days``, ``points``, ``count``,
        ``class``.
    places : int
        Scale of ``value``: 2 for fen, 0 for counts and classes.
    numerator, denominator : tuple of (int, Measure)
        Terms with their sign; empty: none.
    population : str
        ``"grouped"``: cases that are not grouped do not count; ``""``: all claims.
    better : str
        ``higher``, ``lower``, ``one`` (close to 1), or ``""``.
    levels : str
        Levels that have it: ``""`` all; ``period group above_group above_hospital fund``.
    needs : tuple of str
        Columns without which it cannot be told.
    source, status : str
        Document of ``tables/sources.toml``, and how the figure is known from it.
    note_zh, note_en : str
        What the formula does not say.
    """

    id: str
    title_zh: str
    title_en: str
    theme: str
    kind: str
    unit: str
    places: int
    numerator: tuple[tuple[int, Measure], ...]
    denominator: tuple[tuple[int, Measure], ...]
    population: str
    better: str
    levels: str
    needs: tuple[str, ...]
    source: str
    status: str
    note_zh: str
    note_en: str

    def title(self, lang: str) -> str:
        """Name in a language."""
        return self.title_zh if lang == "zh" else self.title_en

    def note(self, lang: str) -> str:
        """What the formula does not say, in a language."""
        return self.note_zh if lang == "zh" else self.note_en

    def formula(self, lang: str) -> str:
        """What is divided by what, in words; ``""`` where only the note tells."""
        parts = [_terms(side, lang) for side in (self.numerator, self.denominator) if side]
        return " ÷ ".join(parts)

    @property
    def numerator_unit(self) -> str:
        """Unit of numerators: ``count``, ``fen``, ``days``, ``e4``; ``""`` where there is none."""
        return self.numerator[0][1].unit if self.numerator else ""

    @property
    def denominator_unit(self) -> str:
        """Unit of denominators."""
        return self.denominator[0][1].unit if self.denominator else ""


def _terms(side: tuple[tuple[int, Measure], ...], lang: str) -> str:
    words = []
    for place, (sign, measure) in enumerate(side):
        mark = "" if sign > 0 and not place else "+ " if sign > 0 else _MINUS
        words.append(mark + measure.title(lang))
    joined = " ".join(words)
    return f"({joined})" if len(side) > 1 else joined


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Numbers that figures rest on (``[parameters]``)."""

    cv_review: Fraction
    cv_low: Fraction
    cv_high: Fraction
    high_weight: Fraction
    long_stay_days: int
    decomposed_rules: tuple[str, ...]
    low_standard_rules: tuple[str, ...]
    histogram_step: int
    histogram_end: int


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Figures in the order of reports, what they are made of, and the parameters."""

    kpis: tuple[Kpi, ...]
    measures: Mapping[str, Measure]
    parameters: Parameters

    def kpi(self, kpi_id: str) -> Kpi:
        """The figure of an id (KeyError: there is none)."""
        return {kpi.id: kpi for kpi in self.kpis}[kpi_id]


@cache
def kpi_catalogue() -> Catalogue:
    """The shipped figures.

    Raises
    ------
    TableError
        K401: the table is broken.
    """
    return read_catalogue(tables_root() / "kpi.toml")


def read_catalogue(path: Path) -> Catalogue:
    """Figures of a file.

    Raises
    ------
    TableError
        K401: it cannot be read, or names what does not exist.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
        measures = {row["id"]: _measure(row) for row in data["measure"]}
        kpis = tuple(_kpi(row, measures) for row in data["kpi"])
        if len({kpi.id for kpi in kpis}) < len(kpis) or len(measures) < len(data["measure"]):
            raise ValueError("an id stands twice")
        return Catalogue(kpis=kpis, measures=measures, parameters=_parameters(data["parameters"]))
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise TableError("K401", where=str(path), detail=str(error)) from error


def _measure(row: Mapping[str, Any]) -> Measure:
    measure = Measure(**{**row, "needs": tuple(row["needs"])})
    _one_of(measure.unit, _MEASURE_UNITS, measure.id)
    return measure


def _kpi(row: Mapping[str, Any], measures: Mapping[str, Measure]) -> Kpi:
    top, bottom = (_side(row[side], measures) for side in ("numerator", "denominator"))
    needs = [name for _, measure in (*top, *bottom) for name in measure.needs]
    kpi = Kpi(
        **{
            **row,
            "numerator": top,
            "denominator": bottom,
            "needs": tuple(dict.fromkeys(needs)),
        }
    )
    _one_of(kpi.kind, KINDS, kpi.id)
    _one_of(kpi.unit, UNITS, kpi.id)
    _one_of(kpi.theme, THEMES, kpi.id)
    _one_of(kpi.levels, LEVELS_OF, kpi.id)
    _one_of(kpi.population, ("", "grouped"), kpi.id)
    _one_of(kpi.better, ("", "higher", "lower", "one"), kpi.id)
    if kpi.unit == "fen" and kpi.places != _HUNDREDTHS:
        raise ValueError(f"{kpi.id}: places of fen are 2")
    for side in (top, bottom):
        if len({measure.unit for _, measure in side}) > 1:
            raise ValueError(f"{kpi.id}: terms of several units")
    return kpi


def _side(terms: str, measures: Mapping[str, Measure]) -> tuple[tuple[int, Measure], ...]:
    """Terms of ``a + b - c``."""
    found, sign = [], 1
    for word in terms.split():
        if word in "+-":
            sign = 1 if word == "+" else -1
        else:
            found.append((sign, measures[word]))
    return tuple(found)


def _parameters(row: Mapping[str, Any]) -> Parameters:
    exact = {key: Fraction(row[key]) for key in ("cv_review", "cv_low", "cv_high", "high_weight")}
    rules = {key: tuple(row[key]) for key in ("decomposed_rules", "low_standard_rules")}
    return Parameters(**{**row, **exact, **rules})


def _one_of(value: str, known: tuple[str, ...], where: str) -> None:
    if value not in known:
        raise ValueError(f"{where}: {value!r}")


def shown(kpi: Kpi, value: int | None, lang: str | None = None) -> str:
    """A value as people write it; ``""`` for None.

    Examples
    --------
    >>> rate, mean = kpi_catalogue().kpi("grouping_rate"), kpi_catalogue().kpi("mean_cost")
    >>> shown(rate, 9850), shown(mean, 123450), shown(kpi_catalogue().kpi("cmi"), 11000)
    ('98.50%', '1,234.50', '1.1000')
    """
    if value is None:
        return ""
    if kpi.unit == "percent":
        return f"{unscaled(value, kpi.places - _HUNDREDTHS)}%"
    if kpi.unit == "class":
        return text(f"kpi.{kpi.id}_{value}", lang)
    plain = yuan(value) if kpi.unit == "fen" else unscaled(value, kpi.places)
    whole, point, rest = plain.removeprefix("-").partition(".")
    sign = "-" if plain.startswith("-") else ""
    return f"{sign}{int(whole):,}{point}{rest}"
