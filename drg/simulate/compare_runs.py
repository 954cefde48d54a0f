"""Two runs of the same claims, row by row: who moves, what it costs, and whose difference it is.

Amounts are fen of the fund, summed as integers; claims that the fund does not answer for (unpaid,
or priced for statistics alone) count with nothing. So the differences of the rows, of the parts of
any table and of the total are the same sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from drg.claims.typed import ClaimArrays
from drg.grouping.result import Outcome
from drg.money import mul_div
from drg.payment.pricing.price_columns import Mode
from drg.payment.weight_table import insurance_code
from drg.simulate.change import WhatIfError

if TYPE_CHECKING:
    from drg.claims.named import Named
    from drg.claims.profiles import ClaimColumns
    from drg.simulate.whatif import Run

__all__ = ["BY", "MOVES", "ROW_SCHEMA", "RunComparison", "RunTally", "compare_runs"]

#: Tables of differences and their keys; ``total`` has one row.
BY: dict[str, tuple[str, ...]] = {
    "total": (),
    "hospital": ("hospital_id",),
    "department": ("hospital_id", "department"),
    "group": ("group",),
    "mode": ("pay_mode",),
    "insurance": ("insurance",),
}
#: What may be another on either side, and is told as ``<name>_before`` and ``<name>_after``.
_TEXTS = ("group", "pay_mode", "case_class", "branch", "payment_note")
_AMOUNTS = ("standard", "price", "patient", "fund")
#: Words of ``changed``, and the columns whose change they stand for.
_CHANGED = {
    "group": ("group",),
    "mode": ("pay_mode",),
    "class": ("case_class",),
    "branch": ("branch", "payment_note"),
    "fund": ("fund",),
    "patient": ("patient",),
}
#: Kinds of ``moves``: from one group, mode or cost class to another.
MOVES: dict[str, str] = {"group": "group", "mode": "pay_mode", "class": "case_class"}
#: One row a claim that differs; row from 1, amounts in fen, null: there is none.
ROW_SCHEMA = pl.Schema(
    {"row": pl.Int64(), "claim_id": pl.String()}
    | dict.fromkeys(("hospital_id", "department", "insurance", "changed"), pl.String())
    | {f"{name}_{side}": pl.String() for name in _TEXTS for side in ("before", "after")}
    | {f"{name}_{side}_fen": pl.Int64() for name in _AMOUNTS for side in ("before", "after")}
    | {"difference_fen": pl.Int64()}
)
_SUMS = (
    "claims_before", "claims_after", "came", "left", "changed", "paid_before", "paid_after",
    "price_before_fen", "price_after_fen", "patient_before_fen", "patient_after_fen",
    "fund_before_fen", "fund_after_fen",
)  # fmt: skip
_NOT_FOR_FUND = (Mode.UNPAID.name, Mode.STATISTICS.name)
_E4 = 10_000


@dataclass(frozen=True)
class RunComparison:
    """What differs between two runs.

    Attributes
    ----------
    rows : DataFrame
        ``ROW_SCHEMA``: the claims that differ, in their order.
    tables : mapping of str to DataFrame
        For each of ``BY`` its keys (null: not reported; ``group`` of a claim that is not grouped
        is its outcome), claims on either side, ``came`` and ``left`` (claims that moved to and from
        it), ``changed`` (claims that differ, counted where they were before), ``paid_*`` (claims
        the fund answers for), sums in fen, ``difference_fen`` and ``ratio_e4``: the difference over
        the fund before in ten-thousandths, half up, null over nothing.
    moves : DataFrame
        ``kind`` (``MOVES``), ``from``, ``to``, claims, fund before and after and difference in
        fen; most claims first.
    names : mapping of {"before", "after"} to mapping of str to str
        Group to its name on either side.
    unpaid : mapping of {"before", "after"} to mapping of str to int
        Why claims are not paid (``payment_note``) on either side, and how many.
    """

    rows: pl.DataFrame
    tables: dict[str, pl.DataFrame]
    moves: pl.DataFrame
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unpaid: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def total(self) -> dict[str, Any]:
        """The one row of the total."""
        return self.tables["total"].row(0, named=True)


def compare_runs(before: Run, after: Run) -> RunComparison:
    """Compare two runs of the same claims.

    Parameters
    ----------
    before, after : Run
        Same claims in the same order, such as two of ``what_if``.

    Raises
    ------
    WhatIfError
        G430: they are not.
    """
    tally = RunTally()
    rows = tally.add(before, after)
    return tally.comparison(rows)


class RunTally:
    """Adds up what differs, part by part."""

    def __init__(self) -> None:
        self.claims = 0
        self.differing = 0
        #: Names of the groups met so far, as ``RunComparison.names``.
        self.names: dict[str, dict[str, str]] = {"before": {}, "after": {}}
        self._unpaid: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
        self._sums: dict[str, list[pl.DataFrame]] = {name: [] for name in BY}
        self._moves: list[pl.DataFrame] = []

    def add(self, before: Run, after: Run) -> pl.DataFrame:
        """Take a part of both runs.

        Returns
        -------
        DataFrame
            ``ROW_SCHEMA``: its claims that differ.
        """
        frame = _both(before, after, self.claims)
        self.claims += frame.height
        for name, keys in BY.items():
            self._sums[name] = [_added([*self._sums[name], _sums(frame, keys)], keys)]
        for side, run in (("before", before), ("after", after)):
            self.names[side] |= _group_names(run.frame)
            self._unpaid[side].update(_unpaid(frame, side))
        for kind, column in MOVES.items():
            self._moves.append(_moves(frame, kind, column))
        rows = frame.filter(pl.col("changed") != "").select(
            pl.col(name).cast(dtype) for name, dtype in ROW_SCHEMA.items()
        )
        self.differing += rows.height
        return rows

    def comparison(self, rows: pl.DataFrame | None = None) -> RunComparison:
        """All that was taken; ``rows`` where the caller has kept them."""
        tables = {name: _told(self._sums[name], keys) for name, keys in BY.items()}
        by = ["kind", "from", "to"]
        counted = pl.concat([_NO_MOVES, *self._moves]).group_by(by).agg(pl.all().sum())
        moves = counted.sort("claims", *by, descending=[True, False, False, False])
        return RunComparison(
            rows=pl.DataFrame(schema=ROW_SCHEMA) if rows is None else rows,
            tables=tables,
            moves=moves,
            names=self.names,
            unpaid=self._unpaid,
        )


_NO_MOVES = pl.DataFrame(
    schema={
        **dict.fromkeys(("kind", "from", "to"), pl.String),
        "claims": pl.Int64,
        "fund_before_fen": pl.Int64,
        "fund_after_fen": pl.Int64,
        "difference_fen": pl.Int64,
    }
)


def _both(before: Run, after: Run, done: int) -> pl.DataFrame:
    """Every claim with both sides beside each other, and what of it changed."""
    sides = [ClaimArrays(run.frame, run.columns) for run in (before, after)]
    _same_claims(sides, done)
    claims, columns = sides[0], before.columns
    frame = pl.DataFrame(
        {
            "row": pl.int_range(done + 1, done + claims.rows + 1, dtype=pl.Int64, eager=True),
            "claim_id": claims.ids,
            "hospital_id": _text(claims, columns, "hospital_id"),
            "department": _text(claims, columns, "department"),
            "insurance": _text(claims, columns, "insurance"),
        }
    )
    told = [_side(run.frame, side) for run, side in ((before, "before"), (after, "after"))]
    frame = frame.hstack(told[0]).hstack(told[1])
    differs = {
        word: pl.any_horizontal(_differs(name) for name in names)
        for word, names in _CHANGED.items()
    }
    marks = [pl.when(differs[word]).then(pl.lit(word)) for word in differs]
    changed = pl.concat_str(marks, separator=",", ignore_nulls=True)
    return frame.with_columns(
        changed.alias("changed"),
        (_fund("after") - _fund("before")).alias("difference_fen"),
    )


def _group_names(frame: pl.DataFrame) -> dict[str, str]:
    if not {"group", "group_name"} <= {*frame.columns}:
        return {}
    named = frame.select("group", "group_name").unique().cast(pl.String).drop_nulls()
    return dict(named.iter_rows())


def _unpaid(frame: pl.DataFrame, side: str) -> dict[str, int]:
    notes = frame.filter(pl.col(f"pay_mode_{side}") == Mode.UNPAID.name)[f"payment_note_{side}"]
    return dict(notes.drop_nulls().value_counts().iter_rows())


def _same_claims(sides: Sequence[ClaimArrays], done: int) -> None:
    one, other = (side.ids for side in sides)
    if len(one) == len(other) and one.equals(other):
        return
    shorter = min(len(one), len(other))
    apart = one[:shorter].ne_missing(other[:shorter]).arg_true()
    row = apart[0] if len(apart) else shorter
    raise WhatIfError("G430", row=done + row + 1)


def _text(claims: ClaimArrays, columns: ClaimColumns, field: str) -> pl.Series:
    """Values of a field of few distinct ones; null: not reported."""
    if field not in columns.scalars:
        return pl.Series(field, [None] * claims.rows, dtype=pl.String)
    named: Named = claims.texts(field, insurance_code if field == "insurance" else str.strip)
    names = pl.Series(field, [*named.names, None], dtype=pl.String)
    return names.gather(pl.Series(named.codes))


def _side(frame: pl.DataFrame, side: str) -> pl.DataFrame:
    """What is compared of one run, under the names of its side."""
    group: pl.Expr = pl.lit(None, pl.String)
    if {"group", "outcome"} <= {*frame.columns}:
        outcome = pl.col("outcome").cast(pl.String)
        in_group = outcome == Outcome.GROUPED.value
        group = pl.when(in_group).then(pl.col("group").cast(pl.String)).otherwise(outcome)
    return frame.select(
        group.alias(f"group_{side}"),
        *(pl.col(name).cast(pl.String).alias(f"{name}_{side}") for name in _TEXTS[1:]),
        *(pl.col(f"{name}_fen").alias(f"{name}_{side}_fen") for name in _AMOUNTS),
    )


def _differs(name: str) -> pl.Expr:
    ends = ("before_fen", "after_fen") if name in _AMOUNTS else ("before", "after")
    one, other = (pl.col(f"{name}_{end}") for end in ends)
    return one.ne_missing(other)


def _answered(side: str) -> pl.Expr:
    return ~pl.col(f"pay_mode_{side}").is_in(_NOT_FOR_FUND)


def _fund(side: str, name: str = "fund") -> pl.Expr:
    """An amount of the claims that the fund answers for; of others nothing."""
    amount = pl.when(_answered(side)).then(pl.col(f"{name}_{side}_fen"))
    return amount.fill_null(0)


def _sums(frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Both sides of a part by some keys, with zeros for what the other side has."""
    moving = [key for key in keys if f"{key}_before" in frame.columns]
    moved = pl.any_horizontal(_differs(key) for key in moving) if moving else pl.lit(False)
    parts = []
    for side, other in (("before", "after"), ("after", "before")):
        here = side == "before"
        nothing = pl.lit(0, pl.Int64)
        count = {
            f"claims_{side}": pl.len(),
            f"claims_{other}": nothing,
            "came": nothing if here else moved.sum(),
            "left": moved.sum() if here else nothing,
            "changed": (pl.col("changed") != "").sum() if here else nothing,
            f"paid_{side}": _answered(side).sum(),
            f"paid_{other}": nothing,
        }
        for name in ("price", "patient", "fund"):
            count[f"{name}_{side}_fen"] = _fund(side, name).sum()
            count[f"{name}_{other}_fen"] = nothing
        sums = [expr.cast(pl.Int64).alias(name) for name, expr in count.items()]
        if keys:
            by = [
                (pl.col(f"{key}_{side}") if key in moving else pl.col(key)).alias(key)
                for key in keys
            ]
            parts.append(frame.lazy().group_by(by).agg(sums).collect())
        else:
            parts.append(frame.lazy().select(sums).collect())
    return _added([part.select(*keys, *_SUMS) for part in parts], keys)


