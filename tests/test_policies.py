"""Policies: found by place and month, extended, supplied; what is impossible is refused."""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from policy_files import EXAMPLES, FILES, SOURCES, name_of

from drg.cli import cli
from drg.dates import Interval, Month
from drg.errors import DrgError, TableError
from drg.payment.policy.catalog import PolicyError, list_policies, load_policy, origin_of
from drg.payment.policy.errors import SupplyError
from drg.payment.policy.paths import value_at, written
from drg.payment.policy.supply import read_supply
from drg.payment.weight_table import load_weight_table
from drg.text import set_language, text

MINE = """
place = "x"
place_zh = "某市"
title_zh = "某市"
title_en = "A city"
source = "S-PROJECT"
status = "derived"
"""


@pytest.fixture
def mine(tmp_path):
    """``mine(text)``: the path of a policy of one's own."""

    def write(words: str, header: str = MINE, name: str = "mine.toml") -> Path:
        (tmp_path / name).write_text(header + words, "utf-8")
        return tmp_path / name

    return write


def refusal(file: Path, **named: object) -> DrgError:
    with pytest.raises(DrgError) as caught:
        load_policy(file, **named)
    error = caught.value
    for lang in ("zh", "en"):
        assert f"[{error.code}]" in error.message(lang)
        assert text(f"errors.{error.code}.mend", lang)
        assert not re.search(r"[{}]\w", error.message(lang).replace("{ … }", ""))
    return error


# ---- finding one


def test_a_place_is_the_policy_in_force_over_the_month():
    assert load_policy("haerbin", on=Month.parse("2023-12")).id == "haerbin-2023"
    assert load_policy("哈尔滨", on=Month.parse("2024-01")).id == "haerbin-2024"
    assert load_policy("fuxin").id == "fuxin-2009"


@pytest.mark.parametrize("name", ["harbin", "harbin-2024", "haerbin", "哈尔滨"])
def test_a_place_goes_by_its_other_names(name):
    assert load_policy(name, on=Month(2024, 5)).id == "haerbin-2024"


def test_other_names_are_not_those_of_a_policy_that_extends_it():
    assert load_policy("haerbin-2023").also == ("harbin",)
    assert load_policy("demo-2024").also == ()
    assert load_policy("haerbin-2024").digest == load_policy("harbin-2024").digest


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ('[drg.share]\nbasis = "policy_ratio"', "drg.share.fund_ratio"),
        ('[drg.share]\nbasis = "min"', "drg.share.patient_ratio"),
        ('[drg.outliers]\nreference = "mean"', "drg.outliers.means"),
        ("[outpatient]\ndeductible = 0", "outpatient.ratio"),
        ('[per_disease]\nfund = "ratio"', "per_disease.table"),
        ('[drg.points]\nvariant = "jinhua"', "drg.points.city_mean"),
        ('[[bed_day]]\nid = "a"\ntitle_zh = "a"\ntitle_en = "a"\nfund = "class_shares"\n'
         '[bed_day.match]\ndepartments = ["a"]', "bed_day.a.ratio_b"),
    ],
)  # fmt: skip
def test_what_a_choice_asks_for_is_wanted(mine, words, path):
    found = load_policy(mine(words + "\n"))
    assert path in found.wanted
    assert path in found.wanted[path]


