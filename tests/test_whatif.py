"""Policy what-if: reforms are exact and share what they leave, runs are decided anew, sums tie."""

from __future__ import annotations

import re
import shlex
import shutil
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from conftest import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.claims.profiles import match_columns
from drg.claims.synth_model import Model, build_model
from drg.claims.writers import write_frames
from drg.cli import cli
from drg.dates import Interval, Month
from drg.dip.load import load_grouper
from drg.errors import DrgError
from drg.payment.policy.catalog import load_policy, origin_of
from drg.payment.pricing.price import price_frame
from drg.reports.whatif_page import write_whatif_page
from drg.reports.whatif_words import idle_words, percent, signed
from drg.scale.group_file import group_file
from drg.scale.whatif_file import read_reforms, whatif_file
from drg.simulate.change import Change, WhatIfError, read_change
from drg.simulate.compare_runs import BY, ROW_SCHEMA, compare_runs
from drg.simulate.reform import Reform, reform_policy
from drg.simulate.whatif import WhatIf, scheme_of_reform, what_if

MONTH = "2024-06"
REFORMS = (
    ["drg.rates -3%"],
    ["drg.outliers.low = 0.4"],
    ["drg.outliers.high.三级 = 2", "drg.outliers.high_cap = 0.02"],
)


#: A scheme is read once for all command lines here, and what claims are made from is built once.
loaded_once = cache(load_grouper)
_MODELS: dict[tuple[str, int], Model] = {}


def model_once(scheme, hospitals, parameters):
    key = (scheme.digest, hospitals)
    if key not in _MODELS:
        _MODELS[key] = build_model(scheme, hospitals, parameters)
    return _MODELS[key]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRG_LANG", raising=False)
    monkeypatch.setattr("drg.claims.synth.build_model", model_once)
    monkeypatch.setattr("drg.scale.whatif_file.load_grouper", loaded_once)


@pytest.fixture(scope="module")
def policy():
    return load_policy("demo-2024")


@pytest.fixture(scope="module")
def grouper():
    return load("haerbin-2022")


@pytest.fixture(scope="module")
def claims(grouper):
    import drg

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("drg.claims.synth.build_model", model_once)
        made = drg.synth(grouper.scheme, 1500, seed=4, month=MONTH)
    return made.with_columns(hospital_level=pl.lit("三级"))


@pytest.fixture(scope="module")
def runs(claims, policy, grouper):
    return what_if(claims, policy, map(Reform.of, REFORMS), grouper=grouper, month=MONTH)


#: Read once, for all examples of a property.
_DEMO = cache(lambda: load_policy("demo-2024"))

# ---- changes


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("drg.rates -3%", ("drg.rates", "percent", "-3")),
        ("drg.rates − 3 ％", ("drg.rates", "percent", "-3")),
        ("drg.rates.310 ×0.97", ("drg.rates.310", "times", "0.97")),
        ("drg.rates *0.97", ("drg.rates", "times", "0.97")),
        ("drg.rates +500", ("drg.rates", "add", "500")),
        ("drg.coefficients.H-1=1.02", ("drg.coefficients.H-1", "set", "1.02")),
        ("scheme = chs-drg-2.0", ("scheme", "set", "chs-drg-2.0")),
    ],
)
def test_changes_are_read(text, wanted):
    change = read_change(text)
    assert (change.path, change.how, change.value) == wanted
    assert read_change(str(change)) == change