def _added(parts: Sequence[pl.DataFrame], keys: Sequence[str]) -> pl.DataFrame:
    frame = pl.concat(parts)
    sums = [pl.col(name).sum() for name in _SUMS]
    return frame.group_by(list(keys)).agg(sums) if keys else frame.select(sums)


def _told(parts: Sequence[pl.DataFrame], keys: Sequence[str]) -> pl.DataFrame:
    """Sums with their difference and ratio, by key."""
    schema = dict.fromkeys(keys, pl.String) | dict.fromkeys(_SUMS, pl.Int64)
    frame = _added(parts, keys) if parts else pl.DataFrame(schema=schema)
    if not keys and not parts:
        frame = pl.DataFrame([dict.fromkeys(_SUMS, 0)], schema=schema)
    difference = pl.col("fund_after_fen") - pl.col("fund_before_fen")
    frame = frame.with_columns(difference.alias("difference_fen"))
    # Exact, in Python's integers: a region's fund times ten thousand may leave 64 bits.
    pairs = frame.select("difference_fen", "fund_before_fen").iter_rows()
    ratios = [mul_div(top, _E4, bottom) if bottom > 0 else None for top, bottom in pairs]
    frame = frame.with_columns(pl.Series("ratio_e4", ratios, dtype=pl.Int64))
    return frame.sort(list(keys), nulls_last=True) if keys else frame


def _moves(frame: pl.DataFrame, kind: str, column: str) -> pl.DataFrame:
    one, other = f"{column}_before", f"{column}_after"
    return (
        frame.lazy()
        .filter(_differs(column))
        .group_by(pl.col(one).alias("from"), pl.col(other).alias("to"))
        .agg(
            pl.len().cast(pl.Int64).alias("claims"),
            _fund("before").sum().alias("fund_before_fen"),
            _fund("after").sum().alias("fund_after_fen"),
            pl.col("difference_fen").sum(),
        )
        .select(pl.lit(kind).alias("kind"), pl.all())
        .collect()
    )
