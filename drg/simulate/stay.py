"""Length of stay and cost of cases against the means of their groups."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from drg.claims.typed import ClaimArrays
from drg.money import PLACES, round_scaled, unscaled
from drg.simulate.answer import Stay
from drg.text import text

if TYPE_CHECKING:
    import polars as pl

    from drg.claims.profiles import ClaimColumns

__all__ = ["Means", "case_stays"]

_SHOWN = 2


class _Mean(NamedTuple):
    """Means of a group: days, fen, and where they stand."""

    days: Fraction | None
    cost: int | None
    source: str


class Means:
    """Means of groups, looked up by group.

    Parameters
    ----------
    frame : DataFrame
        ``drg.simulate.simulator.MEANS``; of a group that stands there twice the first row counts.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        found: dict[str, _Mean] = {}
        rows = frame.select("group", "los_mean", "cost_mean_fen", "source").iter_rows()
        for group, days, cost, source in rows:
            if group is not None:
                exact = None if days is None else Fraction(str(days))
                found.setdefault(str(group), _Mean(exact, cost, source or ""))
        self._by_group: Mapping[str, _Mean] = found

    def find(self, *names: str | None) -> _Mean | None:
        """Means of the first of these groups that has any."""
        told = (self._by_group.get(name) for name in names if name is not None)
        return next(filter(None, told), None)


def case_stays(
    grouped: pl.DataFrame, columns: ClaimColumns, means: Means | None, *, lang: str | None = None
) -> list[Stay]:
    """How long each case stayed and what it cost, against its group's means.

    Parameters
    ----------
    grouped : DataFrame
        What ``group_frame`` gives; a DIP subtype without means of its own has its group's
        (``adrg``).
    columns : ClaimColumns
    means : Means or None
        None: there are none, and the answer says so.
    lang : str, optional

    Returns
    -------
    list of Stay
        One a row, in order.
    """
    claims = ClaimArrays(grouped, columns)
    days, cost = claims.numbers("los_days"), claims.money("total_cost")
    groups = grouped["group"].to_list()
    dip = "auxiliary" in grouped.columns
    bases = grouped["adrg"].to_list() if dip else groups
    return [
        _stay(
            days.fen[row].item() if days.given[row] else None,
            cost.fen[row].item() if cost.given[row] else None,
            group,
            None if means is None else means.find(group, base),
            "no_means" if means is None else "no_group" if group is None else "no_row",
            lang,
        )
        for row, (group, base) in enumerate(zip(groups, bases, strict=True))
    ]


def _stay(
    days: int | None, cost: int | None, group: str | None, mean: _Mean | None, why: str,
    lang: str | None,
) -> Stay:  # fmt: skip
    if mean is None or group is None:
        source = text(f"simulate.stay_{why}", lang)
        return Stay(los_days=days, mean_days=None, ratio=None, cost_ratio=None, source=source)
    shown = None if mean.days is None else unscaled(round_scaled(mean.days, _SHOWN), _SHOWN)
    return Stay(
        los_days=days,
        mean_days=shown,
        ratio=_ratio(days, mean.days),
        mean_cost_fen=mean.cost,
        cost_ratio=_ratio(cost, None if mean.cost is None else Fraction(mean.cost)),
        source=mean.source,
    )


def _ratio(value: int | None, mean: Fraction | None) -> str | None:
    """A value over a mean, four places, half up; None where either is not told."""
    if value is None or mean is None or mean <= 0 or value < 0:
        return None
    return unscaled(round_scaled(value / mean, PLACES))