@pytest.mark.parametrize(
    "text", ["", "drg.rates", "= 3", "drg.rates =", "drg.rates-3%", "a b = 3", "drg.rates ×3%",
             "drg.rates -x", "drg.rates -3%%", "drg.rates -1e3"],
)  # fmt: skip
def test_what_is_no_change_is_told(text):
    with pytest.raises(WhatIfError) as error:
        read_change(text)
    assert error.value.code == "G420"


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("demo-2024", "drg.rates.310", "9000"),
        ("demo-2024", "drg.outliers.low", "0.4"),
        ("demo-2024", "drg.outliers.high.三级", "2.5"),
        ("demo-2024", "drg.exclusion.long_days", "70"),
        ("demo-2024", "drg.coefficients.H0001", "1.02"),
        ("demo-2024", "drg.coefficients.H0001.BR23", "1.02"),
        ("demo-2024", "drg.ungrouped", "by_item"),
        ("demo-2024", "drg.share.basis", "min"),
        ("dip-demo-2025", "dip.point_values.390", "7"),
        ("dip-demo-2025", "dip.deviation.low", "0.4"),
        ("dip-demo-2025", "dip.same_price_groups", "A,B"),
        ("dezhou-2020", "bed_day.psychiatry.rates.三级", "190"),
        ("dezhou-2020", "bed_day.psychiatry.cap", "1.02"),
        ("chongqing-2018", "outpatient.ratio", "0.5"),
    ],
)
def test_a_number_put_in_place_is_as_if_supplied(name, path, value):
    """Two ways to one policy: copied and amended, or read anew with ``--set``."""
    base = load_policy(name)
    made = reform_policy(base, Reform.of([f"{path} = {value}"])).policy
    wanted = load_policy(name, supply={path: value})
    assert made.digest == wanted.digest != base.digest
    assert made.wanted == wanted.wanted
    changed = {key for key in made.provenance if made.provenance[key] != base.provenance.get(key)}
    assert {made.provenance[key].status for key in changed} == {"supplied"}


def test_only_what_changes_is_copied(policy):
    before = policy.model_dump(mode="json")
    made = reform_policy(policy, Reform.of(["drg.outliers.low = 0.4", "drg.rates.310 -3%"]))
    drg, base = made.policy.drg, policy.drg
    assert drg.outliers.high is base.outliers.high
    assert drg.outliers.means is base.outliers.means
    assert drg.rates[1] is base.rates[1]
    assert drg.rates[0] is not base.rates[0]
    for name in type(base).model_fields:
        if name not in ("outliers", "rates"):
            assert getattr(drg, name) is getattr(base, name)
    for name in ("dip", "bed_day", "month", "year", "budget"):
        assert getattr(made.policy, name) is getattr(policy, name)
    assert policy.model_dump(mode="json") == before
    assert origin_of(made.policy, "drg.rates.0.rate").status == "supplied"
    assert origin_of(made.policy, "drg.rates.1.rate") == origin_of(policy, "drg.rates.1.rate")


@given(
    st.decimals("-40", "60", places=2).filter(bool),
    st.sampled_from(["percent", "times", "add"]),
)
@settings(max_examples=25)
def test_relative_changes_are_exact_and_rounded_once(number, how):
    policy = _DEMO()
    if how == "times":
        number = abs(number) / 50
    made = reform_policy(policy, Reform("x", (Change("drg.rates", how, str(number)),)))
    for old, new in zip(policy.drg.rates, made.policy.drg.rates, strict=True):
        rate, by = Decimal(old.rate) / 100, Decimal(number)
        wanted = {"percent": rate * (100 + by) / 100, "times": rate * by, "add": rate + by}[how]
        assert Decimal(new.rate) / 100 == wanted.quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_ratios_and_point_values_stay_exact():
    base = load_policy("dip-demo-2025")
    made = reform_policy(base, Reform.of(["dip.point_values -3%", "dip.coefficients ×0.333333"]))
    rows = zip(base.dip.point_values, made.policy.dip.point_values, strict=True)
    assert all(new.yuan == old.yuan * Fraction(97, 100) for old, new in rows)
    assert [row.coefficient for row in made.policy.dip.coefficients] == [
        Fraction("0.36"), Fraction("0.316666"), Fraction("0.266666"),
    ]  # fmt: skip


def test_lineage_names_every_number(policy, tmp_path):
    table = tmp_path / "coefficients.csv"
    table.write_text("hospital,coefficient\nH1,1.02\nH2,0.98\n", "utf-8")
    first = reform_policy(policy, Reform.of([f"drg.coefficients = {table}"], "系数"))
    assert [tuple(one) for one in first.lineage] == [
        ("drg.coefficients.H1", "—", "1.02"), ("drg.coefficients.H2", "—", "0.98"),
    ]  # fmt: skip
    again = reform_policy(first.policy, Reform.of(["drg.coefficients.H2 +0.01", "drg.rates -1%"]))
    assert [tuple(one) for one in again.lineage] == [
        ("drg.rates.310", "12252.70", "12130.17"),
        ("drg.rates.390", "9649.24", "9552.75"),
        ("drg.coefficients.H2", "0.98", "0.99"),
    ]
    assert again.name == f"demo-2024@{first.policy.digest[:12]} + {again.label}"
    assert first.metadata["drg.base"] == f"demo-2024@{policy.digest[:12]}"
    assert "drg.coefficients.H1: — → 1.02" in first.metadata["drg.reform_changes"]
    by_place = reform_policy(policy, Reform.of(["drg.rates.0.rate = 9000"]))
    assert by_place.lineage == (("drg.rates.310", "12252.70", "9000.00"),)


