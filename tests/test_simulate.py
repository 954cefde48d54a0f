"""One case and its alternatives: read as the file is, in recorded order, nothing made up."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from functools import cache

import polars as pl
import pytest
from conftest import ROOT
from test_versions import make

import drg
from drg.claims.case import Case, case_columns, case_frame
from drg.claims.profiles import match_columns
from drg.claims.readers import open_claims
from drg.claims.row import claim_of
from drg.dip.load import load_grouper
from drg.errors import DrgError
from drg.grouping.versions import VersionedGrouper
from drg.payment.mechanisms.standard import PaymentError
from drg.payment.pricing.price import Pricer
from drg.simulate.answer import ScenarioKind
from drg.simulate.errors import SimulateError
from drg.simulate.simulator import Other, Simulator, Wanted

DX = (
    "I63.905", "J96.000", "I69.300", "E11.900", "I10.x00x002", "N17.900", "K92.208", "I48.x01",
    "J18.900", "D64.900", "E87.600", "R57.900", "I50.900", "A41.900", "L89.900",
)  # fmt: skip
PX = (
    "88.4101", "39.5000", "31.1x00", "96.7201", "38.9301", "54.9101", "39.9500", "96.0400",
    "99.1500", "86.2200",
)  # fmt: skip
STAY = {
    "claim_id": "A1", "hospital_id": "H1", "hospital_level": "三级", "insurance": "310",
    "sex": "F", "age": 58, "admitted_on": "2024-06-01", "discharged_on": "2024-06-11",
    "los_days": 10, "disposition": "1", "total_cost": "15000.00", "patient_paid": "3000.00",
}  # fmt: skip
NONE = Wanted(principals=False, principal_procedures=False, drops=False)
KINDS: tuple[ScenarioKind, ...] = (
    "principal_diagnosis", "principal_procedure", "drop_diagnosis", "drop_procedure",
    "add_diagnosis", "add_procedure", "correct", "scheme", "policy", "numbers",
)  # fmt: skip


@cache
def grouper(name="haerbin-2022", codes=None):
    return load_grouper(name, None, codes)


@cache
def policy(name="demo-2024", **supply):
    return drg.load_policy(name, supply=supply)


@cache
def simulator(scheme="haerbin-2022", pays="demo-2024"):
    return Simulator(grouper(scheme), policy(pays) if pays else None)


def stay(diagnoses=DX[:3], procedures=PX[:2], **more):
    return Case(**{**STAY, "diagnoses": diagnoses, "procedures": procedures, **more})


def seat(grouping):
    return grouping.outcome, grouping.adrg, grouping.group, grouping.severity, grouping.reason


# ---- read as the file is


@pytest.mark.parametrize(
    ("scheme", "codes", "pays", "file"),
    [
        ("haerbin-2022", None, "demo-2024", "open_cases.csv"),
        ("taian-2025", None, "dip-demo-2025", "open_cases.csv"),
        ("demo", "clinical", None, "demo_claims.csv"),
    ],
)
def test_base_and_alternatives_are_as_the_grouper_says(scheme, codes, pays, file):
    as_the_grouper_says(grouper(scheme, codes), policy(pays) if pays else None, file, 8)


@pytest.mark.long
@pytest.mark.parametrize(
    ("scheme", "codes", "pays"),
    [
        ("haerbin-2022", None, "demo-2024"),
        ("haerbin-2022", "clinical", None),
        ("chs-drg", None, None),
        ("taian-2025", None, "dip-demo-2025"),
    ],
)
def test_a_whole_month_is_as_the_grouper_says(scheme, codes, pays):
    paid = policy(pays) if pays else None
    as_the_grouper_says(grouper(scheme, codes), paid, "chs_drg_20_month.csv", 200)


def as_the_grouper_says(named, paid, file, count):
    with open_claims(ROOT / "examples" / file) as source:
        frame, columns = source.scan().head(count).collect(), source.columns
    pricer = Pricer(paid) if paid else None
    found = Simulator(named, paid).simulate_frame(frame, columns, Wanted(drops=False))
    grouped = named.group_frame(frame, columns)
    assert [one.base.grouping.group for one in found] == grouped["group"].to_list()
    assert [one.base.grouping.reason for one in found] == grouped["reason"].to_list()
    for place, (one, row) in enumerate(zip(found, frame.iter_rows(named=True), strict=True)):
        claim = claim_of(row, columns)
        own = named.group(claim)
        assert one.base.grouping.digest == own.digest
        assert one.base.grouping.scheme == own.scheme
        if pricer is not None:
            priced = pricer.price(grouped[place], columns).row(0, named=True)
            for name in ("standard_fen", "pay_mode", "case_class", "fund_fen"):
                assert getattr(one.base.money, name) == priced[name]
        for scenario in one.scenarios:
            told = named.group(claim.model_copy(update=moved(claim, scenario)))
            assert seat(scenario.grouping) == seat(told), scenario.label
            score = scenario.grouping.score
            assert (None if score is None else int(Decimal(score).scaleb(4))) == told.score_e4


def moved(claim, scenario):
    """What a scenario of a principal code changes, found from its words alone."""
    (change,) = scenario.changes
    codes = getattr(claim, change.field)
    lead = change.after.split(" ")[0]
    return {change.field: (lead, *(code for code in codes if code != lead))}


def test_every_form_of_the_same_case_is_told_alike():
    case = stay(conditions_at_admission="1|4|2", procedure_dates="2024-06-02|2024-06-03")
    asked = Wanted(add_diagnoses=("N17.900",), corrections={"age": "60", "total_cost": "99"})
    told = simulator().simulate(case, asked)
    frame = case_frame([case])
    wide = frame.drop("diagnoses", "procedures").with_columns(
        *(pl.lit(code).alias(f"diagnosis_{n}") for n, code in enumerate(DX[:3], 1)),
        *(pl.lit(code).alias(f"procedure_{n}") for n, code in enumerate(PX[:2], 1)),
    )
    joined = frame.with_columns(
        pl.col("diagnoses", "procedures").list.join("|"), pl.col("age", "los_days").cast(pl.String)
    )
    floats = wide.with_columns(
        pl.col("age").cast(pl.Float64), pl.col("total_cost").cast(pl.Float64)
    )
    for form in (frame, wide, joined, floats, pl.concat([wide, wide])):
        columns = match_columns(form.columns)
        for one in simulator().simulate_frame(form, columns, asked, first_row=7):
            assert one.base.row >= 7
            base = one.base.model_copy(update={"row": None})
            assert base == told.base
            if form is not floats:
                assert one.scenarios == told.scenarios
            assert [seat(s.grouping) for s in one.scenarios] == [
                seat(s.grouping) for s in told.scenarios
            ]
            assert [s.money for s in one.scenarios] == [s.money for s in told.scenarios]


def test_explanations_are_the_same_alone_and_beside_scenarios():
    case = stay()
    alone = simulator().explain(case)
    assert simulator().simulate(case).base == alone
    assert simulator().explain_frame(case_frame([case]), case_columns(case_frame([case])))[
        0
    ] == alone.model_copy(update={"row": 1})
    lines = [
        "  " * line.depth
        + " ".join([line.text, *(f"[{row}]" for row in line.source.split("; ") if row)])
        for line in alone.path
    ]
    assert lines == grouper().explain_lines(case)
    assert alone.diagnoses[1] == ("J96.000", "急性呼吸衰竭")
    assert alone.grouping.mdc_name
    assert alone.grouping.adrg_name
    assert alone.grouping.scheme_title


# ---- in recorded order, nothing made up


def test_scenarios_stand_in_recorded_order_and_hold_only_recorded_codes():
    case = stay(DX, PX)
    found = simulator().simulate(case)
    kinds = [scenario.kind for scenario in found.scenarios]
    assert kinds == sorted(kinds, key=KINDS.index)
    assert [s.place for s in found.scenarios] == list(range(1, 49))
    leads = [s.changes[0].after.split()[0] for s in found.scenarios[:23]]
    assert leads == [*DX[1:], *PX[1:]]
    gone = [s.changes[0].before.split()[0] for s in found.scenarios[23:]]
    assert gone == [*DX, *PX]
    assert all(s.because for s in found.scenarios)
    assert "不按支付多少排列" in found.notice
    for scenario in found.scenarios:
        codes = set(moved(case, scenario)[scenario.changes[0].field]) - {""}
        assert codes <= {*DX, *PX}
        assert scenario.same_group == (seat(scenario.grouping)[2] == found.base.grouping.group)


def test_differences_are_scenario_less_case():
    found = simulator().simulate(stay())
    own = found.base.money
    assert any(s.difference.fund_fen for s in found.scenarios)
    for s in found.scenarios:
        for name in ("weight", "standard_fen", "fund_fen", "difference_fen"):
            one, other = getattr(s.money, name), getattr(own, name)
            less = None if None in (one, other) else Decimal(one) - Decimal(other)
            told = getattr(s.difference, name)
            assert (None if told is None else Decimal(told)) == less


def test_what_would_be_the_same_is_left_out_and_told():
    case = stay(("I63.905", "E11.900", "E11.900 ", "I63.905"), ("88.4101", "88.4101"))
    asked = Wanted(
        add_diagnoses=("E11.900", "J96.000", "J96.000"), corrections={"age": "58", "sex": "女"}
    )
    found = simulator().simulate(case, asked)
    assert [(s.kind, s.changes[0].before[:7], s.changes[0].after[:7]) for s in found.scenarios] == [
        ("principal_diagnosis", "I63.905", "E11.900"),
        ("drop_diagnosis", "I63.905", ""),
        ("drop_diagnosis", "E11.900", ""),
        ("drop_procedure", "88.4101", ""),
        ("add_diagnosis", "", "J96.000"),
    ]
    assert found.left_out == (
        "诊断 E11.900 重复登记，只试一次",
        "诊断 I63.905 重复登记，只试一次",
        "手术操作 88.4101 重复登记，只试一次",
        "要增加的诊断 E11.900 病案中已有",
        "年龄已是 58，无需更正",
        "性别已是 F，无需更正",
    )
    # Every entry of a code is dropped: what is left is a record without it.
    assert found.scenarios[1].grouping.group == grouper().group(stay(("E11.900",), PX[:1])).group


@pytest.mark.parametrize("diagnoses", [(), ("",), ("", "I63.905")])
def test_a_case_without_a_principal_diagnosis(diagnoses):
    found = simulator().simulate(stay(diagnoses, ()))
    assert found.base.grouping.group is None or found.base.grouping.outcome != "GROUPED"
    assert [s.kind for s in found.scenarios] == (
        ["principal_diagnosis", "drop_diagnosis"] if any(diagnoses) else []
    )
    if found.scenarios:
        first, second = found.scenarios
        assert first.changes[0].before == ""
        assert first.grouping.outcome == "GROUPED"
        assert second.grouping.outcome == found.base.grouping.outcome


def test_no_principal_diagnosis_comes_about_by_dropping_another():
    case = stay(("", "I63.905", "J96.000"), ())
    dropped = simulator().simulate(case, Wanted(principals=False)).scenarios
    assert [s.grouping.reason for s in dropped] == ["E120", "E120"]
    # Of a record without any the code that the user names is the principal one.
    asked = replace(NONE, add_diagnoses=("I63.905",))
    (added,) = simulator().simulate(stay((), ()), asked).scenarios
    assert added.grouping.group == grouper().group(stay(("I63.905",), ())).group is not None
    (added,) = simulator().simulate(stay(("", "J96.000"), ()), asked).scenarios
    assert added.grouping.reason == "E120"


def test_the_same_reason_for_no_group_is_neither_raised_nor_cleared():
    case = stay(sex=None)
    numbers = Other(grouper(), policy(), "numbers", "drg.rates.310 = 9000")
    asked = replace(NONE, corrections={"sex": "M"}, add_diagnoses=("N17.900",))
    found = simulator().simulate(case, asked, [numbers])
    added, corrected, other = found.scenarios
    assert [(s.raised, s.cleared) for s in (added, other)] == [((), ()), ((), ())]
    assert [f.code for f in corrected.cleared] == ["E101"]


def test_what_stands_beside_a_code_moves_with_it():
    from drg.simulate.alternatives import Alternatives
    from drg.simulate.cases import Cases

    case = stay(
        DX[:3], PX[:2], conditions_at_admission="1|4|2", procedure_dates="2024-06-02|2024-06-03",
        dx_count=3, op_count=2,
    )  # fmt: skip
    (base,) = Cases.of([case]).base
    asked = Wanted(add_diagnoses=("N17.900",))
    tried = Alternatives(base, asked, lambda kind, code: "", None).tried
    cells = {one.label: one.cells for one in tried}
    assert cells["主要诊断改为 I69.300"] == {"conditions_at_admission": "2|1|4"}
    assert cells["去掉诊断 J96.000"] == {"conditions_at_admission": "1|2", "dx_count": 2}
    assert cells["增加诊断 N17.900（使用者写明）"] == {
        "conditions_at_admission": "1|4|2|", "dx_count": 4,
    }  # fmt: skip
    assert cells["主要手术操作改为 39.5000"] == {"procedure_dates": "2024-06-03|2024-06-02"}
    assert tried[0].claim.conditions_at_admission == "4|1|2"


# ---- corrections


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Int8, pl.String, pl.Float64])
def test_a_corrected_number_in_a_column_of_any_dtype(dtype):
    newborn = stay(("P07.300",), (), age=0, age_days=3, birth_weight_g=None, los_days=8)
    frame = case_frame([newborn]).with_columns(pl.col("age", "age_days").cast(dtype))
    asked = Wanted(
        principals=False, drops=False,
        corrections={"age_days": "5", "birth_weight_g": "1400", "age": "", "disposition": "5"},
    )  # fmt: skip
    (found,) = simulator().simulate_frame(frame, case_columns(frame), asked)
    told = [
        newborn.model_copy(update=update)
        for update in (
            {"age_days": 5}, {"birth_weight_g": 1400}, {"age": None}, {"disposition": "5"},
        )
    ]  # fmt: skip
    assert [seat(s.grouping) for s in found.scenarios] == [seat(grouper().group(c)) for c in told]
    assert found.scenarios[1].changes[0].before == ""
    assert found.scenarios[2].label == "年龄由 0 更正为 未填"


def test_a_corrected_cost_changes_the_money_alone():
    found = simulator().simulate(
        stay(), Wanted(principals=False, principal_procedures=False, drops=False,
                       corrections={"total_cost": "3000.01"}),
    )  # fmt: skip
    (scenario,) = found.scenarios
    assert scenario.same_group
    assert scenario.money.cost_fen == 300_001
    assert scenario.money.case_class == "ULTRA_LOW"
    assert scenario.because


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("age", "old", "G401"), ("age", "1.5", "G401"), ("discharged_on", "2024-13-01", "G401"),
        ("total_cost", "1,000", "G401"), ("sex", "X", "G401"), ("los_days", "9" * 12, "G401"),
        ("diagnoses", "I63.905", "G402"), ("claim_id", "2", "G402"), ("nothing", "1", "G402"),
    ],
)  # fmt: skip
def test_a_correction_that_cannot_be_read(name, value, code):
    with pytest.raises(SimulateError) as told:
        simulator().simulate(stay(), Wanted(corrections={name: value}))
    assert told.value.code == code
    for lang in ("zh", "en"):
        assert name in told.value.message(lang)
    assert isinstance(told.value, DrgError)
    assert told.value.exit_code == 2


# ---- elsewhere


def test_other_schemes_policies_and_numbers():
    other = policy(**{"drg.rates.310": "9000"})
    found = simulator().simulate(
        stay(),
        NONE,
        [
            Other(grouper(), other, "numbers", "drg.rates.310 = 9000"),
            Other(grouper("demo"), policy(), "scheme", "haerbin-2022 → demo"),
        ],
    )
    scheme, numbers = found.scenarios
    assert (scheme.kind, numbers.kind) == ("scheme", "numbers")
    # The policy pays for groups of another scheme: no sum is made up.
    assert scheme.money is None
    assert scheme.difference.fund_fen is None
    assert scheme.grouping.group == grouper("demo").group(stay()).group
    assert "故不估算支付" in scheme.because[-1]
    assert numbers.same_group
    assert numbers.money.changed == ("drg.rates.310 = 9000",)
    assert numbers.money.rate_fen == 900_000
    assert numbers.difference.standard_fen < 0
    assert numbers.because
    assert [(c.field, c.after) for c in numbers.changes] == [("numbers", "drg.rates.310 = 9000")]
    assert scheme.changes[0].after == "demo"


@pytest.mark.parametrize(("scheme", "pays"), [("demo", "demo-2024"), ("taian-2025", "demo-2024")])
def test_a_policy_of_another_scheme_is_refused(scheme, pays):
    with pytest.raises(PaymentError) as told:
        Simulator(grouper(scheme), policy(pays))
    assert told.value.code == "P426"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    root = tmp_path_factory.mktemp("schemes")
    make(root / "made-2021", ("2021-01-01", "2022-01-01"))
    make(root / "made-2022", ("2022-01-01", "2023-01-01"), group="BR17")
    return VersionedGrouper.load(root)


def test_a_place_chooses_the_version_of_each_alternative(city):
    asked = replace(NONE, corrections={"discharged_on": "2021-03-05", "admitted_on": "1900-01-01"})
    other = Other(city.version("made-2021"), None, "scheme", "→ made-2021")
    found = Simulator(city).simulate(
        stay(("I63.905",), (), discharged_on="2022-03-05"), asked, [other]
    )
    assert (found.base.grouping.scheme, found.base.grouping.group) == ("made-2022", "BR17")
    assert found.base.grouping.digest == city.version("made-2022").digest
    assert [(s.grouping.scheme, s.grouping.group) for s in found.scenarios] == [
        ("made-2021", "BR15"), ("made-2022", "BR17"), ("made-2021", "BR15"),
    ]  # fmt: skip


def test_a_case_of_a_day_that_no_version_serves(city):
    found = Simulator(city).simulate(stay(discharged_on="1990-01-01"))
    assert found.base.grouping.outcome == "NOT_IN_FORCE"
    assert found.base.grouping.scheme is None
    assert found.base.grouping.nearest_version == "made-2021 [2021-01-01, 2022-01-01)"
    assert found.base.grouping.scheme_title == "造城"
    assert found.base.path[1].kind == "version"
    assert found.base.diagnoses[1] == ("J96.000", "急性呼吸衰竭")
    assert {s.grouping.outcome for s in found.scenarios} == {"NOT_IN_FORCE"}


def test_findings_that_a_change_raises_and_settles():
    found = simulator().simulate(stay(procedures=("39.7600x010", "88.4101")))
    settled = {s.label[:4]: [f.code for f in s.cleared] for s in found.scenarios if s.cleared}
    assert settled == {"去掉主要": ["N402"]}
    assert [f.code for f in found.base.findings] == ["N402"]


def test_english():
    found = simulator().simulate(stay(), Wanted(drops=False), lang="en")
    assert found.notice.startswith("This is for checking")
    assert found.scenarios[0].label.startswith("principal diagnosis J96.000")
    assert found.base.grouping.scheme_title.isascii()


# ---- speed


def test_all_alternatives_of_a_long_record_are_grouped_in_one_quick_batch():
    from drg.simulate.alternatives import Alternatives
    from drg.simulate.cases import Cases

    cases = Cases.of([stay(DX, PX)])
    tried = Alternatives(cases.base[0], Wanted(), lambda kind, code: "", None).tried
    assert len(tried) == 48

    def run():
        begun = time.perf_counter()
        batch = cases.with_alternatives([tried])
        assert grouper().group_frame(*batch, threads=1).height == 49
        return time.perf_counter() - begun

    # 3.4 ms on two cores that are busy with other work; generous, for a loaded machine.
    assert min(run() for _ in range(20)) < 0.025
