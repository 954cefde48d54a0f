"""Relative weights from history: worked cases, trimming by hand, invariants, the command."""

from __future__ import annotations

import csv
import json
import statistics
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from drg.cli import cli
from drg.money import fen, unscaled, yuan
from drg.payment.costs import CostHistory
from drg.payment.history import HistoryError, relative_weights, renormalised
from drg.payment.spread import Spread, Trim, TrimError, add_spreads, root, spread_of
from drg.payment.weights import Weights
from drg.scale.weights_file import read_year_weights, weights_file
from drg.scale.weights_report import groups_frame, report_lines

CASES = {c["id"]: c for c in json.loads((ROOT / "tests/cases/drg.json").read_text("utf-8"))}


def study_of(costs, **options):
    return relative_weights(CostHistory.of(costs), **options)


# ---- worked cases


@pytest.mark.parametrize("trim", ["none", "2.5,97.5", "iqr"])
def test_a01_weights_from_history(trim):
    inputs, expected = CASES["A01"]["inputs"]["groups"], CASES["A01"]["expected"]
    costs = {g["code"]: [fen(g["mean"])] * g["n"] for g in inputs}
    study = study_of(
        costs, trim=Trim.parse(trim), places=CASES["A01"]["params"]["weight_places"], min_cases=5
    )
    assert yuan(int(study.mean)) == expected["grand_mean"]
    assert {g: unscaled(w) for g, w in study.weights.items()} == expected["weights"]
    assert study.before == study.after == study.cases == Fraction(expected["total_weight"])


def test_a02_the_total_stays_when_a_group_is_adjusted():
    inputs, expected = CASES["A02"]["inputs"], CASES["A02"]["expected"]
    weights = {g["code"]: Fraction(g["rw"]) for g in inputs["groups"]}
    cases = {g["code"]: g["n"] for g in inputs["groups"]}
    total = Fraction(inputs["target_total_weight"])
    made, scale = renormalised(weights, cases, total)
    assert f"{float(scale):.6f}" == expected["scale"]
    assert {g: f"{Decimal(w.numerator) / w.denominator:.4f}" for g, w in made.items()} == expected[
        "weights"
    ]
    assert sum(made[g] * cases[g] for g in made) == total


def test_a02_from_the_history_of_a01():
    """The means of A01 with G1 adjusted from 0.4 to 0.5 are A02."""
    costs = {g["code"]: [fen(g["mean"])] * g["n"] for g in CASES["A01"]["inputs"]["groups"]}
    study = study_of(costs, adjust={"G1": Fraction("0.5")})
    assert study.scale == Fraction(160, 170)
    assert {g: unscaled(w) for g, w in study.weights.items()} == CASES["A02"]["expected"]["weights"]
    assert [g.note for g in study.groups] == ["adjusted", "", ""]
    free = study_of(costs, adjust={"G1": Fraction("0.5")}, keep_total=False)
    assert {g: unscaled(w) for g, w in free.weights.items()} == {
        "G1": "0.5000", "G2": "1.2000", "G3": "6.0000",
    }  # fmt: skip
    assert (free.scale, free.after) == (1, 170)


# ---- spread and trimming

VALUES = st.lists(st.integers(1, 2**50), min_size=1, max_size=60)


def ints(values):
    return np.array(sorted(values), dtype=np.int64)


@given(VALUES)
def test_spread_is_exact(values):
    spread = spread_of(ints(values))
    assert spread == Spread(len(values), sum(values), sum(v * v for v in values))
    assert spread.mean == Fraction(sum(values), len(values))
    if len(values) > 1:
        assert spread.variance == statistics.variance(map(Fraction, values))
    assert add_spreads([spread_of(ints(values[:3])), spread_of(ints(values[3:]))]) == spread