@pytest.mark.parametrize(
    ("name", "changes", "code"),
    [
        ("demo-2024", ["drg.rates.310 = 12252.70"], "G421"),
        ("demo-2024", ["drg.weights = haerbin-2022"], "G421"),
        ("demo-2024", ["drg.outliers.low = 0.4", "drg.outliers.low = 0.4"], "G421"),
        ("demo-2024", [], "G421"),
        ("demo-2024", ["drg.outliers.extreme -3%"], "G422"),
        ("demo-2024", ["drg.rates.999 -3%"], "G434"),
        ("dip-demo-2025", ["dip.coefficients.三级 ×1.05"], "G434"),
        ("demo-2024", ["drg.rates.0.insurance -3%"], "G422"),
        ("demo-2024", ["drg.rates.0.insurance = 390"], "P473"),
        ("demo-2024", ["policy = haerbin-2023"], "G433"),
        ("demo-2024", ["policy = a", "policy = b"], "G428"),
        ("demo-2024", ["drg.ungrouped -3%"], "G422"),
        ("demo-2024", ["dip.auxiliary = none"], "G422"),
        ("demo-2024", ["drg.rates = 9000"], "G423"),
        ("haerbin-2024", ["drg.rates.310 = 9000"], "G423"),
        ("dip-demo-2025", ["dip.coefficients = 1.1"], "G423"),
        ("demo-2024", ["month.retention = 0.1"], "G424"),
        ("demo-2024", ["drg.rate_mode = floating"], "G424"),
        ("demo-2024", ["scheme = taian-2025"], "G426"),
        ("demo-2024", ["scheme = chs-drg-2.0"], "G427"),
        ("demo-2024", ["scheme = a", "scheme = b"], "G428"),
        ("demo-2024", ["scheme ×2"], "G428"),
        ("demo-2024", ["drg.scheme = chs-drg-2.0"], "G427"),
        ("demo-2024", ["drg.outliers.low = 3.5"], "P462"),
        ("demo-2024", ["drg.rates -100%"], "P462"),
        ("demo-2024", ["drg.rates.310 = abc"], "P462"),
        ("demo-2024", ["drg.outliers.reference = dear"], "P463"),
        ("demo-2024", ["drg.rate.310 = 9000"], "P476"),
        ("demo-2024", ["drg.rates.7.rate = 9000"], "P476"),
        ("demo-2024", ["nothing.at.all -3%"], "P476"),
        ("dezhou-2020", ["bed_day.eyes.rates -3%"], "P476"),
    ],
)
def test_what_cannot_be_is_refused(name, changes, code):
    with pytest.raises(DrgError) as error:
        reform_policy(load_policy(name), Reform.of(changes))
    assert error.value.code == code
    assert "--set" not in error.value.where
    assert error.value.message("en") != error.value.message("zh")


# ---- runs


def test_runs_are_what_pricing_anew_gives(runs, claims, policy, grouper):
    """Caps and classes of a reform are those of a month that never knew another policy."""
    grouped = grouper.group_frame(claims)
    base = price_frame(grouped, policy, month=MONTH)
    assert runs[0].frame.equals(base)
    for run, texts in zip(runs[1:], REFORMS, strict=True):
        reformed = reform_policy(policy, Reform.of(texts)).policy
        assert run.frame.equals(price_frame(grouped, reformed, month=MONTH)), texts
        assert run.label == "; ".join(texts)


def values_of(series):
    """A column's values where they lie; None where polars shows them only as a copy."""
    series = series.to_physical()
    whole = series.dtype.is_integer() and not series.null_count()
    return series.to_numpy(allow_copy=False) if whole else None


