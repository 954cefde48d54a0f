"""Money of single cases: the price without a month's caps, bounds exact to the fen, stays."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import test_dip_price as dip
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_price import claim, frame, policy

from drg import list_policies, load_policy
from drg.claims.profiles import match_columns
from drg.claims.typed import ClaimArrays
from drg.dip.catalogue import locate_catalogue
from drg.dip.deviation_rules import RULE_SETS
from drg.dip.grouper import DipGrouper
from drg.grouping.encode import numbers
from drg.money import yuan
from drg.payment.policy import (
    BedDay,
    BedDayMatch,
    BedDayPackage,
    CoefficientRow,
    DayRate,
    DrgPayment,
    Outliers,
    Outpatient,
    PatientShare,
    PerDisease,
    Points,
    Policy,
    RateRow,
)
from drg.payment.pricing.price import Pricer, price_frame
from drg.payment.weight_table import load_weight_table
from drg.reports.kpi.reference import GroupMeans, KpiError, Reference, save_reference
from drg.scale.means import known_means, read_means
from drg.simulate.answer import Bound, Money
from drg.simulate.money import case_money
from drg.simulate.stay import Means, case_stays

Row = dict[str, Any]
#: Shipped policies whose classes have bounds, with made-up numbers for those that want some.
BOUNDED: dict[str, dict[str, str]] = {
    "demo-2024": {},
    "haerbin-2022": {"drg.rates.310": "10000.01"},
    "haerbin-2023": {},
    # Its own rates are those of a class of rates that only a register of hospitals names.
    "haerbin-2024": {"drg.rates.310": "12252.70"},
    "dip-demo-2025": {},
    "taian-2025": {
        "dip.point_values.310": "11.5",
        "dip.coefficients.H1": "1.02",
        "dip.deviation.means.K80.1:51.2300": "10000.03",
    },
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("weights") / "w.csv"
    file.write_text("group,name,weight\nAA11,a,0.7290\nAB15,b,2.0\n", "utf-8")
    return str(file)


def money(rows: pl.DataFrame | list[Row], rule: Policy, **more: Any) -> list[Money]:
    table = rows if isinstance(rows, pl.DataFrame) else framed(rows)
    return case_money(Pricer(rule), table, match_columns(table.columns), **more)


def framed(rows: list[Row]) -> pl.DataFrame:
    """Claims that may have columns beyond the common ones."""
    common = frame([{k: v for k, v in row.items() if k in claim()} for row in rows])
    extra = [{k: v for k, v in row.items() if k not in claim()} for row in rows]
    return common.hstack(pl.DataFrame(extra)) if any(extra) else common


def classes_at(row: Row, rule: Policy, costs: list[int], table: Any) -> list[str | None]:
    """What a case is classed as at each of some costs: its class, or how it is paid."""
    rows = [row | {"total_cost": yuan(cost), "patient_paid": "0"} for cost in costs]
    found = money(table(rows), rule)
    return [
        # Cases that await review are the extreme ones of their policy.
        "EXTREME" if m.note == "P652" else m.case_class or m.route
        for m in found
    ]


def flips(row: Row, rule: Policy, table: Any = framed) -> list[Bound]:
    """The bounds of a case, after it was priced one fen before, at and one fen past each."""
    (found,) = money(table([row]), rule)
    beyond = {"low": "ULTRA_LOW", "high": "ULTRA_HIGH", "extreme": "EXTREME"}
    for bound in found.bounds:
        at = bound.amount_fen
        assert bound.distance_fen == at - (found.cost_fen or 0)
        before, here, after = classes_at(row, rule, [at - 1, at, at + 1], table)
        inner, outer = (after, before) if bound.kind == "low" else (before, after)
        assert (here == outer) == bound.inclusive, bound
        assert (here == inner) != bound.inclusive, bound
        assert inner != outer
        if "单病种" not in bound.title:
            assert outer == beyond[bound.kind], bound
    assert [b.amount_fen for b in found.bounds] == sorted(b.amount_fen for b in found.bounds)
    return list(found.bounds)


# ---- bounds


def test_no_shipped_policy_with_bounds_is_left_out() -> None:
    bounded = {
        p.id for p in list_policies()
        if (p.drg and p.drg.outliers) or (p.dip and p.dip.deviation)
        or (p.per_disease and (p.per_disease.low or p.per_disease.high))
    }  # fmt: skip
    assert bounded == BOUNDED.keys()


@pytest.mark.parametrize("name", sorted(BOUNDED))
def test_bounds_of_shipped_policies_flip_at_the_fen(name: str) -> None:
    rule = load_policy(name, supply=BOUNDED[name])
    day = rule.in_force.start or date(2024, 5, 6)
    rng = random.Random(name)
    for _ in range(3):
        said = {
            "discharged_on": day, "total_cost": yuan(rng.randrange(300_000, 3_000_000)),
            "patient_paid": "1.00",
        }  # fmt: skip
        if rule.drg is not None:
            level = rng.choice(["三级甲等", "二级", "三级"])
            group = rng.choice(sorted(load_weight_table(rule.drg.weights[0]).weights))
            row, table = claim(**said, group=group, hospital_level=level), framed
        else:
            score = f"{rng.uniform(100, 3000):.4f}"
            scheme = rule.dip.catalogue if rule.dip else ""
            row, table = dip.claim(**said, score=score, scheme=scheme), dip.frame
        bounds = flips(row, rule, table)
        assert [b.kind for b in bounds][:2] == ["low", "high"]
        assert all(b.source for b in bounds)


BOUND = st.decimals("0.01", "0.9", places=6).map(str)
HIGH = st.decimals("1", "9", places=3)


@settings(max_examples=25, deadline=None)
@given(
    low=BOUND, high=HIGH, flags=st.tuples(*[st.booleans()] * 3), rate=st.integers(100, 3_000_000),
    coefficient=st.decimals("0.5", "2", places=4).map(str), mean=st.booleans(),
    level=st.sampled_from(["三级", "二级", "一级"]),
)  # fmt: skip
@example(low="0.3", high=Decimal(3), flags=(False, False, False), rate=1_000_000,
         coefficient="1", mean=False, level="三级")  # fmt: skip
def test_bounds_by_group_flip_at_the_fen(
    weights: str, low: str, high: Decimal, flags: tuple[bool, ...], rate: int, coefficient: str,
    mean: bool, level: str,
) -> None:  # fmt: skip
    outliers = Outliers(
        low=low, high={"三级": str(high), "二级": str(high + 1), "": "1.5"} if high > 2 else
        {"": str(high)}, extreme=str(high + 3), low_inclusive=flags[0], high_inclusive=flags[1],
        extreme_inclusive=flags[2], reference="mean" if mean else "standard",
        means={"AA11": yuan(rate)} if mean else {},
    )  # fmt: skip
    drg = DrgPayment(
        weights=(weights,), rates=(RateRow(rate=yuan(rate)),), outliers=outliers,
        coefficients=(CoefficientRow(coefficient=coefficient),),
    )  # fmt: skip
    assert len(flips(claim(hospital_level=level), policy(drg=drg))) == 3


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(RULE_SETS)), dip.REFERENCES, dip.BOUNDS,
    st.decimals("1", "3000", places=4).map(str), st.sampled_from(["H1", "H2", "H3"]),
)  # fmt: skip
def test_bounds_by_score_flip_at_the_fen(
    name: str, reference: Row, bounds: Row, score: str, hospital: str
) -> None:
    deviation = {"rule": name} | reference | bounds
    rule = dip.policy(deviation=deviation, coefficients=dip.COEFFICIENTS)
    found = flips(dip.claim(score=score, hospital_id=hospital), rule, dip.frame)
    assert {"low", "high"} <= {bound.kind for bound in found}


def test_bounds_of_payment_per_disease_flip_the_way(tmp_path: Path, weights: str) -> None:
    (tmp_path / "d.csv").write_text("disease,name,dx,standard\n7,肺炎,J18*,10000.03\n", "utf-8")
    rule = policy(
        per_disease=PerDisease(
            table="d.csv", low="0.4", high="2", billed_apart=True, transferred_exits=False
        ),
        drg=DrgPayment(
            weights=(weights,), rates=(RateRow(rate="10000"),),
            outliers=Outliers(high={"": "3"}, low="0.6"),
        ),
        folder=str(tmp_path),
    )  # fmt: skip
    inside = claim(billed_apart_cost="12.34", total_cost="9000")
    (found,) = money([inside], rule)
    assert (found.pay_mode, found.reference_fen) == ("PER_DISEASE", 1_000_003)
    assert [(b.kind, b.amount_fen) for b in flips(inside, rule)] == [
        ("low", 400_002 + 1_234), ("high", 2_000_006 + 1_234)
    ]  # fmt: skip
    assert [t.value for t in found.terms][:2] == ["7 肺炎", "10000.03"]
    # Below its bound it has a class by its group; that class's bound lies inside the pathway.
    outside = claim(billed_apart_cost="0", total_cost="1000", patient_paid="1")
    (found,) = money([outside], rule)
    assert (found.route, found.case_class) == ("P521", "ULTRA_LOW")
    assert [b.amount_fen for b in flips(outside, rule)] == [400_002, 2_000_006, 2_187_000]


def test_points_of_a_broken_off_stay_have_no_bounds() -> None:
    points = Points(variant="jinhua", city_mean="10000", group_means={"AA11": "8000"})
    rule = policy(
        drg=DrgPayment(
            points=points,
            rates=(RateRow(rate="100"),),
            outliers=Outliers(high={"": "3"}, low="0.4"),
        )
    )
    whole, broken = money([claim(), claim(disposition="4")], rule)
    assert len(whole.bounds) == 2
    assert broken.bounds == ()
    assert flips(claim(), rule)


# ---- prices


def drawn(rng: random.Random, rows: int) -> list[Row]:
    return [
        claim(
            claim_id=f"C{n % 3}", patient_id=f"P{n % 4}", group=rng.choice(["AA11", "AB15", None]),
            total_cost=rng.choice(["100.00", "9000", "30000.01", None]),
            patient_paid=rng.choice(["10.00", "99"]),
            discharged_on=date(2024, 5, 1) + timedelta(days=rng.randrange(20)),
            outcome=rng.choice(["GROUPED", "GROUPED", "GROUPED", "UNGROUPABLE"]),
            payer=rng.choice([None, None, "self_pay"]),
            hospital_level=rng.choice(["三级", "二级", None]),
            care_type=rng.choice(["21", "21", "11", "2105"]),
        )
        for n in range(rows)
    ]  # fmt: skip


def test_a_case_among_others_is_priced_as_if_it_were_alone(weights: str) -> None:
    """Rows may be versions of one claim and of one person; caps count for nobody."""
    outliers = Outliers(high={"三级": "3", "二级": "2"}, low="0.3", high_cap="0.03")
    rule = policy(
        drg=DrgPayment(
            weights=(weights,), rates=(RateRow(rate="10000"),), outliers=outliers,
            share=PatientShare(basis="min", patient_ratio="0.3"),
        ),
        bed_day=(
            BedDay(
                id="psychiatry", title_zh="精神", title_en="psychiatry",
                match=BedDayMatch(care_types=("2105",)), rates=(DayRate(per_diem="300"),),
            ),
        ),
        outpatient=Outpatient(ratio="0.6", annual_cap="1000"),
    )  # fmt: skip
    free = rule.model_copy(
        update={
            "drg": rule.drg
            and rule.drg.model_copy(
                update={"outliers": outliers.model_copy(update={"high_cap": None})}
            )
        }
    )
    rows = drawn(random.Random(7), 40)
    seen = set()
    for row, found in zip(rows, money(rows, rule), strict=True):
        alone = price_frame(frame([row]), free).row(0, named=True)
        assert found.pay_mode == alone["pay_mode"]
        assert (found.route, found.branch) == (alone["route"], alone["branch"])
        assert (found.case_class, found.note) == (alone["case_class"], alone["payment_note"])
        for name in (
            "standard_fen",
            "cost_fen",
            "price_fen",
            "patient_fen",
            "fund_fen",
            "rate_fen",
        ):
            assert getattr(found, name) == alone[name], name
        assert found.difference_fen == alone["hospital_fen"]
        for name in ("weight", "coefficient", "points"):
            assert getattr(found, name) == (None if alone[name] is None else str(alone[name]))
        capped = price_frame(frame([row]), rule).row(0, named=True)
        if found.branch == "HIGH_BY_ITEM" and found.pay_mode == "DRG":
            assert capped["branch"] == "HIGH_OVER_CAP"
            assert found.capped_fund_fen == capped["fund_fen"]
        elif found.branch != "VISIT":
            assert found.capped_fund_fen is None
        assert bool(found.terms) == (found.note is None)
        seen.add(found.branch)
    assert {"STANDARD", "LOW_BY_ITEM", "HIGH_BY_ITEM", "VISIT", "PER_DIEM", None} <= seen


def test_a_yearly_package_is_expected_and_may_be_used_up() -> None:
    package = BedDayPackage(package="15000", max_days=56, patient_ratio="0.10")
    kind = BedDay(
        id="p", title_zh="精神", title_en="psychiatry", match=BedDayMatch(care_types=("2105",)),
        rates=(DayRate(per_diem="300"),), package=package,
    )  # fmt: skip
    rows = [claim(care_type="2105", acute_phase="1", los_days=n) for n in (20, 20, 90)]
    first, second, by_days = money(rows, policy(bed_day=(kind,)))
    assert first == second
    assert (first.branch, first.fund_fen, first.capped_fund_fen) == ("PACKAGE", 1_350_000, 400_000)
    assert (by_days.branch, by_days.capped_fund_fen) == ("PER_DIEM", None)
    assert [term.value for term in first.terms] == ["精神", "20", "15000.00"]


def test_every_term_says_where_it_stands() -> None:
    rule = load_policy("demo-2024")
    row = claim(group="BR23", total_cost="9000.00")
    (found,) = money([row], rule, changed=("drg.rates.310 = 9000",), lang="en")
    assert found.changed == ("drg.rates.310 = 9000",)
    assert (found.policy, found.digest) == (rule.id, rule.digest)
    told = {term.name: term for term in found.terms}
    assert told["weight"].value == found.weight == "0.7200"
    assert "haerbin-2022" in told["weight"].source
    assert all(term.source for term in found.terms)
    assert (found.pay_mode_title, found.case_class_title) == ("by group (DRG)", "normal")
    high, low = (b for b in reversed(found.bounds))
    assert (low.multiple, high.multiple) == ("0.3", "3")
    assert Fraction(low.distance_ratio or 0) < 0 < Fraction(high.distance_ratio or 0)
    unpaid = claim(group="BR23", hospital_level=None)
    (found,) = money([unpaid], rule)
    assert (found.note, found.terms, found.bounds) == ("P610", (), ())
    assert found.note_title
    assert found.note_mend


def test_terms_of_a_score() -> None:
    rule = load_policy("dip-demo-2025")
    row = dip.claim(score="556.1232", discharged_on=date(2025, 3, 1), scheme="taian-2025")
    (found,) = money(dip.frame([row]), rule)
    names = [term.name for term in found.terms]
    assert names[0] == "病种分值"
    assert {"机构或病组系数", "分值单价（元）", "支付标准（元）"} <= {*names}
    assert all(term.source for term in found.terms)


# ---- few rows read as many

CELL = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "5", "+5.0", "-1.23", "7.", ".5", "1,000", "12345678901234", "0.005",
                     "2025-06-30", "2025/6/3 14:05", "20250230", "二级", "2.0", "x", "９"]),
    st.from_regex(r"\A[+-]?[0-9]{0,15}\.?[0-9]{0,4}\Z"),
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.lists(CELL, min_size=1, max_size=8))
def test_few_rows_are_read_as_many(cells: list[str | None]) -> None:
    names = {"total_cost", "los_days", "discharged_on", "insurance", "claim_id", "patient_id"}
    few = pl.DataFrame({name: pl.Series(cells, dtype=pl.String) for name in sorted(names)})
    columns = match_columns([*few.columns, "diagnoses"])
    many = pl.concat([few] * 80)
    one, other = ClaimArrays(few, columns), ClaimArrays(many, columns)
    rows = len(cells)
    for read in ("money", "numbers", "days"):
        field = {"money": "total_cost", "numbers": "los_days", "days": "discharged_on"}[read]
        for a, b in zip(getattr(one, read)(field), getattr(other, read)(field), strict=True):
            assert a.dtype == b.dtype
            assert np.array_equal(a, b[:rows])
    assert numbers(few["los_days"]).equals(numbers(many["los_days"]).head(rows))
    a, b = one.texts("insurance"), other.texts("insurance")
    assert a.names == b.names
    assert np.array_equal(a.codes, b.codes[:rows])
    assert one.ids.equals(other.ids.head(rows))
    assert one.patients.equals(other.patients.head(rows))


# ---- stays and means


def test_stay_against_the_mean_of_the_group(tmp_path: Path) -> None:
    file = tmp_path / "reference.csv"
    means = GroupMeans(cost_mean=Fraction(1_000_000, 3), los_mean=Fraction(20, 3))
    save_reference(file, Reference(groups={"AA11": means}))
    rows = framed([claim(los_days=9), claim(group="AB15"), claim(group=None, los_days=None)])
    columns = match_columns(rows.columns)
    found, other, none = case_stays(rows, columns, Means(read_means(file)))
    assert (found.mean_days, found.ratio, found.source) == ("6.67", "1.3500", "reference.csv")
    assert (found.mean_cost_fen, found.cost_ratio) == (333_333, "2.7000")
    assert (other.los_days, other.mean_days, other.ratio) == (5, None, None)
    assert none.los_days is None
    unknown = case_stays(rows, columns, None)[0]
    assert len({other.source, none.source, unknown.source, ""}) == 4


def test_means_of_weights_from_history(tmp_path: Path) -> None:
    file = tmp_path / "weights.csv"
    file.write_text("group,weight,mean_yuan\nAA11,1.0,8000.00\nAB15,,\n", "utf-8")
    assert read_means(file).rows() == [
        ("AA11", None, 800_000, "weights.csv"), ("AB15", None, None, "weights.csv")
    ]  # fmt: skip
    for text, code in (("AA11,1.0,x", "K403"), ("AA11,1,1\nAA11,1,1", "K404")):
        file.write_text(f"group,weight,mean_yuan\n{text}\n", "utf-8")
        with pytest.raises(KpiError) as raised:
            read_means(file)
        assert raised.value.code == code


def test_means_that_a_catalogue_or_a_policy_has(demo: Any) -> None:
    # The matching is not needed: the catalogue's tables are.
    grouper = DipGrouper.__new__(DipGrouper)
    grouper._location = locate_catalogue("pingdingshan-2025")
    known = known_means(grouper)
    assert known is not None
    row = known.filter(pl.col("group") == "A03.9").row(0)
    assert row == ("A03.9", "6.057692", 220_354, "pingdingshan-2025")
    assert known_means(demo) is None
    points = Points(variant="jinhua", city_mean="10000", group_means={"AA11": "8000"})
    told = known_means(demo, policy(drg=DrgPayment(points=points)))
    assert told is not None
    assert told.rows() == [("AA11", None, 800_000, "test-2024")]
