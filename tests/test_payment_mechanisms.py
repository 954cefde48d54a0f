"""Per-disease, bed-day and capitation: worked cases, a slow exact oracle, and broken input."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from itertools import product

import numpy as np
import polars as pl
import pytest
from case_rules_mechanisms import RULES, day_factors
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from drg.claims.named import Named
from drg.errors import TableError
from drg.money import mul_div, round_scaled
from drg.payment.mechanisms.bed_day import (
    Tier,
    class_share_fund,
    covered,
    day_price,
    first_of_year,
    fund_less_patient,
    gross_fen,
    package,
    stay_check,
    variable_per_diem,
)
from drg.payment.mechanisms.community import advances, assessed_result, package_result, split
from drg.payment.mechanisms.disease_table import load_diseases
from drg.payment.mechanisms.outpatient import institution_result, visit_payments
from drg.payment.mechanisms.per_disease import (
    Pathway,
    exit_reason,
    fixed_amount,
    fixed_fund,
    full_standard,
    infer_standard,
)
from drg.payment.mechanisms.quotients import portion_array, times
from drg.payment.policy import BedDay, BedDayPackage, DayFactor
from drg.payment.policy.catalog import list_policies
from drg.text import catalogue

CASES = json.loads((ROOT / "tests/cases/mechanisms.json").read_text("utf-8"))
FEN = st.integers(0, 10**9)
STANDARD = st.integers(1, 10**9)
#: Ratios as a policy has them, those whose products end in half a fen among them.
RATIO = st.integers(0, 10**4).map(lambda n: Fraction(n, 10**4))


def ints(values):
    return np.array(values, np.int64)


def flags(values):
    return np.array(values, np.bool_)


def half_up(value: Fraction) -> int:
    return round_scaled(value, 0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_worked_case(case):
    found = RULES[case["rule"]](case["inputs"], case["params"])
    assert {key: found[key] for key in case["expected"]} == case["expected"]


# ---- quotients


@given(st.lists(st.tuples(FEN, FEN, STANDARD), min_size=1, max_size=20), st.booleans())
def test_portions_are_exact(rows, large):
    values, part, whole = zip(*rows, strict=True)
    if large:  # products past 2⁶³
        part, whole = [n * 10**8 for n in part], [n * 10**8 for n in whole]
    if max(half_up(Fraction(v * p, w)) for v, p, w in zip(values, part, whole, strict=True)) >> 62:
        return
    found = portion_array(ints(values), ints(part), ints(whole))
    assert found.tolist() == [mul_div(v, p, w) for v, p, w in zip(values, part, whole, strict=True)]


def test_a_portion_refuses_what_it_cannot_divide():
    for values, part, whole in (([1], [1], [0]), ([-1], [1], [1]), ([1], [-1], [1])):
        with pytest.raises(ValueError, match="whole above zero"):
            portion_array(ints(values), ints(part), ints(whole))
    assert portion_array(ints([]), ints([]), ints([])).dtype == np.int64


@given(FEN, RATIO)
def test_a_ratio_for_all_rows_and_one_by_row_agree(value, ratio):
    by_row = times(ints([value]), ints([int(ratio * 10**6)]))
    assert times(ints([value]), ratio).tolist() == by_row.tolist() == [half_up(value * ratio)]


# ---- C. per disease


@given(FEN, STANDARD, RATIO)
def test_a_fixed_fund_pays_its_share_whatever_the_cost(actual, standard, ratio):
    fund, patient, hospital = (
        part.item() for part in fixed_fund(ints([actual]), ints([standard]), ratio)
    )
    assert fund == half_up(standard * ratio)
    assert patient == half_up(min(actual, standard) * (1 - ratio))
    assert fund + patient - hospital == actual
    assert patient <= half_up(standard * (1 - ratio))


@given(FEN, STANDARD, st.data())
def test_a_fixed_amount_leaves_the_patient_its_part_of_the_rest(actual, standard, data):
    fund = data.draw(st.integers(0, standard))
    pay = fixed_amount(ints([actual]), ints([standard]), ints([fund]))
    rest = Fraction(standard - fund, standard)
    assert pay.patient.item() == half_up(min(actual, standard) * rest)
    assert pay.fund.item() == fund
    assert (pay.fund + pay.patient - pay.hospital).item() == actual


@given(FEN, STANDARD, FEN, st.sampled_from(["hospital", "fund"]))
def test_the_full_standard_less_the_patient(actual, standard, patient, surplus_to):
    pay = full_standard(ints([actual]), ints([standard]), ints([patient]), surplus_to)
    price = actual if surplus_to == "fund" and actual < standard else standard
    assert pay.fund.item() == max(0, price - patient)
    assert (pay.fund + pay.patient - pay.hospital).item() == actual


def slow_exit(case):
    if not case["dx"]:
        return Pathway.DX_NOT_LISTED
    if not case["px"]:
        return Pathway.PX_NOT_LISTED
    if not case["age"]:
        return Pathway.AGE
    if case["excluded"]:
        return Pathway.EXCLUDED_DX
    if case["transferred"]:
        return Pathway.TRANSFERRED
    if case["changed"]:
        return Pathway.DX_CHANGED
    if Fraction(case["cost"], case["standard"]) < Fraction("0.4"):
        return Pathway.COST_LOW
    if Fraction(case["cost"], case["standard"]) > 2:
        return Pathway.COST_HIGH
    return Pathway.STAYS


BOOLS = dict.fromkeys(("dx", "px", "age", "excluded", "transferred", "changed"), st.booleans())


@given(
    st.lists(st.fixed_dictionaries({**BOOLS, "cost": st.integers(0, 300), "standard": STANDARD}))
    | st.lists(
        st.fixed_dictionaries(
            {**BOOLS, "cost": st.integers(0, 300), "standard": st.integers(1, 200)}
        )
    )
)
def test_the_first_reason_to_leave(cases):
    column = {key: [case[key] for case in cases] for key in (*BOOLS, "cost", "standard")}
    codes = exit_reason(
        flags(column["dx"]),
        flags(column["px"]),
        flags(column["transferred"]),
        ints(column["cost"]),
        ints(column["standard"]),
        low=Fraction("0.4"),
        high=Fraction(2),
        age_fits=flags(column["age"]),
        excluded_dx=flags(column["excluded"]),
        dx_changed=flags(column["changed"]),
    )
    assert [list(Pathway)[code] for code in codes] == [slow_exit(case) for case in cases]


def test_modes_and_reasons_of_a_pathway():
    modes = {pathway.name: (pathway.mode, pathway.reason) for pathway in Pathway}
    assert modes["STAYS"] == ("single_disease", None)
    assert modes["AGE"] == ("not_entered", "age")
    assert modes["DX_CHANGED"] == ("exit", "dx_changed")


def test_without_bounds_no_cost_leaves():
    yes, no = flags([True]), flags([False])
    assert exit_reason(yes, yes, no, ints([10**9]), ints([1])).tolist() == [0]


@pytest.mark.parametrize(
    ("ratio", "reading"), [("1", "self_pay_ratio"), ("0", "fund_ratio"), ("1.2", "fund_ratio")]
)
def test_no_standard_follows_from_an_impossible_share(ratio, reading):
    with pytest.raises(ValueError, match="no standard"):
        infer_standard(260_000, Fraction(ratio), reading)
    with pytest.raises(ValueError, match="reading"):
        infer_standard(1, Fraction("0.5"), "reading")


# ---- disease table

HEADER = (
    "disease,name,dx,px,insurance,hospital_level,standard,fund_ratio,fund_fixed,from,to,"
    "source,status"
)
GALL = "D1,胆囊切除,K80.1*|K80.2*,51.23|51.22*,,,13000,0.4,,,,,"


def table(tmp_path, *rows, header=HEADER):
    path = tmp_path / "diseases.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return load_diseases(path)


def match(found, claims, **options):
    """Row of each claim: (dx, procedures, insurance, level, day)."""
    dx, px, insurance, level, day = (list(column) for column in zip(*claims, strict=True))
    return found.match(
        pl.Series(dx, dtype=pl.String),
        pl.Series(px, dtype=pl.List(pl.String)),
        pl.Series(insurance, dtype=pl.String),
        pl.Series(level, dtype=pl.String),
        pl.Series(day, dtype=pl.Date),
        **options,
    ).tolist()


def test_a_row_is_read(tmp_path):
    found = table(
        tmp_path,
        "",
        "D2,白内障,H25*,13.41|13.7,居民,二级,6500.50,,2600,2020-01-01,2021/1/1,S-X,recalled",
        GALL,
    )
    first, second = found.rows
    assert (first.dx, first.px, first.insurance) == (("H25*",), ("13.41", "13.7"), "390")
    assert (first.standard, first.fund_fixed, first.fund_ratio) == (650_050, 260_000, None)
    assert first.in_force.texts == ("2020-01-01", "2021-01-01")
    assert second.fund_ratio == Fraction("0.4")
    assert found.standard_fen.tolist() == [650_050, 1_300_000]
    assert found.fund_ratio_e6.tolist() == [-1, 400_000]
    assert found.fund_fixed_fen.tolist() == [260_000, -1]


def test_columns_may_have_the_headings_bureaus_use(tmp_path):
    found = table(
        tmp_path,
        "D1,胆囊切除,K80.1,13000,310",
        header="病种编码,病种名称,主要诊断编码,付费标准,险种",
    )
    assert found.rows[0].insurance == "310"
    assert found.rows[0].px == ()


def test_the_digest_holds_what_decides_a_payment(tmp_path):
    first = table(tmp_path, GALL).digest
    assert table(tmp_path, GALL.replace("胆囊切除", "胆囊")).digest == first
    assert table(tmp_path, GALL.replace("13000", "13001")).digest != first


def test_the_most_specific_row_holds(tmp_path):
    found = table(
        tmp_path,
        "A,any stone,K80*,,,,1000,,,,,,",
        "B,with operation,K80*,51.2*,,,2000,,,,,,",
        "C,employees,K80*,51.2*,310,,2100,,,,,,",
        "D,employees third level,K80*,51.2*,310,三级,2200,,,,,,",
        "E,longer prefix,K80.1*,51.2*,,,3000,,,,,,",
        "F,exact,K80.101,51.23,,,4000,,,2024-01-01,2025-01-01,,",
    )
    day, old = date(2024, 6, 30), date(2025, 1, 1)
    claims = [
        ("K80.9", [], "310", "三级", day),
        ("K80.9", ["51.23"], "390", "三级", day),
        ("K80.9", ["51.23"], "310", "二级", day),
        ("k80.9 ", [" 51.23"], "职工", "三 级", day),
        ("K80.101", ["51.22"], "310", "三级", day),
        ("K80.101", ["51.23"], "310", "三级", day),
        ("K80.101", ["51.23"], "310", "三级", old),
        ("K80.101", ["51.23"], None, None, None),
        ("K81", ["51.23"], "310", "三级", day),
        (None, ["51.23"], "310", "三级", day),
        ("K80.9", ["47.01", "51.23"], "310", "三级", day),
        ("K80.9", None, "310", "三级", day),
    ]
    assert match(found, claims) == [0, 1, 2, 3, 4, 5, 4, 4, -1, -1, 0, 0]
    assert match(found, claims, any_procedure=True) == [0, 1, 2, 3, 4, 5, 4, 4, -1, -1, 3, 0]


def test_what_is_listed_without_a_standard_is_told_apart(tmp_path):
    found = table(tmp_path, "A,x,K80*,51.2*,310,三级,1000,,,2024-01-01,,,")
    day = pl.Series([date(2024, 5, 1)] * 4)
    told = found.find(
        pl.Series(["K80.1", "K80.1", "K80.1", "J18"]),
        pl.Series([["51.2"], ["51.2"], ["47.0"], ["51.2"]]),
        pl.Series(["310", "390", "310", "310"]),
        pl.Series(["三级"] * 4),
        day,
    )
    assert told.row.tolist() == [0, -1, -1, -1]
    assert told.dx_listed.tolist() == [True, True, True, False]
    assert told.listed.tolist() == [True, True, False, False]


def test_columns_that_a_file_does_not_have(tmp_path):
    found = table(tmp_path, "A,x,K80,,,,1000,,,,,,", "B,x,K81,51.2,310,,1000,,,,,,")
    assert found.match(pl.Series(["K80", "K81"])).tolist() == [0, -1]
    assert found.match(pl.Series([], dtype=pl.String)).tolist() == []
    joined = pl.Series(["", "51.2|47.0"])
    assert found.match(pl.Series(["K80", "K81"]), joined, pl.Series(["", "310"])).tolist() == [0, 1]


def test_columns_that_pricing_has_read_already(tmp_path):
    found = table(
        tmp_path, "A,x,K80,,310,三级,1000,,,,2024-01-01,,", "B,x,K80,,310,三级甲等,1100,,,,,,"
    )
    dx, codes = pl.Series(["J18", "K80", "K80", "K80"]), np.arange(4, dtype=np.uint32) % 2
    insurance = Named(("310",), np.zeros(4, np.uint32))
    days = np.array([0, 0, 0, 30_000], np.int32)
    assert found.lists(dx).tolist() == [False, True, True, True]
    level = Named(("3",), codes * 0)
    assert found.match(dx, None, insurance, level, days).tolist() == [-1, 0, 0, -1]
    level = Named(("3A",), codes)  # the odd rows report none
    assert found.match(dx, None, insurance, level, days).tolist() == [-1, -1, 1, -1]
    level = Named(("3B",), codes * 0)
    assert found.match(dx, None, insurance, level, days).tolist() == [-1, 0, 0, -1]


ROWS = st.tuples(
    st.lists(st.sampled_from(["K80*", "K8*", "K80.1", "K80.1*", "J18"]), min_size=1, max_size=2),
    st.lists(st.sampled_from(["51.2*", "51.23", "51*"]), max_size=2),
    st.sampled_from(["", "310", "390"]),
    st.sampled_from(["", "三级", "二级"]),
    st.sampled_from([",", "2024-01-01,2025-01-01", ",2024-01-01", "2025-01-01,"]),
)
CLAIMS = st.tuples(
    st.sampled_from(["K80", "K80.1", "K80.12", "K81", "J18", "I10", None]),
    st.lists(st.sampled_from(["51.2", "51.23", "51.9", "47.01"]), max_size=3) | st.none(),
    st.sampled_from(["310", "390", None]),
    st.sampled_from(["三级", "二级", None]),
    st.sampled_from([date(2023, 12, 31), date(2024, 1, 1), date(2025, 1, 1), None]),
)


def slow_match(rows, claim, any_procedure):
    dx, px, insurance, level, day = claim

    def fit(patterns, code):
        sizes = [
            1000 if p == code else len(p) - 1
            for p in patterns
            if p == code or (p.endswith("*") and code.startswith(p[:-1]))
        ]
        return max(sizes, default=0)

    best = None
    for place, code in enumerate((px or [""]) if any_procedure else (px or [""])[:1]):
        for number, row in enumerate(rows):
            if dx is None or not fit(row.dx, dx) or (row.px and not fit(row.px, code)):
                continue
            if row.insurance not in ("", insurance) or row.hospital_level not in ("", level):
                continue
            if not (day in row.in_force if day else not any(row.in_force.texts)):
                continue
            own = (-fit(row.dx, dx), -(fit(row.px, code) if row.px else 0))
            order = (*own, not row.insurance, not row.hospital_level, place)
            if best is None or order < best[0]:
                best = (order, number)
    return best[1] if best else -1


@given(st.lists(ROWS, min_size=1, max_size=6), st.lists(CLAIMS, min_size=1), st.booleans())
def test_matching_is_what_a_slow_search_finds(tmp_path_factory, rows, claims, any_procedure):
    lines = [
        f"D{n},x,{'|'.join(dx)},{'|'.join(px)},{insurance},{level},1000,,,{days},,"
        for n, (dx, px, insurance, level, days) in enumerate(rows)
    ]
    try:
        found = table(tmp_path_factory.mktemp("t"), *lines)
    except TableError as error:
        assert error.code == "P414"
        return
    wanted = [slow_match(found.rows, claim, any_procedure) for claim in claims]
    assert match(found, claims, any_procedure=any_procedure) == wanted


@pytest.mark.parametrize(
    ("code", "rows"),
    [
        ("P411", ["A,x,K80,,,,0,,,,,,"]),
        ("P411", ["A,x,K80,,,,,,,,,,"]),
        ("P411", ["A,x,K80,,,,-5,,,,,,"]),
        ("P411", ["A,x,K80,,,,1e4,,,,,,"]),
        ("P411", ["A,x,K80,,,,1.005,,,,,,"]),
        ("P411", ["A,x,K80,,,,10000000.01,,,,,,"]),
        ("P411", ["A,x,K80,,,,100,,0,,,,"]),
        ("P412", ["A,x,K80,,,,100,60%,,,,,"]),
        ("P412", ["A,x,K80,,,,100,1.01,,,,,"]),
        ("P412", ["A,x,K80,,,,100,-0.1,,,,,"]),
        ("P412", ["A,x,K80,,,,100,0.1234567,,,,,"]),
        ("P413", ["A,x,,,,,100,,,,,,"]),
        ("P413", ["A,x,*,,,,100,,,,,,"]),
        ("P413", ["A,x,K80*1,,,,100,,,,,,"]),
        ("P413", ["A,x,K80,胆囊,,,100,,,,,,"]),
        ("P414", ["A,x,K80,,,,100,,,,,,", "B,y,K81|K80,,,,100,,,,,,"]),
        ("P414", ["A,x,K80,1*|2*,310,三级,100,,,,2024-01-02,,",
                  "A,x,K80,2*,310,三 级,100,,,2024-01-01,,,"]),
        ("P415", ["A,x,K80,,,,100,,,2024-02-30,,,"]),
        ("P415", ["A,x,K80,,,,100,,,2024-02-01,2024-02-01,,"]),
        ("P417", ["A,x,K80,,,,100,0.5,50,,,,"]),
        ("P417", ["A,x,K80,,,,100,,100.01,,,,"]),
        ("P418", [",,,,,,,,,,,,"]),
        ("P419", [",x,K80,,,,100,,,,,,"]),
        ("P419", ["A,x,K80,,,,100,,,,,,sure"]),
    ],
)  # fmt: skip
def test_an_impossible_table_is_refused_with_its_row(tmp_path, code, rows):
    with pytest.raises(TableError) as caught:
        table(tmp_path, *rows)
    assert caught.value.code == code
    assert "diseases.csv" in caught.value.message("zh")
    if code != "P418":
        assert str(caught.value.params.get("row", caught.value.params.get("second"))) in "23"


def test_rows_of_one_disease_that_follow_each_other_are_fine(tmp_path):
    found = table(
        tmp_path,
        "A,x,K80,,,,100,,,,2024-01-01,,",
        "A,x,K80,,,,110,,,2024-01-01,,,",
        "A,x,K80,51*,,,120,,,,,,",
        "A,x,K80,,310,,130,,,,,,",
        "A,x,K80,,,三级,140,,,,,,",
    )
    assert len(found.rows) == 5


@pytest.mark.parametrize(
    "header", ["disease,name,standard", "disease,dx,standard,付费标准", "code,dx,standard"]
)
def test_columns_are_there_once(tmp_path, header):
    with pytest.raises(TableError) as caught:
        table(tmp_path, header=header)
    assert caught.value.code == "P410"


def test_every_refusal_is_worded_in_both_languages():
    for code in (f"P{n}" for n in range(410, 420)):
        entry = catalogue("errors")[code]
        assert all(entry[key] for key in ("zh", "en", "mend_zh", "mend_en")), code


# ---- D. bed-day

TIERS = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 10**6)), min_size=1, max_size=6
).flatmap(lambda steps: st.tuples(st.just(steps), st.booleans()))


def made_tiers(drawn):
    steps, is_open = drawn
    ends = np.cumsum([size for size, _ in steps]).tolist()
    tiers = [Tier(end, price) for end, (_, price) in zip(ends, steps, strict=True)]
    if is_open:
        tiers[-1] = tiers[-1]._replace(last_day=None)
    return tiers


def slow_day(tiers, day):
    return next(t.per_diem for t in tiers if t.last_day is None or day <= t.last_day)


@given(TIERS, st.lists(st.integers(0, 300), min_size=1), RATIO)
def test_tiers_are_what_day_by_day_adds_up_to(drawn, days, factor):
    tiers = made_tiers(drawn)
    reach = covered(ints(days), tiers)
    last = tiers[-1].last_day
    assert reach.tolist() == [last is None or day <= last for day in days]
    known = ints(days)[reach]
    wanted = [
        half_up(sum(slow_day(tiers, d) for d in range(1, n + 1)) * factor) for n in known.tolist()
    ]
    assert gross_fen(known, tiers, factor).tolist() == wanted
    if not reach.all():
        with pytest.raises(ValueError, match="longer"):
            gross_fen(ints(days), tiers, factor)


@pytest.mark.parametrize("ends", [(30, 30), (None, 30), (40, 30), (0,)])
def test_tiers_stand_in_order(ends):
    with pytest.raises(ValueError, match="rising"):
        covered(ints([1]), [Tier(end, 1) for end in ends])


def test_no_tier_no_price():
    assert covered(ints([0, 1]), []).tolist() == [True, False]


def bed_day(**parts):
    return BedDay(id="psy", title_zh="精神", title_en="psychiatry", match={}, **parts)


RATES = [
    {"per_diem": "84", "hospital_level": "一级"},
    {"per_diem": "112", "hospital_level": "二级", "to_day": 60},
    {"per_diem": "100", "hospital_level": "二级", "from_day": 61},
    {"per_diem": "179", "hospital_level": "三级", "in_force": ["2017-01-01", ""]},
    {"per_diem": "150", "hospital_level": "三级", "category": "儿童"},
    {"per_diem": "223", "hospital": "H9"},
    {"per_diem": "70"},
]


def test_the_price_of_a_kind_of_stay():
    rule = bed_day(rates=RATES, category_factors={"低收入": "0.8", "儿童": "0.5"})
    one = day_price(rule, hospital_level=" 一级")
    assert (one.tiers, one.factor) == ((Tier(None, 8400),), 1)
    assert day_price(rule, hospital_level="二级").tiers == (Tier(60, 11200), Tier(None, 10000))
    low = day_price(rule, hospital_level="二级", category="低收入")
    assert low.factor == Fraction("0.8")
    day = date(2020, 1, 1)
    assert day_price(rule, hospital_level="三级", on=day).tiers[0].per_diem == 17900
    # Without a day of discharge dated rates hold for nobody; what is left is the one for all.
    assert day_price(rule, hospital_level="三级").tiers[0].per_diem == 7000
    child = day_price(rule, hospital_level="三级", category="儿童", on=day)
    assert (child.tiers[0].per_diem, child.factor) == (15000, 1)
    assert day_price(rule, hospital_level="三级", hospital="H9").tiers[0].per_diem == 22300
    assert day_price(rule, hospital_level="三级甲等", on=day).tiers[0].per_diem == 17900
    assert day_price(bed_day(rates=RATES[:1]), hospital_level="三级") is None


@pytest.mark.parametrize(
    ("insurance", "category", "factor"),
    [("390", "老年", "0.8"), ("居民", "老年", "0.8"), ("310", "老年", "1"), ("", "老年", "1"),
     ("310", "儿童", "0.5"), ("390", "儿童", "0.6"), ("390", "", "1")],
)  # fmt: skip
def test_a_category_may_count_in_one_insurance(insurance, category, factor):
    factors = {"390|老年": "0.8", "儿童": "0.5", "390|儿童": "0.6"}
    rule = bed_day(rates=[{"per_diem": "100"}], category_factors=factors)
    found = day_price(rule, insurance=insurance, category=category)
    assert found.factor == Fraction(factor)


def test_every_shipped_rate_holds_for_its_own_scope():
    seen = 0
    for policy in list_policies():
        for rule, rate in ((kind, row) for kind in policy.bed_day for row in kind.rates):
            found = day_price(
                rule, insurance=rate.insurance, hospital_level=rate.hospital_level,
                hospital=rate.hospital, category=rate.category, on=rate.in_force.start,
            )  # fmt: skip
            assert rate.per_diem in [tier.per_diem for tier in found.tiers], policy.id
            seen += 1
    assert seen


@pytest.mark.parametrize(
    "spans", [((1, 30), (30, None)), ((1, 30), (32, None)), ((2, None),), ((1, None), (5, None))]
)
def test_rates_that_do_not_join_are_refused(spans):
    rule = bed_day(rates=[{"per_diem": "1", "from_day": a, "to_day": b} for a, b in spans])
    with pytest.raises(TableError, match="P416"):
        day_price(rule)


def test_day_factors_reach_every_day():
    for spans in (((1, 5),), (), ((1, 2), (4, None))):
        rows = [DayFactor(from_day=a, to_day=b, factor="1") for a, b in spans]
        with pytest.raises(TableError, match="P416"):
            variable_per_diem(ints([1]), flags([True]), rows, 1)


@given(st.lists(st.tuples(st.integers(0, 90), st.booleans()), min_size=1), st.integers(0, 10**6))
def test_day_factors_are_what_day_by_day_adds_up_to(stays, base):
    rows = day_factors("FY2006-2024")

    def factor(day, emergency):
        row = next(r for r in rows if r.from_day <= day <= (r.to_day or day))
        return row.emergency_factor if emergency and row.emergency_factor else row.factor

    wanted = [sum((factor(d, e) for d in range(1, n + 1)), Fraction(0)) for n, e in stays]
    days, emergency = zip(*stays, strict=True)
    found = variable_per_diem(ints(days), flags(emergency), rows, base)
    assert [Fraction(s, 10**6) for s in found.factor_sum_e6.tolist()] == wanted
    assert found.gross.tolist() == [half_up(base * total) for total in wanted]


@given(FEN, st.tuples(FEN, FEN, STANDARD), RATIO, RATIO, RATIO, FEN)
def test_class_shares_and_their_cap(gross, charges, ratio_a, ratio_b, cap, advance):
    a, b, rest = charges
    whole = a + b + rest
    columns = [ints([n]) for n in (gross, a, b, whole)]
    found = class_share_fund(*columns, ratio_a, ratio_b, cap=cap + 1, advance=ints([advance]))
    exact = gross * (ratio_a * Fraction(a, whole) + ratio_b * Fraction(b, whole))
    assert found.computed.item() == half_up(exact)
    assert found.payable.item() == half_up(min(exact, advance * (cap + 1)))
    free = class_share_fund(*columns, ratio_a, ratio_b)
    assert free.payable.item() == half_up(exact)


def test_a_cap_needs_the_advance():
    one = ints([1])
    with pytest.raises(ValueError, match="advance"):
        class_share_fund(one, one, one, one, Fraction(1), Fraction(1), cap=Fraction(1))


def test_the_fund_is_never_below_zero():
    assert fund_less_patient(ints([100, 100]), ints([30, 130])).tolist() == [70, 0]


@pytest.mark.parametrize("acute", [True, False])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("days", [56, 57])
@pytest.mark.parametrize("once", [True, False])
def test_where_the_package_holds(acute, first, days, once):
    rule = BedDayPackage(package="15000.01", max_days=56, patient_ratio="0.10", once_a_year=once)
    found = package(flags([acute]), flags([first]), ints([days]), rule)
    holds = acute and days <= 56 and (first or not once)
    assert found.applies.tolist() == [holds]
    assert (found.fund.item(), found.patient.item()) == ((1_350_001, 150_000) if holds else (0, 0))


STAYS = st.lists(
    st.tuples(
        st.integers(0, 3), st.sampled_from([2024, 2025]), st.integers(0, 5), st.booleans(),
        st.booleans(),
    )
)  # fmt: skip


@given(STAYS)
def test_the_first_stay_of_a_year(stays):
    seen, wanted = set(), [False] * len(stays)
    for n in sorted(range(len(stays)), key=lambda n: (stays[n][2], n)):
        person, year, _, candidate, used = stays[n]
        if candidate and (person, year) not in seen:
            seen.add((person, year))
            wanted[n] = not used
    columns = list(zip(*stays, strict=True)) or [()] * 5
    found = first_of_year(*map(ints, columns[:3]), *map(flags, columns[3:]))
    assert found.tolist() == wanted


def test_a_bound_that_is_not_set_is_not_judged():
    share = {"一级": Fraction("0.03"), "": Fraction("0.05")}
    checks = [
        stay_check(Fraction(60), Fraction("0.03"), level, max_average_days=60, self_pay_max=share)
        for level in ("一 级", "三级")
    ]
    assert checks == [(True, True), (True, True)]
    assert stay_check(
        Fraction(61), Fraction(1), "二级", max_average_days=None, self_pay_max={"一级": Fraction(0)}
    ) == (None, None)


# ---- E. capitation

VISITS = st.lists(
    st.tuples(
        st.integers(0, 3),  # person
        st.integers(0, 6),  # day
        st.integers(0, 30_000),  # cost
        st.booleans(),  # eligible
        st.sampled_from([2024, 2025]),
    ),
    max_size=30,
)


@given(
    VISITS,
    RATIO,
    st.integers(0, 20_000) | st.none(),
    st.integers(0, 3000),
    st.lists(st.integers(0, 15_000), min_size=8, max_size=8),
)
def test_visits_one_by_one(visits, ratio, cap, deductible, before):
    used = dict(zip(product(range(4), (2024, 2025)), before, strict=True))
    spent, wanted = dict(used), [0] * len(visits)
    for n in sorted(range(len(visits)), key=lambda n: (visits[n][1], n)):
        person, _, cost, eligible, year = visits[n]
        pay = half_up(max(0, cost - deductible) * ratio) if eligible else 0
        if cap is not None:
            pay = min(pay, max(0, cap - spent[person, year]))
        spent[person, year] += pay
        wanted[n] = pay
    columns = list(zip(*visits, strict=True)) or [()] * 5
    found = visit_payments(
        *map(ints, columns[:3]),
        flags(columns[3]),
        ratio,
        cap=cap,
        deductible=deductible,
        used_before=ints([used[v[0], v[4]] for v in visits]),
        year=ints(columns[4]),
    )
    assert found.tolist() == wanted
    assert found.dtype == np.int64


def test_a_month_in_two_parts_comes_to_the_same():
    rng = np.random.default_rng(7)
    person, cost = rng.integers(0, 500, 5000), rng.integers(0, 9000, 5000)
    day, yes, ratio = np.sort(rng.integers(0, 365, 5000)), np.ones(5000, np.bool_), Fraction("0.6")
    whole = visit_payments(person, day, cost, yes, ratio, cap=10_000)
    first = visit_payments(person[:2000], day[:2000], cost[:2000], yes[:2000], ratio, cap=10_000)
    used = np.zeros(500, np.int64)
    np.add.at(used, person[:2000], first)
    rest = visit_payments(
        person[2000:], day[2000:], cost[2000:], yes[2000:], ratio,
        cap=10_000, used_before=used[person[2000:]],
    )  # fmt: skip
    assert np.concatenate([first, rest]).tolist() == whole.tolist()
    assert np.bincount(person, weights=whole).max() <= 10_000


def test_costs_beyond_any_ceiling_do_not_overflow():
    many = np.full(4000, 10**15, np.int64)
    zero, yes = np.zeros(4000, np.int64), np.ones(4000, np.bool_)
    paid = visit_payments(zero, zero, many, yes, Fraction(1), cap=10**10)
    assert paid.tolist() == [10**10, *[0] * 3999]
    with pytest.raises(OverflowError):
        visit_payments(zero, zero, many * 9000, yes, Fraction(1), cap=9 * 10**18)


@given(st.integers(0, 10**6), FEN, st.integers(0, 10**5), RATIO, RATIO)
def test_an_institutions_year(enrolled, reimbursed, per_head, keep, share):
    found = institution_result(enrolled, reimbursed, per_head, keep, share)
    assert found.capitation == enrolled * per_head
    assert found.result == found.capitation - reimbursed
    if found.result >= 0:
        assert found.final == reimbursed + half_up(found.result * keep)
    else:
        assert found.final == found.capitation + half_up(-found.result * share)
    assert min(reimbursed, found.capitation) <= found.final <= max(reimbursed, found.capitation)


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_the_parts_of_a_balance_add_up_to_it(amount, sizes):
    whole = sum(sizes)
    shares = {f"m{n}": Fraction(size, whole or 1) for n, size in enumerate(sizes)}
    if not whole:
        with pytest.raises(ValueError, match="add up to 1"):
            split(amount, shares)
        return
    parts = split(amount, shares)
    assert sum(parts.values()) == amount
    assert all(abs(parts[key] - amount * shares[key]) < 1 for key in shares)


@given(FEN, FEN, RATIO, RATIO, RATIO)
def test_an_assessed_package_adds_up(whole, spend, assessment, share, limit):
    found = assessed_result(whole, spend, assessment, share, limit)
    assert found.balance == whole - spend
    if found.balance >= 0:
        assert found.retained == half_up(found.balance * assessment)
        assert found.retained + found.returned == found.balance
        assert (found.fund_extra, found.community_bears) == (0, 0)
    else:
        over = min(Fraction(-found.balance), whole * limit)
        assert found.fund_extra == half_up(over * share)
        assert found.fund_extra + found.community_bears == -found.balance
        assert (found.retained, found.returned) == (0, 0)


def test_a_package_has_one_way_of_reckoning():
    assert package_result(10, 20, heads=3, per_head=15) == (45, 15)
    for wrong in (
        {},
        {"fund": 1},
        {"fund": 1, "ratio": Fraction(1), "heads": 1, "per_head": 1},
        {"fund": -1, "ratio": Fraction(1)},
    ):
        with pytest.raises(ValueError, match="package"):
            package_result(0, 0, **wrong)
    with pytest.raises(ValueError, match="between 0 and 1"):
        assessed_result(1, 1, Fraction(2), Fraction(0), Fraction(0))
    with pytest.raises(ValueError, match="negative"):
        assessed_result(-1, 1, Fraction(1), Fraction(0), Fraction(0))
    with pytest.raises(ValueError, match="negative"):
        institution_result(-1, 0, 0)


def test_months_paid_ahead_add_up():
    months = advances(100_000_001, Fraction("0.9"))
    assert len(months) == 12
    assert sum(months) == 90_000_001
    assert max(months) - min(months) <= 1
