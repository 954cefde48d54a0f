"""What a catalogue is built by: thresholds, years, trimming, scores, auxiliary types.

Every number that the national method leaves to a region stands here with its default, and
``[build]`` of the catalogue's header repeats what was used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from typing import Literal

from drg.dip.formation import LEAST_INCREASE
from drg.dip.score import SCALE, YEAR_WEIGHTS
from drg.errors import DrgError
from drg.toml_file import TomlError, read_toml

__all__ = ["BuildError", "BuildSettings", "read_build_settings"]

#: Years by number, or the last ones in order.
YearWeights = tuple[int, ...] | Mapping[int, int]
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?")
_RANGE = re.compile(r"[A-Z][0-9][0-9A-Z](?:-[A-Z][0-9][0-9A-Z])?")
_NONE = "none"
_FRACTIONS = ("related_increase", "coverage", "cv_drop", "quota")
_WHOLE = (
    "threshold", "most_related", "most_reports", "min_group", "min_subtype", "scale", "year",
)  # fmt: skip
_TEXTS = ("id", "title_zh", "title_en", "place", "place_zh", "anchor", "auxiliary", "kinds")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "method": ("mean", "anchor", "quota"),
    "means": ("yearly", "pooled"),
    "codes": ("insurance", "clinical"),
}
#: Severity of tumours is for malignant ones, severity of diseases for the others.
_TYPES: Mapping[str, tuple[str, ...]] = {"dis": ("A00-B99", "D00-Z99"), "tum": ("C00-C97",)}
_POSITIVE = ("threshold", "most_reports", "scale", "quota", "coverage")


class BuildError(DrgError, ValueError):
    """A catalogue cannot be built, or two not be compared, as asked."""

    exit_code = 2


@dataclass(frozen=True)
class BuildSettings:
    """How a catalogue is built.

    Attributes
    ----------
    id, title_zh, title_en, place, place_zh : str
        Of the catalogue.
    year : int
        Year it is for; 0: the one after the last year of the claims.
    threshold : int
        Least cases of a group: 15 in an ordinary prefecture, 50 or more in a pool of a province.
    coverage : Fraction or None
        Instead of it: the highest threshold at which core groups cover this share of the cases.
    related_increase : Fraction
        A related procedure stays apart from this increase of the mean cost on.
    most_related : int
        Related procedures that are looked at; of more, those that the combination's diagnosis and
        principal procedure have in most cases, equal ones by code.
    most_reports : int
        How often a repeated procedure counts: 2 tells both sides from one, 1 counts it once.
    years : tuple of int or mapping of int to int
        Weights of the last years of the claims, the oldest first, or of years by number.
    means : {"yearly", "pooled"}
        A mean is that of the yearly means, or of all cases, each with its year's weight.
    trim : tuple of Fraction or None
        Shares of a group's cases of a year between which its costs count; None: all do.
    method : {"mean", "anchor", "quota"}
    anchor : str
        Group that scores ``scale``.
    quota : Fraction or None
        Yuan a point.
    scale : int
    auxiliary : str
        Catalogue whose auxiliary classes are tried; ``""``: none are.
    min_group, min_subtype : int
        A type is split off when the last year's cases are more than these.
    cv_drop : Fraction
        And the coefficient of variation falls by this share at least.
    cv_drop_of : mapping of str to Fraction
        The same for some types, such as a lower one for days in intensive care.
    type_diagnoses : mapping of str to tuple of str
        Ranges of categories that a type is for; a type that is not here is for all.
    kinds : str
        Catalogue whose kinds of procedures apply; ``""``: the shared table.
    codes : {"insurance", "clinical"}
        Edition of the codes in claims.
    """

    id: str = "built"
    title_zh: str = "历史数据测算病种目录"
    title_en: str = "DIP catalogue built from history"
    place: str = ""
    place_zh: str = ""
    year: int = 0
    threshold: int = 15
    coverage: Fraction | None = None
    related_increase: Fraction = LEAST_INCREASE
    most_related: int = 6
    most_reports: int = 2
    years: YearWeights = YEAR_WEIGHTS
    means: Literal["yearly", "pooled"] = "yearly"
    trim: tuple[Fraction, Fraction] | None = None
    method: Literal["mean", "anchor", "quota"] = "mean"
    anchor: str = ""
    quota: Fraction | None = None
    scale: int = SCALE
    auxiliary: str = "taian-2025"
    min_group: int = 300
    min_subtype: int = 15
    cv_drop: Fraction = Fraction("0.2")
    cv_drop_of: Mapping[str, Fraction] = field(default_factory=dict)
    type_diagnoses: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _TYPES)
    kinds: str = ""
    codes: Literal["insurance", "clinical"] = "insurance"

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise BuildError("D440", entry="id", value=self.id)
        for name in (*_WHOLE, *_FRACTIONS):
            value = getattr(self, name)
            if value is not None and (value < 0 or (name in _POSITIVE and not value)):
                raise BuildError("D440", entry=name, value=value)
        if self.coverage is not None and self.coverage > 1:
            raise BuildError("D440", entry="coverage", value=self.coverage)
        for share in (self.cv_drop, *self.cv_drop_of.values()):
            if not 0 <= share <= 1:
                raise BuildError("D440", entry="cv_drop", value=share)
        weights = self.years.values() if isinstance(self.years, Mapping) else self.years
        if not self.years or not all(type(w) is int and w > 0 for w in weights):
            raise BuildError("D440", entry="years", value=self.years)
        if self.trim is not None and not 0 <= self.trim[0] < self.trim[1] <= 1:
            raise BuildError("D440", entry="trim", value=trim_text(self.trim))
        for name, needed in (("anchor", bool(self.anchor)), ("quota", self.quota is not None)):
            if (self.method == name) != needed:
                raise BuildError("D441", entry=name, method=self.method)

    def changed(self, **values: object) -> BuildSettings:
        """The same with some values replaced, written as in TOML or on a command line.

        Raises
        ------
        BuildError
            D440 a value that an entry cannot have, D441 a method without what it rests on, D451 no
            such entry.
        """
        known = [entry.name for entry in fields(self)]
        for name in (name for name in values if name not in known):
            near = get_close_matches(name, known, cutoff=0.5) or known
            raise BuildError("D451", entry=name, near=", ".join(near))
        return replace(self, **{name: _read(name, value) for name, value in values.items()})  # type: ignore[arg-type]

    def header(self) -> dict[str, object]:
        """All of them as TOML values: what ``read_build_settings`` reads; unset ones left out."""
        told: dict[str, object] = {}
        for name in (entry.name for entry in fields(self)):
            value = getattr(self, name)
            if name == "trim":
                told[name] = trim_text(value)
            elif name == "auxiliary":
                told[name] = value or _NONE
            elif name == "years":
                named = isinstance(value, Mapping)
                told[name] = {str(y): w for y, w in value.items()} if named else list(value)
            elif name == "cv_drop_of":
                told |= {name: {t: decimal_text(s) for t, s in value.items()}} if value else {}
            elif name == "type_diagnoses":
                told[name] = {kind: list(ranges) for kind, ranges in value.items()}
            elif isinstance(value, Fraction):
                told[name] = decimal_text(value)
            elif value not in (None, ""):
                told[name] = value
        return told


def read_build_settings(path: str | Path) -> BuildSettings:
    """Read settings from a TOML file; entries that are not there keep their defaults.

    Raises
    ------
    BuildError
        D440, D441, D451 as ``BuildSettings.changed``; D442: the file cannot be read.
    """
    path = Path(path)
    try:
        told = read_toml(path)
    except (OSError, TomlError) as error:
        raise BuildError("D442", where=str(path), detail=str(error)) from error
    return BuildSettings().changed(**told)


def trim_text(trim: tuple[Fraction, Fraction] | None) -> str:
    """``2.5,97.5`` or ``none``, as ``BuildSettings.changed`` reads it."""
    return _NONE if trim is None else ",".join(decimal_text(share * 100) for share in trim)


def decimal_text(number: Fraction) -> str:
    """A number with finitely many decimals as it is written."""
    shown = format(Decimal(number.numerator) / Decimal(number.denominator), "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _read(name: str, value: object) -> object:
    """The value of an entry as the dataclass holds it."""
    wrong = BuildError("D440", entry=name, value=value)
    if name in _TEXTS and isinstance(value, str):
        return "" if name == "auxiliary" and value == _NONE else value
    if name in _WHOLE and type(value) is int:
        return value
    if name in _CHOICES and value in _CHOICES[name]:
        return value
    if name in _FRACTIONS:
        return _number(value, wrong)
    if name == "cv_drop_of" and isinstance(value, Mapping):
        return {str(kind): _number(share, wrong) for kind, share in value.items()}
    if name == "type_diagnoses" and isinstance(value, Mapping):
        if all(
            isinstance(r, list | tuple) and all(map(_RANGE.fullmatch, r)) for r in value.values()
        ):
            return {str(kind): tuple(ranges) for kind, ranges in value.items()}
    elif name == "trim" and isinstance(value, str):
        return _trim(value, wrong)
    elif name == "years" and isinstance(value, Mapping):
        if all(re.fullmatch(r"[0-9]{4}", str(year)) for year in value):
            return {int(year): weight for year, weight in value.items()}
    elif name == "years" and isinstance(value, list | tuple):
        return tuple(value)
    raise wrong


def _number(value: object, wrong: BuildError) -> Fraction:
    try:
        if isinstance(value, str) or type(value) is int:
            return Fraction(Decimal(value))
    except (InvalidOperation, ValueError, OverflowError):
        pass
    raise wrong


def _trim(value: str, wrong: BuildError) -> tuple[Fraction, Fraction] | None:
    if value.strip() == _NONE:
        return None
    parts = [part.strip() for part in value.split(",")]
    if len(parts) != 2 or not all(map(_PERCENT.fullmatch, parts)):
        raise wrong
    return Fraction(parts[0]) / 100, Fraction(parts[1]) / 100
