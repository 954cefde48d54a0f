"""The figures of section I as a value: what ``kpi_report`` gives, and the workbook and page read.

One long frame holds every figure of every level with numerator and denominator; nothing in it is
zero because an input is missing: then the value is null and ``reason`` says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from drg.reports.kpi.catalog import Kpi
    from drg.reports.kpi.reference import Reference

__all__ = [
    "DIMENSIONS", "GROUPS", "HISTOGRAM", "LEVELS", "VALUES", "KpiReport", "level_dimensions",
]  # fmt: skip

#: What claims are told apart by, in the order of columns.
DIMENSIONS: tuple[str, ...] = (
    "period", "hospital", "department", "doctor", "group", "insurance",
)  # fmt: skip
#: Levels of a report unless others are asked for; ``all`` is the whole run. A level names its
#: dimensions joined by ``+``; departments and doctors are told within their hospital.
LEVELS: tuple[str, ...] = (
    "all", "period", "insurance", "hospital", "period+hospital", "hospital+department",
    "hospital+department+doctor", "group",
)  # fmt: skip

#: One row a level, a unit of it (its dimensions) and a figure.
#:
#: ``period`` … ``insurance``: null where the level does not tell the dimension, ``""`` where the
#: claims of the row do not report it. ``kpi``: id of ``drg.reports.kpi.catalog``. ``numerator``,
#: ``denominator``: integers in the units the catalogue names (cases, fen, days, ten-thousandths);
#: null where the figure has none. ``value``: integer of the scale 10 to the figure's ``places``,
#: half up once from the exact ratio; null: cannot be told, see ``reason``. ``cases``: claims that
#: count in the figure; ``left_out``: claims of the unit that lack an input of it. ``reason``:
#: ``""``, or an entry ``reason_*`` of the catalogue of words (``missing`` ``no_cases``
#: ``zero_denominator`` ``no_reference`` ``no_earlier`` ``one_case``), and in ``lacking`` the
#: column that is missing. ``flag``: ``""``, ``high`` or ``low`` against the figure's threshold.
VALUES = pl.Schema(
    {
        "level": pl.String(),
        **dict.fromkeys(DIMENSIONS, pl.String()),
        "kpi": pl.String(),
        "numerator": pl.Int64(),
        "denominator": pl.Int64(),
        "value": pl.Int64(),
        "cases": pl.Int64(),
        "left_out": pl.Int64(),
        "reason": pl.String(),
        "lacking": pl.String(),
        "flag": pl.String(),
    }
)

#: One row a group of the run, the largest total cost first: ``cases`` grouped to it,
#: ``deaths`` (null: not reported), ``weight_e4`` (weight, or score; null: none or several),
#: ``cost_fen`` (sum), ``mean_fen``, ``cv_e4`` (population), ``cv_sample_e4`` (null: one case),
#: ``los_e4`` (mean days × 10⁴), ``profit_fen`` (null: no standard), ``flag`` (``review`` above the
#: catalogue's bound), ``risk``: ``zero low mid_low mid_high high`` by the reference, null: unknown.
GROUPS = pl.Schema(
    {
        "group": pl.String(),
        "group_name": pl.String(),
        "cases": pl.Int64(),
        "deaths": pl.Int64(),
        "weight_e4": pl.Int64(),
        "cost_fen": pl.Int64(),
        "mean_fen": pl.Int64(),
        "cv_e4": pl.Int64(),
        "cv_sample_e4": pl.Int64(),
        "los_e4": pl.Int64(),
        "profit_fen": pl.Int64(),
        "flag": pl.String(),
        "risk": pl.String(),
    }
)

#: Claims by cost ÷ standard: ``from_e2`` (included) to ``to_e2`` (excluded; null: no end), cases.
HISTOGRAM = pl.Schema({"from_e2": pl.Int64(), "to_e2": pl.Int64(), "cases": pl.Int64()})


def level_dimensions(level: str) -> tuple[str, ...]:
    """Dimensions of a level: ``"hospital+department"`` is ``("hospital", "department")``.

    Examples
    --------
    >>> level_dimensions("all"), level_dimensions("period+hospital")
    ((), ('period', 'hospital'))
    """
    return () if level == "all" else tuple(level.split("+"))


@dataclass(frozen=True, kw_only=True)
class KpiReport:
    """Figures of a run.

    Attributes
    ----------
    system : str
        ``"drg"``, ``"dip"``, or ``""`` where the claims have neither weight nor score.
    claims : int
        Claims read.
    periods : tuple of str
        Months such as ``"2025-06"``, in order; of settled folders their months, otherwise those
        of discharge.
    levels : tuple of str
        Levels of ``values``, in order.
    values : DataFrame
        ``VALUES``, by level, unit (the dimensions in order) and the order of the catalogue.
    groups : DataFrame
        ``GROUPS``.
    histogram : DataFrame
        ``HISTOGRAM``; without rows where no claim has cost and standard.
    kpis : tuple of Kpi
        Definitions of the figures, in the order of the catalogue.
    reference : Reference
        Regional means: frozen, or those of the run itself (``reference.frozen`` is then False).
    inputs : tuple of str
        Names of the files or folders read.
    """

    system: str
    claims: int
    periods: tuple[str, ...]
    levels: tuple[str, ...]
    values: pl.DataFrame
    groups: pl.DataFrame
    histogram: pl.DataFrame
    kpis: tuple[Kpi, ...]
    reference: Reference
    inputs: tuple[str, ...] = ()

    def kpi(self, kpi_id: str) -> Kpi:
        """The definition of a figure.

        Raises
        ------
        KeyError
            There is none of that id.
        """
        return next((k for k in self.kpis if k.id == kpi_id), None) or _unknown(kpi_id)

    def rows(self, level: str, *kpi_ids: str) -> pl.DataFrame:
        """Rows of ``values`` of a level, of these figures or of all."""
        found = self._by_level.get(level, self.values.clear())
        return found.filter(pl.col("kpi").is_in(kpi_ids)) if kpi_ids else found

    @cached_property
    def _by_level(self) -> dict[str, pl.DataFrame]:
        """Rows of each level, which lie together."""
        runs = self.values["level"].rle().struct.unnest()
        found, start = {}, 0
        for length, level in runs.iter_rows():
            found[level] = self.values.slice(start, length)
            start += length
        return found

    def wide(self, level: str, *kpi_ids: str, field: str = "value") -> pl.DataFrame:
        """One row a unit of a level: its dimensions, then one column a figure.

        Parameters
        ----------
        level : str
        *kpi_ids : str
            Figures in the order of the columns.
        field : {"value", "numerator", "denominator", "cases", "reason", "flag"}
        """
        keys = list(level_dimensions(level))
        found = self.rows(level, *kpi_ids)
        units = found.select(keys).unique(maintain_order=True) if keys else pl.DataFrame({"_": [0]})
        for kpi_id in kpi_ids:
            part = found.filter(pl.col("kpi") == kpi_id)
            if keys:
                part = part.select(*keys, pl.col(field).alias(kpi_id))
                units = units.join(
                    part, on=keys, how="left", nulls_equal=True, maintain_order="left"
                )
            else:
                units = units.with_columns(part[field].alias(kpi_id))
        return units if keys else units.drop("_")

    def group_names(self) -> dict[str, str]:
        """Names of groups that have one."""
        named = self.groups.filter(pl.col("group_name") != "").select("group", "group_name")
        return dict(named.iter_rows())

    def value(self, kpi_id: str, level: str = "all", **unit: str) -> int | None:
        """One figure of one unit, such as ``value("cmi", "hospital", hospital="H001")``.

        Raises
        ------
        KeyError
            The report has no such row.
        """
        found = self.rows(level, kpi_id)
        for dimension, wanted in unit.items():
            found = found.filter(pl.col(dimension) == wanted)
        if found.height != 1:
            raise KeyError((level, kpi_id, unit))
        number: int | None = found["value"][0]
        return number


def _unknown(kpi_id: str) -> Kpi:
    raise KeyError(kpi_id)
