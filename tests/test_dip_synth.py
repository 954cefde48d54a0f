"""Claims made for DIP catalogues: deterministic, plausible, drawn from the groups they name."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from polars.testing import assert_frame_equal

from drg.claims.frame import schema
from drg.claims.model import Claim
from drg.claims.synth_draw import BLOCK
from drg.claims.synth_tables import read_parameters
from drg.cli import cli
from drg.dip import synth as module
from drg.dip.catalogue import load_catalogue
from drg.dip.errors import DipError
from drg.dip.grouper import DipGrouper
from drg.dip.model import Catalogue, Condition, Group
from drg.dip.reference import ReferenceMatcher
from drg.dip.synth import synth, synth_batches
from drg.dip.synth_model import build_model

TAIAN, PINGDINGSHAN = "taian-2025", "pingdingshan-2025"
CATALOGUES = (TAIAN, PINGDINGSHAN)


@cache
def catalogue_of(name: str) -> Catalogue:
    return load_catalogue(name)


@pytest.fixture(autouse=True)
def _one_model_a_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build the model of a catalogue object once: it is most of a small run's time."""
    monkeypatch.setattr(module, "build_model", lambda catalogue, n, _: _model(catalogue.id, n))


@cache
def _model(name: str, hospitals: int) -> Any:
    return build_model(catalogue_of(name), hospitals, read_parameters())


@cache
def made(name: str, n: int = 20_000, defects: float = 0.0) -> pl.DataFrame:
    return synth(catalogue_of(name), n, 7, defects=defects, with_defects=True, with_group=True)


def small(*groups: Group, conditions: tuple[Condition, ...] = ()) -> Catalogue:
    """Tai'an's catalogue with other groups."""
    return replace(
        catalogue_of(TAIAN),
        id="small",
        groups=groups,
        subtypes=(),
        classes=(),
        conditions=conditions,
    )


def drawn(catalogue: Catalogue, n: int = 400, **wanted: Any) -> pl.DataFrame:
    """Claims of a catalogue that no other test uses."""
    run = module.Run(n, 3, n, defects=0.0, with_group=True, **wanted).check()
    model = build_model(catalogue, run.hospitals, read_parameters())
    return next(module.run_batches(model, run))


def answers(frame: pl.DataFrame, catalogue: Catalogue) -> list[tuple[dict[str, Any], Any]]:
    matcher = ReferenceMatcher(catalogue)
    found = []
    for row in frame.iter_rows(named=True):
        values = {c: tuple(row[c]) if isinstance(row[c], list) else row[c] for c in schema()}
        found.append((row, matcher.match(Claim(**values))))
    return found


@pytest.mark.parametrize("name", CATALOGUES)
def test_columns_and_dtypes_are_the_canonical_ones(name: str) -> None:
    frame = made(name)
    assert dict(frame.drop("defect", "expected_group").schema) == dict(schema())
    assert frame["expected_group"].dtype == pl.String
    assert synth(catalogue_of(name), 0, 1).height == 0


def test_same_seed_same_claims_whatever_the_batches() -> None:
    catalogue, n = catalogue_of(TAIAN), BLOCK + 1000
    whole = synth(catalogue, n, 5, with_group=True)
    assert_frame_equal(synth(catalogue, 40, 5, with_group=True), whole.head(40))
    assert not synth(catalogue, 40, 6).equals(synth(catalogue, 40, 5))
    parts = list(synth_batches(catalogue, n, 5, 4_999, with_group=True))
    assert all(part.height == 4_999 for part in parts[:-1])
    assert_frame_equal(pl.concat(parts), whole)


