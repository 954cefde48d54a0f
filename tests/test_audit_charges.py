"""Charges: exact amounts, the item reader, and the rules on items."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from made_audit import claims_of, found, judged, results

from drg.audit.charges import (
    above_price_array,
    discount_excess,
    discount_excess_array,
    over_discount,
    over_discount_array,
    over_quantity,
    over_quantity_array,
)
from drg.audit.engine import Audit
from drg.audit.kinds import KINDS
from drg.audit.lists import RuleList
from drg.audit.model import RuleSet
from drg.audit.rules import load_rules
from drg.audit.stakes import STAKES, counted_once
from drg.claims.items import ITEMS, open_items, read_scaled, type_items
from drg.claims.list_columns import ITEM_NAMES
from drg.errors import InputError
from drg.money import round_scaled

QUANTITIES = st.integers(-50_000, 200_000)
FEN = st.integers(-(10**9), 10**9)


def one(value: int) -> np.ndarray:
    return np.array([value], np.int64)


@settings(max_examples=100, deadline=None)
@given(QUANTITIES, FEN, st.integers(0, 60_000))
def test_columns_of_charges_give_what_one_charge_does(quantity, fen, limit):
    exact = Fraction(quantity, 10_000)
    assert over_quantity_array(one(quantity), one(fen), one(limit))[0] == over_quantity(
        exact, fen, Fraction(limit, 10_000)
    )
    assert discount_excess_array(one(quantity))[0] == round_scaled(discount_excess(exact))
    assert over_discount_array(one(quantity), one(fen))[0] == over_discount(exact, fen)


@settings(max_examples=100, deadline=None)
@given(QUANTITIES, FEN)
def test_a_refund_takes_back_what_the_charge_put_at_stake(quantity, fen):
    exact = Fraction(quantity, 10_000)
    assert over_discount(exact, fen) == -over_discount(-exact, -fen)
    assert 0 <= discount_excess(abs(exact)) < Fraction(7, 10)
    price = one(123_456)
    both = (
        above_price_array(one(quantity), price, one(1)),
        above_price_array(one(-quantity), price, one(1)),
    )
    assert both[0] == -both[1]


@settings(max_examples=150, deadline=None)
@given(st.decimals(min_value=-(10**8), max_value=10**8, places=6, allow_nan=False))
def test_quantities_are_read_exactly_and_rounded_half_up(number):
    text = format(number, "f")
    assert read_scaled(pl.Series([text]))[0] == round_scaled(Fraction(text))


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["1", " 2.50 ", "-0.7", "+3", ".5", "5.", ""], [10000, 25000, -7000, 30000, 5000, 50000]),
        (["1e3", "1,000", "--1", "1.-5", ".", "x", "9" * 30, "0." + "1" * 30], []),
    ],
)
def test_what_is_no_quantity_is_not_given(texts, wanted):
    read = read_scaled(pl.Series(texts)).to_list()
    assert read == wanted + [None] * (len(texts) - len(wanted))


def test_quantities_of_other_dtypes():
    assert read_scaled(pl.Series([1.5, 0.1 + 0.2, float("nan"), None])).to_list() == [
        15000, 3000, None, None,
    ]  # fmt: skip
    assert read_scaled(pl.Series([3, -4, 10**18])).to_list() == [30000, -40000, None]
    assert read_scaled(pl.Series(["1.25"]).cast(pl.Decimal(10, 2))).to_list() == [12500]


FILE = """结算ID,国家编码,费用发生时间,数量,单价,金额,符合范围金额,收费项目类别,备注
B,x1 ,2024-03-02 10:00:00,1,35,35.00,35.00,05,a
A,X1,20240301,2,35,70.00,60.005,05,b
B,X2,2024/3/2,-1,10.12345,-10.12,-10.12,09,c
,X9,2024-03-02,1,1,1.00,1.00,05,d
B,,x,y,z,w,,05,e
"""


def test_items_of_a_file(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text(FILE, "utf-8")
    table = open_items(path)
    assert (table.rows, table.homeless, table.claims) == (5, 1, 2)
    assert table.unreadable == {"charged_on": 1, "quantity": 1, "unit_price": 1, "amount": 1}
    found = table.of(pl.Series(["A", None, "Z", "B", "A"]))
    assert found.columns == ["row", *(n for n in ITEMS.names() if n != "claim_id")]
    assert found["row"].to_list() == [0, 3, 3, 3, 4]
    assert found["item_code"].cast(pl.String).to_list() == ["X1", "X1", "X2", None, "X1"]
    assert found["amount"].to_list() == [7000, 3500, -1012, None, 7000]
    assert found["in_scope_amount"].to_list() == [6001, 3500, -1012, None, 6001]
    assert found["unit_price"].to_list() == [350000, 350000, 101235, None, 350000]
    assert found["charged_on"].dt.day().to_list() == [1, 2, 2, None, 1]
    assert table.unknown_claims(pl.Series(["B"])) == 1
    same = tmp_path / "items.parquet"
    pl.read_csv(path, infer_schema=False).write_parquet(same)
    assert open_items(same).of(pl.Series(["B"])).equals(table.of(pl.Series(["B"])))


def test_items_without_what_they_need():
    with pytest.raises(InputError) as error:
        type_items(pl.DataFrame({"item_code": ["x"], "amount": ["1"]}))
    assert error.value.code == "F130"
    with pytest.raises(InputError) as error:
        type_items(pl.DataFrame({"claim_id": ["x"], "item_code": ["1"]}))
    assert error.value.code == "F131"
    assert type_items(pl.DataFrame({"claim_id": [], "cnt": []})).of(pl.Series(["A"])).height == 0


def test_every_item_column_has_a_header():
    assert set(ITEMS.names()) < set(ITEM_NAMES)
    assert (ROOT / "tables" / "headers" / "items" / "items.toml").is_file()


CLAIM = {
    "claim_id": "A", "admitted_on": "2024-03-01", "discharged_on": "2024-03-05", "sex": "M",
    "age": 40, "age_days": None, "insurance": "310", "payer": None, "diagnoses": "I10.x00",
}  # fmt: skip
BARE = {**CLAIM, "claim_id": "B"}


def charge(code="X1", day="2024-03-01", quantity="1", in_scope="10", **more):
    base = {"claim_id": "A", "item_code": code, "charged_on": day, "quantity": quantity,
            "in_scope_amount": in_scope, "amount": in_scope, "fee_class": "05",
            "unit_price": None}  # fmt: skip
    return {**base, **more}


def table(tmp_path, text):
    path = tmp_path / "list.csv"
    path.write_text(text, "utf-8")
    return str(path)


def judge_one(kind, params, charges, claim=CLAIM):
    result = judged(kind, params, [{**CLAIM, **claim}, BARE], charges)
    # A claim without charges is never a pass.
    assert results(result, 2)[1] == "?"
    assert found(result)[-1][2] == "missing: the charges item by item"
    return results(result, 2)[0], found(result)[0][1] if results(result, 2)[0] == "H" else None


ITEM_KINDS = {
    "charged_beside": "pairs", "over_frequency": "limits", "discounted": "items",
    "within_days": "gaps", "above_price": "prices", "limited_items": "limits",
}  # fmt: skip


@pytest.mark.parametrize("kind", ITEM_KINDS)
def test_a_rule_whose_list_is_not_given_is_not_assessable(kind, tmp_path):
    for items in (None, [charge()]):
        result = judged(kind, {}, [CLAIM], items)
        assert results(result, 1) == "?"
        assert found(result)[0][2] == "missing: the list of this rule (the region supplies it)"
    path = table(tmp_path, "code,x\nA,1\n")
    if kind != "discounted":
        with pytest.raises(ValueError, match=r"清单应有的列"):
            KINDS[kind].params.model_validate({ITEM_KINDS[kind]: path})


@pytest.mark.parametrize(
    ("charges", "letter", "amount"),
    [
        ([charge("A1"), charge("B1", in_scope="35"), charge("b1", in_scope="17.50")], "H", 5250),
        ([charge("A1"), charge("B1", "2024-03-02")], ".", None),
        ([charge("A1"), charge("B1"), charge("B1", quantity="-1", in_scope="-10")], ".", None),
        ([charge("A1"), charge("A1", quantity="-1"), charge("B1")], ".", None),
        ([charge("A1"), charge("B1", quantity="3", in_scope="30"),
          charge("B1", quantity="-1", in_scope="-10")], "H", 2000),
        ([charge("A1"), charge("B1", in_scope=None)], "H", None),
        ([charge("A1"), charge("B1", None)], "?", None),
        ([charge("A1"), charge("A2"), charge("B1")], "H", 1000),
        ([charge("B1"), charge("B7")], ".", None),
        ([charge("A3"), charge("C1"), charge("C2", in_scope="5")], "H", 1500),
        ([charge("C1"), charge("C2")], ".", None),
    ],
)  # fmt: skip
def test_charged_beside_an_item_that_includes_it(charges, letter, amount, tmp_path):
    pairs = table(tmp_path, "code,included\nA1,B1\nA2,B1\nA3,C*\n")
    assert judge_one("charged_beside", {"pairs": pairs}, charges) == (letter, amount)


@pytest.mark.parametrize(
    ("charges", "letter", "amount"),
    [
        ([charge("D1", quantity="5", in_scope="250")], "H", 10000),
        ([charge("D1", quantity="3")], ".", None),
        ([charge("D1", quantity="2"), charge("D1", quantity="2", day="2024-03-02")], ".", None),
        ([charge("D1", quantity="4", in_scope="40"), charge("D1", quantity="-1", in_scope="-10")],
         ".", None),
        ([charge("D1", quantity=None)], "?", None),
        ([charge("D1", None)], "?", None),
        ([charge("D1", None), charge("D1", quantity="7", in_scope="100")], "H", 5714),
        ([charge("S1"), charge("S1", "2024-03-03", in_scope="20")], "H", 1500),
        ([charge("S1", None), charge("S1", None)], "H", 1000),
        ([charge("N1", quantity="4")], ".", None),
        ([charge("N1", quantity="5", in_scope="100")], "H", 2000),
        ([charge("P1"), charge("P2")], "H", 1000),
        ([charge("D1", quantity="5", in_scope=None)], "H", None),
    ],
)  # fmt: skip
def test_over_frequency(charges, letter, amount, tmp_path):
    limits = table(tmp_path, "code,most,per\nD1,3,day\nS1,1,stay\nN1,1,stay_day\nP*,1,stay\n")
    assert judge_one("over_frequency", {"limits": limits}, charges) == (letter, amount)


def test_a_limit_by_days_of_stay_wants_the_days(tmp_path):
    limits = table(tmp_path, "code,most,per\nN1,1,stay_day\n")
    claim = {"discharged_on": None}
    assert judge_one("over_frequency", {"limits": limits}, [charge("N1")], claim) == ("?", None)
    claim = {"discharged_on": "2024-03-01"}
    assert judge_one("over_frequency", {"limits": limits}, [charge("N1")], claim) == (".", None)


@pytest.mark.parametrize(
    ("charges", "letter", "amount"),
    [
        ([charge("S2", quantity="1.7", in_scope="340")], "H", 6000),
        ([charge("S2", quantity="1.4", in_scope="340")], ".", None),
        ([charge("S2", quantity="0.7"), charge("S2", quantity="0.7")], ".", None),
        ([charge("S2", quantity="1", in_scope="200"),
          charge("S2", quantity="-1", in_scope="-200")], ".", None),
        ([charge("S2", quantity="1.7", in_scope="340"),
          charge("S2", quantity="-0.7", in_scope="-140")], "H", 6000),
        ([charge("S2", quantity=None)], "?", None),
        ([charge("S2", None, "1", "200")], "H", 6000),
    ],
)  # fmt: skip
def test_second_operation(charges, letter, amount, tmp_path):
    items = table(tmp_path, "code\nS2\n")
    assert judge_one("discounted", {"items": items}, charges) == (letter, amount)
    other = {"items": items, "share": "0.5"}
    if charges[0]["quantity"] == "1.7":
        assert judge_one("discounted", other, charges[:1]) == ("H", 4000)


@pytest.mark.parametrize(
    ("days", "interval", "letter", "amount"),
    [
        (("01", "07"), False, "H", 1000),
        (("01", "08"), False, ".", None),
        (("01", "08"), True, "H", 1000),
        (("01", "09"), True, ".", None),
        (("08", "01", "05"), False, "H", 2000),
        (("01", "01"), False, ".", None),
        ((None, "01"), False, "?", None),
    ],
)
def test_again_within_days(days, interval, letter, amount, tmp_path):
    gaps = table(tmp_path, "code,days\nG*,7\n")
    charges = [charge("G1", None if d is None else f"2024-03-{d}") for d in days]
    params = {"gaps": gaps, "interval": interval}
    assert judge_one("within_days", params, charges) == (letter, amount)


@pytest.mark.parametrize(
    ("charges", "letter", "amount"),
    [
        ([charge("L1", unit_price="5600", in_scope="5600")], "H", 60000),
        ([charge("L1", unit_price="5000.0001", in_scope="5000")], ".", None),
        ([charge("L1", unit_price="5000", in_scope="5000")], ".", None),
        ([charge("L1", unit_price="5600", amount="5600", in_scope="2800")], "H", 30000),
        ([charge("L1", quantity="2", amount="11200", in_scope="11200")], "H", 120000),
        ([charge("L1", unit_price="5600", in_scope="5600"),
          charge("L1", unit_price="5600", quantity="-1", in_scope="-5600")], ".", None),
        ([charge("L1", unit_price="5600", quantity=None)], "?", None),
        ([charge("L1", amount=None, in_scope="5600")], "?", None),
        ([charge("L1", unit_price="5600", amount="5600", in_scope=None)], "H", None),
    ],
)  # fmt: skip
def test_above_the_highest_price(charges, letter, amount, tmp_path):
    prices = table(tmp_path, "code,price\nL1,5000\n")
    assert judge_one("above_price", {"prices": prices}, charges) == (letter, amount)


@pytest.mark.parametrize(
    ("code", "claim", "letter"),
    [
        ("W", {}, "H"), ("W", {"sex": "F"}, "."), ("W", {"sex": None}, "?"),
        ("C", {}, "H"), ("C", {"age": 13}, "."), ("C", {"age": None}, "?"),
        ("AD", {}, "."), ("AD", {"age": 17}, "H"),
        ("N", {}, "H"), ("N", {"age": 0, "age_days": 28}, "."),
        ("N", {"age": 0, "age_days": None}, "?"),
        ("E", {}, "H"), ("E", {"diagnoses": "I10.x00|e11.900"}, "."), ("E", {"diagnoses": ""}, "?"),
        ("I", {}, "H"), ("I", {"payer": "work_injury"}, "."),
        ("M", {}, "H"), ("M", {"insurance": "510"}, "."), ("M", {"insurance": None}, "?"),
        ("Z", {}, "."),
    ],
)  # fmt: skip
def test_items_for_some_only(code, claim, letter, tmp_path):
    limits = table(
        tmp_path,
        "code,sex,min_years,max_years,max_days,diagnoses,insurances,payers\nW,F,,,,,,\nC,,,13,,,,\n"
        "AD,,18,,,,,\nN,,,,28,,,\nE,,,,,E10*|E11*,,\nI,,,,,,,work_injury\nM,,,,,,510|512,\n",
    )
    params = {"limits": limits}
    amount = 1000 if letter == "H" else None
    assert judge_one("limited_items", params, [charge(code)], claim) == (letter, amount)
    # Nothing in scope, nothing to object to; not told whether it was: cannot be told.
    assert judge_one("limited_items", params, [charge(code, in_scope="0")], claim)[0] == "."
    unsaid = judge_one("limited_items", params, [charge(code, in_scope=None)], claim)[0]
    assert unsaid == ("." if letter == "." else "?")


@pytest.mark.parametrize(
    ("days", "claim", "letter"),
    [
        (("01", "02", "03", "04"), {}, "."),
        (("01", "04", "05"), {}, "H"),
        (("01", "02", "04"), {}, "."),
        (("01", "02", "04", None), {}, "."),
        (("01", "04", None), {}, "?"),
        (("01",), {"discharged_on": "2024-03-01"}, "."),
        (("01",), {"discharged_on": None}, "?"),
        (("01",), {"discharged_on": "2024-02-01"}, "?"),
    ],
)
def test_days_without_any_charge(days, claim, letter):
    charges = [charge(day=None if d is None else f"2024-03-{d}") for d in days]
    assert judge_one("idle_days", {"least": 2}, charges, claim)[0] == letter
    if letter == "H":
        refund = charge(day="2024-03-02"), charge(day="2024-03-02", in_scope="-10", quantity="-1")
        result = judged("idle_days", {}, [CLAIM], [*charges, *refund])
        assert found(result)[0][2] == "no charge on 2024-03-02; no charge on 2024-03-03"


@pytest.mark.parametrize(
    ("classes", "letter"),
    [
        ([("01", "01"), ("01", "07")], "."),
        ([("01", "01")], "H"),
        ([("01", "1"), ("02", "床位费"), ("02", "09")], "H"),
        ([("01", "01"), ("01", "02")], "H"),
        ([("01", "01"), ("01", None)], "?"),
        ([("01", "07")], "."),
    ],
)
def test_a_bed_fee_alone(classes, letter):
    params = {"bed": ["01", "1", "床位费"], "care": ["07", "09"]}
    charges = [charge(day=f"2024-03-{day}", fee_class=kind) for day, kind in classes]
    assert judge_one("bed_alone", params, charges)[0] == letter
    if letter == "H":
        assert judge_one("bed_alone", {**params, "least": 2}, charges)[0] == "."


def test_lists_are_checked_when_they_are_read(tmp_path):
    for kind, key, content in (
        ("over_frequency", "limits", "code,most,per\nA,-1,day\n"),
        ("over_frequency", "limits", "code,most,per\nA,1,week\n"),
        ("within_days", "gaps", "code,days\nA,1.5\n"),
        ("above_price", "prices", "code,price\nA,x\n"),
        ("limited_items", "limits", "code,sex\nA,X\n"),
    ):
        with pytest.raises(ValueError, match=r"清单第 2 行"):
            KINDS[kind].params.model_validate({key: table(tmp_path, content)})


def test_shipped_item_rules_have_no_list_but_in_the_demonstration():
    keys = {"A401": "pairs", "A402": "limits", "A403": "items", "A404": "gaps", "A405": "limits",
            "A406": "limits", "A407": "prices"}  # fmt: skip
    national, demo = load_rules("national"), load_rules("demo")
    for name, key in keys.items():
        assert national.rule(name).params.get(key) is None
        assert demo.rule(name).params[key].status == "synthetic"


def test_claims_of_one_id_are_not_assessable(tmp_path):
    pairs = table(tmp_path, "code,included\nA1,B1\n")
    claims = [{"claim_id": name} for name in ("A", "B", "A", None)]
    charges = [
        {"claim_id": name, "item_code": code, "charged_on": "2024-03-01", "quantity": "1",
         "amount": "10", "in_scope_amount": "10"}
        for name in ("A", "B") for code in ("A1", "B1")
    ]  # fmt: skip
    told = judged("charged_beside", {"pairs": pairs}, claims, charges)
    assert results(told, 4) == "?H??"
    words = dict(told.findings.select("row", "evidence").iter_rows())
    assert "several times" in words[1] == words[3]
    # Whoever judges batch by batch says which ids come again.
    frame, columns = claims_of(claims[:2])
    rules = RuleSet(id="t", title_zh="", title_en="", sources=(), digest="", rules=(
        replace(load_rules("demo").rule("A401"),
                params={"pairs": RuleList("", ("code", "included"), (("A1", "B1"),))}),
    ))  # fmt: skip
    items = type_items(pl.DataFrame(charges))
    for repeated, hits in ((None, [1, 2]), (pl.Series(["A"]), [2])):
        audit = Audit(rules, repeated=repeated)
        audit.add(frame, columns, items=items.of(frame["claim_id"]))
        found_ = audit.finish()
        assert found_.findings["row"].to_list() == found_.stakes["row"].to_list() == hits


def test_a_charge_that_two_entries_fit_is_at_stake_once(tmp_path):
    limits = table(tmp_path, "code,most,per\nD1,1,day\nD*,1,stay\nE1,0,stay\n")
    charges = [
        charge("D1", quantity="3", in_scope="30"), charge("D2", quantity="1", in_scope="10"),
        charge("E1", quantity="1", in_scope="5"),
    ]  # fmt: skip
    # By the day 20.00 too much, by the stay 30.00: once 30.00, and what E1 costs.
    assert judge_one("over_frequency", {"limits": limits}, charges) == ("H", 3500)


def test_of_rules_that_share_an_item_the_largest_counts():
    lines = pl.DataFrame(
        [
            ("A401", 1, 0, ["X"], 100), ("A402", 1, 0, ["X", "Y"], 150), ("A402", 1, 1, ["Z"], 7),
            ("A404", 1, 0, ["Y"], 150), ("A401", 2, 0, ["X"], 9), ("A401", 2, 0, ["X"], 1),
        ],
        schema=STAKES, orient="row",
    )  # fmt: skip
    kept = counted_once(lines, ["rule", "entry"])
    assert kept.select("rule", "row", "amount_fen").rows() == [
        ("A402", 1, 150), ("A402", 1, 7), ("A401", 2, 9), ("A401", 2, 1),
    ]  # fmt: skip
    assert kept.columns == lines.columns
    assert counted_once(lines.clear(), ["rule", "entry"]).is_empty()
