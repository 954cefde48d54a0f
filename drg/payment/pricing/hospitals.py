"""The register of hospitals that pricing looks levels and coefficients up in."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from drg.claims.named import Named
from drg.money import AmountError, scaled
from drg.payment.mechanisms.standard import PaymentError
from drg.payment.policy import CoefficientRow
from drg.payment.pricing.levels import level_of

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["MEASURED", "Hospitals"]

_PLACES = 6
#: Items of a dynamic coefficient (DIP), and the columns of the register that measure them.
MEASURED = {
    "cmi": "cmi_excess", "child": "child_excess", "elder": "elder_excess", "tcm": "tcm_share",
}  # fmt: skip


class Hospitals:
    """Hospitals by id.

    Parameters
    ----------
    table : DataFrame
        ``hospital_id``, and where it has them ``level``, ``rate_level`` (of the rates and
        coefficients, where it differs) and ``coefficient`` (text, Decimal or whole number). Null
        or empty: not reported. ``MEASURED``: per cent, what a dynamic coefficient is made of.

    Raises
    ------
    PaymentError
        P423: no column of ids, or a hospital twice; P424: an impossible coefficient.
    """

    def __init__(self, table: pl.DataFrame) -> None:
        if "hospital_id" not in table.columns:
            raise PaymentError("P423", hospital="hospital_id")
        self._level: dict[str, str] = {}
        self._rate_level: dict[str, str] = {}
        self.coefficients: tuple[CoefficientRow, ...] = ()
        #: What is measured of a hospital, per cent as text by item; it has no coefficient itself.
        self.measured: dict[str, dict[str, str]] = {}
        rows = []
        for row in table.iter_rows(named=True):
            hospital = _text(row["hospital_id"])
            if not hospital:
                continue
            if hospital in self._level:
                raise PaymentError("P423", hospital=hospital)
            self._level[hospital] = level_of(_text(row.get("level")))
            self._rate_level[hospital] = (
                level_of(_text(row.get("rate_level"))) or self._level[hospital]
            )
            if cell := _text(row.get("coefficient")):
                rows.append(CoefficientRow(hospital=hospital, coefficient=_ratio(cell, hospital)))
            else:
                cells = {item: _text(row.get(column)) for item, column in MEASURED.items()}
                self.measured[hospital] = {item: cell for item, cell in cells.items() if cell}
        self.coefficients = tuple(rows)

    def rate_level(self, hospital: str) -> str:
        """Level that a hospital's rates and coefficients go by; ``""``: not known."""
        return self._rate_level.get(hospital, "")

    def known(self, hospital: Named) -> NDArray[np.bool_]:
        """Whether each claim's hospital is in the register; one not reported is not."""
        return hospital.marked(self._level.__contains__)

    def levels(self, hospital: Named, *, of_rates: bool = False) -> Named:
        """Level of each claim's hospital."""
        register = self._rate_level if of_rates else self._level
        keys = [register.get(name, "") for name in hospital.names]
        names = tuple(sorted(set(keys) - {""}))
        slots = [names.index(key) if key else len(names) for key in keys]
        return Named(names, np.array([*slots, len(names)], np.uint32)[hospital.codes])


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _ratio(cell: str, hospital: str) -> Fraction:
    try:
        found = Fraction(scaled(cell, _PLACES), 10**_PLACES)
    except AmountError as error:
        raise PaymentError("P424", hospital=hospital, value=cell) from error
    if not 0 < found <= 100:
        raise PaymentError("P424", hospital=hospital, value=cell)
    return found