@pytest.mark.parametrize(
    "wrong", [{"n": -1}, {"seed": -1}, {"months": 0}, {"months": 121}, {"month": "2025"}]
)
def test_wrong_arguments_are_refused_at_the_call(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        synth_batches(catalogue_of(TAIAN), **({"n": 1, "seed": 1} | wrong))


def test_several_years() -> None:
    frame = synth(catalogue_of(TAIAN), 4000, 2, month="2022-01", months=36, defects=0.0)
    years = frame["discharged_on"].dt.year().value_counts()
    assert set(years["discharged_on"]) == {2022, 2023, 2024}
    assert years["count"].min() > 1200
    stay = (frame["discharged_on"] - frame["admitted_on"]).dt.total_days()
    assert ((stay == frame["los_days"]) | ((frame["los_days"] == 1) & (stay == 0))).all()


@pytest.mark.parametrize("name", CATALOGUES)
def test_codes_come_from_the_group(name: str) -> None:
    """The principal diagnosis lies under the group; every term has an alternative."""
    catalogue = catalogue_of(name)
    groups = {group.code: group for group in catalogue.groups}
    classes: Counter[str] = Counter()
    for row in made(name).head(4000).iter_rows(named=True):
        if row["expected_group"] is None:
            classes["none"] += 1
            continue
        group = groups[row["expected_group"]]
        classes[group.group_class] += 1
        principal = row["diagnoses"][0].upper()
        assert any("-" in d or principal.startswith(d.upper()) for d in group.diagnosis)
        assert row["diagnoses"][0] in catalogue.dx_names
        written = {p.upper() for p in row["procedures"]}
        for term in group.terms:
            assert written & {text.upper() for text in term} or any(t.endswith("*") for t in term)
    assert classes["core"] > 3000
    assert 0.04 < sum(classes[c] for c in ("comprehensive", "chapter")) / 4000 < 0.3


@pytest.mark.parametrize("name", CATALOGUES)
def test_every_claim_is_matched_to_the_group_it_was_drawn_for(name: str) -> None:
    for row, result in answers(made(name).head(2000), catalogue_of(name)):
        assert row["expected_group"] == result.adrg, (row, result)


@pytest.mark.long
def test_a_million_claims_are_matched_to_the_group_they_were_drawn_for() -> None:
    grouper = DipGrouper.load(TAIAN)
    drawn_for = 0
    for frame in synth_batches(catalogue_of(TAIAN), 1_000_000, 5, defects=0.0, with_group=True):
        result = grouper.group_frame(frame).select("expected_group", pl.col("adrg").cast(pl.String))
        named = result.filter(pl.col("expected_group").is_not_null())
        assert (named["expected_group"] == named["adrg"]).all()
        drawn_for += named.height
    assert drawn_for > 990_000


def test_costs_lie_around_the_published_means() -> None:
    """Pingdingshan publishes means; over all hospitals the claims of a group cost about that."""
    catalogue = catalogue_of(PINGDINGSHAN)
    means = pl.DataFrame(
        {
            "expected_group": [g.code for g in catalogue.groups],
            "mean": [(g.mean_fen or 0) / 100 for g in catalogue.groups],
        }
    )
    cost = pl.col("total_cost").cast(pl.Float64)
    frame = made(PINGDINGSHAN).join(means, on="expected_group").filter(pl.col("mean") > 0)
    assert frame.height > 18_000
    assert frame.select((cost / pl.col("mean")).mean()).item() == pytest.approx(1.0, abs=0.1)


def test_claims_reach_the_auxiliary_types() -> None:
    frame = made(TAIAN)
    assert frame.filter(pl.col("icu_hours") >= 48).height > 100
    assert frame.filter(pl.col("age") >= 65).height > 3000
    assert frame.filter(pl.col("age") < 18).height > 1000
    assert frame.filter(pl.col("disposition") == "5").height > 20
    assert frame["diagnoses"].list.len().mean() > 5


def test_a_procedure_named_twice_is_reported_twice() -> None:
    group = Group("H25.9:X", "core", ("H25.9",), (("13.7100x001",), ("13.7100x001",)))
    frame = drawn(small(group))
    own = frame.filter(pl.col("expected_group") == group.code)
    twice = own["procedures"].list.eval(pl.element() == "13.7100x001").list.sum()
    assert own.height > 300
    assert set(twice) == {2}


def test_conditions_are_fulfilled() -> None:
    conditions = (
        Condition("light", field="birth_weight_g", start=1000, stop=1500),
        Condition("young", field="age_days", start=0, stop=29),
        Condition("sepsis", secondary=("A41", "R65-R66")),
        Condition("died", field="disposition", values=("5",)),
    )
    asked = tuple(c.name for c in conditions)
    group = Group("AI3", "special", ("P07",), conditions=asked, score_e4=20_000_0000)
    frame = drawn(small(group, conditions=conditions))
    own = frame.filter(pl.col("expected_group") == "AI3")
    assert own.height > 300
    assert own["birth_weight_g"].is_between(1000, 1499).all()
    assert own["age_days"].is_between(0, 28).all()
    assert own["disposition"].unique().to_list() == ["5"]
    codes = own["diagnoses"].list.eval(pl.element().str.contains("^(A41|R65|R66)")).list.any()
    assert codes.all()
    strays = frame.filter(pl.col("expected_group").is_null())
    assert not strays["diagnoses"].list.first().str.starts_with("P07").any()


def test_a_comprehensive_group_gets_what_the_core_groups_leave() -> None:
    core = Group("K80.1:51.2300", "core", ("K80.1",), (("51.2300",),), score_e4=1)
    quiet = Group("K80.1", "core", ("K80.1",), score_e4=1)
    rest = Group("K80:SS", "comprehensive", ("K80",), attribute="SS", score_e4=1)
    medical = Group("K80:BSZL", "comprehensive", ("K80",), attribute="BSZL", score_e4=1)
    catalogue = small(core, quiet, rest, medical)
    frame = drawn(catalogue, 3000)
    first = pl.col("procedures").list.first()
    own = frame.filter(pl.col("expected_group") == "K80:SS").with_columns(first.alias("first"))
    assert own.height > 50
    assert {catalogue.kind_of(code) for code in own["first"]} == {"surgery"}
    assert "51.2300" not in set(own["first"])
    quiets = frame.filter(pl.col("expected_group") == "K80:BSZL")
    assert quiets.height > 20
    assert not quiets["diagnoses"].list.first().str.starts_with("K80.1").any()
    for row, result in answers(frame.head(500), catalogue):
        assert row["expected_group"] == result.adrg


def test_prefix_terms_and_ranges() -> None:
    group = Group("CP:X", "core", ("K35-K37",), (("47.0*", "47.1*"),), score_e4=1)
    own = drawn(small(group)).filter(pl.col("expected_group") == "CP:X")
    assert own.height > 300
    assert own["diagnoses"].list.first().str.contains("^K3[567]").all()
    assert own["procedures"].list.first().str.contains(r"^47\.[01]").all()


def test_a_catalogue_that_no_claim_can_reach_is_an_error() -> None:
    with pytest.raises(DipError, match="D460") as error:
        drawn(small(Group("X", "core", ("K35.9",), (("not a code",),))))
    assert error.value.exit_code == 3


def test_defects_are_put_in() -> None:
    frame = made(TAIAN, 20_000, 0.3)
    assert frame["defect"].drop_nulls().n_unique() > 8
    assert frame["defect"].count() / frame.height == pytest.approx(0.3, abs=0.02)
    clean = frame["defect"].is_null()
    columns = [c for c in frame.columns if c != "defect"]
    same = made(TAIAN).filter(clean).select(columns)
    assert_frame_equal(frame.filter(clean).select(columns), same)


def test_the_command_writes_a_file(tmp_path: Path) -> None:
    out = tmp_path / "claims.parquet"
    args = ["synth", "-s", TAIAN, "-n", "300", "--seed", "4", "-o", str(out)]
    run = CliRunner().invoke(cli, [*args, "--month", "2023-11", "--months", "3", "--expected"])
    assert run.exit_code == 0, run.output
    frame = pl.read_parquet(out)
    assert frame.columns == [*schema(), "expected_group"]
    assert set(frame["discharged_on"].drop_nulls().dt.strftime("%Y-%m")) == {
        "2023-11", "2023-12", "2024-01",
    }  # fmt: skip
    assert frame["expected_group"].drop_nulls().n_unique() > 100
    plain = tmp_path / "claims.csv"
    assert CliRunner().invoke(cli, [*args[:-1], str(plain)]).exit_code == 0
    assert "expected_group" not in plain.read_text("utf-8").splitlines()[0]


def test_what_the_command_refuses(tmp_path: Path) -> None:
    out = str(tmp_path / "claims.csv")
    run = CliRunner().invoke(cli, ["synth", "-s", "demo", "-n", "1", "-o", out, "--expected"])
    assert run.exit_code == 2
    assert "C106" in run.output
    assert "--expected，仅限 DIP 目录" in run.output
    wrong = ["synth", "-s", TAIAN, "-n", "1", "-o", out, "--month", "2025-13"]
    run = CliRunner().invoke(cli, wrong)
    assert (run.exit_code, "P432" in run.output) == (3, True)
    assert not Path(out).exists()
