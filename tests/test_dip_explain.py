"""``drg explain`` and ``drg check`` under a DIP catalogue: what lost, where, and on what row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_dip_reference import MATCHING, catalogue, group, scored

from drg.claims.model import Claim
from drg.cli import cli
from drg.dip.explain import decision_lines, decision_steps
from drg.dip.explain_words import CandidateFact
from drg.dip.model import COMPARATORS, GROUP_CLASSES, KINDS, Catalogue
from drg.dip.reference import ReferenceMatcher
from drg.text import catalogue as words
from drg.text import text


def explained(found: Catalogue, claim: Claim, lang: str = "en") -> list[str]:
    return decision_lines(ReferenceMatcher(found).decide(claim), found, lang)


def test_every_candidate_tells_why_it_lost() -> None:
    found = catalogue(
        group("K80.1"), group("K80.1:51.2300", mean_fen=100), group("K80.1:51.8800", mean_fen=900),
        group("K80.1:51.8700+51.2300"), group("K80:SS"), group("K80:BSZL"),
        group("K80.2"), matching=MATCHING,
    )  # fmt: skip
    claim = Claim(
        claim_id="A1", diagnoses=["K80.100"], procedures=["51.2300", "51.8800"], total_cost="8"
    )
    lines = explained(found, claim)
    told = "\n".join(lines)
    assert (
        "K80.1:51.8800 K80.1:51.8800 (core·therapeutic): chosen [groups.csv K80.1:51.8800]" in told
    )
    assert "K80.1:51.2300 K80.1:51.2300 (core·surgery): fits, but loses at" in told
    assert "7.00 yuan off against 1.00 yuan off" in told
    assert "K80:SS K80:SS (comprehensive·surgery): fits, but a group of an earlier tier" in told
    assert "procedure 51.8700 is missing" in told
    assert "stays without procedures" in told
    assert "another kind of procedure" in told
    assert "K80.2" not in told
    assert "2 fit; 'mean cost nearest to the total cost' left K80.1:51.8800" in told
    assert "worth a look" in told
    assert lines[-1].startswith("result: GROUPED grouped; K80.1:51.8800")
    assert "N430" in lines[-1]
    assert lines[0].startswith("claim A1 · small · digest 0000")


def test_chinese_is_whole() -> None:
    found = scored(("age1", 70_000), ("dis1", 90_000), ("dis0", 40_000))
    claim = Claim(claim_id="A1", diagnoses=["C34.100", "C78.000"], age=70)
    lines = explained(found, claim, "zh")
    told = "\n".join(lines)
    assert "主要诊断 C34.100 肺癌" in told
    assert "主要诊断按亚目 C34.1、类目 C34 查找 [groups.csv C34.1 C34]" in told
    assert "只有 C34.1 符合" in told
    assert "dis1：分值 9.0000，采用 [auxiliary.csv C34.1/dis1]" in told
    assert "age1：分值 7.0000，符合但不是最高" in told
    assert "年龄（岁） ≥ 65" in told
    assert "分值 9.0000（辅助分型 dis1） [auxiliary.csv C34.1/dis1]" in told
    assert not re.search(r"\b(score|chosen|fits|kind)\b", told)


def test_missing_value_of_a_type_is_named() -> None:
    found = scored(("age1", 7))
    lines = explained(found, Claim(diagnoses=["C34.100"]))
    assert any("cannot be told for a missing value: age in years < 7" in line for line in lines)
    assert lines[-1].endswith("N431 an auxiliary type could not be told")


def test_score_of_an_unlisted_claim() -> None:
    lowest = explained(scored(("age1", 7), base=None), Claim(diagnoses=["C34.100"], age=40))
    assert any("the lowest, age1, counts" in line for line in lowest)
    none = scored(("age1", 7), base=None, unlisted="none")
    assert any("has no score" in line for line in explained(none, Claim(diagnoses=["C34.100"])))


@pytest.mark.parametrize("dx", [[], ["", "K80.100"], ["zz"], ["X67.000"], ["K80"]])
def test_claims_without_a_group(dx: list[str]) -> None:
    found = catalogue(group("K80.1"))
    for lang in ("zh", "en"):
        lines = explained(found, Claim(diagnoses=dx), lang)
        assert lines[-1].startswith(text("explain.result", lang))


def test_long_lists_are_cut_and_nothing_is_lost_in_the_steps() -> None:
    groups = [group(f"K80.1:51.2300+51.88{n:02d}") for n in range(40)]
    found = catalogue(*groups, group("K80:SS"))
    claim = Claim(diagnoses=["K80.100"], procedures=["51.2300"])
    decided = ReferenceMatcher(found).decide(claim)
    steps = decision_steps(decided, found)
    tried = [step for step in steps if step.kind == "candidate"]
    assert len(tried) == 41
    assert all(isinstance(step.subject, CandidateFact) for step in tried)
    assert all(step.text("en") and step.text("zh") for step in steps)
    lines = decision_lines(decided, found, "en")
    assert any("more do not fit either" in line for line in lines)
    assert len(lines) < 25


def test_every_name_has_words() -> None:
    table = words("dip")["dip_explain"]
    for lang in ("zh", "en"):
        assert {f"by_{name}_{lang}" for name in COMPARATORS} <= table.keys()
        assert {f"kind_{name}_{lang}" for name in KINDS} <= table.keys()
        assert {f"class_{name}_{lang}" for name in GROUP_CLASSES} <= table.keys()
    assert {key[:-3] for key in table if key.endswith("_zh")} == {
        key[:-3] for key in table if key.endswith("_en")
    }


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    path = tmp_path / "claims.csv"
    path.write_text(
        "claim_id,age,icu_hours,los_days,disposition,diagnoses,procedures,total_cost\n"
        "A1,60,0,5,1,K80.100|I10.x00x002,51.2300|zz,20000\n"
        "A2,60,0,5,1,K80,51.2300,20000\n"
        "A3,60,0,5,1,E10.300x051+H42.0*,,1\n",
        "utf-8",
    )
    return path


def test_command_explain(claims: Path) -> None:
    run = CliRunner().invoke(cli, ["explain", str(claims), "--id", "A1", "-s", "taian-2025"])
    assert run.exit_code == 0, run.output
    assert "总费用 20000.00 元" in run.output
    assert "手术操作 zz：不在编码库中" in run.output
    assert "K80.1:51.2300" in run.output
    assert "[groups.csv K80.1:51.2300]" in run.output


def test_command_check(claims: Path) -> None:
    run = CliRunner().invoke(cli, ["check", str(claims), "-s", "taian-2025", "--lang", "en"])
    assert run.exit_code == 0, run.output
    assert re.search(r"A1 +N402 .*zz", run.output)
    assert re.search(r"A2 +N433 .*K80", run.output)
    assert re.search(r"A3 +U213 ", run.output)
