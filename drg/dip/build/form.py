"""Groups from combinations: ``drg.dip.formation`` on millions of claims.

Related procedures fold, enough cases make a core group, the rest collapses into comprehensive
groups or is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from drg.dip.formation import coverage_threshold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from drg.dip.build.combinations import Diagnoses, Sets
    from drg.dip.build.settings import BuildSettings

    Ints = NDArray[np.int64]

__all__ = ["CURVE", "Formed", "Shape", "Vocabulary", "form"]

#: Thresholds of the curve in the report, besides the one that is used.
CURVE = (1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 100, 200, 500)
#: A ratio of doubles nearer to the limit than this is compared exactly.
_NEAR = 1e-9
_SUBCATEGORY = 5


class Vocabulary(NamedTuple):
    """Names of the numbers that combinations are made of.

    Attributes
    ----------
    diagnoses : Diagnoses
    procedures : sequence of str
        By id.
    kinds : sequence of str
        Kinds, the last one that of a claim without procedures.
    kind_of : int array
        Place in ``kinds`` of every procedure id; of number 0 the last.
    attributes : mapping of str to str
        Attribute of the comprehensive groups of a kind.
    """

    diagnoses: Diagnoses
    procedures: Sequence[str]
    kinds: Sequence[str]
    kind_of: Ints
    attributes: Mapping[str, str]


class Shape(NamedTuple):
    """A group before its figures: code, class, diagnosis, procedure ids (principal first), kind."""

    code: str
    group_class: str
    diagnosis: str
    procedures: tuple[int, ...]
    attribute: str


@dataclass(frozen=True, slots=True)
class Formed:
    """What became of the combinations.

    Attributes
    ----------
    shapes : tuple of Shape
        Groups, sorted by code.
    frame : DataFrame
        One row a combination, sorted by ``diagnosis``, ``principal``, ``related`` (Int64; a set),
        with ``cases`` and ``fen`` as they occur, ``increase`` (Float64, for the eye: mean cost
        over that of the principal procedure alone, less 1; null where there is none to compare
        with), ``folded`` (Boolean), ``formed`` (cases with those folded in; 0 where folded
        itself), ``fate`` (core, comprehensive, dropped; of a folded one that of the combination
        it is folded into), ``shape`` (Int64, place in ``shapes``, null: dropped).
    threshold : int
    curve : DataFrame
        By ``threshold``: groups and cases of each class, cases ``dropped``.
    sets : Sets
    """

    shapes: tuple[Shape, ...]
    frame: pl.DataFrame
    threshold: int
    curve: pl.DataFrame
    sets: Sets


def form(
    combinations: pl.DataFrame, sets: Sets, words: Vocabulary, settings: BuildSettings
) -> Formed:
    """Form groups.

    Parameters
    ----------
    combinations, sets
        From ``capped``.
    words : Vocabulary
    settings : BuildSettings
        ``threshold`` or ``coverage``, ``related_increase``.
    """
    frame = _folded(combinations, settings.related_increase)
    codes = words.diagnoses.codes
    whole = np.array([len(code) >= _SUBCATEGORY for code in codes])
    place = frame["diagnosis"].to_numpy()
    formed = frame["formed"].to_numpy()
    may = whole[place] & (formed > 0)
    family = words.diagnoses.category[place] * len(words.kinds)
    family += words.kind_of[frame["principal"].to_numpy()]
    threshold = settings.threshold
    if settings.coverage is not None:
        threshold = coverage_threshold(formed[may].tolist(), settings.coverage)
    core = may & (formed >= threshold)
    collapsed = np.zeros(int(family.max(initial=0)) + 1, np.int64)
    np.add.at(collapsed, family[~core], formed[~core])
    wide = ~core & (collapsed[family] >= threshold)
    frame = frame.with_columns(
        pl.Series("family", family),
        pl.Series("fate", np.where(core, "core", np.where(wide, "comprehensive", "dropped"))),
    )
    shapes, of_row = _shapes(frame, sets, words)
    frame = frame.with_columns(pl.Series("shape", of_row).replace(-1, None))
    curve = pl.concat([_at(t, formed, may, family) for t in sorted({*CURVE, threshold})])
    return Formed(shapes, _followed(frame).drop("family", "home"), threshold, curve, sets)


def _folded(frame: pl.DataFrame, least: Fraction) -> pl.DataFrame:
    """With ``increase``, ``folded``, ``formed``, and ``home``: the row that each one counts in."""
    keys = ["diagnosis", "principal"]
    frame = frame.with_row_index("home").with_columns(pl.col("home").cast(pl.Int64))
    alone = frame.filter(pl.col("related") == 0).select(
        *keys,
        pl.col("home").alias("base"),
        pl.col("cases").alias("base_cases"),
        pl.col("fen").alias("base_fen"),
    )
    frame = frame.join(alone, on=keys, how="left", maintain_order="left")
    asked = (pl.col("related") != 0) & pl.col("base").is_not_null()
    top = pl.col("fen").cast(pl.Float64) * pl.col("base_cases")
    bottom = pl.col("base_fen").cast(pl.Float64) * pl.col("cases")
    frame = frame.with_columns(pl.when(asked).then(top / bottom - 1).alias("increase"))
    folded = (frame["increase"] < float(least)).fill_null(False).to_numpy().copy()
    near = frame["increase"].to_numpy()
    near = np.flatnonzero(np.abs(np.nan_to_num(near, nan=np.inf) - float(least)) < _NEAR)
    named = ("fen", "base_fen", "cases", "base_cases")
    for row in near.tolist():
        fen, base, cases, base_cases = frame.select(named).row(row)
        folded[row] = Fraction(fen, cases) < (1 + least) * Fraction(base, base_cases)
    home = np.where(folded, frame["base"].fill_null(0).to_numpy(), frame["home"].to_numpy())
    formed = np.zeros(frame.height, np.int64)
    np.add.at(formed, home, frame["cases"].to_numpy())
    return frame.drop("base", "base_cases", "base_fen").with_columns(
        pl.Series("folded", folded), pl.Series("formed", formed), pl.Series("home", home)
    )


def _followed(frame: pl.DataFrame) -> pl.DataFrame:
    """A folded combination has the fate of the one it is folded into."""
    home = frame["home"].to_numpy()
    return frame.with_columns(frame[name].gather(home) for name in ("fate", "shape"))


def _shapes(frame: pl.DataFrame, sets: Sets, words: Vocabulary) -> tuple[tuple[Shape, ...], Ints]:
    """Groups sorted by code, and the place of each row's; -1 where it has none."""
    place = np.full(frame.height, -1, np.int64)
    made: dict[Shape, list[int]] = {}
    rows = frame.with_row_index("row").filter(pl.col("fate") == "core", ~pl.col("folded"))
    for row, diagnosis, principal, related in rows.select(
        "row", "diagnosis", "principal", "related"
    ).iter_rows():
        code = words.diagnoses.codes[diagnosis]
        procedures = (principal, *sets.members(related)) if principal else ()
        made[Shape(group_code(code, [words.procedures[p] for p in procedures]), "core", code,
                   procedures, "")] = [row]  # fmt: skip
    wide = frame.with_row_index("row").filter(pl.col("fate") == "comprehensive")
    for family, members in wide.group_by("family", maintain_order=True).agg("row").iter_rows():
        category, kind = divmod(family, len(words.kinds))
        code = words.diagnoses.categories[_first(words.diagnoses.category, category)]
        attribute = words.attributes[words.kinds[kind]]
        made[Shape(f"{code}:{attribute}", "comprehensive", code, (), attribute)] = members
    shapes = tuple(sorted(made))
    for number, shape in enumerate(shapes):
        place[made[shape]] = number
    return shapes, place