def test_text_that_is_not_utf_8_is_refused_in_plain_words(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_bytes('place_zh = "测试"'.encode("gbk"))
    assert "UTF-8" in str(refusal(file))
    assert "没有这个文件" in str(refusal(tmp_path / "nowhere.toml"))


def test_no_policy_of_the_place_that_month():
    error = refusal("haerbin", on=Month.parse("2025-01"))
    assert error.code == "P471"
    assert "haerbin-2024 [2024-01-01, 2025-01-01)" in str(error)
    # Begins within the month: not in force over all of it.
    assert refusal("fuxin", on=Month.parse("2009-12")).code == "P471"
    assert load_policy("fuxin", on=Month.parse("2010-01")).id == "fuxin-2009"


def test_undated_policies_are_never_chosen_by_month():
    assert refusal("taicang", on=Month.parse("2024-01")).code == "P471"
    assert load_policy("taicang-undated", on=Month.parse("2024-01")).in_force == Interval()


def test_a_place_with_several_policies_needs_a_month():
    error = refusal("haerbin")
    assert error.code == "P479"
    assert "haerbin-2022, haerbin-2023, haerbin-2024" in str(error)


def test_a_policy_that_is_named_must_be_in_force_too():
    error = refusal("haerbin-2023", on=Month.parse("2024-01"))
    assert error.code == "P472"
    assert "[2023-01-01, 2024-01-01)" in str(error)


def test_unknown_policy_names_near_ones():
    error = refusal("haerbin-2034")
    assert error.code == "P460"
    assert "haerbin-2024" in str(error)
    assert error.exit_code == 3


def copied_tables(tmp_path, monkeypatch, **files: str) -> None:
    folder = tmp_path / "tables"
    (folder / "weights").mkdir(parents=True)
    (folder / "sources.toml").write_text((ROOT / "tables/sources.toml").read_text("utf-8"), "utf-8")
    for name, words in files.items():
        place, _, year = name.rpartition("_")
        (folder / "policies" / place).mkdir(parents=True, exist_ok=True)
        (folder / "policies" / place / f"{year}.toml").write_text(words, "utf-8")
    monkeypatch.setenv("DRG_TABLES", str(folder))


def dated(name: str, *in_force: str, more: str = "") -> str:
    return f'id = "{name}"\n{MINE}in_force = {json.dumps(in_force)}\n{more}'


def test_two_policies_of_a_place_on_one_day_are_refused(tmp_path, monkeypatch):
    first = dated("x-2024", "2024-01-01", "2025-01-01")
    copied_tables(
        tmp_path, monkeypatch, x_2024=first, x_2025=dated("x-2025", "2024-12-31", "2026-01-01")
    )
    with pytest.raises(PolicyError) as caught:
        list_policies()
    assert caught.value.code == "P470"
    assert "x-2024" in str(caught.value)
    assert "x-2025" in str(caught.value)


def test_policies_of_different_insurances_may_stand_side_by_side(tmp_path, monkeypatch):
    days = ("2024-01-01", "2025-01-01")
    copied_tables(
        tmp_path, monkeypatch,
        x_a=dated("x-a", *days, more='insurances = ["310"]\n'),
        x_b=dated("x-b", *days, more='insurances = ["390"]\n'),
    )  # fmt: skip
    assert [policy.id for policy in list_policies()] == ["x-a", "x-b"]
    assert refusal("x", on=Month.parse("2024-05")).code == "P479"


def test_a_shipped_policy_bears_the_name_of_its_file(tmp_path, monkeypatch):
    copied_tables(tmp_path, monkeypatch, x_2024=dated("y-2024", "2024-01-01", ""))
    with pytest.raises(PolicyError) as caught:
        list_policies()
    assert caught.value.code == "P478"


# ---- what is refused


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("[month]\nretension = 0.1", "P461", "month.retension"),
        ("[month]\nretension = 0.1", "P461", "retention"),
        ("[monht]\nretention = 0.1", "P461", "month"),
        ("[drg.outliers]\nlow = 0.3\nhihg = { x = 3 }", "P461", "high"),
        ("[month]\nretention = 1.1", "P462", "month.retention = 1.1"),
        ("[month]\nretention = -0.1", "P462", "month.retention = -0.1"),
        ("[month]\nretention = 0.12345678", "P462", "6"),
        ('[month]\nretention = "ten"', "P462", "month.retention"),
        ('[month]\nretention = "nan"', "P462", "month.retention"),
        ("[month]\nretention = inf", "P462", "month.retention"),
        ("[month]\nhold_days = 0", "P462", "month.hold_days = 0"),
        ("[month]\npay_day = 31", "P462", "28"),
        ("[month]\nhold_days = 1.5", "P463", "month.hold_days"),
        ('[month]\nquarterly = "perhaps"', "P463", "month.quarterly"),
        ('[month]\nretention_base = "some"', "P463", "undisputed, all"),
        ("[outpatient]\nannual_cap = -1", "P462", "outpatient.annual_cap"),
        ("[outpatient]\nannual_cap = 0.001", "P462", "outpatient.annual_cap"),
        ('[outpatient]\nlevels = "一级"', "P463", "outpatient.levels"),
        ("[drg.outliers]\nlow = 2\nhigh = { x = 2 }", "P462", "drg.outliers"),
        ("[drg.outliers]\nextreme = 2\nhigh = { x = 2 }", "P462", "drg.outliers"),
        ("[drg.outliers]\nhigh = 3", "P463", "drg.outliers.high"),
        ("[drg.exclusion]\nshort_days = 60\nlong_days = 2", "P462", "drg.exclusion"),
        ("[community]\nsplit = { a = 0.5, b = 0.4 }", "P462", "community.split"),
        ('[[drg.rates]]\ninsurance = "310"\nrate = 0', "P462", "drg.rates.0.rate"),
        ('[[drg.rates]]\ninsurance = "310"', "P464", "drg.rates.0.rate"),
        ("[drg.rates]\nrate = 1", "P463", "drg.rates"),
        (
            '[[drg.rates]]\ninsurance = "310"\nrate = 1\n'
            '[[drg.rates]]\nhospital_level = "三级"\nrate = 2',
            "P473",
            "310",
        ),
        (
            '[[bed_day]]\nid = "a"\ntitle_zh = "a"\ntitle_en = "a"\n[bed_day.match]\n'
            'departments = ["a"]\n[[bed_day.rates]]\nto_day = 30\nper_diem = 9\n'
            "[[bed_day.rates]]\nfrom_day = 32\nper_diem = 8",
            "P462",
            "31",
        ),
        ('[year]\nclear_by = { "2025" = "13-45" }', "P462", '{ "2025" = "03-31" }'),
        ('[year]\nclear_by = { "soon" = "03-31" }', "P462", "year.clear_by"),
        ("[month]\nretention = [0.1, true]", "P462", "[0.1, true]"),
        ("[drg.review]\ncap = { required = true }", "P469", "drg.review.cap"),
        ("[month]\nretention = { required = true }", "P469", "month.retention"),
        ("[month]\nretention = { value = 0.1, required = true }", "P468", "month.retention"),
        ("[month]\nretention = { required = false }", "P463", "month.retention.required"),
        ("[month]\nretention = { value = 0.1, quelle = 1 }", "P461", "month.retention.quelle"),
        ('[month]\nretention = { value = 0.1, source = "" }', "P465", "month.retention"),
        ('[month]\nretention = { value = 0.1, status = "" }', "P465", "month.retention"),
        ('[month]\nretention = { value = 0.1, source = "S-PROJEKT" }', "P466", "S-PROJECT"),
        ('[month]\nretention = { value = 0.1, status = "sure" }', "P467", "official"),
        ('[month]\nretention = { value = 0.1, status = "supplied" }', "P467", "month.retention"),
        ("[month]\nretention = { value = 0.1, source = 1 }", "P463", "month.retention.source"),
        ("month = 1", "P463", "month"),
        ("[bed_day]\nid = 1", "P463", "bed_day"),
        ('[[bed_day]]\ntitle_zh = "x"', "P464", "bed_day.0.id"),
        ('[[bed_day]]\nid = "a"\n[[bed_day]]\nid = "a"', "P473", "a"),
        ("[tables.ratse]", "P461", "rates"),
        ('[tables.rates]\nflie = "x.csv"', "P461", "file"),
        ('[tables.rates]\nfile = "nowhere.csv"', "T102", "nowhere.csv"),
        ('[per_disease]\ntable = "nowhere.csv"', "T102", "nowhere.csv"),
        ('[drg]\nweights = ["haerbin-1999"]', "T170", "haerbin"),
        ("[month", "T120", "mine.toml"),
    ],
)
def test_refused_with_the_reason(mine, words, code, said):
    error = refusal(mine(words + "\n"))
    assert error.code == code
    assert said in str(error), str(error)
    assert error.exit_code == 3
    assert "mine.toml" in str(error) or code in ("T102", "T170")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('in_force = ["2025-01-01", "2024-01-01"]', "P462"),
        ('in_force = ["2025-01-01"]', "P462"),
        ("in_force = 2025-01-01", "P462"),
        ('in_force_status = "surely"', "P467"),
        ('insurances = "310"', "P463"),
        ('sources = ["S-NOWHERE"]', "P466"),
        ('extends = "nowhere-2024"', "P460"),
    ],
)
def test_refused_headers(mine, line, code):
    assert refusal(mine(f"{line}\n")).code == code


