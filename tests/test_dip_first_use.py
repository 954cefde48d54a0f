"""What somebody meets who uses a DIP catalogue for the first time: names, messages, kinds."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from drg import Claim, DipGrouper, load_grouper
from drg.cli import cli
from drg.dip.catalogue import load_catalogue
from drg.dip.model import Catalogue
from drg.errors import SchemeError

TAIAN, PINGDINGSHAN = "taian-2025", "pingdingshan-2025"


@cache
def taian() -> DipGrouper:
    return DipGrouper.load(TAIAN)


@cache
def catalogue() -> Catalogue:
    return load_catalogue(TAIAN)


@pytest.mark.parametrize(
    ("place", "wanted"),
    [("泰安", TAIAN), ("taian", TAIAN), ("平顶山", PINGDINGSHAN), ("pingdingshan", PINGDINGSHAN)],
)
def test_a_place_names_its_catalogue(place: str, wanted: str) -> None:
    with pytest.raises(SchemeError, match="S101") as caught:
        load_grouper(place)
    assert caught.value.params["near"] == wanted


def test_a_scheme_is_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(SchemeError, match="S122"):
        DipGrouper.load("chs-drg-2.0")
    run = CliRunner().invoke(cli, ["dip", "compare", "chs-drg-2.0", TAIAN])
    assert (run.exit_code, "S122" in run.output) == (3, True)


@pytest.mark.parametrize("command", ["", "schemes", "group", "explain"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_help_names_dip(command: str, lang: str) -> None:
    run = CliRunner().invoke(cli, [*command.split(), "--help", "--lang", lang])
    assert run.exit_code == 0
    assert re.search("DIP (目录|catalogue)", " ".join(run.output.split()))


def test_a_subtype_without_a_rule_is_told_as_such() -> None:
    claim = Claim(diagnoses=("C50.900",), age=60, los_days=9, disposition="1", total_cost="6000")
    for lang, none, not_of in (
        ("zh", "目录没有给出判定条件", "病例不属于此类"),
        ("en", "the catalogue has no rule", "the claim is not of it"),
    ):
        told = [line for line in taian().explain_lines(claim, lang) if line.startswith("  tum")]
        lines = {re.split("[ :：]", line.strip())[0]: line for line in told}
        assert all(none in lines[name] for name in ("tum4", "tum7", "tum8"))
        assert all(not_of in lines[name] for name in ("tum1", "tum2", "tum3"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("38.9100", "therapeutic"),  # 动脉导管插入术
        ("38.9300", "therapeutic"),  # 静脉导管插入术
        ("38.9303", "therapeutic"),
        ("03.3100", "therapeutic"),  # 脊髓放液
        ("03.3101", "therapeutic"),
        ("96.0400", "therapeutic"),  # 气管内插管
        ("99.2503", "therapeutic"),  # 静脉注射化疗药物
        ("39.9500", "therapeutic"),  # 血液透析
        ("72.7900x001", "therapeutic"),  # 胎头吸引术
        ("73.4x00x004", "therapeutic"),  # 米非司酮配伍前列腺素终止妊娠
        ("45.2302", "diagnostic"),  # 电子结肠镜检查
        ("88.5500", "diagnostic"),  # 单根导管的冠状动脉造影术
        ("51.2300", "surgery"),  # 腹腔镜下胆囊切除术
        ("21.0400", "surgery"),  # 控制鼻出血，用筛动脉结扎术
        ("21.0700", "surgery"),
        ("23.7200", "surgery"),  # 根管治疗伴根尖切除术
        ("86.0601", "surgery"),  # 输注泵置入术
        ("74.1x00", "surgery"),
    ],
)
def test_kinds_are_what_a_coder_expects(code: str, kind: str) -> None:
    assert catalogue().procedure_kind[code] == kind


def test_a_heading_has_a_kind_of_its_codes() -> None:
    """Punctures, catheters, forceps: ``38.9300`` may not be surgery where ``38.9303`` is not."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for code, kind in catalogue().procedure_kind.items():
        if len(code) > 7 or code[5:7] != "00":
            kinds[code[:5]].add(kind)
    for prefix in ("38.91", "38.93", "55.92", "72.79", "86.06"):
        assert catalogue().procedure_kind[f"{prefix}00"] in kinds[prefix], prefix


BOUNDS: list[tuple[str, dict[str, Any], str | None]] = [
    ("A49.8", {"age": 0, "age_days": 28}, "age0"),
    ("A49.8", {"age": 0, "age_days": 29}, "age1"),
    ("A49.8", {"age": 1}, "age2"),
    ("A49.8", {"age": 6}, "age2"),
    ("A49.8", {"age": 7}, "age3"),
    ("A49.8", {"age": 17}, "age3"),
    ("A49.8", {"age": 18}, "age4"),
    ("A49.8", {"age": 64}, "age4"),
    ("A49.8", {"age": 65}, "age5"),
    ("P07.1", {"icu_hours": 47}, None),
    ("P07.1", {"icu_hours": 48}, "care_unit_time0"),
    ("P07.1", {"icu_hours": 191}, "care_unit_time0"),
    ("P07.1", {"icu_hours": 192}, "care_unit_time1"),
    ("P07.1", {"icu_hours": 359}, "care_unit_time1"),
    ("P07.1", {"icu_hours": 360}, "care_unit_time2"),
    ("P07.1", {"icu_hours": 743}, "care_unit_time2"),
    ("P07.1", {"icu_hours": 744}, "care_unit_time3"),
    ("C15.9", {"disposition": "5", "los_days": 3}, "dis4"),
    ("C15.9", {"disposition": "5", "los_days": 4}, "dis5"),
    ("C15.9|A41.900", {"disposition": "1", "los_days": 3}, "dis0"),
    ("C15.9|A41.900", {"disposition": "1", "los_days": 4}, "dis2"),
    ("C15.9|I25.100", {"disposition": "1", "los_days": 4}, "dis1"),
    ("C15.9|C78.000", {"disposition": "1", "los_days": 4}, "dis3"),
    ("C50.9|A41.900", {"disposition": "5", "los_days": 4}, "tum2"),
    ("C85.1", {}, "cci0"),
    ("C85.1|I50.900", {}, "cci2"),
    ("C85.1|I50.900|J44.900", {}, "cci3"),
]


@pytest.mark.parametrize(("diagnoses", "fields", "subtype"), BOUNDS)
def test_bounds_of_subtypes(diagnoses: str, fields: dict[str, Any], subtype: str | None) -> None:
    claim = Claim(diagnoses=tuple(diagnoses.split("|")), **fields)
    result = taian().group(claim)
    assert (result.outcome, result.reason) == ("GROUPED", None)
    assert result.auxiliary == subtype
    assert taian().trace(claim)[0] == result


@pytest.mark.parametrize(
    ("diagnoses", "fields"),
    [("A49.8", {}), ("A49.8", {"age": 0}), ("P07.1", {}),
     ("C15.9", {"disposition": "5"}), ("C15.9|A41.900", {"disposition": "1"})],
)  # fmt: skip
def test_a_missing_value_is_told(diagnoses: str, fields: dict[str, Any]) -> None:
    claim = Claim(diagnoses=tuple(diagnoses.split("|")), **fields)
    result = taian().group(claim)
    assert (result.outcome, result.reason) == ("GROUPED", "N431")
    assert taian().trace(claim)[0] == result
