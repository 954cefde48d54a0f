"""Results of DIP claims under the names an agency's systems exchange them by (spec B.9).

One row a claim that was paid by score. Of the auxiliary types a claim has the one whose score
counted; the others are empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.claims.writers import write_frames
from drg.money import PLACES, round_scaled
from drg.payment.weight_table import insurance_code
from drg.quotients import quotient_array
from drg.reports.words import say, worded
from drg.text import language

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.payment.policy import Policy
    from drg.settlement.settled import Settlement

    Ints = NDArray[np.int64]

__all__ = ["DIP_RESULTS", "RESULT_COLUMNS", "dip_results", "write_dip_results"]

DIP_RESULTS = "dip_results.parquet"
#: Columns in order; ``drg/catalogue/settlement.toml`` has their names as ``result_<column>``.
RESULT_COLUMNS = (
    "place", "settlement", "case", "hospital", "hospital_name", "hospital_level", "coefficient",
    "group_class", "group", "group_name", "group_score", "severity", "severity_coefficient",
    "tumour", "tumour_coefficient", "age", "age_coefficient", "comorbidity",
    "comorbidity_coefficient", "care_unit", "care_unit_coefficient", "auxiliary_coefficient",
    "deviates", "deviation", "deviation_score", "reviewed", "review_coefficient", "review_score",
    "final_score", "budget_value", "settlement_value", "group_ratio", "hospital_ratio",
    "case_ratio",
)  # fmt: skip
#: Types of auxiliary subtypes, by the letters that they begin with.
_TYPES = {"severity": "dis", "tumour": "tum", "age": "age", "comorbidity": "cci",
          "care_unit": "care_unit_time"}  # fmt: skip
_DEVIATING = ("LOW_BY_SCORE", "HIGH_BY_SCORE", "BLANK_GROUP")
_REVIEWED = ("REVIEW_BY_ITEM", "REVIEW_ADJUSTED")
_NORMAL = "NORMAL"
#: Columns of claims that a number of the case may stand in.
_CASE = ("case_no", "medical_record_no", "病案号", "病历号", "住院号")
_WANTED = (
    "ref", "hospital_id", "hospital_level", "insurance", "group", "group_name", "group_class",
    "auxiliary", "case_class", "branch", "coefficient", "group_score", "auxiliary_coefficient",
    "points", "point_value", "cost_fen", "patient_fen", *_CASE,
)  # fmt: skip
_SCORE = pl.Decimal(18, PLACES)


def dip_results(
    settlement: Settlement,
    policy: Policy | None = None,
    *,
    values: Mapping[str, Fraction] | None = None,
    lang: str | None = None,
) -> pl.DataFrame:
    """Results of the claims of a month that were paid by score.

    Parameters
    ----------
    settlement : Settlement
    policy : Policy, optional
        For a settlement that was read from its folder, which does not hold its policy.
    values : mapping of str to Fraction, optional
        Settlement point value in yuan by insurance, once the year is cleared
        (``Allocation.settled``); until then its column is empty.
    lang : {"zh", "en"}, optional
        Language of headings and words; the context's when omitted.

    Returns
    -------
    DataFrame
        ``RESULT_COLUMNS`` under their names, in the order of the claims. Scores, coefficients,
        ratios and point values are Decimal with four places; ratios are 1 - patients' payments ÷
        cost, of the case, and of all these cases of its hospital and of its group.
    """
    lang, rules = lang or language(), policy or settlement.policy
    claims = settlement.claims.lazy()
    there = claims.collect_schema().names()
    rows = (
        claims.filter(pl.col("pay_mode").cast(pl.String) == "DIP")
        .select(name for name in _WANTED if name in there)
        .collect()
    )
    missing = [name for name in _WANTED if name not in rows.columns and name not in _CASE]
    rows = rows.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
    case = next((name for name in _CASE if name in rows.columns), None)
    names = _register(settlement)
    branch = rows["branch"].cast(pl.String)
    points = pl.col("points")
    found: dict[str, Any] = {
        "place": pl.lit(None if rules is None else rules.place_zh if lang == "zh" else rules.place),
        "settlement": pl.col("ref"),
        "case": pl.lit(None, pl.String) if case is None else pl.col(case).cast(pl.String),
        "hospital": pl.col("hospital_id").cast(pl.String),
        "hospital_name": pl.lit(_looked_up(rows["hospital_id"], names, 0)),
        "hospital_level": pl.coalesce(
            pl.lit(_looked_up(rows["hospital_id"], names, 1)),
            pl.col("hospital_level").cast(pl.String),
        ),
        "coefficient": pl.col("coefficient"),
        "group_class": pl.col("group_class").cast(pl.String),
        "group": pl.col("group").cast(pl.String),
        "group_name": pl.col("group_name").cast(pl.String),
        "group_score": pl.col("group_score"),
        "auxiliary_coefficient": pl.col("auxiliary_coefficient"),
        "deviates": pl.col("case_class").cast(pl.String) != _NORMAL,
        "deviation": pl.lit(worded(rows["case_class"], "class", lang)),
        "deviation_score": pl.when(pl.lit(branch.is_in(_DEVIATING))).then(points),
        "reviewed": pl.lit(branch.is_in(_REVIEWED)),
        "review_coefficient": pl.lit(_over(rows, branch)),
        "review_score": pl.when(pl.lit(branch.is_in(_REVIEWED))).then(points),
        "final_score": points,
        "budget_value": pl.col("point_value"),
        "settlement_value": pl.lit(_settled(rows["insurance"], values or {})),
        "group_ratio": pl.lit(_ratios(rows, "group")),
        "hospital_ratio": pl.lit(_ratios(rows, "hospital_id")),
        "case_ratio": pl.lit(_ratios(rows, None)),
    }
    subtype = pl.col("auxiliary").cast(pl.String)
    for kind, letters in _TYPES.items():
        own = subtype.str.contains(rf"^{letters}\d")
        found[kind] = pl.when(own).then(subtype)
        found[f"{kind}_coefficient"] = pl.when(own).then("auxiliary_coefficient")
    return rows.select(found[name].alias(say(f"result_{name}", lang)) for name in RESULT_COLUMNS)


def write_dip_results(folder: str | Path, settlement: Settlement) -> Path:
    """Write ``dip_results.parquet`` into a month's folder; same settlement, same bytes."""
    path = Path(folder) / DIP_RESULTS
    write_frames(path, dip_results(settlement), compression="zstd")
    return path


