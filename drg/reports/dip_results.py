"""Results of DIP claims under the names an agency's systems exchange them by (spec B.9).

One row a claim that was paid by score. Of the auxiliary types a claim has the one whose score
counted; the others are empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.claims.typed import coded
from drg.claims.writers import write_frames
from drg.dip.explain_words import class_words, type_words
from drg.money import PLACES, round_scaled
from drg.payment.weight_table import insurance_code
from drg.quotients import quotient_array
from drg.reports.words import say, word
from drg.text import language

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.named import Named
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
    branch = rows["branch"].cast(pl.String)
    reviewed = branch.is_in(_REVIEWED)
    subtypes = _coded(rows["auxiliary"])
    points, coefficient = rows["points"], rows["auxiliary_coefficient"]
    place = None if rules is None else rules.place_zh if lang == "zh" else rules.place
    found: dict[str, pl.Series] = {
        "place": pl.repeat(place, rows.height, dtype=pl.String, eager=True),
        "settlement": rows["ref"],
        "case": _nothing(rows.height) if case is None else rows[case].cast(pl.String),
        **_hospitals(settlement, rows),
        "coefficient": rows["coefficient"],
        "group_class": _told(_coded(rows["group_class"]), lambda code: _class_words(code, lang)),
        "group": _told(_coded(rows["group"]), str),
        "group_name": _told(_coded(rows["group_name"]), str),
        "group_score": rows["group_score"],
        "auxiliary_coefficient": coefficient,
        "deviates": rows["case_class"].cast(pl.String) != _NORMAL,
        "deviation": _told(_coded(rows["case_class"]), lambda code: word("class", code, lang)),
        "deviation_score": _where(branch.is_in(_DEVIATING), points),
        "reviewed": reviewed,
        "review_coefficient": _over(rows, reviewed),
        "review_score": _where(reviewed, points),
        "final_score": points,
        "budget_value": rows["point_value"],
        "settlement_value": _settled(rows["insurance"], values or {}),
        "group_ratio": _shared_ratios(rows, _coded(rows["group"])),
        "case_ratio": _quotient(
            (rows["cost_fen"] - rows["patient_fen"]).to_numpy(), rows["cost_fen"].to_numpy()
        ),
    }
    for kind, letters in _TYPES.items():
        own = {name for name in subtypes.names if re.match(rf"{letters}\d", name)}
        found[kind] = _told(subtypes, {name: name for name in own}.get)
        found[f"{kind}_coefficient"] = _where(found[kind].is_not_null(), coefficient)
    return pl.DataFrame([found[name].alias(say(f"result_{name}", lang)) for name in RESULT_COLUMNS])


def write_dip_results(folder: str | Path, settlement: Settlement) -> Path:
    """Write ``dip_results.parquet`` into a month's folder; same settlement, same bytes."""
    path = Path(folder) / DIP_RESULTS
    write_frames(path, dip_results(settlement), compression="zstd")
    return path


def _told(named: Named, tell: Callable[[str], str | None]) -> pl.Series:
    """What is told of each text of a column, as Enum; each distinct one is asked for once."""
    words = [*(tell(name) for name in named.names), None]
    kept = pl.Enum([*dict.fromkeys(word for word in words if word is not None)])
    return pl.Series(words, dtype=kept).gather(pl.Series(named.codes))


def _hospitals(settlement: Settlement, rows: pl.DataFrame) -> dict[str, pl.Series]:
    """Each claim's hospital, its name and level by the register, and its pay ratio."""
    own = settlement.hospitals.select("hospital", "name", "level").unique("hospital").iter_rows()
    names, levels = dict[str, str | None](), dict[str, str | None]()
    for hospital, name, level in own:
        names[hospital], levels[hospital] = name or None, level or None
    hospitals = _coded(rows["hospital_id"])
    known = _told(hospitals, levels.get)
    claimed = _told(_coded(rows["hospital_level"]), str)
    return {
        "hospital": _told(hospitals, str),
        "hospital_name": _told(hospitals, names.get),
        "hospital_level": pl.select(
            pl.coalesce(known.cast(pl.String), claimed.cast(pl.String))
        ).to_series(),
        "hospital_ratio": _shared_ratios(rows, hospitals),
    }


def _coded(series: pl.Series) -> Named:
    return coded(series, len(series))


def _nothing(size: int, dtype: type[pl.DataType] | pl.DataType = pl.String) -> pl.Series:
    return pl.repeat(None, size, dtype=dtype, eager=True)


def _where(chosen: pl.Series, numbers: pl.Series) -> pl.Series:
    """The numbers of chosen rows, null elsewhere."""
    if not chosen.any():
        return _nothing(len(chosen), numbers.dtype)
    return pl.select(pl.when(chosen).then(numbers)).to_series()


def _decimal(numbers: Ints, given: NDArray[np.bool_]) -> pl.Series:
    """Integers scaled 10⁴ as Decimal; null where not given."""
    wide = pl.Series(numbers).cast(pl.Decimal(38, PLACES))
    unit = pl.Series([Decimal(1).scaleb(-PLACES)], dtype=pl.Decimal(38, PLACES))
    found = (wide * unit).cast(_SCORE)
    return found if given.all() else found.set(pl.Series(~given), None)


def _quotient(top: Ints, bottom: Ints) -> pl.Series:
    """Quotients with four places, half up; null where there is nothing to divide by."""
    given = bottom > 0
    if not given.any():
        return _nothing(len(top), _SCORE)
    scale = np.full(int(given.sum()), 10**PLACES, np.int64)
    numbers = np.zeros(len(top), np.int64)
    numbers[given] = quotient_array([top[given], scale], [bottom[given]])
    return _decimal(numbers, given)


def _over(rows: pl.DataFrame, reviewed: pl.Series) -> pl.Series:
    """Score of a reviewed case over its group's."""
    if not reviewed.any():
        return _nothing(len(reviewed), _SCORE)
    points, own = (
        rows[name].cast(_SCORE).to_physical().cast(pl.Int64).fill_null(0).to_numpy()
        for name in ("points", "group_score")
    )
    return _quotient(points, np.where(reviewed.to_numpy(), own, 0))


def _shared_ratios(rows: pl.DataFrame, named: Named) -> pl.Series:
    """Part of the cost that patients did not pay, of all claims with the same text together."""
    codes = pl.Series("code", named.codes)
    cost, patient = pl.col("cost_fen"), pl.col("patient_fen")
    sums = (
        rows.select(codes, cost, patient)
        .group_by("code")
        .agg(cost.sum().alias("whole"), (cost - patient).sum().alias("part"))
    )
    ratios = _quotient(sums["part"].to_numpy(), sums["whole"].to_numpy())
    table = sums.select("code", ratios.alias("ratio"))
    joined = codes.to_frame().join(table, on="code", how="left", maintain_order="left")
    return joined["ratio"]


def _settled(insurance: pl.Series, values: Mapping[str, Fraction]) -> pl.Series:
    """Settlement point values as published, by insurance."""
    published = {code: round_scaled(value) for code, value in values.items()}
    named = _coded(insurance)
    own = [*(published.get(insurance_code(name)) for name in named.names), None]
    given = np.array([value is not None for value in own], np.bool_)
    table = _decimal(np.array([value or 0 for value in own], np.int64), given)
    return table.gather(pl.Series(named.codes))


def _class_words(group_type: str, lang: str) -> str:
    """A type such as ``core.surgery``, or a class alone, in words."""
    return type_words(group_type, lang) if "." in group_type else class_words(group_type, lang)