def test_columns_that_do_not_change_are_the_baselines(runs):
    base = runs[0].frame
    changing = {"rate_fen", "standard_fen", "price_fen", "fund_fen", "hospital_fen", "case_class",
                "branch", "policy"}  # fmt: skip
    for run in runs[1:]:
        own = {n for n in base.columns if not base[n].equals(run.frame[n])}
        assert {"price_fen", "fund_fen", "policy"} <= own <= changing
        seen = {n: values_of(base[n]) for n in base.columns if n not in own}
        fixed = {n: values for n, values in seen.items() if values is not None}
        assert {"outcome", "cost_fen"} <= {*fixed}
        for name, values in fixed.items():
            assert np.shares_memory(values, values_of(run.frame[name])), name


def test_parts_come_to_the_whole(claims, policy, grouper, runs):
    columns = match_columns(claims.columns, claims.schema)
    work = WhatIf(policy, map(Reform.of, REFORMS), grouper=grouper, month=MONTH)
    parts = [claims.slice(start, 400) for start in range(0, claims.height, 400)]
    for part in parts:
        work.assess(part, columns)
    work.decide()
    found = [work.finish(part, columns) for part in parts]
    for number, run in enumerate(runs):
        whole = pl.concat([part[number].frame for part in found])
        assert whole.equals(run.frame)


def test_another_scheme(claims, policy, grouper, tmp_path):
    """Claims are grouped anew, and priced by weights of that scheme."""
    other = load("chs-drg-1.1")
    groups = other.group_frame(claims).filter(pl.col("outcome") == "GROUPED")["group"]
    weights = tmp_path / "weights.csv"
    names = groups.cast(pl.String).unique().sort()
    pl.DataFrame({"group": names, "weight": ["1.0000"] * len(names)}).write_csv(weights)
    reform = Reform.of(["scheme = chs-drg-1.1", f"drg.weights = {weights}"])
    before, after = what_if(
        claims, policy, [reform], grouper=grouper, schemes={"chs-drg-1.1": other}, month=MONTH
    )
    assert (after.policy.drg.scheme, after.scheme) == ("chs-drg-1.1", "chs-drg-1.1")
    assert after.frame["group"].equals(other.group_frame(claims)["group"])
    compared = compare_runs(before, after)
    moves = compared.moves.filter(pl.col("kind") == "group")
    table = compared.tables["group"]
    assert moves["claims"].sum() == table["came"].sum() == table["left"].sum() > 100
    assert (table["claims_before"] + table["came"] - table["left"]).equals(table["claims_after"])
    assert table["difference_fen"].sum() == compared.total["difference_fen"]
    # Grouped claims are grouped anew all the same.
    again = what_if(
        grouper.group_frame(claims), policy, [reform], schemes={"chs-drg-1.1": other}, month=MONTH
    )
    assert again[0].scheme == ""
    assert again[1].frame["group"].equals(after.frame["group"])
    with pytest.raises(WhatIfError, match="G429"):
        what_if(claims, policy, [reform], grouper=grouper)


def test_another_policy(claims, policy, grouper):
    """Another year's rules on these claims, as if they were in force; changes apply to it."""
    other = load_policy("haerbin-2023")
    reforms = [
        Reform.of(["policy = haerbin-2023"]),
        Reform.of(["policy = haerbin-2023", "drg.rates.310 = 9000"], "both"),
    ]
    with pytest.raises(WhatIfError, match="G433"):
        what_if(claims, policy, reforms, grouper=grouper)
    before, after, both = what_if(
        claims, policy, reforms, grouper=grouper, policies={"haerbin-2023": other}, month=MONTH
    )
    timeless = other.model_copy(update={"in_force": Interval()})
    grouped = grouper.group_frame(claims)
    assert after.frame.equals(price_frame(grouped, timeless, month=MONTH))
    assert (after.policy.digest, after.policy.in_force) == (other.digest, other.in_force)
    assert after.reformed.lineage[0] == (
        "policy", f"demo-2024@{policy.digest[:12]}", f"haerbin-2023@{other.digest[:12]}"
    )  # fmt: skip
    assert ("drg.rates.310", "12252.70", "12165.26") in after.reformed.lineage
    assert ("drg.rates.310", "12252.70", "9000.00") in both.reformed.lineage
    assert (
        both.policy.digest == load_policy("haerbin-2023", supply={"drg.rates.310": "9000"}).digest
    )
    compared = compare_runs(before, after)
    assert compared.unpaid["after"]["P634"] > compared.unpaid["before"]["P634"]
    total = compared.total
    assert total["paid_after"] + sum(compared.unpaid["after"].values()) == claims.height
    with pytest.raises(WhatIfError, match="G421"):
        what_if(claims, policy, [Reform.of(["policy = demo-2024"])], policies={"demo-2024": policy})
    same = Reform.of(["scheme = haerbin-2022"])
    with pytest.raises(WhatIfError, match="G421"):
        what_if(claims, policy, [same], grouper=grouper, schemes={"haerbin-2022": grouper})


