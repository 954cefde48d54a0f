"""Catalogues built from history: the published examples, the readable rules, the same folder."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.claims.model import Claim
from drg.claims.profiles import match_columns
from drg.dip.build.builder import Built, base_catalogue, build_catalogue, open_history
from drg.dip.build.form import group_code
from drg.dip.build.report import (
    combinations_frame,
    cv_frame,
    groups_frame,
    quality_frame,
    related_frame,
    totals,
    types_frame,
)
from drg.dip.build.scores import coefficient_of_variation, weights_of_years
from drg.dip.build.settings import BuildError, BuildSettings, read_build_settings
from drg.dip.catalogue import load_catalogue
from drg.dip.formation import (
    Combination,
    coverage_threshold,
    fold_related,
    form_catalogue,
    related_test,
)
from drg.dip.model import AuxiliaryClass, Condition
from drg.dip.reference import ReferenceMatcher
from drg.dip.score import yearly_mean
from drg.dip.truth import ClaimTruth
from drg.errors import TableError
from drg.scale.dip_build_file import claim_files, dip_build_file, settings_of

pytestmark = pytest.mark.filterwarnings("error")

PLAIN = BuildSettings(auxiliary="", threshold=3, years={2024: 1})
#: Diagnoses of three categories, procedures of every kind.
DX = ("K80.100", "K80.200", "C54.100", "I21.000", "N40.x00", "I10", "A09")
PX = ("51.2300", "51.8800", "51.8700", "88.5600", "00.2400", "36.0700x004", "68.4101")


def claim(dx, px=(), cost="1000", year=2024, **more):
    diagnoses = [dx] if isinstance(dx, str) else list(dx)
    return {
        "claim_id": "", "diagnoses": diagnoses, "procedures": list(px), "total_cost": cost,
        "discharged_on": f"{year}-05-06", **more,
    }  # fmt: skip


SCHEMA = {
    "claim_id": pl.String, "diagnoses": pl.List(pl.String), "procedures": pl.List(pl.String),
    "total_cost": pl.String, "discharged_on": pl.String, "los_days": pl.Int64, "age": pl.Int64,
    "age_days": pl.Int64, "icu_hours": pl.Int64, "disposition": pl.String,
}  # fmt: skip


def frame_of(rows) -> pl.DataFrame:
    rows = [{"claim_id": str(n), **r, **{"claim_id": str(n)}} for n, r in enumerate(rows)]
    return pl.DataFrame(rows, schema=SCHEMA)


@cache
def plain_base():
    return base_catalogue(PLAIN)


@pytest.fixture(scope="module")
def base():
    return plain_base()


def built_from(rows, wanted=PLAIN, base=None) -> Built:
    base = base or base_catalogue(wanted)
    history = open_history(base, wanted)
    frame = frame_of(rows)
    history.add(frame, match_columns(frame.columns, dict(frame.schema)))
    return build_catalogue(history, base, wanted)


def codes_of(built, group_class=None):
    return [g.code for g in built.catalogue.groups if group_class in (None, g.group_class)]


# ---- the published examples


def test_table_3_1_collapses_to_a_comprehensive_group(base):
    rows = [claim("C54.100", ["68.4902"], "9000")] * 14
    rows += [claim("C54.100", ["68.4101"], "9000")] * 8
    rows += [claim("C54.100", ["68.4101", "65.6300"], "12000")] * 13
    rows += [claim("C54.900", ["68.4901"], "9000")] * 10
    built = built_from(rows, PLAIN.changed(threshold=15), base)
    assert codes_of(built) == ["C54:SS"]
    assert built.catalogue.groups[0].cases == 45
    assert built.catalogue.groups[0].name == "C54（手术综合组）"


def test_what_stays_below_the_threshold_is_dropped(base):
    known = {"47.0901": 20, "47.0100": 30, None: 25, "54.1100": 9}
    rows = [claim("K35.300", [px] if px else []) for px, n in known.items() for _ in range(n)]
    built = built_from(rows, PLAIN.changed(threshold=15), base)
    assert codes_of(built) == ["K35.3", "K35.3:47.0100", "K35.3:47.0901"]
    assert built.taken_cases() == {"core": 75, "comprehensive": 0, "": 9}


@pytest.mark.parametrize(
    ("mean", "kept", "increase"), [("28849", False, "2.91"), ("44003", True, "56.97")]
)
def test_table_3_3_keeps_what_raises_the_mean_cost(base, mean, kept, increase):
    rows = [claim("I21.000", ["36.0700x004"], "28033")] * 4
    rows += [claim("I21.000", ["36.0700x004", "00.2400"], mean)] * 4
    built = built_from(rows, base=base)
    apart = "I21.0:36.0700x004_00.2400"
    assert codes_of(built) == ["I21.0:36.0700x004", *([apart] if kept else [])]
    row = related_frame(built).row(0, named=True)
    assert row["apart"] is kept
    assert f"{row['increase']:.2%}" == f"{increase}%"
    assert related_test(28033, mean).keep is kept


@pytest.mark.parametrize(("cost", "kept"), [("1099.99", False), ("1100", True), ("1100.01", True)])
def test_the_increase_is_compared_exactly(base, cost, kept):
    rows = [claim("K80.100", ["51.2300"], "1000")] * 3
    rows += [claim("K80.100", ["51.2300", "51.8800"], cost)] * 3
    assert ("K80.1:51.2300_51.8800" in codes_of(built_from(rows, base=base))) is kept


def test_a_procedure_of_both_sides_is_a_group_apart(base):
    rows = [claim("K80.100", ["51.2300"], "1000")] * 4
    rows += [claim("K80.100", ["51.2300", "51.8800", "51.2300"], "1500")] * 3
    rows += [claim("K80.100", ["51.2300"] * n, "1500") for n in (2, 2, 5)]
    built = built_from(rows, base=base)
    twice = ["K80.1:51.2300_51.2300", "K80.1:51.2300_51.2300+51.8800"]
    assert codes_of(built) == ["K80.1:51.2300", *twice]
    cases = {g.code: (g.cases, g.terms) for g in built.catalogue.groups}
    assert cases[twice[0]] == (3, (("51.2300",), ("51.2300",)))
    assert built.catalogue.groups[1].name.count("胆囊切除术") == 2
    once = built_from(rows, PLAIN.changed(most_reports=1), base)
    assert codes_of(once) == ["K80.1:51.2300", "K80.1:51.2300_51.8800"]
    cheap = [*rows[:4], *[claim("K80.100", ["51.2300"] * 2, "1099")] * 4]
    assert codes_of(built_from(cheap, base=base)) == ["K80.1:51.2300"]


# ---- the readable rules


claims = st.lists(
    st.tuples(
        st.sampled_from(DX[:4]),
        st.lists(st.sampled_from(PX[:5]), max_size=4),
        st.integers(100, 400),
    ),
    min_size=1,
    max_size=60,
)


@settings(deadline=None, max_examples=20)
@given(claims, st.integers(1, 6), st.sampled_from(["0", "0.1", "0.35"]), st.integers(1, 3))
def test_forms_as_the_readable_rules_say(drawn, threshold, increase, reports):
    base = plain_base()
    rows = [claim(dx, px, str(cost)) for dx, px, cost in drawn]
    wanted = PLAIN.changed(threshold=threshold, related_increase=increase, most_reports=reports)
    sums: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for dx, px, cost in drawn:
        counted = [code for n, code in enumerate(px) if px[:n].count(code) < reports]
        key = (dx[:5], (*counted[:1], *sorted(counted[1:])))
        sums.setdefault(key, [0, 0])
        sums[key][0] += 1
        sums[key][1] += cost * 100
    combinations = [
        Combination(dx, px, n, base.kind_of(px[0]) if px else "conservative", total)
        for (dx, px), (n, total) in sums.items()
    ]
    formed = form_catalogue(fold_related(combinations, increase), threshold)
    if not formed.core and not formed.comprehensive:
        with pytest.raises(BuildError, match="D450"):
            built_from(rows, wanted, base)
        return
    built = built_from(rows, wanted, base)
    core = {group_code(c.diagnosis, c.procedures): c.cases for c in formed.core}
    frame = combinations_frame(built).filter(~pl.col("folded"))
    found = frame.filter(pl.col("fate") == "core")
    assert dict(found.select("group", "formed").iter_rows()) == core
    words = {"surgery": "SS", "therapeutic": "ZLXCZ", "diagnostic": "ZDXCZ", "conservative": "BSZL"}
    wide = {f"{c.category}:{words[c.kind]}": c.cases for c in formed.comprehensive}
    collapsed = frame.filter(pl.col("fate") == "comprehensive")
    # A group whose every claim a core group takes is left out; its combinations still say so.
    sums_of = dict(collapsed.group_by("group").agg(pl.col("formed").sum()).iter_rows())
    assert sum(sums_of.values()) == sum(wide.values())
    assert all(wide[code] == n for code, n in sums_of.items() if code is not None)
    assert frame.filter(pl.col("fate") == "dropped")["formed"].sum() == sum(
        c.cases for c in formed.dropped
    )


@settings(deadline=None, max_examples=12)
@given(claims, st.integers(1, 5), st.integers(1, 3), st.randoms(use_true_random=False))
def test_takes_the_claims_that_the_catalogue_will_match(drawn, threshold, reports, rng):
    base = plain_base()
    rows = [claim(dx, px, str(cost)) for dx, px, cost in drawn]
    for row in rows:
        if row["procedures"] and rng.random() < 0.2:
            row["procedures"].insert(rng.randrange(2), rng.choice(["?", "", "57.9400", "99.2800"]))
    rows += [claim("C54.100", PX[:1] * 2)] * threshold  # one group at least
    wanted = PLAIN.changed(threshold=threshold, most_reports=reports)
    built = built_from(rows, wanted, base)
    matcher = ReferenceMatcher(built.catalogue)
    shapes = [shape.code for shape in built.formed.shapes]
    for row, place in zip(rows, built.taken[built.patterns.of_case].tolist(), strict=True):
        assert matcher.match(Claim(**row)).adrg == (shapes[place] if place >= 0 else None)
    means: dict[str, list[int]] = {}
    for row in rows:
        if group := matcher.match(Claim(**row)).adrg:
            means.setdefault(group, []).append(int(row["total_cost"]) * 100)
    for group in built.catalogue.groups:
        assert group.cases == len(means[group.code])
    for code, figures in zip(shapes, built.scores.groups, strict=True):
        assert figures.mean == Fraction(sum(means[code]), len(means[code]))


def test_coverage_gives_the_threshold(base):
    rows = [claim("K80.100")] * 50 + [claim("K80.200")] * 30 + [claim("C54.100")] * 16
    rows += [claim("I21.000")] * 4
    built = built_from(rows, PLAIN.changed(coverage="0.95"), base)
    assert built.formed.threshold == coverage_threshold([50, 30, 16, 4]) == 16
    curve = built.formed.curve.filter(pl.col("threshold") == 16).row(0, named=True)
    assert (curve["core"], curve["core_cases"], curve["dropped"]) == (3, 96, 4)


def test_a_category_alone_makes_no_core_group(base):
    built = built_from([claim("A09")] * 5, base=base)
    assert codes_of(built) == ["A09:BSZL"]
    assert codes_of(built_from([claim("N40")] * 5, base=base)) == ["N40.x"]


def test_of_many_related_procedures_the_usual_ones_stay(base):
    rows = [claim("K80.100", ["51.2300", *more], "1000") for more in (["51.8800"],) * 4]
    rows += [claim("K80.100", ["51.2300", "51.8700", "51.8800", "88.5600"], "1000")]
    built = built_from(rows, PLAIN.changed(most_related=1), base)
    found = combinations_frame(built).select("related", "cases").rows()
    assert found == [("51.8800", 5)]


# ---- scores


def test_scores_rest_on_weighted_yearly_means(base):
    means = {2022: ("8000", "11000"), 2023: ("8500", "11100"), 2024: ("9200", "11000")}
    rows = []
    for year, (group, other) in means.items():
        rows += [claim("K80.100", cost=group, year=year)] * 4
        rows += [claim("C54.100", cost=other, year=year)] * 4
    built = built_from(rows, PLAIN.changed(years=[1, 2, 7]), base)
    scores = {g.code: g.score_e4 for g in built.catalogue.groups}
    overall = [(int(a) + int(b)) * 50 for a, b in means.values()]
    mean = yearly_mean(overall, [1, 1, 1])
    assert built.scores.overall.mean == mean
    own = Fraction(8940_00)
    assert scores["K80.1"] == int(own / mean * 10**7 + Fraction(1, 2))
    total = sum(scores[c] for c in ("K80.1", "C54.1"))
    assert abs(total - 2 * 10**7) <= 1


def test_anchor_and_quota(base):
    rows = [claim("K80.100", cost="9173")] * 3 + [claim("C54.100", cost="13385")] * 3
    by_anchor = built_from(rows, PLAIN.changed(method="anchor", anchor="C54.1"), base)
    assert [g.score_e4 for g in by_anchor.catalogue.groups] == [10_000_000, 6_853_194]
    by_quota = built_from(rows, PLAIN.changed(method="quota", quota="100"), base)
    assert [g.score_e4 for g in by_quota.catalogue.groups] == [1_338_500, 917_300]
    assert by_quota.header()["score"]["scale"] == 1
    with pytest.raises(BuildError, match="D445"):
        built_from(rows, PLAIN.changed(method="anchor", anchor="K80.9"), base)


def test_trimming_leaves_out_costs_of_a_group_and_year(base):
    costs = [str(100 * n) for n in range(1, 41)]
    rows = [claim("K80.100", cost=cost) for cost in costs]
    built = built_from(rows, PLAIN.changed(trim="2.5,97.5"), base)
    figures = built.scores.groups[0]
    assert (figures.cases, figures.kept) == (40, 38)
    assert figures.mean == Fraction(sum(range(2, 40)) * 10_000, 38)


@given(st.lists(st.integers(1, 10**13), min_size=2, max_size=9))
def test_variation_is_exact(values):
    n, mean = len(values), Fraction(sum(values), len(values))
    squares = sum((value - mean) ** 2 for value in values) / (n - 1) / mean**2
    cv = coefficient_of_variation(n, sum(values), sum(v * v for v in values))
    half = Fraction(1, 2 * 10**6)
    assert max(cv - half, 0) ** 2 <= squares < (cv + half) ** 2


def test_weights_of_years():
    found = {2022: 4, 2023: 5, 2024: 6}
    assert weights_of_years(found, (1, 2, 7)) == {2022: 1, 2023: 2, 2024: 7}
    assert weights_of_years({2024: 6}, (1, 2, 7)) == {2024: 7}
    assert weights_of_years(found, {2024: 3, 2023: 1, 2019: 1}) == {2023: 1, 2024: 3}
    for years, code in (({2021: 1, **found}, "D444"), ({}, "D443")):
        with pytest.raises(BuildError, match=code):
            weights_of_years(years, (1, 2, 7))
    with pytest.raises(BuildError, match="D444"):
        weights_of_years(found, {2019: 1})


# ---- what is left out


def test_every_claim_is_accounted_for(base):
    rows = [claim("K80.100")] * 5 + [
        claim(""), claim([]), claim("?"), claim(["", "K80.100"]),
        claim("K80.100", cost=""), claim("K80.100", cost="x"), claim("K80.100", cost="0"),
        claim("K80.100", cost="-1"), claim("K80.100", year=2019), claim("Z00.000", cost="5"),
    ]  # fmt: skip
    rows.append({**claim("K80.100"), "discharged_on": "soon"})
    built = built_from(rows, base=base)
    assert dict(quality_frame(built).select("what", "claims").iter_rows()) == {
        "core": 5, "comprehensive": 0, "no_group": 1, "no_principal": 3, "unknown_principal": 1,
        "bad_cost": 1, "no_cost": 1, "zero_cost": 1, "negative_cost": 1, "no_year": 1,
        "other_year": 1,
    }  # fmt: skip
    assert totals(built)["used"] == 6


def test_nothing_that_counts():
    with pytest.raises(BuildError, match="D443"):
        built_from([claim("?")])


def test_too_few_claims_for_any_group():
    with pytest.raises(BuildError, match="D450"):
        built_from([claim("K80.100")] * 2)
    assert codes_of(built_from([claim("K80.100")] * 3)) == ["K80.1"]


@pytest.mark.parametrize("id", ["taian-2025", "chs-drg-2.0"])
def test_an_id_that_is_taken_is_refused(id):
    with pytest.raises(BuildError, match="D452"):
        base_catalogue(PLAIN.changed(id=id))


def test_the_folder_says_where_its_tables_come_from(tmp_path):
    from drg.dip.lint import lint_catalogue

    wanted = WANTED.changed(kinds="taian-2025")
    frame_of(some_rows()).write_parquet(tmp_path / "c.parquet")
    run = dip_build_file([tmp_path / "c.parquet"], tmp_path / "out", wanted, report=False)
    assert run.built.typing.subtypes
    _, findings = lint_catalogue(tmp_path / "out")
    assert [f.text() for f in findings if f.level != "info"] == []


def test_spellings_dagger_pairs_and_short_codes(base):
    rows = [claim(dx, [px]) for dx, px in (("k80.100", "51.23 00"), ("K80.1", "51.2300"),
            ("K80.100", "５１.2300"), ("K80.100x001", "51.2300"))]  # fmt: skip
    assert codes_of(built_from(rows, base=base)) == ["K80.1:51.2300"]
    pairs = [claim("E10.300x051+H42.0*")] * 3
    assert codes_of(built_from(pairs, base=base)) == ["E10.3"]


def test_wide_columns_and_none_of_procedures(base):
    frame = frame_of([claim("K80.100", ["51.2300", "51.8800"])] * 3)
    wide = frame.drop("diagnoses", "procedures").with_columns(
        diagnosis_1=pl.lit("K80.100"), diagnosis_2=pl.lit("E11.900"),
        procedure_1=pl.lit(""), procedure_2=pl.lit("51.2300"), procedure_3=pl.lit("51.8800"),
    )  # fmt: skip
    bare = frame.drop("procedures")
    for shape, codes in ((wide, ["K80.1:51.2300_51.8800"]), (bare, ["K80.1"])):
        history = open_history(base, PLAIN)
        history.add(shape, match_columns(shape.columns, dict(shape.schema)))
        assert codes_of(build_catalogue(history, base, PLAIN)) == codes


def test_clinical_codes_are_read(base):
    wanted = PLAIN.changed(codes="clinical")
    built = built_from([claim("K80.100", ["51.2300"])] * 3, wanted)
    assert codes_of(built) == ["K80.1:51.2300"]


# ---- auxiliary types


SECONDARY = ["J96.000", "I50.900", "E11.900", "C78.000"]


def typed_rows(rng):
    for year in (2023, 2024):
        for n in range(300):
            old = n % 3 == 0
            cost = rng.randrange(9000, 11000) * (4 if old else 1)
            yield claim(
                ["K80.100", *rng.sample(SECONDARY, rng.randrange(3))],
                cost=str(cost), year=year, age=80 if old else 40, los_days=rng.randrange(1, 9),
                disposition=rng.choice(["1", "5", None]), icu_hours=rng.choice([0, 0, 100, None]),
            )  # fmt: skip


def test_a_type_is_taken_where_the_variation_falls():
    wanted = BuildSettings(threshold=5, years={2023: 2, 2024: 7}, min_group=100, min_subtype=15)
    rows = list(typed_rows(random.Random(3)))
    built = built_from(rows, wanted)
    tried = {row["type"]: row for row in types_frame(built).iter_rows(named=True)}
    assert tried["age"]["taken"]
    assert tried["age"]["cases"] == 300
    assert tried["age"]["subtypes"] == "age4(200) age5(100)"
    assert not tried["cci"]["taken"]
    assert "tum" not in tried
    by_name = {s.subtype: s for s in built.catalogue.subtypes}
    assert set(by_name) == {"age4", "age5"}
    last = [r for r in rows if r["discharged_on"].startswith("2024")]
    mean = Fraction(sum(int(r["total_cost"]) for r in last), len(last))
    old = [int(r["total_cost"]) for r in last if r["age"] == 80]
    wanted_score = built.scores.groups[0].score * Fraction(sum(old), len(old)) / mean
    assert by_name["age5"].score_e4 == int(wanted_score * 10**4 + Fraction(1, 2))
    assert {row.type for row in built.catalogue.classes} == {"age"}
    assert not built_from(rows, wanted.changed(min_group=300)).catalogue.subtypes
    assert not built_from(rows, wanted.changed(cv_drop_of={"age": "0.99"})).catalogue.subtypes


def test_classes_are_those_of_the_readable_rules():
    from drg.dip.build.types import classes_of

    wanted = BuildSettings(years={2023: 1, 2024: 1})
    base = base_catalogue(wanted)
    dear = Condition("dear", cost_multiple=Fraction(3))
    base = type(base)(**{
        **{name: getattr(base, name) for name in base.__dataclass_fields__},
        "conditions": (*base.conditions, dear),
        "classes": (*base.classes, AuxiliaryClass("dear", "dear1", "", "", ("dear",))),
    })  # fmt: skip
    rows = list(typed_rows(random.Random(5)))
    rows += [{**row, "diagnoses": ["C16.000", *row["diagnoses"][1:]]} for row in rows[:90]]
    history = open_history(base, wanted)
    frame = frame_of(rows)
    history.add(frame, match_columns(frame.columns, dict(frame.schema)))
    cases = history.cases()
    chosen = np.arange(1, len(cases), 2)
    mean = np.full(len(chosen), 1_000_000, np.int64)
    found = classes_of(cases, chosen, mean, base, history.diagnoses)
    matcher = ReferenceMatcher(base)
    for number, row in enumerate(chosen.tolist()):
        told = {k: v for k, v in rows[row].items() if v is not None}
        decision = matcher.decide(Claim(**told))
        cost = int(rows[row]["total_cost"]) * 100
        truth = ClaimTruth(base, decision.case, matcher.places, cost)
        for name, (subtypes, place) in found.items():
            wanted_subtype = next(
                (c.subtype for c in base.classes
                 if c.type == name and truth.all_hold(c.conditions, 1_000_000)), None,
            )  # fmt: skip
            at = place[number]
            assert (subtypes[at] if at >= 0 else None) == wanted_subtype, (name, rows[row])


# ---- files


def some_rows(seed=1, n=800):
    rng = random.Random(seed)
    for _ in range(n):
        px = rng.sample(PX, rng.choice([0, 0, 1, 1, 2, 3]))
        yield claim(
            rng.choice(DX), px, f"{rng.randrange(10**5, 10**7) / 100:.2f}",
            rng.choice([2022, 2023, 2024]), los_days=rng.randrange(1, 20), age=rng.randrange(90),
        )  # fmt: skip


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


WANTED = BuildSettings(threshold=5, min_group=4, min_subtype=1, cv_drop=Fraction("0.01"))


def test_same_claims_give_the_same_folder_in_any_order(tmp_path):
    frame = frame_of(some_rows())
    frame.write_parquet(tmp_path / "all.parquet")
    frame.sample(fraction=1, shuffle=True, seed=7).write_parquet(tmp_path / "mixed.parquet")
    for part in range(3):
        text = frame[part::3].with_columns(pl.col("diagnoses", "procedures").list.join("|"))
        text.write_csv(tmp_path / f"part{part}.csv")
    first = files_of(dip_build_file([tmp_path / "all.parquet"], tmp_path / "a", WANTED).output)
    assert set(first) == {
        "catalogue.toml", "groups.csv", "auxiliary.csv", "auxiliary_class.csv",
        "combinations.parquet", "report.xlsx", "report.html",
    }  # fmt: skip
    for name, sources in (("b", ["mixed.parquet"]), ("c", ["part*.csv"])):
        run = dip_build_file([tmp_path / s for s in sources], tmp_path / name, WANTED)
        for file, content in files_of(run.output).items():
            assert content == first[file], file


def test_the_folder_is_a_catalogue(tmp_path):
    frame_of(some_rows()).write_parquet(tmp_path / "c.parquet")
    run = dip_build_file([tmp_path / "c.parquet"], tmp_path / "out", WANTED, report=False)
    loaded = load_catalogue(tmp_path / "out")
    assert loaded.groups == run.built.catalogue.groups
    assert loaded.subtypes == run.built.catalogue.subtypes
    assert loaded.header["year"] == 2025
    told = loaded.header["build"]
    assert BuildSettings().changed(**told) == WANTED
    frame = pl.read_parquet(tmp_path / "out" / "combinations.parquet")
    assert frame["cases"].sum() == totals(run.built)["used"]
    shares = groups_frame(run.built)
    assert (
        shares["cases"].sum()
        == totals(run.built)["core_cases"] + totals(run.built)["comprehensive_cases"]
    )
    assert cv_frame(run.built)["groups"].sum() == shares["cv"].count()


def test_a_folder_in_use_and_missing_columns_are_refused(tmp_path):
    frame = frame_of(some_rows(n=30))
    frame.write_parquet(tmp_path / "c.parquet")
    frame.drop("total_cost").write_parquet(tmp_path / "d.parquet")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "x").touch()
    with pytest.raises(TableError, match="T131"):
        dip_build_file([tmp_path / "c.parquet"], tmp_path / "used")
    with pytest.raises(BuildError, match="D447"):
        dip_build_file([tmp_path / "d.parquet"], tmp_path / "new")
    with pytest.raises(BuildError, match="D448"):
        claim_files([tmp_path / "*.csv"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.parquet", "d.parquet", "used"]


def test_settings_of_a_file_and_of_the_command_line(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text('threshold = 20\ncoverage = "0.95"\n[years]\n2023 = 1\n2024 = 3\n', "utf-8")
    told = read_build_settings(file)
    assert (told.threshold, told.coverage, told.years) == (20, Fraction("0.95"), {2023: 1, 2024: 3})
    laid = settings_of(file, {"threshold": 30, "years": "2:8", "anchor": "K35.9:47.0100"})
    assert (laid.threshold, laid.coverage, laid.years) == (30, None, (2, 8))
    assert laid.method == "anchor"
    assert BuildSettings().changed(**laid.header()) == laid


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ({"threshold": 0}, "D440"), ({"most_reports": 0}, "D440"),
        ({"threshold": "15"}, "D440"), ({"coverage": "1.1"}, "D440"),
        ({"coverage": 0.95}, "D440"), ({"years": []}, "D440"), ({"years": [0, 1]}, "D440"),
        ({"years": "1:2:7"}, "D440"), ({"trim": "97.5,2.5"}, "D440"), ({"trim": "iqr"}, "D440"),
        ({"id": "a b"}, "D440"), ({"surprise": 1}, "D451"), ({"cv_drop_of": {"age": "2"}}, "D440"),
        ({"type_diagnoses": {"age": ["x"]}}, "D440"), ({"method": "best"}, "D440"),
        ({"method": "anchor"}, "D441"), ({"quota": "100"}, "D441"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(entries, code):
    with pytest.raises(BuildError, match=code) as raised:
        BuildSettings().changed(**entries)
    assert raised.value.message("zh") != raised.value.message("en")


def test_a_file_of_settings_that_cannot_be_read(tmp_path):
    (tmp_path / "s.toml").write_text("threshold =", "utf-8")
    for name in ("s.toml", "none.toml"):
        with pytest.raises(BuildError, match="D442"):
            read_build_settings(tmp_path / name)


def test_command_line(tmp_path, capsys):
    from drg.cli import cli

    frame_of(some_rows()).write_parquet(tmp_path / "c.parquet")
    words = ["dip", "build", str(tmp_path / "c.parquet"), "-o", str(tmp_path / "out"),
             "--threshold", "5", "--trim", "2.5,97.5", "--lang", "en"]  # fmt: skip
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    told = capsys.readouterr().out
    assert left.value.code == 0, told
    assert "core groups" in told
    assert (tmp_path / "out" / "report.xlsx").is_file()
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "threshold and coverage" in page
    assert ROOT.name not in page