def _register(settlement: Settlement) -> dict[str, tuple[str | None, str | None]]:
    rows = settlement.hospitals.select("hospital", "name", "level").unique("hospital").iter_rows()
    return {hospital: (name, level) for hospital, name, level in rows}


def _looked_up(
    ids: pl.Series, names: Mapping[str, tuple[str | None, str | None]], place: int
) -> pl.Series:
    """What the register says of each hospital; empty text is nothing."""
    words = {hospital: found[place] or None for hospital, found in names.items()}
    texts = ids.cast(pl.String).str.strip_chars()
    return texts.replace_strict(words, default=None, return_dtype=pl.String)


def _decimal(numbers: Ints, given: NDArray[np.bool_]) -> pl.Series:
    """Integers scaled 10⁴ as Decimal; null where not given."""
    wide = pl.Series(numbers).cast(pl.Decimal(38, PLACES))
    unit = pl.Series([Decimal(1).scaleb(-PLACES)], dtype=pl.Decimal(38, PLACES))
    return (wide * unit).cast(_SCORE).set(pl.Series(~given), None)


def _quotient(top: Ints, bottom: Ints) -> pl.Series:
    """Quotients with four places, half up; null where there is nothing to divide by."""
    given = bottom > 0
    scale = np.full(len(top), 10**PLACES, np.int64)
    numbers = np.zeros(len(top), np.int64)
    if given.any():
        numbers[given] = quotient_array([top[given], scale[given]], [bottom[given]])
    return _decimal(numbers, given)


def _over(rows: pl.DataFrame, branch: pl.Series) -> pl.Series:
    """Score of a reviewed case over its group's."""
    points, own = (
        rows[name].cast(_SCORE).to_physical().cast(pl.Int64).fill_null(0).to_numpy()
        for name in ("points", "group_score")
    )
    return _quotient(points, np.where(branch.is_in(_REVIEWED).to_numpy(), own, 0))


def _ratios(rows: pl.DataFrame, by: str | None) -> pl.Series:
    """Part of the cost that patients did not pay: of each case, or of all alike in a column."""
    cost, patient = pl.col("cost_fen"), pl.col("patient_fen")
    sums = [cost.alias("whole"), (cost - patient).alias("part")]
    if by is not None:
        sums = [column.sum().over(by) for column in sums]
    found = rows.select(sums)
    return _quotient(found["part"].to_numpy(), found["whole"].to_numpy())


def _settled(insurance: pl.Series, values: Mapping[str, Fraction]) -> pl.Series:
    texts = insurance.cast(pl.String)
    published = {code: round_scaled(value) for code, value in values.items()}
    spelled = {t: published.get(insurance_code(t)) for t in texts.unique().drop_nulls()}
    numbers = texts.replace_strict(spelled, default=None, return_dtype=pl.Int64)
    return _decimal(numbers.fill_null(0).to_numpy(), numbers.is_not_null().to_numpy())