def test_spread_of_little():
    assert (Spread().mean, Spread().variance, Spread().cv) == (None, None, None)
    assert Spread().squares_about_mean == 0
    assert spread_of(ints([5])).cv is None
    # 2, 4, 4, 4, 5, 5, 7, 9: mean 5, sum of squares about it 32, sample variance 32/7.
    spread = spread_of(ints([2, 4, 4, 4, 5, 5, 7, 9]))
    assert (spread.mean, spread.variance) == (5, Fraction(32, 7))
    assert f"{spread.cv:.6f}" == "0.427618"
    assert root(Fraction(9, 4)) == Decimal("1.5")


def test_at_most_the_named_share_is_cut():
    share = Trim.parse("2.5,97.5")
    for n, cut in ((1, 0), (39, 0), (40, 1), (79, 1), (80, 2), (100, 2)):
        kept = share.kept(ints(range(1, n + 1)))
        assert kept.tolist() == list(range(1 + cut, n + 1 - cut)), n


def test_equal_costs_are_cut_together_or_not_at_all():
    # Two of 40 cost 1: more than 2.5 % cost as little, so both stay; the one at 99 goes.
    kept = Trim.parse("2.5,97.5").kept(ints([1, 1, *[5] * 37, 99]))
    assert kept.tolist() == [1, 1, *[5] * 37]


def test_one_sided_and_lopsided_shares():
    ten = ints(range(1, 11))
    assert Trim.parse("0,90").kept(ten).tolist() == list(range(1, 10))
    assert Trim.parse("20,100").kept(ten).tolist() == list(range(3, 11))
    assert Trim.parse("49.9,50").kept(ten).tolist() == [5]
    assert Trim.parse("0,100").kept(ten).tolist() == list(range(1, 11))


def test_the_interquartile_fence():
    # Quartiles of 1, 2, 3, 4, 100 as QUARTILE.INC: 2 and 4; fences -1 and 7.
    assert Trim.parse("iqr").kept(ints([1, 2, 3, 4, 100])).tolist() == [1, 2, 3, 4]
    # Of 1, 2, 3, 5: 1.75 and 3.5; fences -0.875 and 6.125.
    assert Trim.parse("IQR").kept(ints([1, 2, 3, 6])).tolist() == [1, 2, 3, 6]
    assert Trim.parse("iqr").kept(ints([7])).tolist() == [7]


@given(VALUES, st.sampled_from(["none", "2.5,97.5", "10,60", "iqr", "0,100"]))
def test_trimming_keeps_a_run_of_the_sorted_costs(values, rule):
    costs = ints(values)
    kept = Trim.parse(rule).kept(costs).tolist()
    assert kept
    start = costs.tolist().index(kept[0])
    assert costs.tolist()[start : start + len(kept)] == kept
    if rule == "iqr":
        quartiles = [np.quantile(np.array(values, dtype=object), q) for q in (0.25, 0.75)]
        wide = 1.5 * (quartiles[1] - quartiles[0])
        inside = [v for v in sorted(values) if quartiles[0] - wide <= v <= quartiles[1] + wide]
        assert abs(len(inside) - len(kept)) <= 2  # the fence here is exact, numpy's is a float
    elif rule != "none":
        low, high = (Fraction(p) / 100 for p in rule.split(","))
        n = len(values)
        for value in set(values):
            little = sum(v <= value for v in values) <= n * low
            much = sum(v >= value for v in values) <= n * (1 - high)
            assert (value in kept) == (not little and not much)


@pytest.mark.parametrize("rule", ["", "2.5", "97.5,2.5", "5,5", "-1,99", "1,101", "a,b", "1,2,3"])
def test_trimming_rules_that_cannot_be_read(rule):
    with pytest.raises(TrimError, match="W402"):
        Trim.parse(rule)


# ---- weights

HISTORIES = st.dictionaries(
    st.sampled_from(["A11", "A13", "A15", "B19", "C21"]),
    st.lists(st.integers(1, 10**9), max_size=50),
    min_size=1,
).filter(lambda costs: any(costs.values()))


