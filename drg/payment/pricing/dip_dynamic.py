"""Hospital coefficients of DIP that a register's measurements make (spec B.6, Xiamen)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.dip.coefficient import Component, dynamic_coefficient
from drg.dip.coefficient import DynamicLevel as Level
from drg.payment.policy import CoefficientRow
from drg.payment.pricing.hospitals import MEASURED
from drg.payment.pricing.levels import best_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drg.payment.policy import DynamicLevel
    from drg.payment.pricing.hospitals import Hospitals

__all__ = ["dynamic_rows"]


def dynamic_rows(
    levels: Sequence[DynamicLevel], hospitals: Hospitals | None, given: frozenset[str] = frozenset()
) -> tuple[CoefficientRow, ...]:
    """A row for each hospital whose coefficient can be worked out.

    Parameters
    ----------
    levels : sequence of DynamicLevel
        Of the policy; the narrowest that covers a hospital's level holds.
    hospitals : Hospitals or None
        None: there is no register, nobody has a dynamic coefficient.
    given : frozenset of str, optional
        Hospitals whose coefficient the policy gives.

    Returns
    -------
    tuple of CoefficientRow
        None for a hospital with a coefficient of its own, of another level, or with an item of its
        level that is not measured.
    """
    if hospitals is None or not levels:
        return ()
    named = {row.level: row for row in levels}
    found = []
    for hospital, measured in sorted(hospitals.measured.items()):
        name = best_level(hospitals.rate_level(hospital), named)
        if name is None or hospital in given:
            continue
        level = _level(named[name])
        if level.components.keys() <= measured.keys():
            asked = {item: measured[item] for item in level.components}
            coefficient = dynamic_coefficient(level, asked).coefficient
            found.append(CoefficientRow(hospital=hospital, coefficient=coefficient))
    return tuple(found)


def _level(row: DynamicLevel) -> Level:
    items = {item: getattr(row, item) for item in MEASURED}
    parts = {
        item: Component(said.step, said.cap, said.increment, said.entry)
        for item, said in items.items()
        if said is not None
    }
    return Level(row.base, parts, row.ceiling)
