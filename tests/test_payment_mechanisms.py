"""Quotients and per-disease payment: worked cases, a slow exact oracle, and broken input."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from case_rules_mechanisms import RULES
from conftest import ROOT
from drawn_amounts import FEN, RATIO, STANDARD, flags, half_up, ints
from hypothesis import given
from hypothesis import strategies as st

from drg.claims.named import Named
from drg.errors import TableError
from drg.money import mul_div
from drg.payment.mechanisms.disease_table import load_diseases
from drg.payment.mechanisms.per_disease import (
    Pathway,
    exit_reason,
    fixed_amount,
    fixed_fund,
    full_standard,
    infer_standard,
)
from drg.payment.mechanisms.quotients import portion_array, times
from drg.text import catalogue

CASES = json.loads((ROOT / "tests/cases/mechanisms.json").read_text("utf-8"))


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