def group_code(diagnosis: str, procedures: Sequence[str]) -> str:
    """Code of a core group: ``K80.1:51.2300_51.8800+51.8700``, ``K80.1``.

    Examples
    --------
    >>> group_code("K80.1", ["51.2300", "51.8800", "51.8700"])
    'K80.1:51.2300_51.8800+51.8700'
    """
    if not procedures:
        return diagnosis
    principal, *related = procedures
    return f"{diagnosis}:{principal}{'_' if related else ''}{'+'.join(related)}"


def _at(threshold: int, formed: Ints, may: NDArray[np.bool_], family: Ints) -> pl.DataFrame:
    """Groups and cases that a threshold gives."""
    core = may & (formed >= threshold)
    collapsed = np.zeros(int(family.max(initial=0)) + 1, np.int64)
    np.add.at(collapsed, family[~core], formed[~core])
    wide = collapsed[collapsed >= threshold]
    cases = int(formed[core].sum())
    return pl.DataFrame(
        {
            "threshold": [threshold],
            "core": [int(core.sum())],
            "core_cases": [cases],
            "comprehensive": [len(wide)],
            "comprehensive_cases": [int(wide.sum())],
            "dropped": [int(formed.sum()) - cases - int(wide.sum())],
        }
    )


def _first(column: Ints, value: int) -> int:
    return int(np.searchsorted(column, value))
