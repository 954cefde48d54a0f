"""Means of groups for explanations of single cases: from a file, a catalogue or a policy."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.readers import open_file
from drg.dip.grouper import DipGrouper
from drg.dip.tables import CATALOGUE_TABLES
from drg.money import read_fen, round_scaled, unscaled
from drg.reports.kpi.reference import KpiError, read_reference
from drg.schemes.tables import read_table
from drg.simulate.simulator import MEANS

if TYPE_CHECKING:
    from drg.grouping.base import ClaimGrouper
    from drg.payment.policy import Policy
    from drg.schemes.folder import Folder

__all__ = ["known_means", "read_means"]

#: Group, mean days as text, mean fen, where they stand.
_Row = tuple[str, str | None, int | None, str]

_DTYPES = (pl.String(), pl.String(), pl.Int64(), pl.String())
#: Places of mean days: those a reference has them with.
_PLACES = 6
#: Column of mean costs, in yuan, of what ``drg weights`` writes.
_HISTORY = "mean_yuan"


def read_means(path: str | Path, *, sheet: str | int | None = None) -> pl.DataFrame:
    """Means of groups from a file.

    Parameters
    ----------
    path : str or Path
        A reference of ``drg kpi --save-reference`` (days and costs), or a table of weights from
        history of ``drg weights`` (costs alone).
    sheet : str or int, optional

    Returns
    -------
    DataFrame
        ``drg.simulate.simulator.MEANS``, one row a group; ``source`` is the name of the file.

    Raises
    ------
    KpiError
        K402 neither kind of file; K403 a cell is no number; K404 a group stands twice.
    InputError
        F1xx: the file cannot be read.
    """
    path = Path(path)
    with open_file(path, sheet=sheet) as source:
        frame = source.cells()
    names = {name.strip().casefold(): name for name in frame.columns}
    if "group" in names and _HISTORY in names:
        return _framed(_of_history(frame, names["group"], names[_HISTORY], path))
    rows: list[_Row] = []
    for group, means in read_reference(path, sheet=sheet).groups.items():
        days = None if means.los_mean is None else round_scaled(means.los_mean, _PLACES)
        rows.append(
            (
                group,
                None if days is None else unscaled(days, _PLACES),
                None if means.cost_mean is None else round_scaled(means.cost_mean, 0),
                path.name,
            )
        )
    return _framed(rows)


def known_means(grouper: ClaimGrouper, policy: Policy | None = None) -> pl.DataFrame | None:
    """Means that the catalogue of a DIP grouper, or a policy, has.

    Parameters
    ----------
    grouper : ClaimGrouper
    policy : Policy, optional
        Its means of groups count where the catalogue has none; those by level of hospital do not.

    Returns
    -------
    DataFrame or None
        ``drg.simulate.simulator.MEANS``, one row a group; days are null where only costs are
        known. None: there are no means at all.

    Raises
    ------
    TableError
        A table of the catalogue is missing, changed or broken.
    """
    found: list[_Row] = []
    if isinstance(grouper, DipGrouper):
        found = _of_catalogue(grouper.folder)
    known = {row[0] for row in found}
    if policy is not None:
        found += [row for row in _of_policy(policy) if row[0] not in known]
    return _framed(found) if found else None


def _of_history(frame: pl.DataFrame, group: str, mean: str, path: Path) -> Iterable[_Row]:
    groups = frame[group].cast(pl.String).str.strip_chars().to_list()
    read = read_fen(frame[mean])
    seen: set[str] = set()
    for number, (name, fen, bad) in enumerate(
        zip(groups, read.fen.to_list(), read.unreadable.to_list(), strict=True), 2
    ):
        where = f"{path}:{number}"
        if bad:
            cell = frame[mean][number - 2]
            raise KpiError("K403", where=where, column=mean, text=str(cell))
        if name in seen:
            raise KpiError("K404", where=where, group=name)
        if name:
            seen.add(name)
            yield name, None, fen, path.name


def _of_catalogue(folder: Folder) -> list[_Row]:
    name = str(folder.header["id"])
    groups = read_table(folder, CATALOGUE_TABLES["groups"])
    rows = [(*row, name) for row in groups.select("group", "mean_cost", "mean_days").iter_rows()]
    if "auxiliary" in folder.entries:
        subtypes = read_table(folder, CATALOGUE_TABLES["auxiliary"])
        cells = subtypes.select("group", "subtype", "mean_cost").iter_rows()
        rows += [(f"{group}_{subtype}", cost, "", name) for group, subtype, cost in cells]
    return [
        (group, days or None, round_scaled(Fraction(Decimal(cost)) * 100, 0) if cost else None, id_)
        for group, cost, days, id_ in rows
        if cost or days
    ]


def _of_policy(policy: Policy) -> list[_Row]:
    means: dict[str, int] = {}
    if policy.drg is not None:
        means |= policy.drg.points.group_means if policy.drg.points else {}
        means |= policy.drg.outliers.means if policy.drg.outliers else {}
    if policy.dip is not None and policy.dip.deviation is not None:
        means |= {g: fen for g, fen in policy.dip.deviation.means.items() if "|" not in g}
    return [(group, None, fen, policy.id) for group, fen in means.items()]


def _framed(rows: Iterable[_Row]) -> pl.DataFrame:
    schema = pl.Schema(dict(zip(MEANS, _DTYPES, strict=True)))
    return pl.DataFrame(list(rows), schema=schema, orient="row")
