"""From claims to the report: facts, reference, sums of every level, figures with their reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from drg.reports.kpi.catalog import Catalogue, kpi_catalogue
from drg.reports.kpi.cells import cells_of
from drg.reports.kpi.computed import hospitals_of, level_figures
from drg.reports.kpi.facts import FactsReader
from drg.reports.kpi.figures import Figures, summed
from drg.reports.kpi.reference import KpiError, Reference
from drg.reports.kpi.region import (
    group_table,
    histogram,
    reference_of,
    region_cells,
    with_readmissions,
    with_region,
)
from drg.reports.kpi.report import (
    DIMENSIONS,
    LEVELS,
    VALUES,
    KpiReport,
    level_dimensions,
)
from drg.reports.kpi.sums import Plan, by_level

if TYPE_CHECKING:
    from drg.claims.profiles import ClaimColumns
    from drg.reports.kpi.facts import Facts

__all__ = ["KpiRun", "kpi_report", "read_levels"]

#: A dimension by itself stands for a level: departments and doctors within their hospital.
_SHORT = {
    "department": "hospital+department",
    "doctor": "hospital+department+doctor",
}


def read_levels(by: Iterable[str]) -> tuple[str, ...]:
    """Levels as they are asked for: ``department`` is ``hospital+department``.

    Parameters
    ----------
    by : iterable of str
        Dimensions, or several joined by ``+``, in any order; ``all`` always comes first.

    Raises
    ------
    KpiError
        K405: no such dimension.

    Examples
    --------
    >>> read_levels(["department", "group+hospital"])
    ('all', 'hospital+department', 'hospital+group')
    """
    levels = ["all"]
    for word in by:
        told = _SHORT.get(word.strip(), word.strip())
        names = [] if told == "all" else [name.strip() for name in told.split("+")]
        unknown = [name for name in names if name not in DIMENSIONS]
        if unknown:
            raise KpiError("K405", name=unknown[0], known=", ".join(DIMENSIONS))
        levels.append("+".join(d for d in DIMENSIONS if d in names) or "all")
    return tuple(dict.fromkeys(levels))


class KpiRun:
    """A report in the making: add claims, frame by frame, then finish.

    Parameters
    ----------
    findings : DataFrame, optional
        Findings of ``drg check``: ``claim_id``, ``code`` (rule) and ``result`` (``hit``, ``pass``,
        ``not_assessable``). Without them decomposed stays and needless admissions are not told.
    catalogue : Catalogue, optional
        The shipped figures when omitted.
    """

    def __init__(
        self, findings: pl.DataFrame | None = None, catalogue: Catalogue | None = None
    ) -> None:
        self.catalogue = catalogue or kpi_catalogue()
        self._reader = FactsReader(self.catalogue.parameters, self._found(findings))
        self._inputs: list[str] = []

    def add(
        self,
        frame: pl.DataFrame,
        columns: ClaimColumns,
        *,
        period: str | None = None,
        name: str = "",
    ) -> None:
        """Add grouped or settled claims.

        Parameters
        ----------
        frame : DataFrame
        columns : ClaimColumns
        period : str, optional
            Month of all these claims; that of each one's discharge when omitted.
        name : str, optional
            File or folder they come from.
        """
        self._reader.add(frame, columns, period)
        if name and name not in self._inputs:
            self._inputs.append(name)

    def finish(
        self, *, by: Sequence[str] | None = None, reference: Reference | None = None
    ) -> KpiReport:
        """Reckon.

        Parameters
        ----------
        by : sequence of str, optional
            Levels (``read_levels``). When omitted ``LEVELS``, without those of dimensions that no
            claim reports.
        reference : Reference, optional
            Frozen regional means; those of the run itself when omitted.

        Raises
        ------
        KpiError
            K405 no such dimension; K406 no claim reports one that is asked for; K407 the claims
            have weights and scores both.
        """
        facts = self._reader.finish()
        if facts.system == "both":
            raise KpiError("K407")
        levels = self._levels(facts, by)
        parameters = self.catalogue.parameters
        facts = with_readmissions(facts)
        region = region_cells(facts)
        means = reference or reference_of(facts, region)
        facts = with_region(facts, means, parameters)
        kpis = [k for k in self.catalogue.kpis if k.levels != "fund"]
        plan = Plan(facts, [k for k in kpis if summed(facts, k)])
        # Coverage counts hospitals within the units of levels that do not tell them apart.
        finer = [hospitals_of(lv) for lv in levels if "hospital" in facts.told]
        sums = by_level(facts, plan, dict.fromkeys([*levels, *finer]))
        cells = cells_of(facts, {level: sums[level].units for level in levels})
        figures = Figures(facts, means, self.catalogue, sums, cells)
        parts = [level_figures(figures, level) for level in levels]
        return KpiReport(
            system=facts.system,
            claims=self._reader.rows,
            periods=tuple(sorted(name for name in facts.names["period"] if name)),
            levels=levels,
            values=pl.concat(parts) if parts else pl.DataFrame(schema=VALUES),
            groups=group_table(facts, region, means, parameters),
            histogram=histogram(facts, parameters),
            kpis=self.catalogue.kpis,
            reference=means,
            inputs=tuple(self._inputs),
        )

    def _levels(self, facts: Facts, by: Sequence[str] | None) -> tuple[str, ...]:
        if by is None:
            return tuple(lv for lv in LEVELS if facts.told.issuperset(level_dimensions(lv)))
        levels = read_levels(by)
        for level in levels:
            untold = [d for d in level_dimensions(level) if d not in facts.told]
            if untold and self._reader.rows:
                raise KpiError("K406", name=untold[0])
        return levels

    def _found(self, findings: pl.DataFrame | None) -> Mapping[str, tuple[pl.Series, pl.Series]]:
        if findings is None:
            return {}
        parameters = self.catalogue.parameters
        rules = {
            "decomposed": parameters.decomposed_rules,
            "low_standard": parameters.low_standard_rules,
        }
        ids, code, result = (pl.col(n).cast(pl.String) for n in ("claim_id", "code", "result"))
        found = {}
        for measure, listed in rules.items():
            of = findings.filter(code.is_in(listed)).select(id=ids, result=result)
            hits = of.filter(pl.col("result") == "hit")["id"].drop_nulls().unique()
            unknown = of.filter(pl.col("result") == "not_assessable")["id"].drop_nulls()
            found[measure] = hits, unknown.filter(~unknown.is_in(hits.implode())).unique()
        return found


def kpi_report(
    frames: Iterable[tuple[pl.DataFrame, ClaimColumns]],
    *,
    reference: Reference | None = None,
    by: Sequence[str] | None = None,
    findings: pl.DataFrame | None = None,
) -> KpiReport:
    """Figures of grouped or settled claims at hand; ``drg.scale.kpi_file`` reads files and folders.

    Parameters
    ----------
    frames : iterable of (DataFrame, ClaimColumns)
    reference, by, findings
        As for ``KpiRun``.

    Raises
    ------
    KpiError
        As ``KpiRun.finish``.
    """
    run = KpiRun(findings)
    for frame, columns in frames:
        run.add(frame, columns)
    return run.finish(by=by, reference=reference)