def test_a_policy_without_names_is_refused(mine):
    assert refusal(mine("", header='place = "x"\n')).code == "P464"


RATES = '[[drg.rates]]\ninsurance = "{}"\nhospital_level = "{}"\nin_force = {}\nrate = {}\n'
YEAR, LATER = '["2024-01-01", "2025-01-01"]', '["2025-01-01", "2026-01-01"]'


def test_two_rates_of_one_scope_are_refused(mine):
    first = RATES.format("310", "三级", YEAR, 9000)
    for insurance, level in (("310", "三级"), ("职工", "三 级"), ("310", "tertiary")):
        error = refusal(mine(first + RATES.format(insurance, level, YEAR, 8000)))
        assert error.code == "P473"
        assert "drg.rates" in str(error)
    for other in (
        RATES.format("390", "三级", YEAR, 8000),
        RATES.format("310", "二级", YEAR, 8000),
        RATES.format("310", "三级", LATER, 8000),
    ):
        assert len(load_policy(mine(first + other)).drg.rates) == 2


BED_DAY = '[[bed_day]]\nid = "a"\ntitle_zh = "x"\ntitle_en = "x"\nmatch = {}\n'
DAYS = "[[bed_day.rates]]\nfrom_day = {}\n{}per_diem = {}\n"