@given(HISTORIES, st.sampled_from(["none", "2.5,97.5", "iqr"]), st.randoms())
def test_weights_of_all_cases_add_up_to_their_number(costs, trim, random):
    study = study_of(costs, trim=Trim.parse(trim))
    assert sum((g.computed or 0) * g.cases for g in study.groups) == study.cases
    assert study.before == study.cases == sum(map(len, costs.values()))
    assert sum((g.mean or 0) * g.cases for g in study.groups) == study.mean * study.cases
    assert abs(study.after - study.before) <= Fraction(study.cases, 20_000)
    assert study.riv is None or 0 <= study.riv <= 1
    shuffled = {g: random.sample(costs[g], len(costs[g])) for g in reversed(costs)}
    assert study_of(shuffled, trim=Trim.parse(trim)).weights == study.weights


@given(HISTORIES, st.fractions(Fraction(1, 100), 20))
def test_the_total_is_kept_to_the_last_digit(costs, weight):
    study = study_of(costs, adjust={min(costs): weight})
    assert sum(g.weight * g.cases for g in study.groups if g.weight is not None) == study.before


def test_too_few_cases_give_no_weight_and_still_count_in_the_mean():
    study = study_of({"A11": [100] * 5, "B11": [1000] * 4, "C11": []}, min_cases=5)
    assert study.mean == Fraction(4500, 9)
    assert study.weights == {"A11": 2000}
    by = {g.group: g for g in study.groups}
    assert (by["B11"].note, by["B11"].computed, by["B11"].rounded) == ("few_cases", 2, None)
    assert (by["C11"].note, by["C11"].mean) == ("no_cases", None)
    assert (study.before, study.cases) == (1, 9)


def test_a_group_may_be_given_a_weight_it_has_no_cases_for():
    study = study_of(
        {"A11": [100] * 5, "B11": [1000] * 4, "C11": []},
        min_cases=5,
        adjust={"B11": Fraction(3), "C11": Fraction(7)},
    )
    # Before: A11 0.2 × 5 + B11 2 × 4 = 9; after: 1 + 12 = 13; all scaled by 9/13.
    assert study.scale == Fraction(9, 13)
    assert study.weights == {"A11": 1385, "B11": 20769, "C11": 48462}
    with pytest.raises(HistoryError, match=r"W408.*Z99"):
        study_of({"A11": [100]}, adjust={"Z99": Fraction(1)})


def test_a_weight_that_rounds_to_nothing_is_told():
    study = study_of({"A11": [1], "B11": [10**6] * 3}, places=2)
    assert study.groups[0].note == "too_small"
    assert study.weights == {"B11": 13300}  # 1.3333 to two places


def test_severity_turned_over_is_flagged():
    costs = {"A11": [100], "A13": [300], "A15": [200], "A19": [900], "B13": [5], "B15": [5]}
    found = [(i.adrg, i.severe.group, i.light.group) for i in study_of(costs).inversions]
    assert found == [("A1", "A11", "A13"), ("A1", "A11", "A15")]
    named = study_of(costs, adrg_of={"A11": "X", "A13": "X"}).inversions
    assert [(i.adrg, i.severe.group, i.light.group) for i in named] == [("X", "A11", "A13")]


def test_variation_between_groups():
    # Within: 2 × 100² in each group; about the mean of all, 400: 300² + 100² + 100² + 300².
    study = study_of({"A11": [100, 300], "B11": [500, 700]})
    assert study.riv == 1 - Fraction(2 * 20_000, 200_000)
    assert study_of({"A11": [100, 100]}).riv is None


def history_of_years(rows):
    history = CostHistory(["A11", "B11"])
    group, cost, year = zip(*rows, strict=True)
    history.add(np.array(group, np.uint16), np.array(cost, np.int64), np.array(year, np.int16))
    return history


