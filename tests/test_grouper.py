"""The library's face: load, group, group_frame, explain."""

from __future__ import annotations

import polars as pl
import pytest

import drg
from drg.claims.frame import RESULT_NAMES
from drg.errors import InputError, SchemeError
from drg.paths import tables_root
from drg.schemes.flags import Flags

STROKE = drg.Claim(claim_id="A1", sex="女", age=67, diagnoses=["I63.905", "E87.600"])


def test_one_claim(demo):
    result = demo.group(STROKE)
    assert result == drg.GroupResult(
        "A1",
        "MDCB",
        "BR1",
        "BR13",
        "脑卒中，伴合并症或并发症",
        "CC",
        drg.Outcome.GROUPED,
        None,
        "demo",
        demo.digest,
    )
    assert isinstance(result.outcome, drg.Outcome)


@pytest.mark.parametrize(
    ("change", "outcome", "reason", "group"),
    [
        ({}, "GROUPED", None, "BR13"),
        ({"sex": None}, "REJECTED", "E101", None),
        ({"sex": "3"}, "REJECTED", "E102", None),
        ({"age": None}, "REJECTED", "E110", None),
        ({"age": -1}, "REJECTED", "E111", None),
        ({"age": 300}, "REJECTED", "E111", None),
        ({"age": 2**40}, "REJECTED", "E111", None),
        ({"age": 0}, "REJECTED", "E112", None),
        ({"age": 0, "age_days": 400}, "REJECTED", "E113", None),
        ({"age": 0, "age_days": 3}, "REJECTED", "E114", None),
        ({"age": 0, "age_days": 3, "birth_weight_g": 20}, "REJECTED", "E115", None),
        ({"diagnoses": []}, "REJECTED", "E120", None),
        ({"diagnoses": ["", "I63.905"]}, "REJECTED", "E120", None),
        ({"diagnoses": ["ZZZ", "I63.905"]}, "UNGROUPABLE", "U201", "0000"),
        ({"diagnoses": ["J96.000"]}, "UNGROUPABLE", "U202", "0000"),
        ({"procedures": ["47.0100"]}, "AMBIGUOUS", "Q301", "BQY"),
        ({"diagnoses": ["i63.905", "E87.600"]}, "GROUPED", "N403", "BR13"),
        ({"diagnoses": ["Ｉ６３．９０５ ", "E87.600"]}, "GROUPED", "N403", "BR13"),
        ({"diagnoses": ["I63.905", "ZZZ"]}, "GROUPED", "N401", "BR15"),
        ({"procedures": ["ZZZ"]}, "GROUPED", "N402", "BR13"),
        ({"diagnoses": ["K37.x00"]}, "GROUPED", "N404", "GZ19"),
        ({"diagnoses": ["A17.000+G01*"]}, "GROUPED", None, "BT29"),
        ({"diagnoses": ["A17.000"]}, "GROUPED", "N403", "BT29"),
        ({"diagnoses": ["I63.905", "I69.300"]}, "GROUPED", None, "BR15"),
        ({"diagnoses": ["I63.905", *["E87.600"] * 200]}, "GROUPED", None, "BR13"),
    ],
)
def test_bad_input_has_an_outcome_and_a_reason(demo, change, outcome, reason, group):
    claim = STROKE.model_copy(
        update={k: tuple(v) if isinstance(v, list) else v for k, v in change.items()}
    )
    result = demo.group(claim)
    assert (result.outcome, result.reason, result.group) == (outcome, reason, group)


def test_frame_keeps_clashing_columns(demo):
    frame = pl.DataFrame(
        {"diagnoses": ["I63.905"], "sex": ["M"], "age": [60], "mdc": ["theirs"], "group": [1]}
    )
    grouped = demo.group_frame(frame)
    assert grouped.columns == ["diagnoses", "sex", "age", "mdc_input", "group_input", *RESULT_NAMES]
    assert grouped.row(0)[3:6] == ("theirs", 1, "MDCB")


def test_result_columns_are_enums(demo):
    schema = demo.group_frame(pl.DataFrame({"diagnoses": ["I63.905"]})).select(RESULT_NAMES).schema
    assert all(isinstance(dtype, pl.Enum) for dtype in schema.values())
    assert schema == pl.Schema(demo.result_schema)


def test_frame_without_diagnoses_is_refused(demo):
    with pytest.raises(InputError) as caught:
        demo.group_frame(pl.DataFrame({"sex": ["M"]}))
    assert caught.value.exit_code == 2
    with pytest.raises(InputError):
        demo.group_frame(pl.LazyFrame({"sex": ["M"]}))


def test_lazy_frame_stays_lazy(demo):
    lazy = demo.group_frame(pl.LazyFrame({"diagnoses": ["I63.905"], "sex": ["M"], "age": [60]}))
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect()["group"].to_list() == ["BR15"]


def test_explain_ends_with_the_result(demo):
    steps = demo.explain(STROKE)
    assert steps[0].kind == "input"
    assert steps[-1].kind == "result"
    assert demo.reference.trace(STROKE)[0] == demo.group(STROKE)


@pytest.mark.parametrize(
    "name", ["nothing", "chs-drg", "../demo", "a" * 100, "", "demo/../demo-none"]
)
def test_unknown_schemes(name):
    with pytest.raises(SchemeError) as caught:
        drg.Grouper.load(name)
    assert caught.value.exit_code == 3


def test_nearest_schemes_are_named():
    with pytest.raises(SchemeError, match=r"chs-drg-2\.0"):
        drg.Grouper.load("chs-drg-2")


def test_unknown_overlay():
    with pytest.raises(SchemeError, match="opendrg"):
        drg.Grouper.load("chs-drg-2.0", compat="other")


def test_a_folder_is_a_scheme(demo):
    assert drg.Grouper.load(tables_root() / "schemes" / "demo").digest == demo.digest


def test_digest_and_compat_tell_groupers_apart(grouper_of):
    published, amended = grouper_of("chs-drg-2.0"), grouper_of("chs-drg-2.0", "opendrg")
    assert published.digest != amended.digest
    assert (published.compat, amended.compat) == ("", "opendrg")
    assert repr(amended) == "Grouper.load('chs-drg-2.0', compat='opendrg')"


def test_flags_refuse_what_they_do_not_know():
    for flags in ({"retry": True}, {"unmatched_adrg": "other"}, {"normalise_codes": 1}):
        with pytest.raises(drg.TableError) as caught:
            Flags.read(flags, "scheme.toml")
        assert caught.value.code == "T123"


def test_public_names_are_there():
    for name in drg.__all__:
        assert getattr(drg, name) is not None
    assert set(drg.__all__) <= set(dir(drg))
    with pytest.raises(AttributeError, match="no attribute"):
        _ = drg.nothing