def test_another_policy_brings_its_scheme(claims, policy, grouper):
    other, reform = load_policy("dip-demo-2025"), Reform.of(["policy = dip-demo-2025"])
    assert scheme_of_reform(reform, other, policy, grouper) == "taian-2025"
    assert scheme_of_reform(reform, other, other, None) == ""
    assert scheme_of_reform(reform, load_policy("haerbin-2023"), policy, grouper) == ""
    with pytest.raises(WhatIfError, match="G429"):
        WhatIf(policy, [reform], grouper=grouper, policies={"dip-demo-2025": other})


@pytest.mark.long
def test_scores_in_place_of_weights(claims, policy, grouper):
    other, catalogue = load_policy("dip-demo-2025"), load_grouper("taian-2025")
    reform = Reform.of(["policy = dip-demo-2025"])
    given = {"grouper": grouper, "policies": {"dip-demo-2025": other}}
    few = claims.head(60)
    _, after = what_if(few, policy, [reform], schemes={"taian-2025": catalogue}, **given)
    assert after.scheme == "taian-2025"
    assert after.frame["group"].equals(catalogue.group_frame(few)["group"])
    assert "DIP" in set(after.frame["pay_mode"])


def test_scores_as_well():
    """DIP: point values, which are exact quotients, and deviation."""
    policy = load_policy("dip-demo-2025")
    rows = 60
    claims = pl.DataFrame(
        {
            "claim_id": [f"C{n}" for n in range(rows)],
            "hospital_id": "H1",
            "hospital_level": "三级",
            "insurance": ["310", "390"] * (rows // 2),
            "discharged_on": "2025-06-01",
            "diagnoses": "J18.900",
            "total_cost": [f"{2000 + 150 * n}.00" for n in range(rows)],
            "patient_paid": "500.00",
            "group": "J18.9:保守治疗",
            "outcome": "GROUPED",
            "group_class": "core",
            "auxiliary": pl.Series([None] * rows, dtype=pl.String),
            "score": "800.00",
        }
    )
    reforms = [Reform.of(["dip.point_values -5%"]), Reform.of(["dip.deviation.low = 0.7"])]
    before, cheaper, lower = what_if(claims, policy, reforms)
    assert before.frame["pay_mode"].unique().to_list() == ["DIP"]
    total = compare_runs(before, cheaper).total
    assert total["paid_before"] == rows
    assert total["difference_fen"] < 0
    moves = compare_runs(before, lower).moves
    assert moves.select("kind", "from", "to").rows() == [("class", "NORMAL", "ULTRA_LOW")]


# ---- comparison


def test_differences_tie(runs):
    """Rows, parts of every table and the total are one sum, by fen; checked row by row."""
    before = runs[0]
    for after in runs[1:]:
        compared = compare_runs(before, after)
        total = compared.total
        assert compared.rows.schema == ROW_SCHEMA
        assert compared.rows["difference_fen"].sum() == total["difference_fen"] != 0
        for name, keys in BY.items():
            table = compared.tables[name]
            assert table.columns[: len(keys)] == list(keys)
            for column in ("fund_before_fen", "fund_after_fen", "difference_fen", "claims_before",
                           "claims_after", "changed", "paid_after"):  # fmt: skip
                assert table[column].sum() == total[column], (name, column)
        wanted, sums, differing = [0, 0], {}, []
        pairs = zip(
            before.frame.iter_rows(named=True), after.frame.iter_rows(named=True), strict=True
        )
        for number, (one, other) in enumerate(pairs, start=1):
            funds = [
                0 if row["pay_mode"] in ("UNPAID", "STATISTICS") else row["fund_fen"]
                for row in (one, other)
            ]
            wanted = [a + b for a, b in zip(wanted, funds, strict=True)]
            hospital = sums.setdefault(one["hospital_id"], [0, 0])
            sums[one["hospital_id"]] = [a + b for a, b in zip(hospital, funds, strict=True)]
            names = ("pay_mode", "case_class", "branch", "fund_fen", "patient_fen", "payment_note")
            if any(one[name] != other[name] for name in names):
                differing.append(number)
        assert [total["fund_before_fen"], total["fund_after_fen"]] == wanted
        assert compared.rows["row"].to_list() == differing
        assert total["changed"] == len(differing)
        hospitals = compared.tables["hospital"]
        found = hospitals.select("hospital_id", "fund_before_fen", "fund_after_fen").iter_rows()
        assert {key: [a, b] for key, a, b in found} == sums


def test_moves_between_classes(runs):
    moves = compare_runs(runs[0], runs[2]).moves
    assert moves.select("kind", "from", "to").rows() == [("class", "NORMAL", "ULTRA_LOW")]
    rows = compare_runs(runs[0], runs[2]).rows
    assert moves["claims"].item() == rows.height
    assert moves["difference_fen"].item() == rows["difference_fen"].sum() < 0
    assert set(rows["changed"]) <= {"class,branch,fund", "class,branch"}


def test_a_run_against_itself_and_against_others(runs, claims, policy, grouper):
    same = compare_runs(runs[0], runs[0])
    assert not same.rows.height
    assert not same.moves.height
    assert same.total["difference_fen"] == 0
    assert same.total["ratio_e4"] == 0
    assert "变更的数在这批病例中没有用到" in idle_words(same, "zh")
    fewer = what_if(claims.head(100), policy, [], grouper=grouper)
    turned = what_if(claims.reverse(), policy, [], grouper=grouper)
    for other, row in ((fewer[0], 101), (turned[0], 1)):
        with pytest.raises(WhatIfError) as error:
            compare_runs(runs[0], other)
        assert (error.value.code, error.value.params["row"]) == ("G430", row)


def test_no_claims_at_all(claims, policy, grouper):
    before, after = what_if(
        claims.clear(), policy, [Reform.of(["drg.rates -3%"])], grouper=grouper, month=MONTH
    )
    compared = compare_runs(before, after)
    assert compared.total["claims_before"] == 0
    assert compared.total["ratio_e4"] is None
    assert compared.tables["hospital"].height == 0


def test_reforms_have_names_of_their_own(policy):
    twice = [Reform.of(["drg.rates -3%"], "一"), Reform.of(["drg.rates -4%"], "一")]
    with pytest.raises(WhatIfError, match="G431"):
        WhatIf(policy, twice)


# ---- files


@pytest.fixture(scope="module")
def files(claims, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whatif")
    write_frames(folder / "claims.csv", claims.drop("hospital_level"))
    ids = sorted(claims["hospital_id"].unique())
    names = [f"第{n}医院" for n, _ in enumerate(ids, start=1)]
    pl.DataFrame({"hospital_id": ids, "name": names, "level": "三级"}).write_csv(
        folder / "hospitals.csv"
    )
    (folder / "coefficients.csv").write_text("hospital,coefficient\nH0001,1.02\n", "utf-8")
    (folder / "reforms.toml").write_text(
        '[[reform]]\nlabel = "费率下调 3%"\nchanges = ["drg.rates -3%"]\n\n'
        '[[reform]]\nlabel = "系数"\nchanges = ["drg.coefficients = coefficients.csv"]\n',
        "utf-8",
    )
    return folder


def test_a_folder(files, tmp_path, runs, policy):
    ticks: list[tuple[int, int]] = []
    run = whatif_file(
        files / "claims.csv", policy, read_reforms(files / "reforms.toml"), tmp_path / "out",
        month=Month.parse(MONTH), hospitals=files / "hospitals.csv",
        progress=lambda done, total: ticks.append((done, total)),
    )  # fmt: skip
    assert run.files == ("rows.parquet", "sums.csv", "whatif.html", "whatif.xlsx")
    assert ticks[-1] == (3000, 3000)
    rows = pl.read_parquet(tmp_path / "out" / "rows.parquet")
    cut = rows.filter(pl.col("reform") == "费率下调 3%").drop("reform")
    assert cut.equals(compare_runs(runs[0], runs[1]).rows)
    told = pl.read_parquet_metadata(tmp_path / "out" / "rows.parquet")
    assert told["drg.reform.1"] == "费率下调 3%"
    assert "drg.rates.310: 12252.70 → 11885.12" in told["drg.reform.1.changes"]
    assert told["drg.policy_digest"] == policy.digest
    assert told["drg.scheme"] == "haerbin-2022"
    assert len(told["drg.reform.2.policy_digest"]) == 64
    sums = pl.read_csv(tmp_path / "out" / "sums.csv")
    by_reform = (
        sums.filter(pl.col("by") != "total")
        .group_by("reform", "by")
        .agg(pl.col("difference_fen").sum())
    )
    whole = dict(sums.filter(pl.col("by") == "total").select("reform", "difference_fen").rows())
    assert {(r, d) for r, _, d in by_reform.rows()} == set(whole.items())
    page = (tmp_path / "out" / "whatif.html").read_text("utf-8")
    for words in ("费率下调 3%", "第1医院", "11885.12", "基金支付变动最大的医疗机构"):
        assert words in page
    assert "<script" not in page
    assert "//" not in page
    write_whatif_page(tmp_path / "again.html", run.report, lang="en")
    english = (tmp_path / "again.html").read_text("utf-8")
    assert "Hospitals with the largest differences" in english


def test_a_workbook(files, tmp_path, policy, runs):
    fastexcel = pytest.importorskip("fastexcel")
    out = tmp_path / "out.xlsx"
    run = whatif_file(
        files / "claims.csv", policy, [Reform.of(["drg.rates -3%"])], out,
        month=Month.parse(MONTH), hospitals=files / "hospitals.csv",
    )  # fmt: skip
    assert run.files == ()
    assert run.report.claims == 1500
    book = fastexcel.read_excel(out)
    assert book.sheet_names == [
        "总览", "变更明细", "医疗机构", "科室", "病组", "付费方式", "险种", "病例流向", "逐例",
    ]  # fmt: skip
    compared = compare_runs(runs[0], runs[1])
    cases = book.load_sheet("逐例").to_polars()
    assert cases.height == compared.rows.height
    total = Decimal(compared.total["difference_fen"]) / 100
    found = sum(Decimal(str(value)) for value in cases["基金支付差额"])
    assert found == total
    hospitals = book.load_sheet("医疗机构").to_polars()
    assert sum(Decimal(str(value)) for value in hospitals["基金支付差额"]) == total
    assert set(cases["原费用类别"].drop_nulls()) == {"正常", "费用极低", "费用极高"}


def test_grouped_claims_are_left_as_they_are(files, tmp_path, policy, grouper, runs):
    grouped = tmp_path / "grouped.parquet"
    group_file(grouper, files / "claims.csv", grouped)
    run = whatif_file(
        grouped, policy, [Reform.of(["drg.rates -3%"])], tmp_path / "out.xlsx",
        month=Month.parse(MONTH), hospitals=files / "hospitals.csv", lang="en",
    )  # fmt: skip
    assert run.report.scheme == ""
    assert run.report.results[0].comparison.total == compare_runs(runs[0], runs[1]).total


def test_the_command(files, tmp_path, monkeypatch):
    monkeypatch.chdir(files)
    asked = ["whatif", "claims.csv", "-p", "demo-2024", "--month", MONTH,
             "--hospitals", "hospitals.csv"]  # fmt: skip
    changes = ["-c", "drg.rates -3%", "-c", "drg.outliers.low = 0.4", "--label", "两项"]
    done = CliRunner().invoke(cli, [*asked, *changes, "-o", str(tmp_path / "o.xlsx")])
    assert done.exit_code == 0, done.output
    assert re.search(
        r"两项 +[\d,]+ +0 +[\d,]+ +[\d,.]+ +[\d,.]+ +-[\d,.]+ +-\d+\.\d\d%", done.output
    )
    assert "drg.outliers.low: 0.3 → 0.4" in done.output
    both = [*asked, "-c", "drg.rates +1%", "--reforms", "reforms.toml", "--lang", "en"]
    done = CliRunner().invoke(cli, [*both, "-o", str(tmp_path / "both")])
    assert done.exit_code == 0, done.output
    assert "claims that differ" in done.output
    assert "drg.rates +1%" in done.output
    # Without the register the levels are unknown, and nothing is paid: that is told, not zeros.
    idle = ["whatif", "claims.csv", "-p", "demo-2024", "-c", "drg.rates -3%"]
    done = CliRunner().invoke(cli, [*idle, "-o", str(tmp_path / "idle.xlsx")])
    assert done.exit_code == 0
    told = r"其中由基金支付 +0 例；不予支付 1,500 例：P610 医疗机构等级未知 [\d,]+ 例；"
    assert re.search(told, done.output)
    assert "两边都没有病例由基金支付" in done.output


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], "G421"),
        (["-c", "drg.rates.310 = 12252.70"], "G421"),
        (["-c", "drg.rates -3%", "-o", "out.csv"], "G432"),
        (["-c", "drg.rates -3%", "-o", "out.pdf"], "G432"),
        (["--reforms", "hospitals.csv"], "G425"),
        (["--reforms", "none.toml"], "F101"),
    ],
)
def test_mistakes_leave_nothing(files, tmp_path, monkeypatch, options, code):
    monkeypatch.chdir(files)
    before = sorted(path.name for path in files.iterdir())
    out = [] if "-o" in options else ["-o", str(tmp_path / "out")]
    done = CliRunner().invoke(cli, ["whatif", "claims.csv", "-p", "demo-2024", *out, *options])
    assert done.exit_code == 2, done.output
    assert code in done.output
    assert sorted(path.name for path in files.iterdir()) == before
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "text", ["", "x = 1\n", "[[reform]]\nname = 'x'\n", "[[reform]]\nchanges = 'x'\n", "[reform]\n"]
)
def test_files_of_reforms_that_are_none(tmp_path, text):
    file = tmp_path / "reforms.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(WhatIfError) as error:
        read_reforms(file)
    assert error.value.code == "G425"