def test_the_mean_of_a_group_is_that_of_its_yearly_means():
    history = history_of_years(
        [(0, 100, 2022), (0, 300, 2022), (0, 500, 2024), (1, 1000, 2023), (1, 2000, 2024)]
    )
    assert history.years == {2022: 2, 2023: 1, 2024: 2}
    study = relative_weights(history, year_weights={2022: 1, 2023: 2, 2024: 7})
    means = {g.group: g.mean for g in study.groups}
    # A11: (1 × 200 + 7 × 500) / 8, no case in 2023; B11: (2 × 1000 + 7 × 2000) / 9.
    assert means == {"A11": Fraction(3700, 8), "B11": Fraction(16000, 9)}
    assert study.mean == (3 * means["A11"] + 2 * means["B11"]) / 5
    assert study.before == 5
    with pytest.raises(HistoryError, match=r"W407.*2022"):
        relative_weights(history, year_weights={2023: 2, 2024: 7})
    assert history.keep_years([2023, 2024]) == 2
    assert relative_weights(history, year_weights={2023: 2, 2024: 7}).cases == 3


def test_years_are_trimmed_one_by_one():
    costs = [(0, c, y) for y in (2022, 2023) for c in ([100] * 8 + [900, 10**6])]
    trim = Trim.parse("0,90")
    pooled = relative_weights(history_of_years(costs), trim=trim)
    yearly = relative_weights(history_of_years(costs), trim=trim, year_weights={2022: 1, 2023: 1})
    assert pooled.kept.n == yearly.kept.n == 18
    only = [*costs[:10], *((0, c * 1000, 2023) for c in range(1, 11))]
    assert relative_weights(
        history_of_years(only), trim=trim, year_weights={2022: 1, 2023: 1}
    ).kept.n == 18  # fmt: skip


def test_nothing_to_compute_from():
    with pytest.raises(HistoryError, match="W406"):
        study_of({"A11": []})
    with pytest.raises(HistoryError, match="W406"):
        relative_weights(CostHistory(["A11"]))
    with pytest.raises(HistoryError, match="W406"):
        renormalised({"A11": Fraction(1)}, {}, Fraction(5))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("1:2:7", [1, 2, 7]), (" 1 : 3 ", [1, 3]), ("2022:1,2024:7", {2022: 1, 2024: 7})],
)
def test_weights_of_years_are_read(text, wanted):
    assert read_year_weights(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "5", "1:0", "1:x", "2022:1,2022:2", "2022:0", "1:2,7", "-1:2"]
)
def test_weights_of_years_that_cannot_be_read(text):
    with pytest.raises(HistoryError, match="W403"):
        read_year_weights(text)


# ---- the command

#: Diagnoses of the demo scheme's claims by the group they come to.
EPILEPSY, STROKE, SEVERE = "G40.900", "I63.905", "I63.905|J96.000"


def claims_csv(folder: Path) -> Path:
    """BV15: 6 × 1,000; BR15: 6 × 3,000; BR11: 5 × 2,000; GE13: 2 × 500; the rest cannot count."""
    rows = [(EPILEPSY, "1000.00")] * 6 + [(STROKE, "3000")] * 6
    rows += [(SEVERE, "2000.00")] * 5 + [("K35.300|E87.600", "500.00")] * 2
    rows += [(EPILEPSY, ""), (EPILEPSY, "abc"), (EPILEPSY, "0.00"), (EPILEPSY, "-5")]
    rows += [("X99.999", "100.00"), ("", "100.00")]
    path = folder / "claims.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        heads = ["claim_id", "sex", "age", "diagnoses", "procedures", "discharged_on", "total_cost"]
        out.writerow(heads)
        for n, (codes, cost) in enumerate(rows):
            year = 2023 + n % 2
            px = "47.0100" if codes.startswith("K35") else ""
            out.writerow((n, "M", 60, codes, px, f"{year}-03-01", cost))
    return path


