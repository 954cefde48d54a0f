"""What a build found as frames, one a matter: what the workbook, the page and the files show.

Money is integer fen (mean costs half up), shares and increases are Float64 for the eye.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.dip.build.history import LEFT_OUT
from drg.money import PLACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from drg.dip.build.builder import Built

__all__ = [
    "CV_BOUNDS", "combinations_frame", "cv_frame", "groups_frame", "quality_frame",
    "related_frame", "totals", "types_frame", "unscaled_columns",
]  # fmt: skip

#: Upper ends of the classes of the coefficient of variation; None: no upper end.
CV_BOUNDS = (0.3, 0.5, 0.7, 1.0, 1.5, None)


def combinations_frame(built: Built) -> pl.DataFrame:
    """Every combination that occurs and what became of it.

    Returns
    -------
    DataFrame
        ``diagnosis``, ``principal`` and ``related`` (procedures joined by ``+``; ``""``: none),
        ``kind``, ``cases``, ``fen``, ``mean_fen``, ``increase`` over the principal procedure alone
        (null: nothing to compare with), ``folded``, ``formed`` (cases with those folded in),
        ``fate``, ``group`` (that it forms or falls to; null: dropped).
    """
    frame, words = built.formed.frame, built.words
    sets = built.formed.sets
    names = {n: _joined(words.procedures, sets.members(n)) for n in frame["related"].unique()}
    procedures, codes = list(words.procedures), [s.code for s in built.formed.shapes]
    kinds = [words.kinds[n] for n in words.kind_of[frame["principal"].to_numpy()].tolist()]
    return frame.select(
        _named("diagnosis", list(words.diagnoses.codes)),
        _named("principal", procedures),
        pl.col("related").replace_strict(names, return_dtype=pl.String),
        pl.Series("kind", kinds, dtype=pl.String),
        "cases",
        "fen",
        ((pl.col("fen") * 2 + pl.col("cases")) // (pl.col("cases") * 2)).alias("mean_fen"),
        "increase",
        "folded",
        "formed",
        "fate",
        pl.col("shape").replace_strict(dict(enumerate(codes)), return_dtype=pl.String, default=None)
        .alias("group"),
    )  # fmt: skip


def groups_frame(built: Built, group_class: str | None = None) -> pl.DataFrame:
    """Groups of the catalogue with their figures.

    Parameters
    ----------
    built : Built
    group_class : str, optional
        Of one class only.

    Returns
    -------
    DataFrame
        ``group``, ``name``, ``class``, ``kind``, ``formed`` (cases of the combinations it was
        formed of), ``cases`` that it takes, ``kept`` by trimming, ``cases_<year>``, ``mean_fen``,
        ``cv``, ``days``, ``score``, ``total_score`` (score × cases).
    """
    shapes, scores = built.formed.shapes, built.scores
    frame = built.formed.frame.filter(pl.col("shape").is_not_null())
    sums = frame.group_by("shape").agg(pl.col("formed").sum()).iter_rows()
    formed = dict(sums)
    rows = []
    for place, (shape, figures, group) in enumerate(
        zip(shapes, scores.groups, built.catalogue.groups, strict=True)
    ):
        if group_class is not None and shape.group_class != group_class:
            continue
        score = figures.score_e4 or 0
        rows.append(
            (
                shape.code, group.name, shape.group_class, built.catalogue.type_of(group)
                .partition(".")[2], formed.get(place, 0), figures.cases, figures.kept,
                *(n for n, _ in figures.yearly), figures.mean_fen,
                None if figures.cv is None else float(figures.cv),
                None if figures.days is None else float(figures.days),
                score, score * figures.cases,
            )
        )  # fmt: skip
    schema: dict[str, pl.DataType] = {
        **dict.fromkeys(("group", "name", "class", "kind"), pl.String()),
        **dict.fromkeys(("formed", "cases", "kept"), pl.Int64()),
        **{f"cases_{year}": pl.Int64() for year in scores.weights},
        "mean_fen": pl.Int64(),
        "cv": pl.Float64(),
        "days": pl.Float64(),
        "score": pl.Int64(),
        "total_score": pl.Int64(),
    }
    made = pl.DataFrame(rows, schema=schema, orient="row")
    return unscaled_columns(made, ("score", "total_score"), PLACES)


def related_frame(built: Built) -> pl.DataFrame:
    """Related procedures kept and folded, as in table 3-3 of the draft.

    Returns
    -------
    DataFrame
        One row a combination with related procedures, of diagnoses and principal procedures that
        have a core group: ``diagnosis``, ``principal``, ``related``, ``cases``, ``mean_fen``,
        ``alone_cases``, ``alone_fen`` (mean of the principal procedure alone), ``increase``,
        ``apart``, ``fate``, ``group``.
    """
    frame = combinations_frame(built)
    keys = ["diagnosis", "principal"]
    core = frame.filter(pl.col("fate") == "core").select(keys).unique()
    alone = frame.filter(pl.col("related") == "", pl.col("principal") != "").select(
        *keys, pl.col("cases").alias("alone_cases"), pl.col("mean_fen").alias("alone_fen")
    )
    asked = frame.filter(pl.col("related") != "").join(core, on=keys, how="semi")
    return (
        asked.join(alone, on=keys, how="left", maintain_order="left")
        .with_columns((~pl.col("folded")).alias("apart"))
        .select(
            *keys, "related", "cases", "mean_fen", "alone_cases", "alone_fen", "increase", "apart",
            "fate", "group",
        )
    )  # fmt: skip


def cv_frame(built: Built) -> pl.DataFrame:
    """Groups by class and by the class of their coefficient of variation.

    Returns
    -------
    DataFrame
        ``class``, ``from``, ``below`` (null: no end), ``groups``, ``cases``.
    """
    frame = groups_frame(built).filter(pl.col("cv").is_not_null())
    rows: list[tuple[object, ...]] = []
    for group_class in ("core", "comprehensive"):
        part = frame.filter(pl.col("class") == group_class)
        low = 0.0
        for high in CV_BOUNDS:
            inside = pl.col("cv") >= low
            if high is not None:
                inside &= pl.col("cv") < high
            found = part.filter(inside)
            rows.append((group_class, low, high, found.height, int(found["cases"].sum())))
            low = high or 0.0
    names = {"class": pl.String, "from": pl.Float64, "below": pl.Float64}
    schema = {**names, "groups": pl.Int64, "cases": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def types_frame(built: Built) -> pl.DataFrame:
    """Auxiliary types tried, by group and type.

    Returns
    -------
    DataFrame
        ``group``, ``type``, ``cases``, ``subtypes`` with their cases, ``cv_before``, ``cv_after``,
        ``drop``, ``taken``.
    """
    codes = [shape.code for shape in built.formed.shapes]
    rows = [
        (
            codes[t.group], t.type, t.cases, " ".join(f"{name}({n})" for name, n in t.subtypes),
            float(t.cv_before), float(t.cv_after), float(t.drop), t.taken,
        )
        for t in built.typing.trials
    ]  # fmt: skip
    schema = {
        "group": pl.String, "type": pl.String, "cases": pl.Int64, "subtypes": pl.String,
        "cv_before": pl.Float64, "cv_after": pl.Float64, "drop": pl.Float64, "taken": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def quality_frame(built: Built) -> pl.DataFrame:
    """Every claim read, by what became of it: ``what``, ``claims``, ``share`` of all read."""
    taken = built.taken_cases()
    rows = [
        ("core", taken["core"]),
        ("comprehensive", taken["comprehensive"]),
        ("no_group", taken[""]),
        *((why, built.left_out.get(why, 0)) for why in LEFT_OUT if built.left_out.get(why)),
    ]
    assert sum(n for _, n in rows) == built.read
    share = [n / built.read if built.read else 0.0 for _, n in rows]
    return pl.DataFrame(rows, schema=["what", "claims"], orient="row").with_columns(
        pl.Series("share", share, dtype=pl.Float64)
    )


def totals(built: Built) -> dict[str, int]:
    """Figures of the whole: groups by class, claims, total score × 10⁴ without and with types."""
    taken = built.taken_cases()
    shapes = built.formed.shapes
    scores = [f.score_e4 or 0 for f in built.scores.groups]
    cases = [f.cases for f in built.scores.groups]
    return {
        "core_groups": sum(s.group_class == "core" for s in shapes),
        "comprehensive_groups": sum(s.group_class == "comprehensive" for s in shapes),
        "core_cases": taken["core"],
        "comprehensive_cases": taken["comprehensive"],
        "no_group": taken[""],
        "used": sum(taken.values()),
        "total_score": sum(s * n for s, n in zip(scores, cases, strict=True)),
        "combinations": built.formed.frame.height,
        "folded": int(built.formed.frame["folded"].sum()),
        "types_taken": sum(t.taken for t in built.typing.trials),
        "subtypes": len(built.typing.subtypes),
    }


def _joined(procedures: object, members: tuple[int, ...]) -> str:
    return "+".join(_codes(procedures, members))


def _codes(procedures: object, members: tuple[int, ...]) -> Iterator[str]:
    for member in members:
        yield procedures[member]  # type: ignore[index]


def _named(column: str, names: list[str]) -> pl.Expr:
    table = pl.Series(column, names, dtype=pl.String)
    return pl.col(column).map_batches(
        lambda places: table.gather(np.asarray(places)), return_dtype=pl.String
    )


def unscaled_columns(frame: pl.DataFrame, names: Iterable[str], places: int) -> pl.DataFrame:
    """Integer columns of the scale 10 to the ``places`` as decimals, digit for digit.

    Not by dividing: polars rounds a quotient of decimals.
    """
    dtype = pl.Decimal(18, places)
    return frame.with_columns(
        pl.Series(
            name,
            [None if value is None else Decimal(value).scaleb(-places) for value in frame[name]],
            dtype=dtype,
        )
        for name in names
    )