def test_days_of_a_stay_do_not_overlap(mine):
    first = BED_DAY + DAYS.format(1, "to_day = 30\n", 260)
    assert refusal(mine(first + DAYS.format(30, "", 208))).code == "P473"
    assert len(load_policy(mine(first + DAYS.format(31, "", 208))).bed_day[0].rates) == 2
    assert refusal(mine(BED_DAY + DAYS.format(30, "to_day = 2\n", 1))).code == "P462"
    assert refusal(mine(BED_DAY + DAYS.format(1, "", 0))).code == "P462"


FACTORS = "base = 800\n[[bed_day.factors]]\nfrom_day = {}\n{}factor = 1.1\n"


@pytest.mark.parametrize(
    ("from_day", "to_day", "rest"),
    [
        (2, "", ""),
        (1, "to_day = 5\n", ""),
        (1, "to_day = 5\n", "[[bed_day.factors]]\nfrom_day = 7\nfactor = 1\n"),
        (1, "to_day = 5\n", "[[bed_day.factors]]\nfrom_day = 5\nfactor = 1\n"),
        (1, "", "[[bed_day.factors]]\nfrom_day = 2\nfactor = 1\n"),
    ],
)
def test_factors_cover_every_day_once(mine, from_day, to_day, rest):
    error = refusal(mine(BED_DAY + FACTORS.format(from_day, to_day) + rest))
    assert error.code == "P462"
    assert "bed_day.a.factors" in str(error)


@pytest.mark.parametrize(
    "words",
    [
        "[outpatient]\nper_head = 99999999999",
        "[budget]\nemployee_min = 92233720369",
        "[[drg.rates]]\nrate = 92233720368\n",
        '[drg]\nweights = ["haerbin-2024"]\n[[drg.rates]]\nrate = 2546540230\n'
        "[[drg.coefficients]]\ncoefficient = 100\n",
        BED_DAY + "[[bed_day.rates]]\nper_diem = 30000000\n",
    ],
)
def test_overflow_risk_is_refused(mine, words):
    error = refusal(mine(words + "\n"))
    assert error.code == "P477"
    assert "2⁶³" in str(error)


def test_what_only_just_fits_is_taken(mine):
    heaviest = max(load_weight_table("haerbin-2024").weights.values())
    most = (2**63 - 1) // (heaviest * 10**6)
    words = (
        '[drg]\nweights = ["haerbin-2024"]\n[[drg.coefficients]]\ncoefficient = 100\n'
        '[[drg.rates]]\nrate = "{}"\n'
    )
    fits = Decimal(most) / 100
    assert load_policy(mine(words.format(fits))).drg.rates[0].rate == most
    assert refusal(mine(words.format(fits + 1))).code == "P477"


# ---- extends


def test_sections_and_numbers_lie_over_those_of_the_base(mine):
    header = 'extends = "haerbin-2024"\nsource = "S-DEMO"\nstatus = "synthetic"\n'
    policy = load_policy(mine("[drg.outliers]\nlow = 0.4\n", header))
    base = load_policy("haerbin-2024")
    assert policy.id == "mine"
    assert (policy.place, policy.in_force) == (base.place, base.in_force)
    assert policy.drg.outliers.low == Fraction(2, 5)
    assert policy.drg.outliers.high == base.drg.outliers.high
    assert policy.drg.rates == base.drg.rates
    assert policy.provenance["drg.outliers.low"].status == "synthetic"
    assert policy.provenance["drg.outliers.high_cap"] == base.provenance["drg.outliers.high_cap"]
    assert policy.synthetic
    assert policy.digest != base.digest


