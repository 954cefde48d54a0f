"""Weights and standards of grouped claims: tables, rates, what is null and why, sums to the fen."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from conftest import ROOT, load
from hypothesis import given
from hypothesis import strategies as st

from drg.claims.profiles import ClaimColumns
from drg.cli import cli
from drg.dates import Interval
from drg.errors import DrgError, TableError
from drg.grouping.result import Outcome
from drg.money import fen, mul_div, scaled
from drg.payment.weight_kinds import WEIGHT_DTYPES, WEIGHT_NOTES, WeightTally
from drg.payment.weight_table import (
    Rate,
    WeightTable,
    insurance_code,
    level_key,
    list_weight_tables,
    load_weight_table,
    load_weight_versions,
)
from drg.payment.weights import Weights
from drg.scale.group_file import group_file
from drg.text import catalogue

CASES = {c["id"]: c for c in json.loads((ROOT / "tests/cases/drg.json").read_text("utf-8"))}
FOLDER = ROOT / "tables" / "weights"
SHIPPED = sorted(FOLDER.glob("*.toml"))
COLUMNS = ClaimColumns(
    {"insurance": "insurance", "hospital_level": "level", "discharged_on": "day"}, (), False
)
REASONS = pl.Enum(["E101", "N401"])


def table(
    weights: dict[str, str],
    *rates: Rate,
    name: str = "t",
    days: tuple[str, str] = ("", ""),
    scheme: str | None = None,
) -> WeightTable:
    return WeightTable(
        id=name, title_zh=name, title_en=name, place="", in_force=Interval.parse(days),
        in_force_status="", scheme=scheme, scheme_note={"zh": "", "en": ""},
        weights={g: scaled(w) for g, w in weights.items()}, unweighted=frozenset(), rates=rates,
        digest=name * 12,
    )  # fmt: skip


def rate(insurance: str, yuan: str, level: str = "", days: tuple[str, str] = ("", "")) -> Rate:
    return Rate(insurance, fen(yuan), level, Interval.parse(days))


def claims(*rows: tuple[str | None, ...]) -> pl.DataFrame:
    """Grouped claims: group, insurance, level, day; the outcome is GROUPED where there is one."""
    padded = [(*row, *[None] * (4 - len(row))) for row in rows]
    frame = pl.DataFrame(
        padded,
        schema=dict.fromkeys(("group", "insurance", "level", "day"), pl.String),
        orient="row",
    )
    return frame.with_columns(
        pl.when(pl.col("group").is_null())
        .then(pl.lit("REJECTED"))
        .otherwise(pl.lit("GROUPED"))
        .alias("outcome"),
        pl.lit(None, dtype=REASONS).alias("reason"),
    )


def weigh(weights: Weights, frame: pl.DataFrame) -> list[tuple[object, ...]]:
    out = weights.add(frame, COLUMNS)
    return out.select(pl.col("weight").cast(pl.String), "standard_fen", "reason").rows()


# ---- worked cases


@pytest.mark.parametrize("case", ["A04", "A05", "A07"])
def test_worked_cases_of_standards(case):
    inputs, params, expected = (CASES[case][k] for k in ("inputs", "params", "expected"))
    weights = Weights.load("haerbin-2024")
    found = weigh(weights, claims((inputs["group"], inputs["insurance"])))
    assert found == [(f"{Decimal(params['rw']):.4f}", fen(expected["standard"]), None)]


def test_heart_lung_support_is_paid_to_the_fen():
    """settlement.md A06: 8.9249 × 12,252.70 = 109,354.12223."""
    assert weigh(Weights.load("haerbin-2024"), claims(("AH19", "310"))) == [
        ("8.9249", 10935412, None)
    ]


# ---- tables that are shipped


def test_harbin_is_there():
    found = {t.id: t for t in list_weight_tables()}
    assert {name: len(t.weights) for name, t in found.items()} == {
        "haerbin-2022": 660,
        "haerbin-2023": 703,
        "haerbin-2024": 703,
    }
    assert found["haerbin-2023"].weights == found["haerbin-2024"].weights
    assert found["haerbin-2022"].weights["GB23"] == 63182
    assert found["haerbin-2022"].rates == ()
    told = {(r.insurance, r.hospital_level): r.fen for r in found["haerbin-2024"].rates}
    assert told == {("310", "I"): 1225270, ("390", "I"): 964924}
    assert [t.id for t in load_weight_versions("haerbin")] == sorted(found)


@pytest.mark.parametrize("toml", SHIPPED, ids=lambda p: p.stem)
def test_house_rules_of_weight_tables(toml):
    """Declared rows and digest, known sources, sorted groups, four places, both titles."""
    header = tomllib.loads(toml.read_text("utf-8"))
    data = toml.with_suffix(".csv").read_bytes()
    rows = list(csv.DictReader(data.decode("utf-8").splitlines()))
    assert header["table"]["rows"] == len(rows)
    assert header["table"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert [row["group"] for row in rows] == sorted({row["group"] for row in rows})
    assert all(re.fullmatch(r"\d+\.\d{4}", row["weight"]) and row["name"] for row in rows)
    assert header["id"] == toml.stem == f"{header['place']}-{header['in_force'][0][:4]}"
    assert header["title_zh"]
    assert header["title_en"]
    parts = [header["table"], *header.get("rates", []), *header["notes"]]
    sources = tomllib.loads((ROOT / "tables/sources.toml").read_text("utf-8"))
    assert {part["source"] for part in parts} <= set(header["sources"]) <= set(sources)
    statuses = {header["in_force_status"], *(part["status"] for part in parts)}
    assert statuses <= {"official", "transcribed", "derived", "recalled", "synthetic"}
    assert ("scheme_note_zh" in header) == (header["scheme"] == "")


def test_there_is_a_csv_beside_every_toml():
    assert {p.stem for p in FOLDER.glob("*.csv")} == {p.stem for p in SHIPPED} != set()


# ---- tables of one's own


def written(folder: Path, rows: str, toml: str = "", name: str = "own.csv") -> Path:
    path = folder / name
    path.write_text(rows, "utf-8")
    if toml:
        path.with_suffix(".toml").write_text(toml, "utf-8")
    return path


def test_a_bureaus_file_is_read_by_its_headings(tmp_path):
    path = tmp_path / "权重.csv"
    path.write_bytes(
        "序号,DRG编码,DRG名称,权重\n1,BR23,脑缺血,0.729\n2,AC19,移植,\n".encode("gb18030")
    )
    found = load_weight_table(path)
    assert (found.weights, found.unweighted) == ({"BR23": 7290}, frozenset({"AC19"}))
    assert (found.id, found.place, found.scheme, found.rates) == ("权重", "", None, ())
    assert weigh(Weights.load(path), claims(("AC19", "310"), ("BR23", "310"))) == [
        (None, None, "N420"),
        ("0.7290", None, None),
    ]


def test_a_workbook_and_the_toml_beside_it(tmp_path):
    pl.DataFrame({"病组编码": ["BR23"], "相对权重": [0.729]}).write_excel(tmp_path / "own.xlsx")
    (tmp_path / "own.toml").write_text('[[rates]]\ninsurance = "职工"\nrate = 12000\n', "utf-8")
    for name in ("own.xlsx", "own.toml"):
        found = load_weight_table(tmp_path / name)
        assert found.weights == {"BR23": 7290}
        assert found.rates == (Rate("310", 1_200_000),)


def test_the_toml_may_begin_with_a_byte_order_mark_and_lie_beside_a_tsv(tmp_path):
    written(tmp_path, "group\tweight\nA11\t1.5\n", '\ufefftitle_zh = "甲"\n', "own.tsv")
    table = load_weight_table(tmp_path / "own.toml")
    assert (table.title_zh, table.weights) == ("甲", {"A11": 15000})


def test_the_digest_speaks_of_what_decides(tmp_path):
    rows = "group,weight\nA11,1.5\nB11,2\n"
    toml = '[[rates]]\ninsurance = "310"\nrate = "10.00"\n'
    one = load_weight_table(written(tmp_path, rows, toml)).digest
    again = "weight,group,note\n2.0,B11,x\n1.5000,A11,y\n"
    assert load_weight_table(written(tmp_path, again, toml, "two.csv")).digest == one
    other = written(tmp_path, rows.replace("1.5", "1.6"), toml, "three.csv")
    assert load_weight_table(other).digest != one
    assert load_weight_table(written(tmp_path, rows, toml.replace("10", "11"))).digest != one


ROWS = "group,weight\nA11,1.5\n"


@pytest.mark.parametrize(
    ("rows", "code", "says"),
    [
        ("group,weight\nA11,abc\n", "T171", "A11"),
        ("group,weight\nA11,1.23456\n", "T171", "1.23456"),
        ("group,weight\nA11,0\n", "T172", "A11"),
        ("group,weight\nA11,-1\n", "T172", "-1"),
        ("group,weight\nA11,10001\n", "T172", "10000"),
        ("group,weight\nA11,1\nB11,1\nA11,2\n", "T173", "4"),
        ("group,price\nA11,1\n", "T174", "price"),
        ("code,weight\nA11,1\n", "T174", "code"),
        ("group,weight\nA11,\n", "T179", "own.csv"),
        ("drg,基准权重,权重\nA11,1,2\n", "T184", "权重, 基准权重"),
        ("group,weight\n,1.5\n", "T181", "1.5"),
    ],
)
def test_impossible_rows_are_refused(tmp_path, rows, code, says):
    with pytest.raises(TableError, match=rf"\[{code}\].*{re.escape(says)}") as caught:
        load_weight_table(written(tmp_path, rows))
    assert caught.value.exit_code == 3
    assert "own.csv" in str(caught.value)


R310 = '[[rates]]\ninsurance = "310"\n'


@pytest.mark.parametrize(
    ("toml", "code"),
    [
        ("x = [", "T120"),
        ('id = "other"\n', "T183"),
        ("title_zh = 3\n", "T175"),
        ("rates = 3\n", "T175"),
        ("rates = [3]\n", "T175"),
        ('[[rates]]\nrate = "1.00"\n', "T175"),
        ('[[rates]]\ninsurance = ""\nrate = "1.00"\n', "T175"),
        (f'{R310}rate = "1.00"\nhospital_level = 3\n', "T175"),
        (R310, "T176"),
        (f'{R310}rate = "0"\n', "T176"),
        (f'{R310}rate = "-1.00"\n', "T176"),
        (f'{R310}rate = "1.005"\n', "T176"),
        (f"{R310}rate = 12252.70\n", "T176"),
        (f'{R310}rate = "1.00"\n{R310}rate = "2.00"\n', "T177"),
        (f'{R310}rate = "1.00"\n[[rates]]\ninsurance = "职工"\nrate = "2.00"\n', "T177"),
        (f'{R310}rate = "1.00"\nin_force = ["2024-01-01", "2024-01-01"]\n', "T178"),
        ('in_force = "2024"\n', "T178"),
        (f'{R310}rate = "1.00"\nlevel = "三级"\n', "T175"),
        ('[[rate]]\ninsurance = "310"\nrate = "1.00"\n', "T175"),
        ('in_force = ["2024-13-01", ""]\n', "T178"),
        ("[table]\nrows = 2\n", "T104"),
        (f'[table]\nsha256 = "{"0" * 64}"\n', "T103"),
    ],
)
def test_an_impossible_toml_is_refused(tmp_path, toml, code):
    with pytest.raises(TableError) as caught:
        load_weight_table(written(tmp_path, ROWS, toml))
    assert caught.value.code == code
    assert "own" in str(caught.value)


def test_rates_of_one_insurance_may_follow_each_other_or_differ_by_level(tmp_path):
    toml = (
        f'{R310}rate = "1.00"\nin_force = ["2024-01-01", "2024-07-01"]\n'
        f'{R310}rate = "2.00"\nin_force = ["2024-07-01", ""]\n'
        f'{R310}rate = "3.00"\nhospital_level = "三级"\n'
    )
    assert len(load_weight_table(written(tmp_path, ROWS, toml)).rates) == 3


def test_a_table_that_is_not_there_names_the_nearest(tmp_path):
    with pytest.raises(TableError, match=r"\[T170\].*haerbin-2024"):
        Weights.load("haerbin-2042")
    with pytest.raises(DrgError, match="F101"):
        Weights.load(tmp_path / "no.csv")
    (tmp_path / "bare.toml").write_text("", "utf-8")
    with pytest.raises(TableError, match="T182"):
        Weights.load(tmp_path / "bare.toml")


def test_overlapping_versions_of_a_place_are_refused(tmp_path, monkeypatch):
    for name, days in (("x-1", '["2024-01-01", "2025-01-01"]'), ("x-2", '["2024-12-31", ""]')):
        toml = f'id = "{name}"\nplace = "x"\nin_force = {days}\n'
        (tmp_path / "weights").mkdir(exist_ok=True)
        written(tmp_path / "weights", ROWS, toml, f"{name}.csv")
    monkeypatch.setenv("DRG_TABLES", str(tmp_path))
    with pytest.raises(TableError, match=r"\[T180\].*x-1.*x-2"):
        Weights.load("x")


# ---- weighing


TWO = (rate("310", "100.00"), rate("390", "80.00"))


def test_what_is_null_and_why():
    weights = Weights([table({"A11": "1.5", "B11": "0.0001"}, *TWO)])
    frame = claims(
        ("A11", "310"), ("B11", "390"), ("C11", "310"), ("A11", None), ("A11", ""), ("A11", "330"),
        (None, "310"),
    )  # fmt: skip
    assert weigh(weights, frame) == [
        ("1.5000", 15000, None),
        ("0.0001", 1, None),  # 0.8 fen, half up
        (None, None, "N420"),
        ("1.5000", None, "N421"),
        ("1.5000", None, "N421"),
        ("1.5000", None, "N422"),
        (None, None, None),
    ]


def test_half_a_fen_is_rounded_up():
    weights = Weights([table({"A11": "0.0050", "B11": "0.0049"}, rate("310", "1.00"))])
    assert weigh(weights, claims(("A11", "310"), ("B11", "310"))) == [
        ("0.0050", 1, None),
        ("0.0049", 0, None),
    ]


@pytest.mark.parametrize("outcome", [o.value for o in Outcome if o != Outcome.GROUPED])
def test_only_grouped_claims_have_a_weight(outcome):
    weights = Weights([table({"AQY": "1", "0000": "1"}, *TWO)])
    frame = claims(("AQY", "310"), ("0000", "310")).with_columns(pl.lit(outcome).alias("outcome"))
    assert weigh(weights, frame) == [(None, None, None)] * 2


def test_a_reason_that_is_there_stays_and_the_claim_is_counted():
    weights = Weights([table({"A11": "1"}, *TWO)])
    frame = claims(("C11", "310"), ("A11", None), ("A11", "330"), ("C11", "310")).with_columns(
        pl.Series("reason", ["N401", "N401", "N401", None], dtype=REASONS)
    )
    tally = WeightTally()
    out = weights.weigh(frame, COLUMNS, tally)
    assert out["reason"].to_list() == ["N401", "N401", "N401", "N420"]
    totals = tally.totals()
    assert (totals.unweighted, totals.no_insurance, totals.no_rate) == ({"C11": 2}, 1, 1)


@pytest.mark.parametrize("dtype", [pl.String, REASONS])
def test_dtypes_and_columns(dtype):
    weights = Weights([table({"A11": "1"}, *TWO)])
    frame = claims(("A11", "310"), ("C11", "310")).with_columns(
        pl.col("reason").cast(dtype), pl.lit("3,2 kg").alias("weight")
    )
    out = weights.add(frame, COLUMNS)
    assert out.columns == [*frame.columns[:-1], "weight_input", *WEIGHT_DTYPES]
    assert out.schema == weights.schema(frame.schema)
    assert out["weight"].dtype == pl.Decimal(18, 4)
    assert out["weight_input"].to_list() == ["3,2 kg"] * 2
    assert out["reason"].to_list() == [None, "N420"]
    assert weights.add(frame.clear(), COLUMNS).schema == out.schema
    if dtype == REASONS:
        assert set(out["reason"].dtype.categories) == {"E101", "N401", *WEIGHT_NOTES}


@pytest.mark.parametrize(
    ("insurance", "code"),
    [
        ("310", "310"), ("310.0", "310"), ("职工", "310"), ("城镇职工基本医疗保险", "310"),
        ("Employee", "310"), ("居民", "390"), (" 390 ", "390"), ("城乡居民", "390"),
        ("３９０", "390"), ("离休", "离休"), ("", ""),
    ],
)  # fmt: skip
def test_spellings_of_insurance(insurance, code):
    assert insurance_code(insurance) == code


def test_insurance_as_a_number():
    weights = Weights([table({"A11": "1"}, *TWO)])
    for dtype in (pl.Int64, pl.Float64):
        frame = claims(("A11", "310"), ("A11", "390")).with_columns(
            pl.col("insurance").cast(pl.Int64).cast(dtype)
        )
        assert [row[1] for row in weigh(weights, frame)] == [10000, 8000]


def test_more_insurances_than_are_compared_one_by_one():
    rates = [rate(str(300 + n), f"{n + 1}.00") for n in range(9)]
    frame = claims(*(("A11", str(300 + n)) for n in range(10)))
    found = [row[1] for row in weigh(Weights([table({"A11": "1"}, *rates)]), frame)]
    assert found == [*(100 * (n + 1) for n in range(9)), None]


def test_a_table_without_rates_gives_weights_and_no_finding():
    tally = WeightTally()
    out = Weights([table({"A11": "1"})]).weigh(
        claims(("A11", "310"), ("A11", None)), COLUMNS, tally
    )
    assert out["standard_fen"].to_list() == [None, None]
    assert out["reason"].null_count() == 2
    totals = tally.totals()
    assert (totals.cases, totals.priced, totals.without_rates, totals.no_insurance) == (2, 0, 2, 0)


# ---- hospital levels


@pytest.mark.parametrize(
    ("text", "key"),
    [("Ⅰ级", "i"), ("I 级", "i"), ("i", "i"), ("三级甲等", "三级甲等"), ("级", "级")],
)
def test_harmless_spellings_of_levels(text, key):
    assert level_key(text) == key


LEVELS = (rate("310", "100.00", "三级"), rate("310", "90.00", "二级"))


def test_the_rate_of_the_claims_level():
    weights = Weights([table({"A11": "1"}, *LEVELS)])
    rows = claims(
        ("A11", "310", "三级"),
        ("A11", "310", "二 级"),
        ("A11", "310", "一级"),
        ("A11", "310", None),
    )
    assert [row[1:] for row in weigh(weights, rows)] == [
        (10000, None), (9000, None), (None, "N422"), (None, "N422"),
    ]  # fmt: skip


def test_a_rate_of_every_level_stands_in():
    weights = Weights([table({"A11": "1"}, LEVELS[0], rate("310", "70.00"))])
    rows = claims(("A11", "310", "三级"), ("A11", "310", "一级"), ("A11", "310", None))
    assert [row[1] for row in weigh(weights, rows)] == [10000, 7000, 7000]


def test_the_only_level_is_lent_and_said():
    weights = Weights([table({"A11": "1"}, LEVELS[0])])
    tally = WeightTally()
    rows = claims(("A11", "310", None), ("A11", "310", "三级"), ("A11", "310", "二级"))
    out = weights.weigh(rows, COLUMNS, tally)
    assert out["standard_fen"].to_list() == [10000, 10000, None]
    assert tally.totals().lent_level == 1


def test_a_level_named_for_the_run_overrides_the_claims():
    rows = claims(("A11", "310", "三级"), ("A11", "310", None))
    weights = Weights([table({"A11": "1"}, *LEVELS)], hospital_level="二级")
    assert [row[1] for row in weigh(weights, rows)] == [9000, 9000]
    none = Weights([table({"A11": "1"}, *LEVELS)], hospital_level="一级")
    assert [row[2] for row in weigh(none, rows)] == ["N422", "N422"]


# ---- days


def test_the_discharge_date_chooses_the_table():
    tables = [
        table({"A11": "1"}, rate("310", "100.00"), name="a", days=("2023-01-01", "2024-01-01")),
        table({"A11": "2"}, name="b", days=("2024-01-01", "2025-01-01")),
    ]
    weights = Weights(tables, by_date=True)
    days = ["2022-12-31", "2023-01-01", "2023/12/31", "2024年1月1日", "2025-01-01", None, "soon"]
    tally = WeightTally()
    out = weights.weigh(claims(*(("A11", "310", None, day) for day in days)), COLUMNS, tally)
    assert out["weight"].cast(pl.String).to_list() == [
        None, "1.0000", "1.0000", "2.0000", None, None, None,
    ]  # fmt: skip
    assert out["standard_fen"].to_list() == [None, 10000, 10000, None, None, None, None]
    assert out["reason"].to_list() == ["N423", None, None, None, "N423", "N423", "N423"]
    assert (tally.totals().no_table, tally.totals().without_rates) == (4, 1)


def test_no_column_of_dates_is_no_table_in_force():
    weights = Weights([table({"A11": "1"}, days=("2023-01-01", ""))], by_date=True)
    out = weights.add(claims(("A11", "310")), ClaimColumns({}, (), False))
    assert out["reason"].to_list() == ["N423"]


def test_a_named_table_holds_on_every_day():
    weights = Weights([table({"A11": "1"}, *TWO, days=("2023-01-01", "2024-01-01"))])
    assert weigh(weights, claims(("A11", "310", None, "2030-01-01"))) == [("1.0000", 10000, None)]


def test_rates_that_change_during_the_year():
    dated = (
        rate("310", "100.00", days=("2024-01-01", "2024-07-01")),
        rate("310", "90.00", days=("2024-07-01", "2025-01-01")),
    )
    weights = Weights([table({"A11": "1"}, *dated)])
    days = ["2024-06-30", "2024-07-01", "2025-01-01", None]
    found = weigh(weights, claims(*(("A11", "310", None, day) for day in days)))
    assert found == [
        ("1.0000", 10000, None), ("1.0000", 9000, None), ("1.0000", None, "N422"),
        ("1.0000", None, "N422"),
    ]  # fmt: skip


def test_several_tables_need_dates():
    with pytest.raises(ValueError, match="one table"):
        Weights([table({"A11": "1"}), table({"A11": "2"})])


# ---- sums


GROUPS = st.sampled_from(["A11", "B11", "C11", None])
ROWS_OF_CLAIMS = st.lists(
    st.tuples(GROUPS, st.sampled_from(["310", "390", "330", "职工", None])), max_size=40
)


@given(ROWS_OF_CLAIMS, st.integers(0, 40), st.randoms())
def test_sums_are_those_of_the_rows_however_they_are_cut_and_ordered(rows, cut, random):
    weights = Weights([table({"A11": "1.2345", "B11": "99.9999"}, *TWO)])
    whole, parts = WeightTally(), WeightTally()
    out = weights.weigh(claims(*rows), COLUMNS, whole)
    shuffled = random.sample(rows, len(rows))
    for part in (shuffled[:cut], shuffled[cut:]):
        weights.weigh(claims(*part), COLUMNS, parts)
    totals = whole.totals()
    assert totals == parts.totals()
    column = out["weight"].drop_nulls()
    assert totals.weight == sum(scaled(w) for w in column)
    assert totals.cases == len(column)
    assert totals.standard_fen == (out["standard_fen"].sum() or 0)
    assert totals.priced == len(rows) - out["standard_fen"].null_count()
    grouped = sum(group is not None for group, _ in rows)
    assert totals.cases + totals.unweighted.total() == grouped
    assert totals.priced + totals.no_insurance + totals.no_rate == totals.cases
    for row in out.iter_rows(named=True):
        if row["standard_fen"] is not None:
            price = 10000 if row["insurance"] in ("310", "职工") else 8000
            assert row["standard_fen"] == mul_div(scaled(row["weight"]), price, 10_000)


# ---- files and the command line

CLAIMS = """claim_id,sex,age,insurance,discharged_on,diagnoses,procedures
1,M,60,310,2024-05-01,G40.900,
2,M,60,居民,2023-05-01,G40.900,
3,F,60,,2024-05-01,K35.300|E87.600,47.0100
4,F,60,310,2024-05-01,I63.905,
5,F,60,310,2024-05-01,X99.999,
"""


def run(*args: object, code: int = 0):
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, (result.output, result.exception)
    return result


@pytest.fixture
def claims_csv(tmp_path):
    path = tmp_path / "claims.csv"
    path.write_text(CLAIMS, "utf-8")
    return path


def test_a_file_with_weights(claims_csv, tmp_path):
    out = tmp_path / "out.csv"
    words = run("group", claims_csv, "-s", "demo", "-o", out, "--weights", "haerbin-2024").stdout
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines()))
    assert [(r["group"], r["weight"], r["standard_fen"], r["reason"]) for r in rows] == [
        ("BV15", "0.4126", "505546", ""),
        ("BV15", "0.4126", "398128", ""),
        ("GE13", "1.5722", "", "N421"),
        ("BR15", "", "", "N420"),
        ("0000", "", "", "U201"),
    ]
    total = sum(int(r["standard_fen"]) for r in rows if r["standard_fen"])
    assert total == 903674
    assert re.search(r"总权重 +2\.3974\n", words)
    assert re.search(r"CMI +0\.7991\n", words)  # 2.3974 / 3 = 0.79913…
    assert re.search(r"支付标准合计 +9,036\.74 元，2 例", words)
    assert re.search(r"病组无权重 +1 例（N420）：BR15 1", words)
    assert re.search(r"险种未填 +1 例（N421）", words)
    assert "haerbin-2022 之后的细化方案" in words
    assert "2 例没有医疗机构等级，按表中唯一等级（I）的费率计算" in words


def test_the_table_of_weights_is_never_written_over(claims_csv, tmp_path):
    own = written(tmp_path, "group,weight\nBV15,0.5\n", name="own.csv")
    result = run("group", claims_csv, "-s", "demo", "-o", own, "--weights", own, code=2)
    assert "C201" in result.output
    result = run("weights", claims_csv, "-s", "demo", "-o", own, "--adjust", own, code=2)
    assert "C201" in result.output
    assert own.read_text("utf-8") == "group,weight\nBV15,0.5\n"


def test_parquet_and_workbook_hold_what_csv_holds(claims_csv, tmp_path):
    for suffix in ("csv", "parquet", "xlsx"):
        run("group", claims_csv, "-s", "demo", "-o", tmp_path / f"o.{suffix}",
            "--weights", "haerbin-2024")  # fmt: skip
    parquet = pl.read_parquet(tmp_path / "o.parquet")
    assert parquet["weight"].dtype == pl.Decimal(18, 4)
    assert parquet["weight"].sum() == Decimal("2.3974")
    metadata = pl.read_parquet_metadata(tmp_path / "o.parquet")
    assert metadata["drg.weights"] == "haerbin-2024"
    assert metadata["drg.weights_digest"] == load_weight_table("haerbin-2024").digest
    sheet = pl.read_excel(tmp_path / "o.xlsx")
    assert sheet["weight"].to_list() == [0.4126, 0.4126, 1.5722, None, None]
    assert sheet["standard_fen"].to_list() == [505546, 398128, None, None, None]


def test_weights_of_a_place_follow_the_discharge_date(claims_csv, tmp_path):
    out = tmp_path / "out.csv"
    words = run("group", claims_csv, "-s", "demo", "-o", out, "--weights", "haerbin").stdout
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines()))
    assert [r["standard_fen"] for r in rows[:2]] == ["505546", "499240"]  # 0.4126 × 12,099.85
    assert "按出院日期选用" in words
    assert re.search(r"haerbin-2023 +1\n +haerbin-2024 +2\n", words)
    assert "haerbin-2023, haerbin-2024 的施行期没有文件给出" in words


def test_a_scheme_that_is_not_the_tables_is_said(claims_csv, tmp_path, demo):
    weights = Weights([table({"BV15": "1"}, scheme="haerbin-2022")])
    lines = group_file(demo, claims_csv, tmp_path / "o.csv", weights=weights).lines("en")
    assert any("those of haerbin-2022, this run grouped by demo" in line for line in lines)
    assert any("t has no rates: 2 claims have a weight" in line for line in lines)
    own = Weights([table({"BV15": "1"}, *TWO, scheme="demo")])
    told = group_file(demo, claims_csv, tmp_path / "o.csv", weights=own).lines("en")
    assert not [line for line in told if line.startswith("Note")]


def test_wrong_command_lines(claims_csv, tmp_path):
    out = tmp_path / "o.csv"
    bad = run("group", claims_csv, "-s", "demo", "-o", out, "--weights", "no", code=3)
    assert "T170" in bad.stderr
    lone = run("group", claims_csv, "-s", "demo", "-o", out, "--hospital-level", "I", code=2)
    assert "--hospital-level" in lone.stderr
    assert not out.exists()


def test_the_list_of_tables():
    lines = run("weights", "--list").stdout.splitlines()
    assert len(lines) == 1 + len(SHIPPED)
    assert "310 12,252.70 (I); 390 9,649.24 (I)" in lines[-1]


def test_an_empty_file_keeps_its_columns(tmp_path, demo):
    path = tmp_path / "none.csv"
    path.write_text(CLAIMS.splitlines()[0] + "\n", "utf-8")
    summary = group_file(demo, path, tmp_path / "o.parquet", weights=Weights.load("haerbin-2024"))
    assert pl.read_parquet(tmp_path / "o.parquet").columns[-2:] == list(WEIGHT_DTYPES)
    assert summary.weights.cmi is None
    assert any(re.search(r"CMI\s+—", line) for line in summary.lines())


def test_words_are_there_in_both_languages():
    for key, entry in catalogue("weights").items():
        assert set(entry) == {"zh", "en"}, key
        places = [set(re.findall(r"\{\w+\}", entry[lang])) for lang in ("zh", "en")]
        assert places[0] == places[1], key


def test_the_grouper_is_as_before_without_weights(claims_csv, tmp_path, demo):
    group_file(demo, claims_csv, tmp_path / "o.parquet")
    assert "weight" not in pl.read_parquet(tmp_path / "o.parquet").columns
    assert load("demo").result_schema.keys().isdisjoint(WEIGHT_DTYPES)
