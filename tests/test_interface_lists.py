"""``drg lists``: lists to tables and back, results filled into lists; nothing is lost."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from made_lists import as_text, made_list, message

import drg
from drg.claims.interface.json_text import Number, dump, read_values
from drg.claims.interface.lists import list_schema
from drg.claims.interface.rows import ListReader, list_reader
from drg.claims.interface.skeleton import settlement_list
from drg.claims.interface.writing import write_values
from drg.claims.readers import open_claims
from drg.cli import cli
from drg.errors import InputError
from drg.scale import RunError
from drg.scale.group_file import group_file
from drg.scale.lists_file import convert_lists
from drg.scale.lists_fill import fill_lists


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    path = tmp_path / "lists.json"
    second = made_list(setl_id="S2", age=0, nwb_age=12, nwb_bir_wt=3200, vent_used_dura="x")
    path.write_text(as_text([message(made_list()), message(second)]), "utf-8")
    return path


def frame_of(path: Path) -> pl.DataFrame:
    with open_claims(path) as source:
        return source.scan().collect()


# ---- lists to tables and back


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx", ".tsv"])
def test_there_and_back(lists, tmp_path, suffix):
    table, items = tmp_path / f"table{suffix}", tmp_path / f"items{suffix}"
    run = convert_lists(lists, table, items=items)
    assert (run.claims, run.items, run.faults) == (2, 4, {"F172": 1})
    again = tmp_path / "again.json"
    run = convert_lists(table, again, items=items)
    assert (run.claims, run.items) == (2, 4)
    assert frame_of(again).equals(frame_of(lists), null_equal=True)


def test_lists_to_lists(lists, tmp_path):
    out, twice = tmp_path / "out.jsonl", tmp_path / "twice.jsonl"
    convert_lists(lists, out)
    convert_lists(out, twice)
    assert out.read_bytes() == twice.read_bytes()
    assert frame_of(out).equals(frame_of(lists), null_equal=True)


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="|"), min_size=1,
                max_size=8).filter(lambda t: t == t.strip(" \u00a0\u3000"))  # fmt: skip
_COUNT = st.integers(0, 99_999).map(str)
_MONEY = st.decimals(-(10**12), 10**12, places=2).map(str)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "claim_id": _TEXT, "patient_id": _TEXT, "sex": st.sampled_from(["M", "F", "0", "9"]),
        "age": _COUNT, "age_days": _COUNT, "birth_weight_g": _COUNT, "icu_hours": _COUNT,
        "ventilation_hours": _COUNT, "coma_before_minutes": _COUNT, "total_cost": _MONEY,
        "patient_paid": _MONEY, "fund_paid": _MONEY, "disposition": st.sampled_from("123459"),
        "insurance": st.sampled_from(["310", "390", "999"]),
        "planned_readmission": st.sampled_from(["是", "否"]),
        "hospital_level": st.sampled_from(["一级", "三级"]),
        "diagnoses": st.lists(st.sampled_from(["I10.x00", "E11.900"]), min_size=1, max_size=3),
        "procedures": st.lists(st.sampled_from(["38.9300", "96.7101"]), min_size=1, max_size=3),
    },
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(CLAIMS)
def test_any_claim_comes_back(claim):
    nodes = settlement_list(claim)
    read = list_reader().row(json.loads(dump(nodes), parse_float=Number, parse_int=Number))
    assert {name: read.values.get(name) for name in claim} == claim
    assert not read.faults


def test_front_sheets_become_lists(tmp_path):
    path, out = tmp_path / "sheet.csv", tmp_path / "out.json"
    path.write_text(
        "BAH,ZYCS,XB,NL,RYSJ,CYSJ,SJZYTS,JBDM,JBDM1,LYFS,YLFKFS,ZFY\n"
        "0001,2,女,45,2025-06-01,2025-06-09,8,I10.x00,,1,1,12.30\n", "utf-8",
    )  # fmt: skip
    convert_lists(path, out)
    found = json.loads(out.read_text("utf-8"), parse_float=str)
    setlinfo = found["setlinfo"]
    assert (setlinfo["setl_id"], setlinfo["gend"], setlinfo["hi_type"]) == ("0001-2", "2", "310")
    assert (setlinfo["medfee_sumamt"], setlinfo["age"]) == ("12.30", 45)
    assert found["diseinfo"] == [
        {"diag_type": "1", "diag_code": "I10.x00", "maindiag_flag": "1"},
    ]  # fmt: skip


def test_a_missing_principal_stays_missing():
    nodes = settlement_list({"diagnoses": ["", "I10.x00"], "conditions_at_admission": "|4"})
    assert [entry["maindiag_flag"] for entry in nodes["diseinfo"]] == ["0"]
    assert ListReader().row(nodes).values["diagnoses"] == ["", "I10.x00"]


@pytest.mark.parametrize(
    ("cell", "written"),
    [("12.30", "12.30"), ("007", '"007"'), ("-5", "-5"), ("1e3", '"1e3"'), ("?", '"?"'),
     (".5", '".5"'), ("5.", '"5."')],
)  # fmt: skip
def test_amounts_are_numbers_digit_for_digit(cell, written):
    assert f'"psn_part_amt":{written}' in dump(settlement_list({"patient_paid": cell}))


def test_the_schema_is_that_of_claims():
    schema = list_schema()
    assert schema["diagnoses"] == pl.List(pl.String())
    assert {"claim_id", "total_cost", "list_faults", "encounter_id"} <= set(schema)


# ---- writing


@pytest.mark.parametrize("count", [0, 1, 2, 5])
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_values_written_are_values_read(tmp_path, count, suffix):
    path = tmp_path / f"out{suffix}"
    values = [
        {"n": Number(f"{n}.10"), "甲": ["x", None, True, {"y": '\u2028\\"'}]} for n in range(count)
    ]
    assert write_values(path, iter(values)) == count
    if count or suffix == ".json":
        assert [placed.value for placed in read_values(path, "")] == values


def test_an_error_on_the_way_leaves_nothing(tmp_path):
    def values() -> Any:
        yield {}
        raise LookupError

    with pytest.raises(LookupError):
        write_values(tmp_path / "out.json", values())
    assert list(tmp_path.iterdir()) == []


def test_a_value_nested_too_deep(tmp_path):
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(RecursionError):
        write_values(tmp_path / "out.json", [deep])
    assert list(tmp_path.iterdir()) == []


def test_a_list_read_but_too_deep_to_write_is_named(lists, tmp_path):
    result, deep = grouped(lists, tmp_path), tmp_path / "deep.json"
    deep.write_text('\n{"setlinfo":{"setl_id":"S1"},"x":' + "[" * 900 + "]" * 900 + "}", "utf-8")
    with pytest.raises(InputError) as caught:
        fill_lists(deep, result, tmp_path / "out.json")
    error = caught.value
    assert (error.code, error.where, error.params) == ("F152", str(deep), {"number": 1, "line": 2})


def test_charges_go_to_one_claim_or_are_told(tmp_path):
    claims, charges, out = tmp_path / "c.csv", tmp_path / "i.csv", tmp_path / "o.json"
    frame = pl.DataFrame({"claim_id": ["A", "B", None], "total_cost": ["5", "7", "1"]})
    frame.with_columns(diagnoses=pl.lit("I10.x00")).write_csv(claims)
    charges.write_text("结算ID,费用类别,金额\nA,西药费,5.00\nZ,03,7\n,03,1\n", "utf-8")
    run = convert_lists(claims, out, items=charges)
    assert (run.items, run.left) == (1, 2)
    items = [found.get("iteminfo") for found in json.loads(out.read_text("utf-8"))]
    assert items == [[{"med_chrgitm": "09", "amt": 5.0}], None, None]
    # Two lists of one id would each get the charges of both.
    twice = tmp_path / "twice.json"
    twice.write_text(as_text([message(made_list()), message(made_list())]), "utf-8")
    with pytest.raises(InputError, match="F186"):
        convert_lists(twice, out)
    with pytest.raises(RunError, match="C201"):
        convert_lists(twice, tmp_path / "t.csv", items=tmp_path / "t.csv")


def test_a_code_with_the_separator_is_told(tmp_path):
    path, out = tmp_path / "bar.json", tmp_path / "out.csv"
    made = {"setlinfo": {"setl_id": "S"}, "diseinfo": [{"diag_code": "I10|x00"}]}
    path.write_text(json.dumps(made), "utf-8")
    assert convert_lists(path, out).faults == {"F170": 1}
    assert frame_of(out)["diagnoses"].to_list() == ["I10/x00"]


# ---- results


def grouped(lists: Path, tmp_path: Path, name: str = "grouped.parquet") -> Path:
    out = tmp_path / name
    group_file(drg.Grouper.load("demo"), lists, out)
    return out


def test_results_of_grouping(lists, tmp_path):
    out = tmp_path / "filled.json"
    result = grouped(lists, tmp_path)
    run = fill_lists(lists, result, out, scheme="demo", grouped_at="2025-06-30 14:05:00")
    assert (run.lists, run.filled, run.left) == (2, 2, 0)
    before = json.loads(lists.read_text("utf-8"), parse_float=str)
    after = json.loads(out.read_text("utf-8"), parse_float=str)
    told = [one["input"].pop("drg_result") for one in after]
    assert after == before  # whatever stood there stands there, amounts digit for digit
    assert told[0] == {
        "setl_id": "S0001", "drg_code": "BR11", "drg_name": "脑卒中，伴严重合并症或并发症",
        "adrg_code": "BR1", "adrg_name": "脑卒中", "mdc_codg": "MDCB",
        "mdc_name": "神经系统疾病及功能障碍", "ccmcc": "MCC", "grp_rslt": "GROUPED",
        "err_info": None, "grp_ver": "demo", "place_grp_pay_std": None,
        "place_drg_codg": None, "setl_list_sn": None, "setl_ym": "202506",
        "grp_time": "2025-06-30 14:05:00",
    }  # fmt: skip


def test_lists_and_results_that_do_not_meet(lists, tmp_path):
    result, out = tmp_path / "grouped.csv", tmp_path / "filled.jsonl"
    pl.DataFrame(
        {"claim_id": ["S2", "S9"], "diagnoses": ["I10.x00", ""], "group": ["X", "Y"],
         "outcome": ["GROUPED", "GROUPED"]},
    ).write_csv(result)  # fmt: skip
    run = fill_lists(lists, result, out)
    assert (run.lists, run.filled, run.left) == (2, 1, 1)
    first, second = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert first["input"] == json.loads(lists.read_text("utf-8"))[0]["input"]
    assert second["input"]["drg_result"]["drg_code"] == "X"
    assert second["input"]["drg_result"]["grp_ver"] is None


def test_settled_claims_and_agency_columns(lists, tmp_path):
    folder, out = tmp_path / "month", tmp_path / "filled.json"
    folder.mkdir()
    pl.DataFrame(
        {
            "claim_id": ["S0001", "S2"], "diagnoses": [["I10.x00"]] * 2,
            "pay_mode_input": ["1", "1"], "group": ["I10.x:38.93", None],
            "group_name": ["高血压", None], "outcome": ["GROUPED", "REJECTED"],
            "reason": [None, "E111"], "group_class": ["core.surgery", None],
            "auxiliary": ["dis2", None], "score": [Decimal("12.5000"), None],
            "pay_mode": ["DIP", "UNPAID"], "branch": ["STANDARD", None],
            "case_class": ["NORMAL", None], "fund_fen": [123450, None], "ref": ["S0001", "S2"],
        }
    ).write_parquet(folder / "claims.parquet")  # fmt: skip
    from drg.reports.dip_results import RESULT_COLUMNS

    row = {name: [None] for name in RESULT_COLUMNS} | {
        "settlement": ["S0001"], "final_score": [Decimal("12.5000")], "deviates": [False],
    }  # fmt: skip
    pl.DataFrame(row).write_parquet(folder / "dip_results.parquet")
    run = fill_lists(lists, folder, out)
    assert (run.lists, run.filled) == (2, 2)
    first, second = [one["input"] for one in json.loads(out.read_text("utf-8"), parse_float=str)]
    assert first["setlinfo"]["hi_paymtd"] == "3"
    assert second["setlinfo"]["hi_paymtd"] == "1"  # it is not paid: what stood there stays
    dip = first["dip_result"]
    assert (dip["grp_diag_code"], dip["oprn_grp_code"]) == ("I10.x", "38.93")
    assert (dip["asst_list_flag"], dip["asst_list_detl"]) == ("1", "dis2")
    assert (dip["grp_dise_sco"], dip["dise_list_type"]) == ("12.5000", "核心病种·手术")
    assert second["dip_result"]["err_info"].startswith("E111 ")
    assert first["settle_result"]["fund"] == "1234.50"
    assert first["agency_result"]["final_score"] == "12.5000"
    assert first["agency_result"]["deviates"] is False
    assert "agency_result" not in second
    assert "drg_result" not in first


def test_what_cannot_be_filled(lists, tmp_path):
    out = tmp_path / "filled.json"
    plain = {"claim_id": ["S1"], "diagnoses": ["I10.x00"], "group": ["X"], "outcome": ["GROUPED"]}

    def result(**change: Any) -> Path:
        path = tmp_path / "result.csv"
        columns = {name: cells for name, cells in {**plain, **change}.items() if cells}
        pl.DataFrame(columns).write_csv(path)
        return path

    for code, call in (
        ("F180", lambda: fill_lists(lists, result(claim_id=None), out)),
        ("F181", lambda: fill_lists(
            lists, result(**{name: cells * 2 for name, cells in plain.items()}), out)),
        ("F184", lambda: fill_lists(lists, result(group=None), out)),
        ("F182", lambda: fill_lists(lists, result(), tmp_path / "out.csv")),
        ("F183", lambda: fill_lists(result(), result(), out)),
        ("F185", lambda: fill_lists(lists, result(), out, grouped_at="noon")),
        ("F185", lambda: fill_lists(lists, result(), out, grouped_at="2024-13-45")),
        ("F202", lambda: fill_lists(lists, result(), tmp_path / "no" / "out.json")),
        ("F203", lambda: convert_lists(lists, tmp_path)),
        ("F183", lambda: convert_lists(result(), tmp_path / "o.csv", items=tmp_path / "i.csv")),
        ("F130", lambda: convert_lists(result(), out, items=result(claim_id=None))),
        ("F201", lambda: convert_lists(lists, tmp_path / "out.doc")),
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.code == code
        assert caught.value.message("en") != caught.value.message("zh")
    for call in (
        lambda: fill_lists(lists, result(), lists), lambda: convert_lists(lists, lists),
    ):  # fmt: skip
        with pytest.raises(RunError, match="C201"):
            call()
    assert not out.exists()


# ---- the command


def test_the_command(lists, tmp_path):
    run = CliRunner()
    table, filled = tmp_path / "t.csv", tmp_path / "f.json"
    told = run.invoke(cli, ["lists", "convert", str(lists), "-o", str(table), "--lang", "en"])
    assert told.exit_code == 1  # one duration cannot be read
    assert "F172      1  a duration is not days/hours/minutes" in told.output
    result = grouped(lists, tmp_path)
    told = run.invoke(cli, ["lists", "fill", str(lists), str(result), "-o", str(filled)])
    assert (told.exit_code, told.output.strip()) == (
        0, f"2 份清单，其中 2 份填入结果 → {filled}",
    )  # fmt: skip
    told = run.invoke(cli, ["check", str(lists), "-s", "demo", "--rules", "none"])
    assert (told.exit_code, told.output.splitlines()[0]) == (0, "病例  2")
    told = run.invoke(cli, ["explain", str(lists), "-s", "demo", "--id", "S0001"])
    assert "BR11" in told.output


def test_the_page_of_interfaces_runs():
    page = (ROOT / "docs" / "interfaces.md").read_text("utf-8")
    code = page.partition("```python\n")[2].partition("```")[0]
    exec(compile(code, "docs/interfaces.md", "exec"), {})
