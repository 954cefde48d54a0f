"""Shipped policies: whole, sourced, and their numbers where the documents have them."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from fractions import Fraction

import pytest
from policy_files import EXAMPLES, FILES, SOURCES, name_of

from drg.dates import Month
from drg.payment.policy.catalog import list_policies, load_policy, origin_of
from drg.payment.policy.paths import written
from drg.payment.weight_table import load_weight_table
from drg.text import set_language

SECTIONS = (
    "drg", "per_disease", "bed_day", "outpatient", "community", "budget", "month", "year",
)  # fmt: skip
NAMED = ("chongqing-2018", "chuzhou-2019", "suining-2021", "fuxin-2009", "baoshan-2021")


# ---- what is shipped


def test_every_policy_is_listed():
    found = list_policies()
    assert {policy.id for policy in found} == {f"{p.parent.name}-{p.stem}" for p in FILES}
    assert set(NAMED) <= {policy.id for policy in found}
    assert {"haerbin-2022", "haerbin-2023", "haerbin-2024", "demo-2024"} <= {p.id for p in found}
    # Made-up numbers stand in the one policy that shows DIP, and nowhere else.
    assert {policy.id for policy in found if policy.synthetic} == {"dip-demo-2025"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_policy_loads_and_says_whence(path):
    policy = load_policy(f"{path.parent.name}-{path.stem}")
    assert policy.kind == "policy"
    assert policy.place == path.parent.name
    assert policy.title_zh
    assert policy.title_en
    assert policy.in_force_note
    assert policy.in_force_status in ("official", "transcribed", "derived", "recalled", "unknown")
    assert re.fullmatch(r"[0-9a-f]{64}", policy.digest)
    assert set(policy.sources) <= SOURCES.keys()
    for note in policy.notes:
        assert note.keys() == {"where", "source", "status", "text_zh", "text_en"}, note
        assert note["source"] in SOURCES


def numbers_of(value: object, path: str = ""):
    """Paths of everything in a TOML that is a number, or stands for one as text."""
    if isinstance(value, dict):
        if "value" in value:
            yield from numbers_of(value["value"], path)
        else:
            for key, part in value.items():
                yield from numbers_of(part, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            name = part.get("id", number) if isinstance(part, dict) else number
            yield from numbers_of(part, f"{path}.{name}")
    elif not isinstance(value, bool) and (
        isinstance(value, int | Decimal) or re.fullmatch(r"[\d.]+", str(value))
    ):
        yield path


@pytest.mark.parametrize("path", [*FILES, *EXAMPLES], ids=name_of)
def test_no_number_without_a_source(path):
    """Read past the loader: each number of the file has its document and status in the policy."""
    policy = load_policy(path)
    raw = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    paths = [p for name in SECTIONS if name in raw for p in numbers_of(raw[name], name)]
    assert paths or policy.wanted or raw.get("tables")
    for number in paths:
        origin = origin_of(policy, number)
        assert origin is not None, number
        assert origin.source in SOURCES, number
        assert origin.status in ("official", "transcribed", "derived", "recalled", "synthetic")


def test_status_is_that_of_the_register_or_weaker():
    """A number is not official whose document was not read."""
    order = ["official", "transcribed", "derived", "recalled", "synthetic"]
    for policy in list_policies():
        for path, origin in policy.provenance.items():
            registered = SOURCES[origin.source]["status"]
            assert order.index(origin.status) >= order.index(registered), (policy.id, path)


@pytest.mark.parametrize(
    ("wanted", "path", "value", "status"),
    [
        ("chongqing-2018", "outpatient.deductible", "0.00", "official"),
        ("chongqing-2018", "outpatient.ratio", "0.6", "official"),
        ("chongqing-2018", "outpatient.annual_cap", "100.00", "official"),
        ("chongqing-2018", "outpatient.levels", "一级, 一级以下", "official"),
        ("chongqing-2018", "budget.employee_min", "150000.00", "official"),
        ("chongqing-2018", "budget.resident_min", "100000.00", "official"),
        ("chongqing-2018", "month.compute_day", "10", "official"),
        ("chongqing-2018", "month.pay_day", "15", "official"),
        ("chongqing-2018", "year.clear_by.", "03-31", "official"),
        ("chuzhou-2019", "year.violation_this_year", "true", "transcribed"),
        ("chuzhou-2019", "year.violation_next_year", "proportional", "transcribed"),
        ("chuzhou-2019", "budget.outside", "negotiated_cancer_drug", "transcribed"),
        ("fuxin-2009", "month.retention", "0.1", "official"),
        ("fuxin-2009", "month.retention_base", "undisputed", "derived"),
        ("fuxin-2009", "month.dispute_advance", "0.8", "official"),
        ("fuxin-2009", "month.hold_days", "30", "official"),
        ("fuxin-2009", "month.pay_workdays", "20", "official"),
        ("fuxin-2009", "month.working_capital", "true", "official"),
        ("fuxin-2009", "month.quarterly", "true", "official"),
        ("baoshan-2021", "community.assessed", "true", "official"),
        ("baoshan-2021", "year.next_quota_from_result", "true", "official"),
        ("haerbin-2023", "drg.rates.1.rate", "12099.85", "transcribed"),
        ("haerbin-2024", "drg.rates.0.rate", "12252.70", "transcribed"),
        ("haerbin-2024", "drg.outliers.high.三级", "3", "transcribed"),
        ("haerbin-2024", "drg.outliers.high.二级", "2", "transcribed"),
        ("haerbin-2024", "drg.outliers.low", "0.3", "transcribed"),
        ("haerbin-2024", "drg.outliers.high_cap", "0.05", "transcribed"),
        ("haerbin-2024", "drg.outliers.applied_cap", "0.03", "transcribed"),
        ("haerbin-2024", "month.retention", "0.05", "derived"),
        ("demo-2024", "drg.weights", "haerbin-2022", "transcribed"),
        ("dongying-2022", "bed_day.psychiatry.cap", "1.02", "transcribed"),
        ("dongying-2022", "bed_day.psychiatry.rates.2.per_diem", "260.00", "transcribed"),
        ("dalian-2018", "bed_day.psychiatry.rates.0.per_diem", "260.00", "official"),
        ("dalian-2018", "bed_day.psychiatry.category_factors.390|低收入", "0.8", "official"),
        ("dezhou-2020", "bed_day.psychiatry.max_average_days", "60", "transcribed"),
        ("dezhou-2020", "bed_day.psychiatry.self_pay_max.二级", "0.04", "transcribed"),
        ("chuxiong-2017", "bed_day.psychiatry.package.package", "15000.00", "transcribed"),
        ("chuxiong-2017", "bed_day.psychiatry.package.max_days", "56", "transcribed"),
        ("chuxiong-2017", "bed_day.psychiatry.package.patient_ratio", "0.1", "transcribed"),
        ("medicare-ipf-2024", "bed_day.psychiatry.factors.0.emergency_factor", "1.31", "recalled"),
        ("medicare-ipf-2024", "bed_day.psychiatry.factors.13.factor", "0.92", "recalled"),
        ("qingyang-2025", "drg.exclusion.short_days", "2", "transcribed"),
        ("qingyang-2025", "drg.exclusion.long_days", "60", "transcribed"),
        ("beijing-2022", "drg.new_technology.share", "0.64", "transcribed"),
        ("beijing-2022", "drg.procurement.beyond_task", "0.7", "transcribed"),
        ("taicang-undated", "year.overspend_band", "0.2", "transcribed"),
        ("taicang-undated", "year.reward_cap", "0.03", "transcribed"),
        ("jinhua-2017", "drg.readmission.factor", "0.5", "recalled"),
        ("jinhua-2017", "drg.readmission.window_days", "10", "transcribed"),
        ("zhejiang-2019", "month.prepay", "0.85", "transcribed"),
        ("zhejiang-2019", "drg.review.cap", "0.005", "transcribed"),
    ],
)
def test_the_documents_numbers(wanted, path, value, status):
    policy = load_policy(wanted)
    assert written(policy, tuple(path.split("."))) == value
    assert policy.provenance[path].status == status


def test_what_the_documents_do_not_give_is_wanted_not_invented():
    wanted = {name: set(load_policy(name).wanted) for name in NAMED}
    assert wanted["chongqing-2018"] == {
        "per_disease.table", "bed_day.psychiatry.rates", "outpatient.per_head",
        "year.reward_ratio", "year.overspend_share", "year.next_raise", "year.next_cut",
    }  # fmt: skip
    assert wanted["chuzhou-2019"] == {"per_disease.table"}
    assert wanted["suining-2021"] == {"drg.weights", "drg.rates"}
    assert wanted["fuxin-2009"] == {"year.overspend_share", "year.reward_ratio"}
    assert {"drg.weights", "drg.rates", "community.per_head"} <= wanted["baoshan-2021"]
    assert load_policy("suining-2021").drg.rates == ()
    assert load_policy("chongqing-2018").outpatient.per_head is None


def test_what_is_wanted_says_how_to_supply_it_in_both_languages():
    for lang in ("zh", "en"):
        set_language(lang)
        for policy in list_policies():
            for path, why in policy.wanted.items():
                assert f"--set {path}" in why, (policy.id, path)
                assert bool(re.search(r"[一-龥]{4}", why)) == (lang == "zh"), why
    set_language("zh")


@pytest.mark.parametrize("year", [2023, 2024])
def test_harbin_pays_by_the_rates_of_its_tables(year):
    policy, table = load_policy(f"haerbin-{year}"), load_weight_table(f"haerbin-{year}")
    assert policy.drg.weights == (table.id,)
    assert {r.insurance: r.rate for r in policy.drg.rates} == {
        r.insurance: r.fen for r in table.rates
    }
    assert policy.in_force == table.in_force


def test_numbers_are_exact():
    policy = load_policy("haerbin-2024")
    assert policy.drg.outliers.low == Fraction(3, 10)
    assert policy.drg.rates[0].rate == 1_225_270
    demo = load_policy("demo-2024")
    assert [(r.insurance, r.hospital_level, r.rate) for r in demo.drg.rates] == [
        ("310", "", 1_225_270),
        ("390", "", 964_924),
    ]
    assert demo.drg.scheme == "haerbin-2022"
    assert demo.drg.outliers == policy.drg.outliers


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_examples_supply_what_is_wanted_and_are_marked(path):
    policy = load_policy(path)
    assert policy.synthetic
    assert not policy.wanted
    base = load_policy(next(name for name in NAMED if name.startswith(policy.place)))
    for number, origin in base.provenance.items():
        if origin.status == "official":
            assert policy.provenance[number] == origin, number
    assert load_policy(path, on=Month.parse("2025-06")).id == policy.id


def test_one_example_a_named_system():
    assert {path.stem for path in EXAMPLES} == {name.rpartition("-")[0] for name in NAMED}
