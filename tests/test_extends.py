"""A scheme that extends another: amendments, whole tables, and the folders written for them."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import polars as pl
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

import drg
from drg.errors import SchemeError, TableError
from drg.schemes.amend import amend, amendments
from drg.schemes.save import save_extension, save_overlay, save_scheme
from drg.schemes.tables import SCHEME_TABLES

DEMO = ROOT / "tables" / "schemes" / "demo"
CODE_SET, SEVERITY = SCHEME_TABLES["code_set"], SCHEME_TABLES["severity"]
HEADER = {
    "id": "town-2030",
    "kind": "chs-drg",
    "title_zh": "某市",
    "title_en": "A town",
    "extends": "demo",
    "amendments": [
        {"id": "local", "reason_zh": "本地", "reason_en": "local", "source": "S-PROJECT"}
    ],
}


def named(table: str, changes: pl.DataFrame) -> pl.Series:
    return pl.Series(["local"] * changes.height)


@pytest.fixture
def base() -> dict[str, pl.DataFrame]:
    scheme = drg.load_scheme("demo")
    return {name: scheme.table(name) for name in SCHEME_TABLES}


@pytest.fixture
def town(tmp_path: Path, base: dict[str, pl.DataFrame]) -> Path:
    """The demo with one severity level changed, one code added and one DRG renamed."""
    tables = dict(base)
    first = base["severity"][0, "code"]
    other = {"MCC": "CC", "CC": "MCC"}[base["severity"][0, "level"]]
    tables["severity"] = base["severity"].with_columns(
        level=pl.when(pl.col("code") == first).then(pl.lit(other)).otherwise("level")
    )
    more = pl.DataFrame({"set": ["BR1.dx"], "kind": ["dx"], "code": ["Z99.900"]})
    tables["code_set"] = pl.concat([base["code_set"], more]).sort("set", "code")
    tables["drg"] = base["drg"].with_columns(
        name=pl.when(pl.col("drg") == "BR15").then(pl.lit("本地名称")).otherwise("name")
    )
    folder = tmp_path / "town-2030"
    save_extension(folder, HEADER, base, tables, named)
    return folder


def test_extension_holds_only_what_differs(town, base):
    assert sorted(p.name for p in town.iterdir()) == [
        "code_set.csv", "drg.csv", "scheme.toml", "severity.csv",
    ]  # fmt: skip
    assert (town / "code_set.csv").read_text("utf-8") == (
        "op,amendment,set,kind,code\n+,local,BR1.dx,dx,Z99.900\n"
    )
    scheme = drg.load_scheme(town)
    assert scheme.table("code_set").height == base["code_set"].height + 1
    assert scheme.table("mdc").equals(base["mdc"])
    assert next(row.name for row in scheme.drgs if row.drg == "BR15") == "本地名称"
    assert scheme.id == "town-2030"


def test_extension_groups_under_its_own_digest(town):
    claim = drg.Claim(sex="M", age=60, diagnoses=["I63.905"])
    here, there = drg.Grouper.load(town), drg.Grouper.load("demo")
    assert here.digest != there.digest
    assert here.group(claim).group == there.group(claim).group == "BR15"
    assert here.group(claim).group_name == "本地名称"


def test_a_changed_base_changes_the_digest(town, tmp_path):
    """The base may stand beside the scheme; its tables are part of what decides."""
    before = drg.Grouper.load(town).digest
    beside = tmp_path / "demo"
    shutil.copytree(DEMO, beside)
    toml = beside / "scheme.toml"
    assert drg.Grouper.load(town).digest == before
    text = toml.read_text("utf-8")
    digest = tomllib.loads(text)["tables"]["mdc"]["sha256"]
    toml.write_text(text.replace(digest, "0" * 64), "utf-8")
    with pytest.raises(TableError, match="T103"):
        drg.load_scheme(town)


def test_one_level_of_extension(town, tmp_path):
    text = (town / "scheme.toml").read_text("utf-8")
    deeper = tmp_path / "deeper"
    shutil.copytree(town, deeper)
    (deeper / "scheme.toml").write_text(
        text.replace('extends = "demo"', 'extends = "town-2030"'), "utf-8"
    )
    with pytest.raises(SchemeError, match="S106"):
        drg.load_scheme(deeper)


@pytest.mark.parametrize("extends", ["../demo", "nowhere-at-all"])
def test_base_must_be_a_scheme(town, extends):
    toml = town / "scheme.toml"
    toml.write_text(
        toml.read_text("utf-8").replace('extends = "demo"', f'extends = "{extends}"'), "utf-8"
    )
    with pytest.raises(SchemeError) as caught:
        drg.load_scheme(town)
    assert caught.value.code in ("S101", "S103")


def test_amendments_need_something_to_amend(town):
    toml = town / "scheme.toml"
    toml.write_text(toml.read_text("utf-8").replace('extends = "demo"\n', ""), "utf-8")
    with pytest.raises(TableError, match="T129"):
        drg.load_scheme(town)


def test_a_whole_table_that_repeats_the_base_is_refused(tmp_path, base):
    folder = tmp_path / "same"
    save_scheme(folder, {**HEADER, "amendments": []}, {**base})
    with pytest.raises(TableError, match="T130"):
        drg.load_scheme(folder)


def test_unexplained_amendment_is_refused(tmp_path, base):
    tables = base | {"severity": base["severity"].slice(1)}
    folder = tmp_path / "unexplained"
    save_extension(folder, {**HEADER, "amendments": []}, base, tables, named)
    with pytest.raises(TableError, match="T113"):
        drg.load_scheme(folder)


def test_whole_scheme_comes_back_as_written(tmp_path, base):
    folder = tmp_path / "copy"
    header = {k: v for k, v in HEADER.items() if k not in ("extends", "amendments")}
    origin = {"severity": {"source": "S-PROJECT", "status": "synthetic"}}
    save_scheme(folder, header | {"tables": origin}, base)
    scheme = drg.load_scheme(folder)
    for name, table in base.items():
        assert scheme.table(name).equals(table), name
    toml = tomllib.loads((folder / "scheme.toml").read_text("utf-8"))
    assert toml["tables"]["severity"]["status"] == "synthetic"


def test_overlay_comes_back_as_written(town, base):
    scheme = drg.load_scheme(town)
    tables = {name: scheme.table(name) for name in SCHEME_TABLES}
    back = tables | {"severity": base["severity"]}
    flags = {"rejected": ["A", "B", "C"]}
    header = {"name": "old", "amendments": HEADER["amendments"], "flags": flags}
    save_overlay(town / "compat" / "old", header, tables, back, named)
    amended = drg.load_scheme(town, "old")
    assert amended.table("severity").equals(base["severity"])
    assert amended.flags.rejected_codes() == ("A", "B", "C")


def test_nothing_is_written_over(town, base):
    with pytest.raises(TableError, match="T131"):
        save_scheme(town, HEADER, base)
    left = sorted(p.name for p in town.parent.iterdir())
    assert left == ["town-2030"]


def test_a_failed_write_leaves_nothing(tmp_path, base):
    broken = base | {"severity": base["severity"].drop("level")}
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        save_scheme(tmp_path / "broken", HEADER, broken)
    assert list(tmp_path.iterdir()) == []


# ---- amendments


def frame(rows: list[tuple[str, str, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(CODE_SET.header, pl.String), orient="row")


def test_a_set_is_given_anew_when_that_is_shorter():
    before = frame([("S", "dx", f"A{n}") for n in range(9)] + [("T", "dx", "A1")])
    after = frame([("S", "dx", "A1"), ("S", "dx", "B1"), ("T", "dx", "A1"), ("T", "dx", "A2")])
    changes = amendments(before, after, CODE_SET)
    assert changes.rows() == [
        ("-", "S", "", "*"),
        ("+", "S", "dx", "A1"),
        ("+", "S", "dx", "B1"),
        ("+", "T", "dx", "A2"),
    ]
    assert amend(before, changes, CODE_SET, "here").equals(after)


def test_a_set_can_be_dropped():
    before = frame([("S", "dx", "A1"), ("S", "dx", "A2"), ("T", "dx", "A1")])
    after = frame([("T", "dx", "A1")])
    changes = amendments(before, after, CODE_SET)
    assert changes.rows() == [("-", "S", "", "*")]
    assert amend(before, changes, CODE_SET, "here").equals(after)
    with pytest.raises(TableError, match="T112"):
        amend(after, changes, CODE_SET, "here")


sets = st.frozensets(
    st.tuples(st.sampled_from("STU"), st.just("dx"), st.sampled_from("ABCDEFGH")), max_size=24
)


@given(sets, sets)
@settings(deadline=None)
def test_amendments_lead_from_any_table_to_any_other(before, after):
    one, two = (frame(sorted(rows)) for rows in (before, after))
    changes = amendments(one, two, CODE_SET)
    assert amend(one, changes, CODE_SET, "here").equals(two)
    assert changes.is_empty() == (before == after)
    assert changes.height <= len(before ^ after)


levels = st.dictionaries(
    st.sampled_from("ABCDEF"), st.tuples(st.sampled_from(("MCC", "CC")), st.sampled_from("12"))
)


@given(levels, levels)
@settings(deadline=None)
def test_amendments_replace_rows_of_one_key(before, after):
    one, two = (
        pl.DataFrame(
            [(code, *rest) for code, rest in sorted(rows.items())],
            schema=dict.fromkeys(SEVERITY.header, pl.String),
            orient="row",
        )
        for rows in (before, after)
    )
    changes = amendments(one, two, SEVERITY)
    assert amend(one, changes, SEVERITY, "here").equals(two)
    ops = dict(zip(changes["code"], changes["op"], strict=True))
    assert ops == {
        code: "-" if code not in after else "+" if code not in before else "="
        for code in before.keys() | after.keys()
        if before.get(code) != after.get(code)
    }


def test_explanations_that_no_row_needs_are_left_out(tmp_path, base):
    more = {"id": "other", "reason_zh": "别的", "reason_en": "other", "source": "S-PROJECT"}
    header = HEADER | {"amendments": [*HEADER["amendments"], more]}
    folder = tmp_path / "fewer"
    save_extension(folder, header, base, base | {"severity": base["severity"].slice(1)}, named)
    told = tomllib.loads((folder / "scheme.toml").read_text("utf-8"))["amendments"]
    assert [amendment["id"] for amendment in told] == ["local"]