def run(*args: object, code: int = 0):
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_weights_of_a_small_file_by_hand(tmp_path):
    """M = (6 × 1000 + 6 × 3000 + 5 × 2000 + 2 × 500) / 19 = 35000 / 19 = 1842.105…"""
    claims, out = claims_csv(tmp_path), tmp_path / "w.csv"
    words = run("weights", claims, "-s", "demo", "-o", out, "--lang", "en").stdout
    rows = {r["group"]: r for r in csv.DictReader(out.read_text("utf-8-sig").splitlines())}
    told = {g: (r["weight"], r["cases"], r["note"]) for g, r in rows.items() if r["cases"] != "0"}
    assert told == {
        "BV15": ("0.5429", "6", ""),  # 1000 × 19 / 35000
        "BR15": ("1.6286", "6", ""),
        "BR11": ("1.0857", "5", ""),
        "GE13": ("", "2", "few_cases"),
    }
    assert rows["GE13"]["computed_weight"] == "0.2714"
    assert rows["BR15"]["mean_yuan"] == "3000.00"
    assert rows["BR15"]["sd_yuan"] == "0.00"
    assert rows["BR15"]["name"].startswith("脑卒中")
    for line in (
        "claims                          25",
        "  used                          19",
        "  ungroupable                   1",
        "  rejected                      1",
        "  no total cost                 1",
        "  total cost not readable       1",
        "  total cost 0                  1",
        "  total cost negative           1",
    ):
        assert " ".join(line.split()) in [" ".join(w.split()) for w in words.splitlines()]
    assert "1,842.11 yuan" in words
    assert "1: BR11 1.0857 < BR15 1.6286" in words
    assert "fewer than 5 cases, no weight" in words
    assert "GE13" in words


def test_every_claim_is_accounted_for(tmp_path, demo):
    done = weights_file(demo, claims_csv(tmp_path), tmp_path / "w.csv")
    assert done.study.cases + sum(done.aside.values()) == done.claims == 25
    assert dict(done.aside) == {
        "UNGROUPABLE": 1, "REJECTED": 1, "no_cost": 1, "bad_cost": 1, "zero_cost": 1,
        "negative_cost": 1,
    }  # fmt: skip


def test_the_result_serves_as_weights_at_once(tmp_path, demo):
    claims = claims_csv(tmp_path)
    for name in ("w.csv", "w.xlsx", "w.parquet"):
        done = weights_file(demo, claims, tmp_path / name)
        assert Weights.load(tmp_path / name).tables[0].weights == done.study.weights
    grouped = tmp_path / "g.csv"
    words = run("group", claims, "-s", "demo", "-o", grouped, "--weights", tmp_path / "w.xlsx",
                code=1).stdout  # fmt: skip
    # 4 claims of BV15 without a usable cost have a weight all the same.
    total = done.study.after + 4 * Fraction("0.5429")
    assert unscaled(int(total * 10_000)) in words


def test_the_workbook_tells_the_rest(tmp_path, demo):
    out = tmp_path / "w.xlsx"
    run("weights", claims_csv(tmp_path), "-s", "demo", "-o", out)
    sheets = pl.read_excel(out, sheet_id=0)
    assert list(sheets) == ["权重", "病组统计", "无权重病组", "权重倒挂", "汇总"]
    assert sheets["权重"].columns == ["group", "name", "weight"]
    assert sheets["权重"]["group"].to_list() == ["BR11", "BR15", "BV15"]
    assert sheets["权重倒挂"].row(0)[:3] == ("BR1", "BR11", 1.0857)
    assert sheets["病组统计"].height == 17
    assert sheets["无权重病组"].filter(pl.col("note") == "few_cases")["group"].to_list() == ["GE13"]
    assert "19" in sheets["汇总"]["value"].to_list()


def test_options_reach_the_computation(tmp_path, demo):
    claims = claims_csv(tmp_path)
    adjust = tmp_path / "adjust.csv"
    adjust.write_text("病组,权重\nBV15,1.0000\n", "utf-8")
    words = run(
        "weights", claims, "-s", "demo", "-o", tmp_path / "w.csv", "--trim", "none", "--min-cases",
        2, "--years", "2023:1,2024:3", "--places", 2, "--adjust", adjust, "--lang", "en",
    ).stdout  # fmt: skip
    # Before: 19; BV15 adds 6 × (1 - 19/35): factor 19 / (19 + 6 × 16/35) = 665/761.
    assert "0.873850" in words
    assert "2023:1, 2024:3" in words
    lines = (tmp_path / "w.csv").read_text("utf-8-sig").splitlines()
    rows = {r["group"]: r for r in csv.DictReader(lines)}
    assert {g: r["weight"] for g, r in rows.items() if r["weight"]} == {
        "BV15": "0.8700", "BR15": "1.4200", "BR11": "0.9500", "GE13": "0.2400",
    }  # fmt: skip
    loose = run(
        "weights", claims, "-s", "demo", "-o", tmp_path / "x.csv", "--adjust", adjust,
        "--no-keep-total", "--lang", "en",
    ).stdout  # fmt: skip
    assert "1.000000" in loose


