"""``drg synth``: a month of made-up claims that fit a scheme, for demos, tests and benchmarks.

Real rules, invented patients: codes, ages, sexes and procedures are drawn so that the scheme's
own rules lead to every kind of group; shares, costs and weights come from ``tables/demo`` and are
synthetic. The same arguments give the same claims; claim ``i`` does not depend on ``n`` or on the
size of a batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields
from datetime import date
from itertools import islice
from typing import NamedTuple, Self

import numpy as np
import polars as pl

from drg.claims.synth_defects import put_defects
from drg.claims.synth_draw import BLOCK, MISSING, Block, Source, draw_block
from drg.claims.synth_model import Model, build_model, hospital_levels
from drg.claims.synth_plan import SchemeLike
from drg.claims.synth_tables import Floats, Matrix, read_parameters
from drg.dates import Month
from drg.forked import refuse_after_fork

__all__ = ["Run", "SchemeLike", "run_batches", "synth", "synth_batches", "synth_hospitals"]

#: Streams of one block: clean claims, and what is done to them.
_CLEAN, _DEFECTS = 0, 1
#: Threads that make blocks, and blocks kept ready: enough to hide the caller's own work.
_WORKERS, _AHEAD = 4, 8
_EPOCH = date(1970, 1, 1)
_MOST_MONTHS = 120


class Run(NamedTuple):
    """What a call asks of the generator; ``check`` says whether it can be done.

    Attributes
    ----------
    n, seed, batch, hospitals, months : int
    month : str
        First month of discharge.
    defects : float
    with_defects, with_group : bool
        Add the columns ``defect``, ``expected_group``.
    """

    n: int
    seed: int
    batch: int = 500_000
    hospitals: int = 12
    month: str = "2025-06"
    months: int = 1
    defects: float = 0.02
    with_defects: bool = False
    with_group: bool = False

    def check(self) -> Self:
        """The run itself.

        Raises
        ------
        ValueError
            An argument is out of its range, or the month cannot be read.
        """
        n, seed, batch, hospitals = self[:4]
        if n < 0 or seed < 0 or batch < 1 or hospitals < 1:
            raise ValueError(
                "n and seed must be >= 0, batch and hospitals >= 1; got "
                f"n={n}, seed={seed}, batch={batch}, hospitals={hospitals}"
            )
        if not 1 <= self.months <= _MOST_MONTHS:
            raise ValueError(f"months must be 1 to {_MOST_MONTHS}, not {self.months}")
        if not 0.0 <= self.defects <= 1.0:
            raise ValueError(f"defects is a share from 0 to 1, not {self.defects}")
        try:
            Month.parse(self.month)
        except ValueError as error:
            raise ValueError(f"month must be YYYY-MM, not {self.month!r}") from error
        return self


def synth(
    scheme: SchemeLike,
    n: int,
    seed: int,
    *,
    hospitals: int = 12,
    month: str = "2025-06",
    months: int = 1,
    defects: float = 0.02,
    with_defects: bool = False,
) -> pl.DataFrame:
    """Make ``n`` claims in one frame.

    Parameters
    ----------
    scheme : Scheme
        The scheme whose rules the claims are made for.
    n : int
        Number of claims, 0 or more.
    seed : int
        Seed, 0 or more; the same seed gives the same claims.
    hospitals : int, optional
        Number of hospitals (``H0001`` …), of up to three levels with different cases.
    month : str, optional
        Month of discharge, ``"YYYY-MM"``; admissions may lie before it.
    months : int, optional
        Months of discharge from that one on, 1 to 120.
    defects : float, optional
        Share of claims that carry one defect, 0 to 1.
    with_defects : bool, optional
        Add a column ``defect`` (String): the defect's kind, null for a clean claim.

    Returns
    -------
    polars.DataFrame
        The canonical claim columns, one row a claim: text as String, years, days, grams and hours
        as Int64, dates as Date, ``diagnoses`` and ``procedures`` as List(String) with the principal
        one first, costs in yuan as text with two decimals. Null: not reported.

    Raises
    ------
    ValueError
        An argument is out of its range, or the month cannot be read.
    """
    batches = synth_batches(
        scheme,
        n,
        seed,
        batch=max(n, 1),
        hospitals=hospitals,
        month=month,
        months=months,
        defects=defects,
        with_defects=with_defects,
    )
    return next(batches)


def synth_batches(
    scheme: SchemeLike,
    n: int,
    seed: int,
    batch: int = 500_000,
    *,
    hospitals: int = 12,
    month: str = "2025-06",
    months: int = 1,
    defects: float = 0.02,
    with_defects: bool = False,
) -> Iterator[pl.DataFrame]:
    """Make the claims of ``synth`` batch by batch, in constant memory.

    Parameters
    ----------
    batch : int, optional
        Claims a frame; the last one may be shorter. It changes nothing else.
    scheme, n, seed, hospitals, month, months, defects, with_defects
        As for ``synth``.

    Yields
    ------
    polars.DataFrame
        As ``synth`` returns; one empty frame when ``n`` is 0.

    Raises
    ------
    ValueError
        As for ``synth``, at the call.
    """
    run = Run(n, seed, batch, hospitals, month, months, defects, with_defects).check()
    refuse_after_fork()
    return run_batches(build_model(scheme, hospitals, read_parameters()), run)


def synth_hospitals(hospitals: int = 12) -> pl.DataFrame:
    """The hospitals that ``synth`` uses: hospital_id, level (primary, secondary, tertiary)."""
    levels = hospital_levels(hospitals, read_parameters())
    return pl.DataFrame(
        {"hospital_id": [f"H{k + 1:04d}" for k in range(hospitals)], "level": levels},
        schema={"hospital_id": pl.String, "level": pl.String},
    )


def run_batches(model: Model, run: Run) -> Iterator[pl.DataFrame]:
    """Draw the claims of a checked run from a model, batch by batch; as ``synth_batches``."""
    first = Month.parse(run.month).first
    end = Month.parse(run.month).plus(run.months).first
    days = _days(first, (end - first).days, model.settings["stay"]["weekday"])
    texts = _Texts(model, first)
    n = run.n

    def make(number: int) -> pl.DataFrame:
        block = draw_block(model, Source(run.seed, number, _CLEAN), number * BLOCK, days)
        put_defects(model, Source(run.seed, number, _DEFECTS), block, run.defects)
        return texts.frame(block, run)

    if n == 0:
        yield make(0).clear()
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        ahead = deque[Future[pl.DataFrame]]()
        numbers = iter(range(-(-n // BLOCK)))
        left: pl.DataFrame | None = None
        for start in range(0, n, run.batch):
            wanted = min(run.batch, n - start)
            parts: list[pl.DataFrame] = []
            while wanted:
                if left is None:
                    ahead.extend(pool.submit(make, k) for k in islice(numbers, _AHEAD - len(ahead)))
                    left = ahead.popleft().result()
                parts.append(left.head(wanted))
                wanted -= parts[-1].height
                left = left.slice(parts[-1].height) if parts[-1].height < left.height else None
            yield pl.concat(parts, rechunk=True)


class _Texts:
    """Turns drawn numbers into the canonical frame."""

    def __init__(self, model: Model, first: date) -> None:
        self.model = model
        self.month = f"{first:%Y%m}"
        self.first = (first - _EPOCH).days
        listed = pl.Series([*model.code_texts, *model.junk, ""], dtype=pl.String)
        wide = [c.translate(_FULL_WIDTH) for c in listed]
        spelled = [listed, listed.str.to_lowercase(), " " + listed, listed + " ", pl.Series(wide)]
        self.codes = pl.concat([s.alias("code") for s in spelled])
        self.listed = len(listed)
        self.sexes = pl.Series([None, "M", "F", *model.settings["defect"]["sex"]], dtype=pl.String)
        self.hospitals = pl.Series(model.hospital_ids, dtype=pl.String)
        self.cents = pl.Series([f".{k:02d}" for k in range(100)], dtype=pl.String)
        self.kinds = pl.Series(model.defects[0], dtype=pl.String)
        self.groups = pl.Series([code or None for code in model.adrg], dtype=pl.String)

    def frame(self, block: Block, run: Run) -> pl.DataFrame:
        """Canonical columns of the block's claims, in order."""
        rows = {f.name: getattr(block, f.name) for f in fields(block)}
        codes = rows.pop("diagnoses")
        codes[0] += (rows.pop("spelling") * self.listed).astype(np.int32)
        diagnoses, procedures = self._lists(codes), self._lists(rows.pop("procedures"))
        numbers = pl.DataFrame({name: pl.Series(values) for name, values in rows.items()})
        made = numbers.select(
            _padded("claim", f"C{self.month}").alias("claim_id"),
            self._text(self.hospitals, "hospital").alias("hospital_id"),
            _padded("patient", "P").alias("patient_id"),
            self._chosen("department", self._text(pl.Series(self.model.wards), "ward")),
            self._chosen("insurance", pl.col("insurance").cast(pl.String)),
            self._text(self.sexes, "sex").alias("sex"),
            _number("age"),
            _number("age_days"),
            _number("birth_weight").alias("birth_weight_g"),
            _number("admission_weight").alias("admission_weight_g"),
            (pl.col("admitted") + self.first).cast(pl.Int32).cast(pl.Date).alias("admitted_on"),
            (pl.col("discharged") + self.first).cast(pl.Int32).cast(pl.Date).alias("discharged_on"),
            _number("los").alias("los_days"),
            _number("icu_hours"),
            _number("ventilation_hours"),
            self._chosen("disposition", pl.col("disposition").cast(pl.String)),
            self._yuan("cost").alias("total_cost"),
            self._yuan("paid").alias("patient_paid"),
            self._yuan("technology").alias("new_technology_cost"),
            *([_at(self.kinds, "defect").alias("defect")] if run.with_defects else []),
            *([self._text(self.groups, "plan").alias("expected_group")] if run.with_group else []),
        )
        place = made.columns.index("total_cost")
        made.insert_column(place, diagnoses.alias("diagnoses"))
        return made.insert_column(place + 1, procedures.alias("procedures"))

    def _lists(self, codes: Matrix) -> pl.Series:
        """Rows of ids, -1 for none, as lists of code texts; empty for a claim without any."""
        by_claim = codes.T
        present = by_claim >= 0
        count = present.sum(axis=1)
        claim = np.repeat(np.arange(len(count), dtype=np.uint32), count)
        flat = pl.DataFrame(
            {
                "claim": pl.Series(claim).set_sorted(),
                "code": self.codes.gather(pl.Series(by_claim[present].astype(np.uint32))),
            }
        )
        lists = flat.group_by("claim", maintain_order=True).agg("code")["code"]
        if len(lists) == len(count):
            return lists
        nothing = pl.Series([[]], dtype=pl.List(pl.String))
        some = count > 0
        place = np.where(some, np.cumsum(some) - 1, len(lists))
        return pl.concat([lists, nothing.alias("code")]).gather(pl.Series(place))

    def _text(self, texts: pl.Series, column: str) -> pl.Expr:
        return pl.lit(texts).gather(pl.col(column))

    def _chosen(self, name: str, usual: pl.Expr) -> pl.Expr:
        """A text column, or what the plan's rule asks for."""
        for field, place in self.model.fixed:
            if field == name:
                wanted = pl.lit(pl.Series(place)).gather(pl.col("plan"))
                texts = pl.lit(pl.Series(self.model.choices[name], dtype=pl.String))
                usual = (
                    pl.when(wanted >= 0)
                    .then(texts.gather(pl.max_horizontal(wanted, 0)))
                    .otherwise(usual)
                )
        return usual.alias(name)

    def _yuan(self, column: str) -> pl.Expr:
        fen = pl.col(column)
        whole = (fen // 100).cast(pl.String)
        text = pl.concat_str(whole, pl.lit(self.cents).gather(fen.abs() % 100))
        return pl.when(fen != MISSING).then(text)


_FULL_WIDTH = {k: k + 0xFEE0 for k in range(0x21, 0x7F)}


def _padded(column: str, prefix: str) -> pl.Expr:
    return pl.concat_str(pl.lit(prefix), pl.col(column).cast(pl.String).str.zfill(9))


def _number(column: str) -> pl.Expr:
    return pl.when(pl.col(column) != MISSING).then(pl.col(column)).alias(column)


def _at(texts: pl.Series, column: str) -> pl.Expr:
    place = pl.when(pl.col(column) >= 0).then(pl.col(column))
    return pl.lit(texts).gather(place)


def _days(first: date, days: int, weekday: list[float]) -> Floats:
    """Running share of discharges of each day."""
    running = np.cumsum([weekday[(first.weekday() + k) % 7] for k in range(days)])
    running /= running[-1]
    running[-1] = 1.0
    return running
