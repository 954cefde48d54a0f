"""Which claims the formed groups take: every pattern to its group, as the catalogue will match it.

A group takes more claims than those it was formed of: one with an unusual related procedure falls
to the group of its diagnosis and principal procedure. What a group costs is what all of them
cost, so the same order as the catalogue's own ``[matching]`` is followed here (a test holds the
two together): ``MATCHING``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.dip.model import KINDS, Matching

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.dip.build.combinations import Patterns
    from drg.dip.build.form import Formed, Vocabulary

    Ints = NDArray[np.int64]

__all__ = ["MATCHING", "assign"]

#: National order (spec B.2): the group of the principal procedure with the most related ones;
#: without any of the principal procedure, the group with the most procedures of the claim.
MATCHING = Matching(
    tiers=(("core",), ("comprehensive",)),
    comparators=("leading_principal", "most_terms", "reported_principal"),
    kinds=KINDS,
)


def assign(patterns: Patterns, formed: Formed, words: Vocabulary) -> Ints:
    """Group of every pattern.

    Returns
    -------
    int64 array
        Place in ``formed.shapes``; -1 where none fits.
    """
    frame = patterns.frame
    found = _wide(frame, formed, words)
    bare, led = _core(formed, words)
    quiet = frame["principal"].to_numpy() == 0
    alone = _looked_up(frame["diagnosis"].to_numpy(), bare)
    found = np.where(quiet & (alone >= 0), alone, found)
    if led.is_empty():
        return found
    best = _best(_candidates(patterns, led))
    found[best["pattern"].to_numpy()] = best["shape"].to_numpy()
    return found


def _core(formed: Formed, words: Vocabulary) -> tuple[dict[int, int], pl.DataFrame]:
    """Core groups without procedures by diagnosis; the others, one row a procedure."""
    number = {code: n for n, code in enumerate(words.diagnoses.codes)}
    bare: dict[int, int] = {}
    rows: list[tuple[int, int, int, int, int]] = []
    for place, shape in enumerate(formed.shapes):
        if shape.group_class != "core":
            continue
        diagnosis = number[shape.diagnosis]
        if not shape.procedures:
            bare[diagnosis] = place
        lead = shape.procedures[0] if shape.procedures else 0
        rows += [(place, diagnosis, lead, len(shape.procedures), px) for px in shape.procedures]
    names = ("shape", "diagnosis", "lead", "terms", "procedure")
    return bare, pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Int64), orient="row")


def _candidates(patterns: Patterns, led: pl.DataFrame) -> pl.DataFrame:
    """Groups whose terms are all met, one row a pattern and group."""
    frame = patterns.frame.with_row_index("pattern").with_columns(pl.col("pattern").cast(pl.Int64))
    known = frame.filter(
        pl.col("principal") != 0, pl.col("diagnosis").is_in(led["diagnosis"].unique().implode())
    )
    flat = pl.concat(
        [known.select("pattern", "diagnosis", procedure="principal"), _others(known, patterns)]
    )
    met = flat.join(led, on=["diagnosis", "procedure"], how="inner").join(
        known.select("pattern", "reported"), on="pattern", how="left"
    )
    return (
        met.group_by("pattern", "shape")
        .agg(
            pl.len().alias("met"),
            pl.col("terms").first(),
            (pl.col("lead") == pl.col("reported")).first().alias("leads"),
            (pl.col("procedure") == pl.col("reported")).any().alias("holds"),
        )
        .filter(pl.col("met") == pl.col("terms"))
    )


def _others(known: pl.DataFrame, patterns: Patterns) -> pl.DataFrame:
    """One row a further procedure of a pattern."""
    lists, numbers = patterns.sets.lists, known["others"].to_numpy()
    sizes = patterns.sets.sizes[numbers]
    first = np.repeat(lists.start[numbers], sizes)
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows = np.repeat(np.arange(known.height), sizes)
    ids = pl.Series("procedure", lists.ids[first + within]).cast(pl.Int64)
    return known.select("pattern", "diagnosis")[rows].with_columns(ids)


def _best(candidates: pl.DataFrame) -> pl.DataFrame:
    """The chosen group of every pattern; shapes are numbered in the order of their codes."""
    order = ["pattern", "leads", "terms", "holds", "shape"]
    ranked = candidates.sort(order, descending=[False, True, True, True, False])
    return ranked.unique("pattern", keep="first", maintain_order=True)


def _wide(frame: pl.DataFrame, formed: Formed, words: Vocabulary) -> Ints:
    """Comprehensive group of every pattern by category and kind; -1 where there is none."""
    kinds = len(words.kinds)
    attribute = {words.attributes[kind]: n for n, kind in enumerate(words.kinds)}
    category = dict(zip(words.diagnoses.categories, words.diagnoses.category.tolist(), strict=True))
    table = {
        category[shape.diagnosis] * kinds + attribute[shape.attribute]: place
        for place, shape in enumerate(formed.shapes)
        if shape.group_class == "comprehensive"
    }
    family = words.diagnoses.category[frame["diagnosis"].to_numpy()] * kinds
    return _looked_up(family + frame["ruling"].to_numpy(), table)


def _looked_up(keys: Ints, table: dict[int, int]) -> Ints:
    """Values of keys; -1 where there is none."""
    found = np.full(int(keys.max(initial=0)) + 1, -1, np.int64)
    wanted = [(key, value) for key, value in table.items() if key < len(found)]
    if wanted:
        at, values = zip(*wanted, strict=True)
        found[list(at)] = values
    return found[keys]
