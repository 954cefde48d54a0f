"""Which way a claim goes and what it comes to there, one small month for each mechanism."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from test_price import claim, frame, policy

from drg.claims.profiles import ClaimColumns
from drg.claims.typed import numbered, read_yuan
from drg.dates import Interval
from drg.money import read_fen
from drg.payment.mechanisms.standard import PaymentError
from drg.payment.policy import (
    BedDay,
    BedDayMatch,
    BedDayPackage,
    CoefficientRow,
    DayFactor,
    DayRate,
    DipPayment,
    DrgPayment,
    Exclusion,
    NewTechnology,
    Outliers,
    Outpatient,
    PatientShare,
    PerDisease,
    Points,
    Policy,
    Procurement,
    RateRow,
    Readmission,
    Review,
)
from drg.payment.pricing.assessed import Assessed
from drg.payment.pricing.decided import Decided
from drg.payment.pricing.levels import best_level, level_of, wider_levels
from drg.payment.pricing.price import Pricer, Prior, price_frame
from drg.payment.pricing.scope import (
    NEEDS_INSURANCE,
    NEEDS_LEVEL,
    NO_ROW,
    Named,
    ScopeKeys,
    ScopeTable,
)
from drg.payment.pricing.scores import Scores

Row = dict[str, Any]
KEYS = ("pay_mode", "route", "branch", "payment_note", "price_fen", "patient_fen", "fund_fen")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("weights") / "w.csv"
    file.write_text("group,name,weight\nAA11,a,1.0\nAB15,b,2.0\n", "utf-8")
    return str(file)


@pytest.fixture
def drg(weights: str) -> dict[str, Any]:
    return {"weights": (weights,), "rates": (RateRow(rate="10000"),)}


def priced(rows: Row | list[Row], rule: Policy, **more: Any) -> list[Row]:
    """The priced columns of claims that may have columns beyond the common ones."""
    rows = rows if isinstance(rows, list) else [rows]
    common = frame([{k: v for k, v in row.items() if k in claim()} for row in rows])
    extra = [{k: v for k, v in row.items() if k not in claim()} for row in rows]
    if any(extra):
        common = common.hstack(pl.DataFrame(extra))
    found = price_frame(common, rule, **more)
    return found.select(*KEYS, "hospital_fen", "points", "case_class").rows(named=True)


def one(row: Row, rule: Policy, **more: Any) -> tuple[Any, ...]:
    (found,) = priced(row, rule, **more)
    return tuple(found[key] for key in KEYS)


def decisions(*rows: tuple[str, str, str, int | None]) -> pl.DataFrame:
    names = ("claim_id", "matter", "decision", "amount_fen")
    return pl.DataFrame(rows, schema=names, orient="row")


# ---- the order of ways


def test_bed_day_before_disease_before_group(drg: Row, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("disease,dx,standard\n1,J18*,5000\n", "utf-8")
    rule = policy(
        drg=DrgPayment(**drg, exclusion=Exclusion(short_days=2, long_days=60)),
        bed_day=(_bed_day(),),
        per_disease=PerDisease(table="d.csv", transferred_exits=False),
        folder=str(tmp_path),
        outpatient=Outpatient(ratio="0.6"),
    )
    rows = [
        claim(claim_id="a", care_type="2105", payer="self_pay"),
        claim(claim_id="b", care_type="2105"),
        claim(claim_id="c"),
        claim(claim_id="d", diagnoses=["K35.900"], los_days=2),
        claim(claim_id="e", diagnoses=["K35.900"], los_days=60),
        claim(claim_id="f", diagnoses=["K35.900"]),
        claim(claim_id="g", care_type="11"),
        claim(claim_id="h", diagnoses=["K35.900"], outcome="AMBIGUOUS"),
    ]
    found = [(row["pay_mode"], row["route"]) for row in priced(rows, rule)]
    assert found == [
        ("STATISTICS", "P502"), ("BED_DAY", "P510"), ("PER_DISEASE", "P520"), ("BY_ITEM", "P530"),
        ("BY_ITEM", "P531"), ("DRG", "P540"), ("VISIT", "P570"), ("UNPAID", "P580"),
    ]  # fmt: skip


def test_a_place_without_groups_pays_by_item() -> None:
    assert one(claim(outcome="UNGROUPABLE"), policy()) == (
        "BY_ITEM", "P560", "BY_ITEM", None, 900_000, 200_000, 700_000
    )  # fmt: skip


# ---- per disease


@pytest.fixture
def listed(tmp_path: Path) -> Policy:
    rows = ("c,H25*,13.41,310,三级,10000,0.6,", "c,H25*,13.41,310,二级,8000,,4000")
    head = "disease,dx,px,insurance,hospital_level,standard,fund_ratio,fund_fixed\n"
    (tmp_path / "d.csv").write_text(head + "\n".join(rows), "utf-8")
    rule = PerDisease(table="d.csv", fund="ratio", low="0.4", high="2", age_min=18,
                      exclude_dx=("C*",), billed_apart=True)  # fmt: skip
    return policy(per_disease=rule, folder=str(tmp_path))


def cataract(**said: Any) -> Row:
    return claim(diagnoses=["H25.900"], total_cost="9000") | {
        "procedures": ["13.41"], "age": 60, "billed_apart_cost": None,
    } | said  # fmt: skip


def test_fixed_fund_by_ratio_and_by_amount(listed: Policy) -> None:
    assert one(cataract(), listed) == (
        "PER_DISEASE", "P520", "FIXED_FUND", None, 1_000_000, 360_000, 600_000
    )  # fmt: skip
    row = cataract(hospital_level="二级甲等")
    assert one(row, listed) == (
        "PER_DISEASE", "P520", "FIXED_FUND", None, 800_000, 400_000, 400_000
    )  # fmt: skip


def test_what_is_billed_apart_is_the_patients(listed: Policy) -> None:
    (row,) = priced(cataract(billed_apart_cost="1000.00"), listed)
    assert (row["fund_fen"], row["patient_fen"]) == (600_000, 320_000 + 100_000)
    assert row["hospital_fen"] == 600_000 + 320_000 - 800_000


@pytest.mark.parametrize(
    ("said", "route"),
    [
        ({"total_cost": "3999.99"}, "P521"),
        ({"total_cost": "20000.01"}, "P522"),
        ({"disposition": "2"}, "P523"),
        ({"claim_id": "X"}, "P524"),
        ({"age": 17}, "P525"),
        ({"diagnoses": ["H25.900", "C34.900"]}, "P526"),
        ({"procedures": ["99.99"]}, "P560"),
        ({"insurance": "390"}, "P560"),
    ],
)
def test_cases_that_are_not_paid_per_disease_say_why(listed: Policy, said: Row, route: str) -> None:
    told = decisions(("X", "exit", "accepted", None))
    found = one(cataract(**said), listed, decisions=told)
    assert found[:2] == ("BY_ITEM", route)


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ({"hospital_level": None}, "P610"), ({"insurance": None}, "P611"), ({"age": None}, "P647"),
        ({"disposition": None}, "P638"), ({"billed_apart_cost": "x"}, "P639"),
        ({"billed_apart_cost": "9000.01"}, "P639"),
    ],
)  # fmt: skip
def test_cases_that_lack_what_the_list_asks_for(listed: Policy, said: Row, note: str) -> None:
    assert one(cataract(**said), listed)[3] == note


def test_full_standard_less_the_patients_part(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("disease,dx,standard\n1,J18*,9000\n", "utf-8")
    for surplus_to, price in (("hospital", 900_000), ("fund", 820_000)):
        listed = PerDisease(table="d.csv", surplus_to=surplus_to, transferred_exits=False)
        rule = policy(per_disease=listed, folder=str(tmp_path))
        found = one(claim(total_cost="8200", patient_paid="2460"), rule)
        assert found[2:] == ("FULL_STANDARD", None, price, 246_000, price - 246_000)


def test_a_list_that_has_to_be_supplied_pays_nobody() -> None:
    rule = policy(per_disease=PerDisease(), wanted={"per_disease.table": "ask the bureau"})
    assert one(claim(), rule)[:4] == ("UNPAID", "P520", None, "P636")


# ---- bed-days


def _bed_day(**said: Any) -> BedDay:
    parts: Row = {
        "match": BedDayMatch(care_types=("2105",)),
        "rates": (DayRate(hospital_level="三级", per_diem="260"),),
    } | said  # fmt: skip
    return BedDay(id="p", title_zh="精神", title_en="psychiatry", **parts)


@pytest.mark.parametrize(
    ("match", "said"),
    [
        (BedDayMatch(care_types=("9934",)), {"care_type": "9934"}),
        (BedDayMatch(principal_dx=("F20*",)), {"diagnoses": ["F20.000", "J18.900"]}),
        (BedDayMatch(departments=("精神科",)), {"department": "精神科"}),
        (BedDayMatch(hospitals=("H7",)), {"hospital_id": "H7"}),
        (BedDayMatch(min_days=60), {"los_days": 60}),
    ],
)
def test_marks_of_a_bed_day_case(match: BedDayMatch, said: Row) -> None:
    rule = policy(bed_day=(_bed_day(match=match),))
    assert one(claim() | {"department": None} | said, rule)[:2] == ("BED_DAY", "P510")
    assert one(claim() | {"department": None}, rule)[:2] == ("BY_ITEM", "P560")


def test_days_at_their_price() -> None:
    rule = policy(
        bed_day=(
            _bed_day(
                rates=(
                    DayRate(per_diem="260", to_day=30),
                    DayRate(per_diem="208", from_day=31, to_day=90),
                ),
                category_factors={"老年": "0.8"},
            ),
        )
    )
    stay = claim(care_type="2105", los_days=40) | {"person_category": None}
    gross = 30 * 26_000 + 10 * 20_800
    assert one(stay, rule)[4:] == (gross, 200_000, gross - 200_000)
    assert one(stay | {"person_category": "老年"}, rule)[4] == gross * 8 // 10
    assert one(stay | {"los_days": 91}, rule)[3] == "P642"
    assert one(stay | {"los_days": None}, rule)[3] == "P637"
    assert one(stay | {"los_days": 0}, rule)[4] == 26_000


@pytest.mark.parametrize(("level", "note"), [("二级", "P642"), (None, "P610"), ("三级乙等", None)])
def test_price_of_a_day_by_level(level: str | None, note: str | None) -> None:
    rule = policy(bed_day=(_bed_day(),))
    assert one(claim(care_type="2105", hospital_level=level), rule)[3] == note


def test_class_shares_under_their_cap() -> None:
    stays = _bed_day(fund="class_shares", ratio_a="0.85", ratio_b="0.75", cap="1.02")
    row = claim(care_type="2105", los_days=60, total_cost="10000", patient_paid="0") | {
        "class_a_cost": "6200", "class_b_cost": "3000", "reasonable_advance": "12000",
    }  # fmt: skip
    assert one(row, policy(bed_day=(stays,)))[6] == 1_173_120
    assert one(row | {"reasonable_advance": "11200"}, policy(bed_day=(stays,)))[6] == 1_142_400
    assert one(row | {"class_b_cost": None}, policy(bed_day=(stays,)))[3] == "P639"
    unknown = _bed_day(fund="class_shares", ratio_a="0.85")
    assert one(row, policy(bed_day=(unknown,)))[3] == "P636"


def test_factors_of_days() -> None:
    factors = (DayFactor(from_day=1, to_day=1, factor="1.19", emergency_factor="1.31"),
               DayFactor(from_day=2, factor="1.12"))  # fmt: skip
    rule = policy(bed_day=(_bed_day(rates=(), factors=factors, base="800", fund="ratio",
                                    fund_ratio="1"),))  # fmt: skip
    stay = claim(care_type="2105", los_days=3)
    assert one(stay | {"from_emergency": "是"}, rule)[4] == 284_000
    assert one(stay | {"from_emergency": "0"}, rule)[4] == 274_400
    assert one(stay | {"from_emergency": None}, rule)[3] == "P649"


def test_package_once_a_year_else_the_days() -> None:
    package = BedDayPackage(package="15000", max_days=56, patient_ratio="0.10")
    rule = policy(bed_day=(_bed_day(package=package),))
    stays = [
        claim(claim_id=name, care_type="2105", los_days=days, patient_id=person,
              discharged_on=date(2024, 5, day)) | {"acute_phase": acute}
        for name, days, person, day, acute in (
            ("late", 30, "P1", 20, "1"), ("first", 49, "P1", 9, "1"), ("other", 57, "P2", 9, "1"),
            ("calm", 20, "P3", 9, "0"), ("had", 20, "P4", 9, "1"), ("unsaid", 20, "P5", 9, None),
            ("nobody", 20, None, 9, "1"),
        )
    ]  # fmt: skip
    prior = Prior(packages=pl.Series(["P4"]))
    found = {s["claim_id"]: f for s, f in zip(stays, priced(stays, rule, prior=prior), strict=True)}
    assert {name: row["branch"] for name, row in found.items()} == {
        "late": "PER_DIEM", "first": "PACKAGE", "other": "PER_DIEM", "calm": "PER_DIEM",
        "had": "PER_DIEM", "unsaid": None, "nobody": None,
    }  # fmt: skip
    assert (found["first"]["fund_fen"], found["first"]["patient_fen"]) == (1_350_000, 150_000)
    assert found["first"]["route"] == "P511"
    assert (found["unsaid"]["payment_note"], found["nobody"]["payment_note"]) == ("P643", "P645")


def test_package_outranks_what_stands_against_a_group(drg: Row) -> None:
    package = BedDayPackage(package="15000", max_days=56, patient_ratio="0.10")
    rule = policy(drg=DrgPayment(**drg), bed_day=(_bed_day(rates=(), package=package),))
    stays = [
        claim(claim_id=n, care_type="2105", outcome="UNGROUPABLE") | {"acute_phase": "1"}
        for n in "ab"
    ]
    found = [(row["pay_mode"], row["payment_note"]) for row in priced(stays, rule)]
    assert found == [("BED_DAY", None), ("UNPAID", "P632")]


# ---- groups


def test_share_by_policy_ratio(drg: Row) -> None:
    share = PatientShare(basis="policy_ratio", fund_ratio="0.85")
    row = claim() | {
        "fully_self_paid": "350", "first_self_paid": "600", "deductible": "500",
    }  # fmt: skip
    rule = policy(drg=DrgPayment(**drg, share=share))
    assert one(row, rule)[4:] == (1_000_000, 1_000_000 - 726_750, 726_750)
    assert one(row | {"deductible": None}, rule)[3] == "P639"
    open_ = policy(drg=DrgPayment(**drg, share=PatientShare(basis="policy_ratio")))
    assert one(row, open_)[3] == "P636"


def test_new_technology_adds_what_exceeds_its_mean(drg: Row) -> None:
    rule = policy(
        drg=DrgPayment(
            **drg,
            new_technology=NewTechnology(
                total_multiple=2, share="0.64", group_means={"AA11": "20000"},
                means={"AA11|drug": "6000"},
            ),
        )
    )  # fmt: skip
    row = claim(total_cost="50000", patient_paid="0") | {
        "new_technology_cost": "33000", "new_technology_kind": "药品",
    }  # fmt: skip
    assert one(row, rule)[:5] == ("DRG", "P540", "NEW_TECHNOLOGY", None, 1_000_000 + 2_700_000)
    assert one(row | {"new_technology_cost": "32000"}, rule)[2:5] == ("STANDARD", None, 1_000_000)
    assert one(row | {"total_cost": "40000"}, rule)[2] == "STANDARD"
    assert one(row | {"new_technology_kind": None}, rule)[3] == "P646"
    assert one(row | {"new_technology_kind": "service"}, rule)[3] == "P636"
    assert one(row | {"group": "AB15"}, rule)[3] == "P636"
    assert one(row | {"new_technology_cost": "?"}, rule)[3] == "P639"
    assert one(row | {"new_technology_cost": None}, rule)[2] == "STANDARD"


def test_surplus_under_joint_procurement(drg: Row) -> None:
    kept = Procurement(within_task=1, beyond_task="0.7", non_selected="0.5")
    rule = policy(drg=DrgPayment(**drg, procurement=kept))
    rows = [
        claim(claim_id=str(n), total_cost=cost) | {"procurement": kind}
        for n, (kind, cost) in enumerate(
            [("within_task", "7000"), ("beyond_task", "7000"), ("non_selected", "7000"),
             ("non_selected", "12000"), (None, "7000")]
        )
    ]  # fmt: skip
    found = [row["hospital_fen"] for row in priced(rows, rule)]
    assert found == [300_000, 210_000, 150_000, -200_000, 300_000]


@pytest.mark.parametrize(
    ("said", "kept", "note"),
    [("任务量外", 210_000, None), ("中选任务量内", 300_000, None), ("非中选", 150_000, None),
     ("within_task|non_selected", 150_000, None), ("Beyond_Task, within_task", 210_000, None),
     ("not_reported", 150_000, None), ("won", None, "P648"), ("within_task|won", None, "P648")],
)  # fmt: skip
def test_kinds_of_joint_procurement(
    drg: Row, said: str, kept: int | None, note: str | None
) -> None:
    shares = Procurement(within_task=1, beyond_task="0.7", non_selected="0.5")
    row = claim(total_cost="7000") | {"procurement": said}
    found = priced(row, policy(drg=DrgPayment(**drg, procurement=shares)))[0]
    assert (found["hospital_fen"], found["payment_note"]) == (kept, note)


def test_points_by_group_by_item_and_by_day(weights: str) -> None:
    points = Points(variant="jinhua", city_mean="10500", group_means={"AA11": "8400"},
                    hospital_means={"H1|AA11": "9240"}, daily_points="2.8")  # fmt: skip
    rule = policy(
        drg=DrgPayment(
            rates=(RateRow(rate="100"),), points=points, outliers=Outliers(low="0.4"),
            readmission=Readmission(window_days=15, factor="0.5"),
        ),
        bed_day=(_bed_day(rates=()),),
    )  # fmt: skip
    rows = [
        claim(claim_id="whole", total_cost="9000"),
        claim(claim_id="left", total_cost="4200", disposition="4", patient_id="P2"),
        claim(claim_id="low", total_cost="2100", patient_id="P3"),
        claim(claim_id="days", care_type="2105", los_days=46, patient_id="P4"),
        claim(claim_id="again", patient_id="P1", admitted_on=date(2024, 5, 19),
              discharged_on=date(2024, 5, 22)),
        claim(claim_id="rare", group="AB15"),
        claim(claim_id="unsaid", disposition=None),
    ]  # fmt: skip
    found = {r["claim_id"]: f for r, f in zip(rows, priced(rows, rule), strict=True)}
    told = {name: (row["branch"], row["points"]) for name, row in found.items()}
    assert {name: (branch, str(points)) for name, (branch, points) in told.items()} == {
        "whole": ("READMISSION", "44.0000"), "left": ("INCOMPLETE", "40.0000"),
        "low": ("LOW_BY_ITEM", "20.0000"), "days": ("PER_DIEM", "128.8000"),
        "again": ("STANDARD", "88.0000"), "rare": (None, "None"), "unsaid": (None, "None"),
    }  # fmt: skip
    assert found["again"]["price_fen"] == 880_000
    assert (found["rare"]["payment_note"], found["unsaid"]["payment_note"]) == ("P634", "P638")
    assert {row["pay_mode"] for row in found.values()} == {"POINTS", "UNPAID"}


def test_classes_by_the_groups_mean(drg: Row) -> None:
    rule = policy(
        drg=DrgPayment(
            **drg, outliers=Outliers(reference="mean", means={"AA11": "4000"}, high={"": 2},
                                     extreme=5),
        )
    )  # fmt: skip
    rows = [
        claim(claim_id=str(n), total_cost=cost, group=group)
        for n, (cost, group) in enumerate(
            [("8000", "AA11"), ("8000.01", "AA11"), ("20000.01", "AA11"), ("8000", "AB15")]
        )
    ]
    found = [(row["case_class"], row["branch"], row["payment_note"]) for row in priced(rows, rule)]
    assert found == [
        ("NORMAL", "STANDARD", None), ("ULTRA_HIGH", "HIGH_BY_ITEM", None),
        ("EXTREME", "HIGH_BY_ITEM", None), (None, None, "P636"),
    ]  # fmt: skip


def test_review_before_application_before_class(drg: Row) -> None:
    rule = policy(
        drg=DrgPayment(
            **drg, outliers=Outliers(high={"": 3}, applied_cap="0.1", high_cap="0.1"),
            review=Review(cap="0.1"),
        )
    )  # fmt: skip
    rows = [claim(claim_id=f"n{n}") for n in range(5)]
    rows += [claim(claim_id=f"c{n}", total_cost=f"{40_000 + n}") for n in range(5)]
    told = decisions(
        ("c4", "special_review", "by_item", None), ("c3", "special_review", "by_item", None),
        ("c3", "by_item", "accepted", None), ("c2", "by_item", "accepted", None),
        ("n0", "by_item", "accepted", None), ("n1", "special_review", "rejected", None),
    )  # fmt: skip
    found = {r["claim_id"]: f["branch"] for r, f in
             zip(rows, priced(rows, rule, decisions=told), strict=True)}  # fmt: skip
    assert found == {
        "n0": "APPLIED_OVER_CAP", "n1": "STANDARD", "n2": "STANDARD", "n3": "STANDARD",
        "n4": "STANDARD", "c4": "REVIEW_BY_ITEM", "c3": "APPLIED_BY_ITEM", "c2": "HIGH_BY_ITEM",
        "c1": "HIGH_OVER_CAP", "c0": "HIGH_OVER_CAP",
    }  # fmt: skip


class _Source:
    def scores(self, frame: pl.DataFrame, columns: ClaimColumns, rows: Any) -> Scores:
        group = frame["group"].gather(rows)
        size = len(rows)
        return Scores(
            np.full(size, 8_957_916, np.int64), np.full(size, 1_038_278, np.int64),
            (group == "AA11").to_numpy(),
        )  # fmt: skip


def test_scores_come_from_a_source_or_nothing_is_paid() -> None:
    rule = policy(dip=DipPayment(catalogue="test"))
    rows = [claim(claim_id="a"), claim(claim_id="b", group="AB15")]
    assert [row["payment_note"] for row in priced(rows, rule)] == ["P640", "P640"]
    found = priced(rows, rule, scores=_Source())
    assert [(r["pay_mode"], r["fund_fen"], r["payment_note"]) for r in found] == [
        ("DIP", 838_278, None), ("UNPAID", None, "P640"),
    ]  # fmt: skip
    assert str(found[0]["points"]) == "895.7916"


# ---- who, where, when


def test_register_of_hospitals(drg: Row) -> None:
    register = pl.DataFrame(
        {
            "hospital_id": ["H1", "H2"], "level": ["三级甲等", "二级"],
            "rate_level": [None, "三级"], "coefficient": ["0.92", None],
        }
    )  # fmt: skip
    rule = policy(
        drg=DrgPayment(
            weights=drg["weights"], outliers=Outliers(high={"三级": 3, "二级": 2}),
            rates=(RateRow(hospital_level="三级", rate="10000"),),
            coefficients=(CoefficientRow(hospital_level="三级", coefficient="1.05"),),
        )
    )  # fmt: skip
    rows = [
        claim(claim_id="a", hospital_level=None), claim(claim_id="b", hospital_id="H2",
        total_cost="21000.01"), claim(claim_id="c", hospital_id="H9"),
    ]  # fmt: skip
    found = priced(rows, rule, hospitals=register)
    assert [row["price_fen"] for row in found] == [920_000, 2_100_001, None]
    assert [row["case_class"] for row in found] == ["NORMAL", "ULTRA_HIGH", None]
    assert found[2]["payment_note"] == "P609"


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ({"claim_id": ""}, "P601"), ({"total_cost": "1e5"}, "P602"),
        ({"total_cost": "10000000000.01"}, "P604"), ({"patient_paid": None}, "P605"),
        ({"patient_paid": "9000.01"}, "P607"), ({"hospital_id": " "}, "P608"),
        ({"discharged_on": date(2024, 6, 1)}, "P615"), ({"insurance": "390"}, "P612"),
        ({"insurance": None}, "P611"), ({"payer": "nobody"}, "P613"), ({"version": 0}, "P620"),
        ({"outcome": "REJECTED"}, "P630"), ({"outcome": "NOT_IN_FORCE"}, "P631"),
        ({"group": "ZZ99"}, "P634"), ({"care_type": "41"}, "P641"),
        ({"insurance": "职工", "total_cost": "9000"}, None), ({"payer": "自费"}, None),
    ],
)  # fmt: skip
def test_nothing_is_paid_by_default(drg: Row, said: Row, note: str | None) -> None:
    rule = policy(drg=DrgPayment(**drg), insurances=("310",))
    (found,) = priced(claim(**said), rule, month="2024-05")
    assert found["payment_note"] == note
    if note:
        assert found["pay_mode"] == "UNPAID"
        empty = ("price_fen", "patient_fen", "fund_fen", "hospital_fen", "branch", "case_class")
        assert [found[key] for key in empty] == [None] * len(empty)


def test_policy_out_of_force_and_open_numbers(drg: Row) -> None:
    rule = policy(drg=DrgPayment(**drg), in_force=Interval.parse(("2024-05-07", "")))
    assert one(claim(), rule)[3] == "P616"
    for open_ in ({"weights": ()}, {"rates": ()}):
        assert one(claim(), policy(drg=DrgPayment(**drg | open_)))[3] == "P636"
    other = (RateRow(insurance="390", rate="1"),)
    assert one(claim(), policy(drg=DrgPayment(**drg | {"rates": other})))[3] == "P635"
    visit = claim(care_type="11", patient_paid=None)
    assert one(visit, policy(outpatient=Outpatient()))[3] == "P636"


def test_visits_count_only_at_the_levels_named() -> None:
    rule = policy(outpatient=Outpatient(ratio="0.6", annual_cap="100", levels=("一级", "一级以下")))
    rows = [
        claim(claim_id=str(n), care_type="11", total_cost=cost, hospital_level=level,
              patient_paid=None)
        for n, (cost, level) in enumerate(
            [("50", "一级"), ("500", "三级"), ("80", "一级以下"), ("120", "一级甲等"), ("9", None)]
        )
    ]  # fmt: skip
    found = priced(rows, rule)
    assert [row["fund_fen"] for row in found] == [3_000, 0, 4_800, 2_200, None]
    assert found[4]["payment_note"] == "P610"


def test_claims_of_another_scheme_or_without_groups_are_refused(drg: Row) -> None:
    rule = policy(drg=DrgPayment(**drg, scheme="made-2024"))
    ours = frame([claim()]).with_columns(scheme=pl.lit("made-2024"))
    assert price_frame(ours, rule)["pay_mode"].to_list() == ["DRG"]
    with pytest.raises(PaymentError, match=r"P426.*made-2024.*other-2023"):
        price_frame(ours.with_columns(scheme=pl.lit("other-2023")), rule)
    with pytest.raises(PaymentError, match="P427"):
        price_frame(frame([claim()]).drop("group"), rule)
    assert price_frame(frame([claim()]).drop("group", "outcome"), policy()).height == 1


def test_contradictions_are_refused_when_the_pricer_is_made(drg: Row) -> None:
    twice = pl.DataFrame({"hospital_id": ["H1", "H1"]})
    with pytest.raises(PaymentError, match=r"P423.*H1"):
        Pricer(policy(), twice)
    with pytest.raises(PaymentError, match="P423"):
        Pricer(policy(), pl.DataFrame({"id": ["H1"]}))
    wrong = pl.DataFrame({"hospital_id": ["H1"], "coefficient": ["1.x"]})
    with pytest.raises(PaymentError, match=r"P424.*1\.x"):
        Pricer(policy(), wrong)
    fine = pl.DataFrame({"hospital_id": ["H1"], "coefficient": ["0.92345"]})
    with pytest.raises(PaymentError, match="P424"):
        Pricer(policy(drg=DrgPayment(**drg)), fine)
    with pytest.raises(PaymentError, match=r"P425.*perhaps"):
        Decided(decisions(("C1", "by_item", "perhaps", None)))


def test_the_latest_decision_holds() -> None:
    rows = [("C1", "by_item", "accepted", None), ("C1", "by_item", "rejected", None)]
    dated = decisions(*rows).with_columns(on=pl.Series([date(2024, 6, 2), date(2024, 6, 1)]))
    assert Decided(dated).on("by_item", pl.Series(["C0", "C1", None])).rows.tolist() == [1]
    assert not Decided(decisions(*rows)).on("by_item", pl.Series(["C1"])).rows.size


def test_a_part_that_was_not_decided(drg: Row) -> None:
    pricer = Pricer(policy(drg=DrgPayment(**drg)))
    parts: list[Assessed] = [pricer.assess(frame([claim(claim_id=name)])) for name in "ab"]
    with pytest.raises(KeyError):
        pricer.finish(parts[0], pricer.decide(parts[1:]))


# ---- levels, scopes, amounts


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("三级", "3"), (" 三 级 ", "3"), ("三级甲等", "3A"), ("三甲", "3A"), ("Ⅲ级", "3"),
        ("III级乙等", "3B"), ("tertiary", "3"), ("Tertiary A", "3A"), ("3", "3"), ("3.0", "3"),
        ("二级医院", "2"), ("二级丙等", "2C"), ("secondary", "2"), ("primary", "1"), ("I级", "1"),
        ("三级特等", "3S"), ("三级未定等", "3"), ("未定级", "0"), ("01", "3S"), ("07", "2C"),
        ("10", "1C"), ("14", "0"), ("", ""), ("一级以下", "一级以下"),
        ("医科大学附属", "医科大学附属"),
        ("第1档", "第1档"), ("5", "5"),
    ],
)  # fmt: skip
def test_spellings_of_levels(text: str, key: str) -> None:
    assert level_of(text) == key
    assert level_of(level_of(text)) == key


def test_one_digit_codes_in_a_column_of_codes() -> None:
    found = [level_of(str(n), codes=True) for n in range(1, 15)]
    assert found == ["3S", "3A", "3B", "3C", "2A", "2B", "2C", "1A", "1B", "1C", *"0000"]
    assert wider_levels("0") == ("0",)
    assert best_level("3A", ["三级", "三级甲等"]) == "三级甲等"


def _keys(insurance: str, level: str, hospital: str, day: int = 0) -> ScopeKeys:
    def named(text: str) -> Named:
        return Named((text,) if text else (), np.zeros(1, np.uint32))

    return ScopeKeys(named(insurance), named(level), named(hospital), np.array([day], np.int32))


def test_the_narrowest_row_of_a_scope() -> None:
    rows = [
        RateRow(rate="1"), RateRow(insurance="310", rate="1"),
        RateRow(insurance="310", hospital_level="三级", rate="1"),
        RateRow(insurance="310", hospital_level="三级甲等", rate="1"),
        RateRow(insurance="310", hospital="H1", rate="1"),
    ]  # fmt: skip
    table = ScopeTable(rows, what="x")
    found = [
        int(table.find(_keys(*key))[0])
        for key in (("390", "3", "H2"), ("310", "2", "H2"), ("310", "3B", "H2"),
                    ("310", "3A", "H2"), ("310", "3A", "H1"), ("310", "", "H1"),
                    ("310", "", "H2"), ("", "2", "H2"))
    ]  # fmt: skip
    assert found == [0, 1, 2, 3, 4, 4, NEEDS_LEVEL, NEEDS_INSURANCE]


def test_rows_by_day_and_by_group() -> None:
    rows = [
        CoefficientRow(group="A", coefficient=1,
                       in_force=Interval.parse(("1970-01-03", "1970-01-05"))),
        CoefficientRow(group="A", coefficient=1, in_force=Interval.parse(("1970-01-05", ""))),
    ]  # fmt: skip
    table = ScopeTable(rows, [row.group for row in rows], what="x")
    group = Named(("A", "B"), np.zeros(1, np.uint32))
    found = [int(table.find(_keys("", "", "H", day), group)[0]) for day in (1, 2, 3, 4)]
    assert found == [NO_ROW, 0, 0, 1]
    other = Named(("B",), np.zeros(1, np.uint32))
    assert table.find(_keys("", "", "H", 3), other)[0] == NO_ROW
    assert ScopeTable([], what="x").find(_keys("310", "3", "H"))[0] == NO_ROW


def test_two_rows_for_one_claim_are_refused_unless_a_third_decides() -> None:
    rows = [RateRow(insurance="310", rate="1"), RateRow(hospital_level="三级", rate="1")]
    with pytest.raises(PaymentError, match=r"P421.*drg\.rates"):
        ScopeTable(rows, what="drg.rates")
    both = RateRow(insurance="310", hospital_level="三级", rate="1")
    table = ScopeTable([*rows, both], what="drg.rates")
    assert table.find(_keys("310", "3", "H"))[0] == 2
    with pytest.raises(PaymentError, match="P421"):
        ScopeTable([RateRow(rate="1"), RateRow(rate="2")], what="drg.rates")


CELLS = ["12.34", "-12.34", " 12.34", "12.345", "12", "12.3", ".50", "1.2.34", "", None, "1e3.00",
         "+0.01", "12,345.00", "一百", "9999999999999.99", "99999999999999.99", "--1.00", "1-.00",
         "0000000000000000001.00", "١٢.٣٤"]  # fmt: skip


def test_quick_reading_of_amounts_is_the_exact_one() -> None:
    cells = pl.Series(CELLS, dtype=pl.String)
    assert read_yuan(cells).to_list() == read_fen(cells).fen.to_list()
    for cell in CELLS:
        alone = pl.Series([cell], dtype=pl.String)
        assert read_yuan(alone).to_list() == read_fen(alone).fen.to_list()
    assert read_yuan(pl.Series([1, None])).to_list() == [100, None]


def test_numbers_of_distinct_values() -> None:
    assert numbered(pl.Series(["b", "a", None, "b"])).tolist() == [0, 1, -1, 0]