def test_a_policy_may_extend_a_file_and_not_itself(mine):
    mine("[month]\nretention = 0.1\n", name="base.toml")
    own = mine("[month]\nhold_days = 30\n", 'extends = "base.toml"\nsource = "S-DEMO"\n'
               'status = "synthetic"\n')  # fmt: skip
    assert load_policy(own).month.retention == Fraction(1, 10)
    assert load_policy(own).month.hold_days == 30
    round_ = mine("", 'extends = "mine.toml"\n')
    assert refusal(round_).code == "P474"
    assert refusal(mine("", 'extends = "nowhere.toml"\n')).code == "T120"


def test_bed_day_payments_are_extended_by_id(mine):
    header = 'extends = "dongying-2022"\nsource = "S-DEMO"\nstatus = "synthetic"\n'
    policy = load_policy(mine('[[bed_day]]\nid = "psychiatry"\nratio_a = 0.85\n', header))
    assert policy.bed_day[0].ratio_a == Fraction(17, 20)
    assert policy.bed_day[0].cap == Fraction(51, 50)
    assert set(policy.wanted) == {"bed_day.psychiatry.ratio_b"}


def test_own_documents_are_known(mine, tmp_path):
    own = '[month]\nretention = { value = 0.1, source = "OURS" }\n'
    assert refusal(mine(own)).code == "P466"
    described = load_policy(mine(own + '[documents.OURS]\ntitle_zh = "本市文件"\n'))
    assert described.sources == ("OURS",)
    (tmp_path / "sources.toml").write_text('[OURS]\ntitle_zh = "本市文件"\n', "utf-8")
    assert load_policy(mine(own)).provenance["month.retention"].source == "OURS"


# ---- what the user supplies


def test_supplied_numbers_are_typed_and_marked():
    supply = read_supply(
        [
            "month.retention=0.1", "month.hold_days=20", "month.quarterly=true",
            "month.retention_base=all", "drg.outliers.high.一级=2", "drg.rates.310.Ⅰ级费率=12300",
            "drg.rates.320=9999.99", "drg.same_price_groups=BR25, ES33",
            "drg.readmission.window_days=10", "drg.readmission.factor=0.5",
        ]
    )  # fmt: skip
    policy = load_policy("haerbin-2024", supply=supply)
    assert policy.month.retention == Fraction(1, 10)
    assert (policy.month.hold_days, policy.month.quarterly) == (20, True)
    assert policy.drg.outliers.high == {"三级": 3, "二级": 2, "一级": 2}
    assert [(r.insurance, r.hospital_level, r.rate) for r in policy.drg.rates] == [
        ("390", "Ⅰ级费率", 964_924),
        ("310", "Ⅰ级费率", 1_230_000),
        ("320", "", 999_999),
    ]
    assert policy.drg.same_price_groups == ("BR25", "ES33")
    assert policy.drg.readmission.window_days == 10
    assert policy.provenance["month.retention"].status == "supplied"
    assert policy.provenance["drg.rates.1.rate"].status == "supplied"
    assert policy.provenance["drg.rates.0.rate"].status == "transcribed"
    assert policy.digest != load_policy("haerbin-2024").digest


def test_what_is_supplied_is_no_longer_wanted():
    policy = load_policy(
        "baoshan-2021",
        supply={
            "drg.rates.310": "9000", "drg.weights": "haerbin-2022",
            "bed_day.psychiatry.rates.三级": "220", "community.per_head": "620",
        },
    )  # fmt: skip
    assert not {"drg.rates", "drg.weights", "bed_day.psychiatry.rates", "community.per_head"} & {
        *policy.wanted
    }
    assert policy.bed_day[1].rates[0].hospital_level == "三级"
    assert policy.bed_day[1].rates[0].per_diem == 22_000
    assert "bed_day.rehabilitation.rates" in policy.wanted


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("month.retension", "0.1", "P476"),
        ("retention", "0.1", "P476"),
        ("month", "0.1", "P476"),
        ("month.retention.x", "0.1", "P476"),
        ("bed_day", "1", "P476"),
        ("bed_day.nothing.rates", "1", "P476"),
        ("bed_day.psychiatry", "1", "P476"),
        ("bed_day.psychiatry.rate", "1", "P476"),
        ("bed_day.psychiatry.rates.a.b.c", "1", "P476"),
        ("outpatient.per_head", "much", "P462"),
        ("month.retention", "10", "P462"),
        ("month.hold_days", "many", "P463"),
        ("drg.rates.310", "-5", "P462"),
        ("per_disease.table", "nowhere.csv", "T102"),
        ("drg.points.group_means", "5", "P476"),
    ],
)
def test_supplied_numbers_that_cannot_be(path, value, code):
    error = refusal("chongqing-2018", supply={path: value})
    assert error.code == code
    assert "--set" in str(error) or code == "T102"
    assert error.exit_code == (2 if code == "P476" else 3)


