"""Levels of the fund warning and the bounds that lead to them (``tables/warning.toml``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from drg.errors import DrgError
from drg.paths import tables_root
from drg.toml_file import TomlError, read_toml

__all__ = ["LEVELS", "MEASURES", "FundError", "Level", "Scale", "Scales", "load_scales", "worst"]

Level = Literal["green", "yellow", "orange", "red"]
#: From the best to the worst.
LEVELS: tuple[Level, ...] = get_args(Level)
MEASURES = ("progress", "projection", "quarter", "reserve", "balance", "risk_fund")
_STATUSES = ("official", "transcribed", "derived", "recalled", "synthetic")


class FundError(DrgError, ValueError):
    """A plan, an account of a fund or a table of bounds cannot be used."""

    exit_code = 2


class Scale(NamedTuple):
    """Bounds of one measure.

    Attributes
    ----------
    measure : str
        One of ``MEASURES``.
    above, below : mapping of level to Fraction
        The level holds for what is more, or less, than the bound.
    insurance : str
        Code; ``""``: every insurance without a scale of its own.
    source, status : str
        Id in ``tables/sources.toml``, and how the bound is known.
    note_zh, note_en : str
    """

    measure: str
    above: Mapping[str, Fraction]
    below: Mapping[str, Fraction]
    insurance: str
    source: str
    status: str
    note_zh: str
    note_en: str

    def level(self, value: Fraction) -> Level:
        """The worst level whose bound the value passes.

        Examples
        --------
        >>> load_scales().of("reserve", "310").level(Fraction(5))
        'yellow'
        """
        return worst(
            name
            for name in LEVELS
            if (name in self.above and value > self.above[name])
            or (name in self.below and value < self.below[name])
        )


class Scales:
    """All scales of a table.

    Parameters
    ----------
    scales : sequence of Scale
    """

    def __init__(self, scales: Sequence[Scale]) -> None:
        self.scales = tuple(scales)
        self._by_key = {(scale.measure, scale.insurance): scale for scale in scales}

    def of(self, measure: str, insurance: str = "") -> Scale | None:
        """The scale of a measure for an insurance; None: the table has none."""
        return self._by_key.get((measure, insurance)) or self._by_key.get((measure, ""))

    def level(self, measure: str, value: Fraction | None, insurance: str = "") -> Level | None:
        """Level of a value; None: the value is not known, or no scale speaks of it."""
        scale = self.of(measure, insurance)
        return None if scale is None or value is None else scale.level(value)


def worst(levels: Iterable[Level | None]) -> Level:
    """The worst of several levels; ``"green"`` of none."""
    return max((level for level in levels if level), key=LEVELS.index, default="green")


def load_scales(path: str | Path | None = None) -> Scales:
    """Read a table of bounds.

    Parameters
    ----------
    path : str or Path, optional
        A file in the form of ``tables/warning.toml``, which is read when omitted.

    Raises
    ------
    FundError
        K420: an entry is not what it should be; names file and entry.
    """
    file = tables_root() / "warning.toml" if path is None else Path(path)
    try:
        rows = read_toml(file).get("scale", [])
    except (OSError, TomlError) as error:
        raise FundError("K420", where=str(file), entry="—", found=str(error)) from error
    if not isinstance(rows, list) or not rows:
        raise FundError("K420", where=str(file), entry="scale", found="—")
    scales = [_scale(row, f"{file}: scale {number}") for number, row in enumerate(rows, 1)]
    keys = [(scale.measure, scale.insurance) for scale in scales]
    for key in keys:
        if keys.count(key) > 1:
            raise FundError("K420", where=str(file), entry="measure", found=" ".join(key))
    return Scales(scales)


def _scale(row: Any, where: str) -> Scale:
    known = {*Scale._fields}
    if not isinstance(row, dict) or (set(row) - known):
        unknown = ", ".join(sorted(set(row) - known)) if isinstance(row, dict) else str(row)
        raise FundError("K420", where=where, entry=unknown, found="—")
    for key, allowed in (("measure", MEASURES), ("status", _STATUSES)):
        if row.get(key) not in allowed:
            raise FundError("K420", where=where, entry=key, found=row.get(key, "—"))
    texts = {key: row.get(key, "") for key in ("insurance", "source", "note_zh", "note_en")}
    for key, value in texts.items():
        if not isinstance(value, str) or (key == "source" and not value):
            raise FundError("K420", where=where, entry=key, found=value or "—")
    above, below = (_bounds(row.get(key, {}), key, where) for key in ("above", "below"))
    if not (above or below):
        raise FundError("K420", where=where, entry="above, below", found="—")
    return Scale(row["measure"], above, below, status=row["status"], **texts)


def _bounds(row: Any, key: str, where: str) -> dict[str, Fraction]:
    if not isinstance(row, dict) or not set(row) <= {*LEVELS[1:]}:
        raise FundError("K420", where=where, entry=key, found=str(row))
    found: dict[str, Fraction] = {}
    for level, value in row.items():
        # A float of TOML is binary: what is written as a number is not taken.
        if not isinstance(value, str):
            raise FundError("K420", where=where, entry=f"{key}.{level}", found=str(value))
        try:
            found[level] = Fraction(value)
        except (ValueError, ZeroDivisionError) as error:
            raise FundError("K420", where=where, entry=f"{key}.{level}", found=value) from error
    return found