def test_years_are_found_or_named(tmp_path, demo):
    claims = claims_csv(tmp_path)
    done = weights_file(demo, claims, tmp_path / "w.csv", years="1:2")
    assert done.year_weights == {2023: 1, 2024: 2}
    done = weights_file(demo, claims, tmp_path / "w.csv", years="2024:1")
    assert done.aside["other_year"] == 10
    assert done.study.cases == 9
    assert done.study.cases + sum(done.aside.values()) == done.claims
    with pytest.raises(HistoryError, match=r"W407.*2023 \(10\), 2024 \(9\)"):
        weights_file(demo, claims, tmp_path / "w.csv", years="1:2:7")


def test_claims_without_a_year_are_left_aside(tmp_path, demo):
    path = claims_csv(tmp_path)
    path.write_text(path.read_text("utf-8").replace("2024-03-01,1000.00", ",1000.00"), "utf-8")
    done = weights_file(demo, path, tmp_path / "w.csv", years="1:2")
    assert done.aside["no_year"] == 3
    assert weights_file(demo, path, tmp_path / "w.csv").study.cases == 19


def test_costs_with_parts_of_a_fen_are_told(tmp_path, demo):
    path = claims_csv(tmp_path)
    path.write_text(path.read_text("utf-8").replace(",1000.00", ",1000.005"), "utf-8")
    done = weights_file(demo, path, tmp_path / "w.csv")
    assert done.rounded == 6
    assert any("parts of a fen" in line for line in report_lines(done, "en"))
    by_year = [weights_file(demo, path, tmp_path / "y.csv", years=y) for y in ("2023:1", "2024:1")]
    # Of the cases of other years none is told.
    assert sum(run.rounded for run in by_year) == 6
    assert all(run.rounded <= run.study.cases for run in by_year)
    frame = groups_frame(done)
    assert frame.filter(pl.col("group") == "BV15")["mean_yuan"].item() == Decimal("1000.01")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--trim", "x"), "W402"), (("--years", "x"), "W403"), (("--min-cases", "0"), "C103"),
        (("--places", "5"), "C103"), (("--adjust", "no.csv"), "F101"), (("-s", "no"), "S101"),
    ],
)  # fmt: skip
def test_wrong_options(tmp_path, options, code):
    out = tmp_path / "w.csv"
    base = [] if options[0] == "-s" else ["-s", "demo"]
    done = run(
        "weights", claims_csv(tmp_path), *base, "-o", out, *options, code=3 if code == "S101" else 2
    )
    assert code in done.stderr
    assert not out.exists()


def test_files_that_lack_a_column(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("sex,age,diagnoses\nM,60,G40.900\n", "utf-8")
    assert "W405" in run("weights", path, "-s", "demo", "-o", tmp_path / "w.csv", code=2).stderr
    path.write_text("sex,age,diagnoses,total_cost\nM,60,G40.900,5\n", "utf-8")
    found = run("weights", path, "-s", "demo", "-o", tmp_path / "w.csv", "--years", "1:2", code=2)
    assert "W409" in found.stderr
    path.write_text("sex,age,diagnoses,total_cost\nM,60,X99.999,5\n", "utf-8")
    assert "W406" in run("weights", path, "-s", "demo", "-o", tmp_path / "w.csv", code=2).stderr
    assert not (tmp_path / "w.csv").exists()
