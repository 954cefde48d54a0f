"""What was mended in regional schemes, on claims checked by hand; the carrier's answer beside it.

Each row: the claim, its group as published here, and the group that the measured engine gives
(``--compat opendrg``). Why: the notes of each scheme.toml and docs/agreement.md.
"""

from __future__ import annotations

from typing import Any

import pytest

import drg

#: Intracranial haemorrhage, stroke, epilepsy; coronary disease; hernia; an MCC and a CC.
BLEEDING, STROKE, EPILEPSY = "I60.000", "I63.900", "G40.900"
CORONARY, HERNIA = "I25.000x001", "K40.000x001"
MCC, CC = "J96.000", "E87.600"


def man(*diagnoses: str, px: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {"sex": "M", "age": 60, "diagnoses": diagnoses, "procedures": px} | more


def newborn(diagnosis: str, **more: Any) -> dict[str, Any]:
    return man(diagnosis, sex="F", age=0) | {"age_days": 1} | more


MENDED = [
    # Groups of death or transfer within five days, of children and of long stay come first.
    ("changzhou-2022", man(BLEEDING, los_days=3, disposition="5"), "BR17", "BR15"),
    ("changzhou-2022", man(BLEEDING, los_days=9, disposition="5"), "BR15", "BR15"),
    ("changzhou-2022", man(EPILEPSY, age=10), "BV16", "BV15"),
    ("foshan-2022", man(STROKE, los_days=61, icu_hours=0), "BR28", "BR23"),
    ("zhejiang-2022", man(BLEEDING, department="ICU"), "BR19", "BR15"),
    ("zhejiang-2022", man(BLEEDING, department="0301"), "BR15", "BR15"),
    ("hefei-2023", newborn("P07.200x011", birth_weight_g=900), "PS1Z", "PS15"),
    ("liaocheng-2022", man(STROKE, MCC), "BR21", "BR23"),
    # Lost and impossible conditions.
    ("hefei-2023", newborn("P07.300", birth_weight_g=1900), "PS25", "PS15"),
    ("suzhou-2023", newborn("P27.100", age_days=60), "PV19", "0000"),
    ("handan-2022", man("C50.900", sex="F"), "JR19", "JA29"),
    ("foshan-2022", man("C50.900", sex="F"), "JR15", "JA25"),
    ("changzhou-2022", man("F20.900", px=("47.0901",)), "TB19", "SB15"),
    ("beijing-2022", man("C91.000", px=("41.0500",)), "AG15", "RR15"),
    ("wuhan-2022", newborn("P07.300x021", birth_weight_g=2600), "PT29", "PB19"),
    # Lists: a graft, the two parts of a rule, both sides.
    ("foshan-2022", man("N18.100", px=("39.2700x002",)), "LF11", "LF11"),
    ("foshan-2022", man("N18.100", px=("39.2700x001",)), "LF15", "LF11"),
    ("zhejiang-2022", man(CORONARY, px=("36.1000x001",)), "FC35", "FC19"),
    ("zhejiang-2022", man(CORONARY, px=("36.1000x001", "00.6600x004")), "FC19", "FC19"),
    ("zhejiang-2022", man(HERNIA, px=("53.1000",)), "GE19", "GE15"),
    ("zhejiang-2022", man(HERNIA, px=("53.0001",)), "GE13", "GE15"),
    # Groups that the carrier lost or tests against their names.
    ("fuzhou-2022", man("I42.000", px=("37.5100",)), "AA19", "AA1"),
    ("wuxi-2022", man("I42.000", px=("37.5100",)), "AA19", "0000"),
    ("wuxi-2022", man("Z51.101", px=("03.8x01",), los_days=10), "RE14", "RU15"),
    ("wlmq-2022", man("I10.x00x002"), "FV25", "FV2"),
    ("wlmq-2022", man(BLEEDING, CC), "BR13", "BR15"),
    ("yancheng-2023", man(BLEEDING, CC), "BR15", "BR11"),
    ("yancheng-2023", man(BLEEDING, MCC), "BR11", "BR11"),
    ("guangxi-2022", man("M16.900", CC, px=("81.5100",)), "IC25", "IC21"),
]


def group(scheme: str, compat: str | None, claim: dict[str, Any]) -> str | None:
    return drg.Grouper.load(scheme, compat).group(drg.Claim(claim_id="1", **claim)).group


@pytest.mark.parametrize(
    ("scheme", "claim", "published", "carried"),
    MENDED,
    ids=[f"{scheme}-{n}" for n, (scheme, *_) in enumerate(MENDED, 1)],
)
def test_mended(scheme, claim, published, carried):
    assert group(scheme, None, claim) == published
    assert group(scheme, "opendrg", claim) == carried


def test_a_value_that_is_missing_is_not_guessed():
    """Foshan splits haemorrhage by hours of intensive care; 0 hours is a value, none is not."""
    assert group("foshan-2022", None, man(BLEEDING, icu_hours=0)) == "BR15"
    assert group("foshan-2022", None, man(BLEEDING, icu_hours=121)) == "BR10"
    claim = drg.Claim(claim_id="1", **man(BLEEDING))
    unknown = drg.Grouper.load("foshan-2022").group(claim)
    assert (unknown.outcome, unknown.reason) == (drg.Outcome.REJECTED, "E130")


def test_yunnan_answers_with_its_own_codes_when_asked_to():
    """That engine says 0000A where a claim fits nothing, and nothing at all where it rejects."""
    carried = drg.Grouper.load("yunnan-2023", "opendrg")
    answer = carried.group(drg.Claim(claim_id="1", **man("U99")))
    assert (answer.mdc, answer.adrg, answer.group) == ("0000", "00", "0000A")
    rejected = carried.group(drg.Claim(claim_id="1", **man(STROKE, sex=None)))
    assert (rejected.mdc, rejected.group) == (None, None)
