"""Two catalogues compared: what each has, how scores shift, which claims move."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from drg.cli import cli
from drg.dip.build.assign import MATCHING
from drg.dip.build.settings import BuildError
from drg.dip.catalogue import load_catalogue
from drg.dip.compare import compare_catalogues
from drg.dip.model import AuxiliaryClass, Condition, Group, Subtype
from drg.dip.save import save_catalogue
from drg.reports.dip_compare_words import compare_lines
from drg.scale.dip_compare_file import dip_compare_file, pairs_frame

A = (
    Group("K80.1", "core", ("K80.1",), name="stones", score_e4=4_000_000),
    Group("K80.1:51.2300", "core", ("K80.1",), (("51.2300",),), name="out", score_e4=10_000_010),
    Group("K80.1:51.2300_51.8800", "core", ("K80.1",), (("51.2300",), ("51.8800",)),
          name="both", score_e4=12_000_000),
    Group("C54:SS", "comprehensive", ("C54",), attribute="SS", name="wide", score_e4=9_000_000),
    Group("N40.x", "core", ("N40.x",), name="only a", score_e4=3_000_000),
)  # fmt: skip
#: The same written otherwise, at other scores; one group less, one more.
B = (
    Group("k80.1", "core", ("K80.1",), name="stones", score_e4=4_400_000),
    Group("K80.1:51.2300", "core", ("K80.1",), (("51.2300",),), name="out", score_e4=11_000_011),
    Group("K80.1:51.2300+51.8800", "core", ("K80.1",), (("51.2300",), ("51.8800",)),
          name="both", score_e4=26_400_000),
    Group("C54:SS", "comprehensive", ("C54",), attribute="SS", name="wide", score_e4=9_900_000),
    Group("I10.x", "core", ("I10.x",), name="only b", score_e4=2_000_000),
)  # fmt: skip


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("two")
    base = replace(load_catalogue("taian-2025"), matching=MATCHING, subtypes=())
    old = Condition("old", "age", start=65)
    kept = {"classes": (), "conditions": (), "comorbidities": ()}
    save_catalogue(replace(base, id="one", groups=A, **kept), folder / "one", header={})
    classes = (AuxiliaryClass("age", "age5", "老年", "old", ("old",)),)
    subtypes = (Subtype("K80.1:51.2300", "age5", 13_000_000),)
    other = replace(base, id="other", groups=B, comorbidities=(), classes=classes,
                    conditions=(old,), subtypes=subtypes)  # fmt: skip
    save_catalogue(other, folder / "other", header={})
    return folder / "one", folder / "other"


@pytest.fixture(scope="module")
def comparison(two):
    return compare_catalogues(*map(load_catalogue, two))


ROWS = [
    ("H1", "K80.100", ["51.2300"], 40), ("H1", "K80.100", ["51.2300"], 70),
    ("H1", "K80.100", ["51.2300", "51.8800"], 40), ("H2", "C54.100", ["68.4101"], 40),
    ("H2", "N40.x00", [], 40), ("H2", "I10.x00", [], 40), (None, "Z00.000", [], 40),
]  # fmt: skip


@pytest.fixture
def claims(tmp_path):
    frame = pl.DataFrame(
        {
            "claim_id": [str(n) for n in range(len(ROWS))],
            "hospital_id": [row[0] for row in ROWS],
            "diagnoses": [[row[1]] for row in ROWS],
            "procedures": [row[2] for row in ROWS],
            "age": [row[3] for row in ROWS],
        }
    )
    frame.write_parquet(tmp_path / "c.parquet")
    return tmp_path / "c.parquet"


def test_groups_are_found_however_they_are_written(comparison):
    assert comparison.counts() == {
        "groups_both": 4, "groups_a": 1, "groups_b": 1,
        "subtypes_both": 0, "subtypes_a": 0, "subtypes_b": 1,
    }  # fmt: skip
    pairs = {pair.code: pair for pair in comparison.pairs}
    both = pairs["K80.1:51.2300_51.8800"]
    assert (both.where, both.code_b) == ("both", "K80.1:51.2300+51.8800")
    assert pairs["N40.x"].where == "a"
    assert pairs["I10.x"].where == "b"
    assert pairs["K80.1:51.2300_age5"].where == "b"


def test_shifts_are_told_as_they_are_and_against_the_median(comparison):
    assert comparison.median == Fraction("0.1")
    most = comparison.moves(5)
    assert [pair.code for pair in most] == ["K80.1:51.2300_51.8800"]
    assert most[0].shift == Fraction("1.2")
    assert comparison.relative(most[0]) == 1
    assert comparison.spread([Fraction(0), Fraction("0.1"), Fraction("0.5")]) == [0, 0, 3, 1]


def test_a_procedure_named_twice_is_another_group():
    from drg.dip.compare import _by_content

    once = Group("H25.9:13.7100", "core", ("H25.9",), (("13.7100",),))
    twice = Group("H25.9:13.7100_13.7100", "core", ("H25.9",), (("13.7100",),) * 2)
    assert _by_content([once]).keys().isdisjoint(_by_content([twice]))


def test_the_same_catalogue_twice_is_refused(two):
    one = load_catalogue(two[0])
    with pytest.raises(BuildError, match="D449"):
        compare_catalogues(one, load_catalogue(two[0]))


def test_shipped_catalogues_compare():
    found = compare_catalogues(load_catalogue("taian-2025"), load_catalogue("pingdingshan-2025"))
    counts = found.counts()
    a, b = found.a, found.b
    assert counts["groups_both"] + counts["groups_a"] == len(a.groups)
    assert counts["groups_both"] + counts["groups_b"] == len(b.groups)
    assert counts["subtypes_a"] + counts["subtypes_both"] == len(a.subtypes)
    assert counts["groups_both"] > 3000


def test_claims_under_both(two, claims):
    run = dip_compare_file(*two, claims)
    found = run.claims
    assert (found.claims, found.grouped("a"), found.grouped("b")) == (7, 5, 5)
    moved = found.moved().select("group_a", "group_b", "class_b", "claims").rows()
    assert sorted(moved, key=str) == [
        ("N40.x", None, "U211", 1), (None, "I10.x", "core.conservative", 1),
    ]  # fmt: skip
    classes = {row[:2]: row[2:] for row in found.classes().iter_rows()}
    assert classes["core.surgery", "core.surgery"] == (3, 0)
    assert classes["core.conservative", "U211"] == (1, 1)
    hospitals = {row["hospital_id"]: row for row in found.hospitals.iter_rows(named=True)}
    assert hospitals["H1"]["score_a"] == 10_000_010 * 2 + 12_000_000
    # The subtype's score counts, the group stays the same.
    assert hospitals["H1"]["score_b"] == 11_000_011 + 13_000_000 + 26_400_000
    assert (hospitals[None]["claims"], hospitals[None]["grouped_a"]) == (1, 0)


def test_claims_in_any_portions(two, claims, monkeypatch):
    import drg.dip.compare_claims as module

    whole = dip_compare_file(*two, claims).claims
    monkeypatch.setattr(module, "_PARTS", 1)
    frame = pl.read_parquet(claims)
    for parts in (frame[:3], frame[3:]):
        assert parts.height
    pl.concat([frame] * 3).write_parquet(claims)
    triple = dip_compare_file(*two, claims).claims
    assert triple.groups["claims"].to_list() == [3 * n for n in whole.groups["claims"]]


def test_files(two, claims, tmp_path):
    run = dip_compare_file(*two, claims, tmp_path / "out.parquet")
    frame = pl.read_parquet(tmp_path / "out.parquet")
    assert frame.equals(pairs_frame(run.comparison))
    row = frame.row(by_predicate=pl.col("group") == "K80.1:51.2300_51.8800", named=True)
    assert [str(row[name]) for name in ("score_a", "score_b", "shift", "relative")] == [
        "1200.0000", "2640.0000", "1.2000", "1.0000",
    ]  # fmt: skip
    for source, wanted in ((claims, 6), (None, 3)):
        dip_compare_file(*two, source, tmp_path / "out.xlsx", lang="zh")
        import fastexcel

        sheets = fastexcel.read_excel(tmp_path / "out.xlsx").sheet_names
        assert len(sheets) == wanted
        assert sheets[:3] == ["分值变动", "仅 A", "仅 B"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_lines(two, claims, lang):
    run = dip_compare_file(*two, claims)
    lines = "\n".join(compare_lines(run.comparison, run.claims, lang))
    assert "K80.1:51.2300_51.8800" in lines
    assert "+120.00%" in lines
    assert ("医院" in lines) == (lang == "zh")


def test_command_line(two, claims, tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["dip", "compare", *map(str, two), str(claims), "-o", str(tmp_path / "o.csv")])
    told = capsys.readouterr().out
    assert left.value.code == 0
    assert "共有 4，仅 A 1，仅 B 1" in told
    assert (tmp_path / "o.csv").is_file()
    with pytest.raises(SystemExit) as left:
        cli.main(["dip", "compare", str(two[0]), str(two[0])])
    assert left.value.code == 2
    assert "D449" in capsys.readouterr().err
