"""Made-up claims as whole settlement lists with charges, and audit defects in a share of them.

Which defects there are, how often and to whom is data (``tables/demo/audit_defect.csv``); each
names the rule that must find it. A claim depends on its number and the seed alone.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from drg.claims.frame import schema
from drg.claims.list_columns import ITEM_COLUMNS, LIST_COLUMNS
from drg.claims.synth_change import CHARGE_ACTIONS, LIST_ACTIONS, STAY_ACTIONS, fitting
from drg.claims.synth_items import charge_texts, cost_columns, stay_charges
from drg.claims.synth_list import FILLED, Draws, dressed, list_settings, plausible
from drg.paths import tables_root

__all__ = ["ITEM_SCHEMA", "Made", "audit_defects", "list_schema", "with_lists"]

#: A file of made-up charges.
ITEM_SCHEMA = pl.Schema(
    {c.name: pl.Date() if c.kind == "date" else pl.String() for c in ITEM_COLUMNS}
)
_COST_NAMES = ("item_total", "drug_cost", "consumable_cost", "test_cost", "service_cost")


class Made(NamedTuple):
    """Settlement lists and their charges.

    Attributes
    ----------
    claims : DataFrame
        ``list_schema()``; last ``audit_defect`` where asked for: the defect's name, null for a
        clean claim.
    items : DataFrame
        ``ITEM_SCHEMA``, by claim, then day.
    """

    claims: pl.DataFrame
    items: pl.DataFrame


def with_lists(
    claims: pl.DataFrame, seed: int, first: int = 0, *, defects: float = 0.0, labels: bool = False
) -> Made:
    """Fill in the settlement lists of made-up claims, with defects if asked for.

    Parameters
    ----------
    claims : DataFrame
        From ``drg.synth``.
    seed : int
    first : int, optional
        Number of the first claim in the run; even, for defects of two stays take neighbours.
    defects : float, optional
        Share of claims that are to carry a defect, 0 to 1; one that does not fit the claim drawn
        for it is left out.
    labels : bool, optional
        Add the column ``audit_defect``.
    """
    claims = plausible(claims)
    draws = Draws(seed, first, claims.height)
    kinds = audit_defects()
    chosen = _chosen(claims, draws, kinds, defects)
    label = np.full(claims.height, -1)
    for number, kind in enumerate(kinds.iter_rows(named=True)):
        if kind["action"] in STAY_ACTIONS:
            at = chosen == number
            claims, told = STAY_ACTIONS[kind["action"]](claims, at, kind["argument"])
            label[told] = number
    made = dressed(claims, draws)
    charges = stay_charges(made)
    for number, kind in enumerate(kinds.iter_rows(named=True)):
        if kind["action"] in CHARGE_ACTIONS:
            at = chosen == number
            charges, told = CHARGE_ACTIONS[kind["action"]](charges, at, kind["argument"])
            label[told] = number
    made = made.hstack(cost_columns(charges, made))
    for number, kind in enumerate(kinds.iter_rows(named=True)):
        if kind["action"] in LIST_ACTIONS:
            at = chosen == number
            made = LIST_ACTIONS[kind["action"]](made, at, kind["argument"])
            label[at] = number
    items = charge_texts(charges, made)
    if labels:
        words = pl.Series([*kinds["defect"], None], dtype=pl.String)
        place = np.where(label < 0, len(words) - 1, label)
        made = made.with_columns(words.gather(place).alias("audit_defect"))
    return Made(made, items.select(ITEM_SCHEMA.names()))


def list_schema() -> pl.Schema:
    """Columns of made-up settlement lists: the canonical ones, ``FILLED``, costs by class."""
    kinds = {"int": pl.Int64(), "date": pl.Date()}
    listed = {c.name: kinds.get(c.kind, pl.String()) for c in LIST_COLUMNS}
    told = {name: listed[name] for name in FILLED}
    return pl.Schema({**schema(), **told, **dict.fromkeys(_COST_NAMES, pl.String())})


def audit_defects() -> pl.DataFrame:
    """``tables/demo/audit_defect.csv``: defect, rule that finds it, share, whom it fits, action.

    Raises
    ------
    ValueError
        An action is unknown.
    """
    return _defects(tables_root() / "demo" / "audit_defect.csv")


@cache
def _defects(path: Path) -> pl.DataFrame:
    text = {"share": pl.Float64, "argument": pl.String}
    found = pl.read_csv(path, schema_overrides=text).with_columns(pl.col("argument").fill_null(""))
    known = {*STAY_ACTIONS, *LIST_ACTIONS, *CHARGE_ACTIONS}
    if odd := set(found["action"]) - known:
        raise ValueError(f"{path}: no action {sorted(odd)}, only {sorted(known)}")
    return found


def _chosen(
    claims: pl.DataFrame, draws: Draws, kinds: pl.DataFrame, share: float
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Number of each claim's defect, -1 for none: drawn by shares, left out where none fits."""
    running = np.cumsum(kinds["share"].to_numpy())
    drawn = np.searchsorted(running / running[-1], draws.uniform("kind of defect"), side="right")
    drawn = np.minimum(drawn, kinds.height - 1)
    drawn[draws.uniform("defect") >= share] = -1
    newborn = list_settings()["newborn"]
    for number, fits in enumerate(kinds["fits"]):
        at = drawn == number
        if at.any():
            drawn[at & ~fitting(claims, fits, newborn)] = -1
    # A defect of two stays takes the claim behind; that one keeps clear of its own.
    pairs = np.isin(drawn, np.flatnonzero(kinds["action"].str.starts_with("pair_").to_numpy()))
    even = (draws.first + np.arange(draws.rows)) % 2 == 0
    last = np.arange(draws.rows) == draws.rows - 1
    drawn[pairs & (~even | last)] = -1
    behind = np.flatnonzero(pairs & even & ~last) + 1
    drawn[behind] = -1
    return drawn
