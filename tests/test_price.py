"""The pricer against a slow oracle on random months, and what must hold whatever the month."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import price_oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.dates import Interval
from drg.payment.policy import (
    BedDay,
    BedDayMatch,
    CoefficientRow,
    DayRate,
    DrgPayment,
    Exclusion,
    Outliers,
    Outpatient,
    PatientShare,
    Policy,
    RateRow,
    Readmission,
    Review,
    Transfer,
)
from drg.payment.pricing.price import Pricer, Prior, price_frame, prior_of
from drg.payment.pricing.price_columns import PRICE_DTYPES

Row = dict[str, Any]
WEIGHTS = {"AA11": "1.0000", "AB15": "0.3333", "AC19": "2.7182"}
SCHEMA = {
    "claim_id": pl.String, "version": pl.Int64, "hospital_id": pl.String,
    "hospital_level": pl.String, "patient_id": pl.String, "insurance": pl.String,
    "payer": pl.String, "care_type": pl.String, "admitted_on": pl.Date,
    "discharged_on": pl.Date, "los_days": pl.Int64, "disposition": pl.String,
    "diagnoses": pl.List(pl.String), "total_cost": pl.String, "patient_paid": pl.String,
    "group": pl.String, "outcome": pl.String,
}  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("weights") / "made-up.csv"
    lines = [f"{group},{group},{weight}" for group, weight in WEIGHTS.items()]
    file.write_text("group,name,weight\n" + "\n".join(lines), "utf-8")
    return str(file)


def policy(**parts: Any) -> Policy:
    return Policy(
        id="test-2024", place="test", place_zh="试", title_zh="试", title_en="test",
        digest="0123456789abcdef", **parts,
    )  # fmt: skip


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def claim(**said: Any) -> Row:
    row: Row = {
        "claim_id": "C1", "version": None, "hospital_id": "H1", "hospital_level": "三级",
        "patient_id": "P1", "insurance": "310", "payer": None, "care_type": None,
        "admitted_on": date(2024, 5, 1), "discharged_on": date(2024, 5, 6), "los_days": 5,
        "disposition": "1", "diagnoses": ["J18.900"], "total_cost": "9000.00",
        "patient_paid": "2000.00", "group": "AA11", "outcome": "GROUPED",
    }  # fmt: skip
    return row | said


# ---- random months against the oracle

CELLS = ("100.00", "2999.99", "9000", "9000.00", "30000.01", "30000.00", "90000.00")


BROKEN: tuple[Row, ...] = (
    {"claim_id": None}, {"total_cost": None}, {"total_cost": "-5.00"}, {"total_cost": "many"},
    {"patient_paid": None}, {"patient_paid": "-1.00"}, {"patient_paid": "90000.01"},
    {"hospital_id": None}, {"discharged_on": None}, {"payer": "?"}, {"insurance": None},
    {"outcome": "NOT_IN_FORCE", "group": None}, {"discharged_on": date(2025, 1, 1)},
    {"hospital_level": None}, {"patient_id": None}, {"los_days": None}, {"disposition": None},
    {"admitted_on": None}, {"insurance": "510"}, {"outcome": "REJECTED"}, {"care_type": "13"},
)  # fmt: skip


def months() -> st.SearchStrategy[list[Row]]:
    """Months of up to 60 claims, few hospitals and persons, so that much of it meets."""
    sizes, seeds = st.integers(0, 60), st.integers(0, 2**32)
    return st.builds(lambda size, seed: _month(size, random.Random(seed)), sizes, seeds)


def _month(size: int, rng: random.Random) -> list[Row]:
    made: list[Row] = []
    for number in range(size):
        admitted = date(2024, 5, 1) + timedelta(days=rng.randrange(45))
        days = rng.choice((1, 2, 3, 5, 5, 12, 40))
        row = claim(
            claim_id=f"C{number}",
            hospital_id=rng.choice(("H1", "H2")),
            hospital_level=rng.choice(("三级", "三级", "三级甲等", "二级")),
            patient_id=rng.choice(("P1", "P2", "P3", "P4")),
            insurance=rng.choice(("310", "390")),
            payer=rng.choice((None,) * 9 + ("self_pay", "work_injury")),
            care_type=rng.choice((None,) * 6 + ("21", "2105", "11")),
            admitted_on=admitted,
            discharged_on=admitted + timedelta(days=days),
            los_days=days,
            disposition=rng.choice("1112"),
            total_cost=rng.choice(CELLS),
            patient_paid=rng.choice(("0", "33.33", "100.00", "99.99")),
            group=rng.choice(("AA11",) * 4 + ("AB15", "AC19", "ZZ99")),
            outcome=rng.choice(("GROUPED",) * 9 + ("AMBIGUOUS", "UNGROUPABLE")),
        )
        if rng.random() < 0.15:
            row |= rng.choice(BROKEN)
        if made and rng.random() < 0.1:
            # The same again, another version of it, or one that contradicts it.
            row = rng.choice(made) | rng.choice(({}, {"version": 2}, {"total_cost": "9000.10"}))
        made.append(row)
    return made


@st.composite
def policies(draw: st.DrawFn, weights: str) -> Policy:
    def maybe(value: Any) -> Any:
        return draw(st.sampled_from((value, None)))

    by_level = draw(st.booleans())
    rates = [
        RateRow(insurance="310", rate="12252.70"),
        RateRow(insurance="390", rate="9649.24"),
    ]
    if by_level:
        rates += [RateRow(insurance="310", hospital_level="三级甲等", rate="13000.01")]
    high = {"三级": "3", "二级": "2"} if draw(st.booleans()) else {"": "2.5"}
    outliers = Outliers(
        high=high, low=maybe("0.3"), high_cap=maybe("0.2"), applied_cap=maybe("0.1"),
        cap_scope=draw(st.sampled_from(("hospital", "region"))),
    )  # fmt: skip
    share = draw(
        st.sampled_from(
            (
                PatientShare(),
                PatientShare(basis="standard", patient_ratio="0.333333"),
                PatientShare(basis="min", patient_ratio="0.1"),
            )
        )
    )
    drg = DrgPayment(
        weights=(weights,), rates=tuple(rates), share=share, outliers=maybe(outliers),
        coefficients=(CoefficientRow(hospital="H2", coefficient="0.92"),),
        same_price_groups=("AB15",),
        exclusion=maybe(Exclusion(short_days=2, long_days=40)),
        review=maybe(Review(cap="0.15")),
        transfer=maybe(Transfer(first_day_multiple=2, gmlos={"AA11": "6.5", "AB15": "3"})),
        readmission=maybe(Readmission(window_days=10, factor="0.5", exempt_groups=("AC19",))),
        ungrouped=draw(st.sampled_from(("return", "by_item"))),
        ambiguous=draw(st.sampled_from(("return", "by_item"))),
        unweighted=draw(st.sampled_from(("return", "by_item"))),
    )  # fmt: skip
    bed_day = BedDay(
        id="psychiatry", title_zh="精神", title_en="psychiatry",
        match=BedDayMatch(care_types=("2105",)),
        rates=(
            DayRate(hospital_level="三级", per_diem="179.55"),
            DayRate(hospital_level="二级", per_diem="112"),
        ),
        fund=draw(st.sampled_from(("less_patient", "ratio"))), fund_ratio="0.85",
    )  # fmt: skip
    outpatient = Outpatient(
        care_types=("11",), ratio="0.6", annual_cap=maybe("100"),
        deductible=draw(st.sampled_from((0, "20"))),
        levels=draw(st.sampled_from(((), ("二级",)))),
    )  # fmt: skip
    return policy(
        drg=drg, bed_day=draw(st.sampled_from(((), (bed_day,)))), outpatient=maybe(outpatient),
        insurances=draw(st.sampled_from(((), ("310", "390")))),
        in_force=Interval.parse(("2024-01-01", "2025-01-01")),
    )  # fmt: skip


DECISIONS = (
    ("C1", "special_review", "by_item", None),
    ("C2", "special_review", "adjusted", 2_000_000),
    ("C3", "special_review", "rejected", None),
    ("C4", "special_review", "adjusted", None),
    ("C5", "by_item", "accepted", None),
    ("C6", "by_item", "accepted", None),
    ("C7", "special_review", "by_item", None),
)


def decisions() -> pl.DataFrame:
    columns = ("claim_id", "matter", "decision", "amount_fen")
    return pl.DataFrame(
        DECISIONS, schema=dict.fromkeys(columns[:3], pl.String) | {"amount_fen": pl.Int64},
        orient="row",
    )  # fmt: skip


PRIOR = Prior(visits=pl.DataFrame({"patient_id": ["P1"], "used_fen": [7_000]}))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_every_month_as_the_oracle_says(weights: str, data: st.DataObject) -> None:
    rule = data.draw(policies(weights))
    month = data.draw(months())
    priced = price_frame(frame(month), rule, decisions=decisions(), prior=PRIOR)
    wanted = price_oracle.price(month, rule, WEIGHTS, DECISIONS, {"P1": 7_000})
    found = priced.select(*PRICE_DTYPES).rows(named=True)
    for row, ours, theirs in zip(month, found, wanted, strict=True):
        told = {
            "mode": ours["pay_mode"], "route": ours["route"], "note": ours["payment_note"],
            "branch": ours["branch"], "case_class": ours["case_class"], "cost": ours["cost_fen"],
            "price": ours["price_fen"], "patient": ours["patient_fen"], "fund": ours["fund_fen"],
        }  # fmt: skip
        assert told == {key: theirs[key] for key in told}, row
        if ours["fund_fen"] is not None:
            own = ours["fund_fen"] + ours["patient_fen"] - ours["hospital_fen"]
            assert ours["cost_fen"] == own
            assert ours["fund_fen"] >= 0


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_cutting_and_order_change_nothing(weights: str, data: st.DataObject) -> None:
    rule = data.draw(policies(weights))
    month = data.draw(months())
    whole = frame(month)
    pricer = Pricer(rule, decisions=decisions(), prior=PRIOR)
    once = pricer.finish(a := pricer.assess(whole), pricer.decide([a]))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(month)), max_size=4)) | {0, len(month)})
    parts = [pricer.assess(whole[a:b]) for a, b in pairwise(cuts)]
    decided = pricer.decide(parts)
    pieces = [pricer.finish(part, decided) for part in parts]
    assert pl.concat([once.clear(), *pieces]).equals(once)
    # Of claims that are alike in all the first is paid: those may change places with each other.
    order = list(range(len(month)))
    random.Random(7).shuffle(order)
    mixed = price_frame(whole[order], rule, decisions=decisions(), prior=PRIOR)
    before = whole.hstack(once)
    assert _sorted(mixed).equals(_sorted(before))


def _sorted(priced: pl.DataFrame) -> pl.DataFrame:
    plain = priced.with_columns(pl.col("diagnoses").list.join("|"))
    return plain.with_columns(pl.col(pl.Enum).cast(pl.String)).sort(pl.all(), nulls_last=True)


# ---- what is added


def test_columns_as_promised(weights: str) -> None:
    rule = policy(drg=DrgPayment(weights=(weights,), rates=(RateRow(rate="10000"),)))
    given_ = frame([claim()]).with_columns(weight=pl.lit("x"), policy=pl.lit("y"))
    priced = price_frame(given_, rule)
    assert priced.columns[: given_.width] == [
        f"{name}_input" if name in ("weight", "policy") else name for name in given_.columns
    ]
    assert dict(priced.select(*PRICE_DTYPES).schema) == dict(PRICE_DTYPES)
    row = priced.row(0, named=True)
    assert row["weight"] == Decimal("1.0000")
    assert row["coefficient"] == Decimal("1.0000")
    assert row["rate_fen"] == 1_000_000
    assert row["policy"] == "test-2024@0123456789ab"


def test_nothing_to_price(weights: str) -> None:
    rule = policy(drg=DrgPayment(weights=(weights,), rates=(RateRow(rate="10000"),)))
    priced = price_frame(frame([]), rule)
    assert priced.height == 0
    assert priced.columns[-len(PRICE_DTYPES) :] == [*PRICE_DTYPES]
    pricer = Pricer(rule)
    assert pricer.decide([]).notes == {}


def test_a_claim_needs_little_room(weights: str) -> None:
    rule = policy(drg=DrgPayment(weights=(weights,), rates=(RateRow(rate="10000"),)))
    part = Pricer(rule).assess(frame([claim(claim_id=f"C{n}") for n in range(1000)]))
    assert part.nbytes <= 120 * part.rows


# ---- the worked cap of spec A.4 (case A18)


def test_only_the_costliest_within_the_cap(tmp_path: Path) -> None:
    groups = {"c1": 14_000, "c2": 20_000, "c3": 10_000, "c4": 25_000, "c5": 12_000}
    costs = {"c1": 52_000, "c2": 70_000, "c3": 31_000, "c4": 90_000, "c5": 44_000}
    file = tmp_path / "w.csv"
    lines = [f"{name},{name},{Decimal(standard) / 10_000}" for name, standard in groups.items()]
    file.write_text("group,name,weight\n" + "\n".join([*lines, "N,N,1"]), "utf-8")
    rule = policy(
        drg=DrgPayment(
            weights=(str(file),), rates=(RateRow(rate="10000"),),
            outliers=Outliers(high={"三级": 3, "二级": 2}, low="0.3", high_cap="0.05"),
        )
    )  # fmt: skip
    rows = [
        claim(claim_id=name, group=name, total_cost=str(cost)) for name, cost in costs.items()
    ] + [claim(claim_id=f"n{n}", group="N", total_cost="9000") for n in range(55)]
    priced = price_frame(frame(rows), rule)
    branch = dict(priced.select("claim_id", pl.col("branch").cast(pl.String)).iter_rows())
    by_item = {name for name, found in branch.items() if found == "HIGH_BY_ITEM"}
    assert by_item == {"c4", "c2", "c1"}
    assert {name for name, found in branch.items() if found == "HIGH_OVER_CAP"} == {"c3", "c5"}
    high = priced.filter(pl.col("branch") == "HIGH_BY_ITEM")
    assert (high["hospital_fen"] == 0).all()
    assert (high["price_fen"] == high["cost_fen"]).all()


def test_earlier_months_of_the_year_count(weights: str) -> None:
    rule = policy(outpatient=Outpatient(ratio="0.6", annual_cap="100"))
    first = price_frame(frame([claim(care_type="11", total_cost="150", patient_paid=None)]), rule)
    assert first["fund_fen"].to_list() == [9_000]
    later = claim(
        care_type="11", total_cost="50", patient_paid=None, discharged_on=date(2024, 6, 3)
    )
    again = price_frame(frame([later]), rule, prior=prior_of(first.lazy()))
    assert again["fund_fen"].to_list() == [1_000]


def test_late_claims_find_the_caps_as_the_month_left_them(weights: str) -> None:
    rule = policy(
        drg=DrgPayment(
            weights=(weights,), rates=(RateRow(rate="10000"),),
            outliers=Outliers(high={"": 3}, high_cap="0.2"),
        )
    )  # fmt: skip
    rows = [claim(claim_id=f"n{n}") for n in range(8)]
    rows += [claim(claim_id=f"c{n}", total_cost="40000") for n in range(1)]
    month = price_frame(frame(rows), rule)
    assert month.filter(pl.col("branch") == "HIGH_BY_ITEM").height == 1
    late = frame([claim(claim_id=f"late{n}", total_cost=f"{50_000 + n}") for n in range(2)])
    alone = price_frame(late, rule)["branch"].to_list()
    assert alone == ["HIGH_OVER_CAP", "HIGH_OVER_CAP"]
    prior = prior_of(month.lazy(), "2024-05")
    assert price_frame(late, rule, prior=prior)["branch"].to_list() == [
        "HIGH_OVER_CAP", "HIGH_BY_ITEM",
    ]  # fmt: skip