def test_figures_as_shown():
    assert [percent(n) for n in (None, 0, 5, -307, 10_000)] == [
        "—", "0.00%", "+0.05%", "-3.07%", "+100.00%",
    ]  # fmt: skip
    assert [signed(text) for text in ("1.00", "-1.00", "0.00")] == ["+1.00", "-1.00", "0.00"]


def test_input_inside_the_output_is_refused(files, policy):
    assert Path(files / "claims.csv").is_file()
    target = files / "rows.parquet"
    pl.read_csv(files / "claims.csv", infer_schema=False).write_parquet(target)
    with pytest.raises(DrgError) as error:
        whatif_file(target, policy, [Reform.of(["drg.rates -3%"])], files)
    assert error.value.code == "C201"
    target.unlink()


# ---- the page of the documentation


def test_the_page_runs_as_written(tmp_path, monkeypatch):
    """Consoles print what they show, the file of reforms is read, the Python runs."""
    shutil.copytree(ROOT / "examples" / "policies", tmp_path / "examples" / "policies")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "whatif.md").read_text("utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert [kind for kind, _ in blocks] == ["console", "toml", "console", "python"]
    for kind, code in blocks:
        if kind == "toml":
            (tmp_path / "reforms.toml").write_text(code, "utf-8")
        elif kind == "python":
            exec(compile(code, "whatif.md", "exec"), {})
        else:
            for told in re.split(r"^\$ drg ", code, flags=re.MULTILINE)[1:]:
                command, *wanted = told.splitlines()
                done = CliRunner().invoke(cli, shlex.split(command))
                assert done.exit_code == 0, done.output
                printed = done.output.splitlines()
                assert len(printed) == len(wanted), done.output
                for line, pattern in zip(printed, wanted, strict=True):
                    assert re.fullmatch(re.escape(pattern).replace("…", ".*"), line), line
