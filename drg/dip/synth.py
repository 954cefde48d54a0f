"""Made-up claims of a DIP catalogue's groups: ``drg synth -s taian-2025``.

Patients, dates, hospitals and money are drawn as for DRG schemes (``drg.claims.synth``); codes come
from the catalogue's groups, costs from its means or scores. The same arguments give the same
claims, whatever the batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from drg.claims.synth import Run, run_batches
from drg.claims.synth_tables import read_parameters
from drg.dip.synth_model import build_model

if TYPE_CHECKING:
    import polars as pl

    from drg.dip.model import Catalogue

__all__ = ["synth", "synth_batches"]


def synth(
    catalogue: Catalogue,
    n: int,
    seed: int,
    *,
    hospitals: int = 12,
    month: str = "2025-06",
    months: int = 1,
    defects: float = 0.02,
    with_defects: bool = False,
    with_group: bool = False,
) -> pl.DataFrame:
    """Make ``n`` claims drawn from a catalogue's groups, in one frame.

    Parameters
    ----------
    catalogue : Catalogue
        Whose groups the claims are made for.
    n : int
        Number of claims, 0 or more.
    seed : int
        Seed, 0 or more; the same seed gives the same claims.
    hospitals : int, optional
        Number of hospitals (``H0001`` …), of up to three levels with different cases.
    month : str, optional
        First month of discharge, ``"YYYY-MM"``; admissions may lie before it.
    months : int, optional
        Months of discharge from that one on, 1 to 120.
    defects : float, optional
        Share of claims that carry one defect, 0 to 1.
    with_defects : bool, optional
        Add a column ``defect`` (String): the defect's kind, null for a clean claim.
    with_group : bool, optional
        Add a column ``expected_group`` (String): the base group that the claim was drawn for, null
        for a diagnosis of no group. A defect may have spoilt it.

    Returns
    -------
    polars.DataFrame
        As ``drg.claims.synth.synth`` returns, ``expected_group`` last.

    Raises
    ------
    ValueError
        An argument is out of its range, or the month cannot be read.
    DipError
        D460: no group that a claim with national codes could reach.
    """
    run = Run(
        n, seed, max(n, 1), hospitals, month, months, defects, with_defects, with_group
    ).check()
    return next(_batches(catalogue, run))


def synth_batches(
    catalogue: Catalogue,
    n: int,
    seed: int,
    batch: int = 500_000,
    *,
    hospitals: int = 12,
    month: str = "2025-06",
    months: int = 1,
    defects: float = 0.02,
    with_defects: bool = False,
    with_group: bool = False,
) -> Iterator[pl.DataFrame]:
    """Make the claims of ``synth`` batch by batch, in constant memory.

    Parameters
    ----------
    batch : int, optional
        Claims a frame; the last one may be shorter. It changes nothing else.
    catalogue, n, seed, hospitals, month, months, defects, with_defects, with_group
        As for ``synth``.

    Yields
    ------
    polars.DataFrame
        As ``synth`` returns; one empty frame when ``n`` is 0.

    Raises
    ------
    ValueError, DipError
        As for ``synth``, at the call.
    """
    run = Run(n, seed, batch, hospitals, month, months, defects, with_defects, with_group)
    return _batches(catalogue, run.check())


def _batches(catalogue: Catalogue, run: Run) -> Iterator[pl.DataFrame]:
    return run_batches(build_model(catalogue, run.hospitals, read_parameters()), run)