@pytest.mark.parametrize("words", [["x"], ["=1"], ["x="], ["x=1", "x=2"]])
def test_supply_that_cannot_be_read(words):
    with pytest.raises(SupplyError) as caught:
        read_supply(words)
    assert caught.value.code == "P475"
    assert caught.value.exit_code == 2


@given(share=st.decimals(0, 1, places=6), amount=st.integers(0, 10**11))
def test_supplied_texts_are_exact(share, amount):
    yuan = f"{amount // 100}.{amount % 100:02}"
    policy = load_policy(
        "fuxin-2009", supply={"month.retention": str(share), "outpatient.per_head": yuan}
    )
    assert policy.month.retention == Fraction(share)
    assert policy.outpatient.per_head == amount
    assert written(policy, ("outpatient", "per_head")) == yuan
    assert Fraction(written(policy, ("month", "retention"))) == Fraction(share)


# ---- tables


def test_tables_beside_the_policy(mine, tmp_path):
    rates = "insurance,hospital_level,hospital,from,to,rate\n310,三级,,2024-01-01,2025-01-01,9000\n"
    files = {
        "mine.rates.csv": rates + "390,,,,,8000.5\n",
        "coefficients.csv": "hospital,group,coefficient\nH1,,0.92\nH1,BR23,1.1\n",
        "means.csv": "group,mean\nBR23,8400\n",
        "own.csv": "hospital,group,mean\nH.1,BR23,9240\n",
        "days.csv": "bed_day,category,from_day,to_day,per_diem\na,,1,30,260\na,,31,,208\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, "utf-8")
    digest = hashlib.sha256(files["mine.rates.csv"].encode()).hexdigest()
    policy = load_policy(
        mine(
            '[drg.points]\nvariant = "jinhua"\ncity_mean = 10500\n' + BED_DAY
            + f'[tables.rates]\nrows = 2\nsha256 = "{digest}"\n'
            '[tables.coefficients]\nfile = "coefficients.csv"\nstatus = "synthetic"\n'
            '[tables.group_means]\nfile = "means.csv"\n[tables.hospital_means]\nfile = "own.csv"\n'
            '[tables.day_rates]\nfile = "days.csv"\n'
        )
    )  # fmt: skip
    assert [(r.insurance, r.rate, str(r.in_force)) for r in policy.drg.rates] == [
        ("310", 900_000, "[2024-01-01, 2025-01-01)"),
        ("390", 800_050, "[…, …)"),
    ]
    assert [r.coefficient for r in policy.drg.coefficients] == [Fraction("0.92"), Fraction("1.1")]
    assert policy.drg.points.group_means == {"BR23": 840_000}
    assert policy.drg.points.hospital_means == {"H.1|BR23": 924_000}
    assert [(r.from_day, r.to_day) for r in policy.bed_day[0].rates] == [(1, 30), (31, None)]
    assert origin_of(policy, "drg.points.hospital_means.H.1|BR23").status == "derived"
    assert policy.provenance["drg.coefficients.0.coefficient"].status == "synthetic"
    more = load_policy(tmp_path / "mine.toml", supply={"drg.points.hospital_means.H.1|X": "5"})
    assert more.drg.points.hospital_means == {"H.1|BR23": 924_000, "H.1|X": 500}
    assert more.provenance["drg.points.hospital_means.H.1|X"].status == "supplied"


def test_rows_may_have_a_source_of_their_own(mine, tmp_path):
    (tmp_path / "mine.rates.csv").write_text(
        "insurance,rate,source,status\n310,9000,S-DEMO,synthetic\n390,8000,,\n", "utf-8"
    )
    policy = load_policy(mine("[tables.rates]\n"))
    assert policy.provenance["drg.rates.0.rate"].source == "S-DEMO"
    assert policy.provenance["drg.rates.1.rate"].source == "S-PROJECT"
    assert policy.synthetic


@pytest.mark.parametrize(
    ("content", "entry", "code"),
    [
        ("insurance,rate\n310,9000\n", "rows = 2", "T104"),
        ("insurance,rate\n310,9000\n", 'sha256 = "00"', "T103"),
        ("insurance,rat\n310,9000\n", "", "P461"),
        ("insurance,rate\n310,\n", "", "P464"),
        ("insurance,rate\n310,-1\n", "", "P462"),
        ("insurance,rate\n310,1\n310,2\n", "", "P473"),
        ("insurance,from,rate\n310,2024-13-01,1\n", "", "P462"),
        ("insurance,rate,source\n310,1,S-NOWHERE\n", "", "P466"),
    ],
)
def test_broken_tables_are_refused(mine, tmp_path, content, entry, code):
    (tmp_path / "mine.rates.csv").write_text(content, "utf-8")
    error = refusal(mine(f"[tables.rates]\n{entry}\n"))
    assert error.code == code
    assert "mine" in str(error)


def test_rows_stand_in_one_place(mine, tmp_path):
    (tmp_path / "mine.rates.csv").write_text("insurance,rate\n310,1\n", "utf-8")
    both = "[[drg.rates]]\nrate = 5\n[tables.rates]\n"
    assert refusal(mine(both)).code == "P468"


def test_means_have_one_row_a_key(mine, tmp_path):
    (tmp_path / "mine.group_means.csv").write_text("group,mean\nA,1\nA,2\n", "utf-8")
    assert refusal(mine('[drg.points]\nvariant = "jinhua"\n[tables.group_means]\n')).code == "P473"


def test_a_table_can_be_supplied_whole(tmp_path):
    (tmp_path / "means.csv").write_text("group,mean\nBR23,8400\n", "utf-8")
    (tmp_path / "days.csv").write_text("hospital_level,per_diem\n三级,220\n", "utf-8")
    policy = load_policy(
        "jinhua-2017", supply={"drg.points.group_means": str(tmp_path / "means.csv")}
    )
    assert policy.drg.points.group_means == {"BR23": 840_000}
    assert policy.provenance["drg.points.group_means"].status == "supplied"
    policy = load_policy(
        "baoshan-2021", supply={"bed_day.psychiatry.rates": str(tmp_path / "days.csv")}
    )
    assert policy.bed_day[1].rates[0].per_diem == 22_000
    assert "bed_day.psychiatry.rates" not in policy.wanted


def test_own_weights_lie_beside_the_policy(mine, tmp_path):
    (tmp_path / "ours.csv").write_text("group,weight\nBR23,0.7290\n", "utf-8")
    policy = load_policy(mine('[drg]\nweights = ["ours.csv"]\n'))
    assert policy.drg.weights == (str(tmp_path / "ours.csv"),)
    before = policy.digest
    (tmp_path / "ours.csv").write_text("group,weight\nBR23,0.7291\n", "utf-8")
    assert load_policy(tmp_path / "mine.toml").digest != before
    with pytest.raises(TableError):
        load_policy(mine('[drg]\nweights = ["theirs.csv"]\n'))


# ---- the digest


def test_digest_is_over_what_decides_a_payment(mine):
    words = '[month]\nretention = 0.10\n[budget]\nlevels = ["hospital"]\n'
    digest = load_policy(mine(words)).digest
    same = MINE.replace("A city", "Another") + 'sources = ["S-DEMO"]\n'
    assert load_policy(mine(words.replace("0.10", '"0.1"'), same, "other.toml")).digest == digest
    for changed in (
        words.replace("0.10", "0.11"), words + '[outpatient]\nlevels = ["一级"]\n',
        words.replace("hospital", "city"),
    ):  # fmt: skip
        assert load_policy(mine(changed)).digest != digest
    assert load_policy(mine(words, MINE + 'in_force = ["2024-01-01", ""]\n')).digest != digest
    assert load_policy(mine(words, MINE + 'insurances = ["310"]\n')).digest != digest


def test_digest_does_not_depend_on_the_language():
    found = []
    for lang in ("zh", "en"):
        set_language(lang)
        found.append([policy.digest for policy in list_policies()])
    set_language("zh")
    assert found[0] == found[1]


def test_per_disease_standards_count(tmp_path):
    for path in EXAMPLES[0].parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = load_policy(tmp_path / "chongqing.toml")
    assert before.digest == load_policy(ROOT / "examples/policies/chongqing.toml").digest
    table = tmp_path / "chongqing.per_disease.csv"
    table.write_text(table.read_text("utf-8").replace(",7000,", ",7001,"), "utf-8")
    assert load_policy(tmp_path / "chongqing.toml").digest != before.digest
    table.write_text(table.read_text("utf-8").replace(",7001,", ",-1,"), "utf-8")
    with pytest.raises(TableError):
        load_policy(tmp_path / "chongqing.toml")


# ---- paths and pages


def test_origins_climb_to_what_stands_around():
    policy = load_policy("chongqing-2018")
    assert origin_of(policy, "outpatient.ratio").source == "S-CHONGQING-2018-746"
    assert origin_of(policy, "bed_day.psychiatry.match.principal_dx.0").source == "S-PROJECT"
    assert origin_of(policy, "drg.rates.0.rate") is None
    assert value_at(policy, ("bed_day", "psychiatry", "match", "principal_dx")) == ("F*",)


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(cli, list(words))
    return done.exit_code, done.stdout, done.stderr


def test_command_lists_the_policies():
    code, out, _ = run("policies")
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 1 + len(FILES)
    (fuxin,) = [line for line in lines if line.startswith("fuxin-2009")]
    assert "阜新" in fuxin
    assert "[2009-12-10, …)" in fuxin
    assert "总额预算、月结、年终清算" in fuxin
    code, out, _ = run("policies", "--json")
    assert code == 0
    assert {entry["id"] for entry in json.loads(out)} == {policy.id for policy in list_policies()}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_command_shows_every_number(path, lang):
    code, out, _ = run("policies", "show", f"{path.parent.name}-{path.stem}", "--lang", lang)
    assert code == 0
    set_language(lang)
    policy = load_policy(path)
    set_language("zh")
    for number in (*policy.provenance, *policy.wanted):
        assert number in out
    for source in policy.sources:
        assert SOURCES[source][f"title_{lang}"] in out
    for why in policy.wanted.values():
        assert why in out


def test_command_supplies_numbers():
    code, out, _ = run("policies", "show", "suining", "--set", "drg.rates.310=9000.50")
    assert code == 0
    assert re.search(r"drg\.rates\.0\.rate +9000\.50 +用户给出", out)
    assert "drg.rates：" not in out


def test_command_marks_made_up_numbers():
    code, out, _ = run("policies", "show", str(EXAMPLES[0]), "--lang", "en")
    assert code == 0
    assert "made-up numbers" in out
    assert str(ROOT) not in out


def test_command_refuses_in_one_line():
    code, _, err = run("policies", "show", "haerbin-2034")
    assert code == 3
    assert len(err.splitlines()) == 1
    assert "P460" in err
    code, _, err = run("policies", "show", "fuxin", "--set", "retention=0.1")
    assert code == 2
    assert "P476" in err


# ---- the page


def test_the_policy_on_the_page_loads(tmp_path):
    page = (ROOT / "docs" / "policies.md").read_text("utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "ourcity-2026.toml").write_text(block, "utf-8")
    (tmp_path / "rates.csv").write_text("insurance,rate\n310,9000\n", "utf-8")
    (tmp_path / "ourcity-weights.csv").write_text("group,weight\nBR23,0.7290\n", "utf-8")
    policy = load_policy(tmp_path / "ourcity-2026.toml", on=Month.parse("2026-12"))
    assert set(policy.wanted) == {"month.dispute_advance"}
    assert policy.provenance["drg.outliers.low"].source == "OUR-2026-3"
    assert policy.provenance["month.retention"].status == "transcribed"


def test_the_page_names_every_policy_and_table():
    from drg.payment.policy.tables import KINDS

    page = (ROOT / "docs" / "policies.md").read_text("utf-8")
    for name in (*KINDS, *(policy.id for policy in list_policies())):
        assert f"`{name}`" in page, name
    for kind in KINDS.values():
        for column in kind.columns:
            assert f"`{column}`" in page, column
