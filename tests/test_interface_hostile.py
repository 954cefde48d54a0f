"""Files of settlement lists, damaged or meant to harm: one clear error, or one clear row."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from drg.claims.interface import json_text
from drg.claims.readers import open_claims
from drg.errors import InputError

GOOD = '{"setlinfo":{"setl_id":"S1"},"diseinfo":[{"diag_code":"I10.x00","maindiag_flag":"1"}]}'


def opened(tmp_path: Path, text: str | bytes, name: str = "lists.json") -> pl.DataFrame:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    with open_claims(path) as source:
        return source.scan().collect()


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (GOOD[:-10], "F151", {"number": 1, "line": 1}),
        (f"[{GOOD},\n{GOOD[:40]}", "F151", {"number": 2, "line": 2}),
        (f"[{GOOD},\n", "F151", {}),
        (f"[{GOOD}", "F151", {}),
        (f'{GOOD}\n{{"setlinfo" 1}}', "F150", {"number": 2, "line": 2, "column": 13}),
        (f"[{GOOD} {GOOD}]", "F150", {"found": "{"}),
        (f"[{GOOD}] x", "F161", {}),
        (f"{GOOD}\nx", "F150", {"line": 2, "column": 1, "found": "x"}),
        (f"{GOOD} x", "F150", {"line": 1, "column": len(GOOD) + 2, "found": "x"}),
        (f"[{GOOD},\n {GOOD},x]", "F150", {"line": 2, "column": len(GOOD) + 3, "found": "x"}),
        ('{"a":' * 200_000, "F152", {}),
        ("[" * 200_000, "F152", {}),
        ('{"setlinfo":{"age":NaN}}', "F153", {"text": "NaN"}),
        ('{"setlinfo":{"age":-Infinity}}', "F153", {"text": "-Infinity"}),
        ('{"setlinfo":{"age":1,"age":2}}', "F154", {"key": "age"}),
        ('{"setlinfo":{"amt":' + "9" * 5000 + "}}", "F155", {"digits": 5000}),
        ('{"setlinfo":{"setl_id":"\\ud800"}}', "F156", {}),
        ('{"setlinfo":{"setl_id":"a\\u0000"}}', "F156", {}),
        ("[1]", "F157", {"kind": "number"}),
        ('"S1"', "F157", {"kind": "string"}),
        ("null", "F157", {"kind": "null"}),
        ('{"input":[true]}', "F157", {"kind": "boolean"}),
        ('{"diseinfo":[]}', "F158", {"keys": "diseinfo"}),
        ('{"input":{"setlinfo":null}}', "F158", {}),
        ('{"setlinfo":[]}', "F159", {"node": "setlinfo", "kind": "array", "wanted": "object"}),
        ('{"setlinfo":{},"diseinfo":"x"}', "F159", {"node": "diseinfo", "wanted": "array"}),
        ('{"setlinfo":{},"icuinfo":[[]]}', "F159", {"node": "icuinfo", "wanted": "object"}),
        ("  \n ", "F162", {}),
        ("", "F162", {}),
        (b"\xff\xfe\x00\x00", "F126", {}),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)
def test_a_file_that_is_no_list_of_lists(tmp_path, text, code, told):
    with pytest.raises(InputError) as caught:
        opened(tmp_path, text)
    error = caught.value
    assert error.code == code
    assert "lists.json" in error.where
    assert {name: error.params[name] for name in told} == told
    for lang in ("zh", "en"):
        assert error.message(lang)


def test_a_list_too_large_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(json_text, "_CHUNK", 64)
    monkeypatch.setattr(json_text, "_LARGEST", 256)
    with pytest.raises(InputError) as caught:
        opened(tmp_path, GOOD + '\n{"setlinfo":{"x":"' + "y" * 1000)
    assert (caught.value.code, caught.value.params["number"]) == ("F160", 2)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_where_the_file_is_cut_into_chunks_does_not_matter(tmp_path, monkeypatch, size):
    text = "[" + ",\n".join(GOOD.replace("S1", f"编号{n}") for n in range(20)) + "]\n"
    monkeypatch.setattr(json_text, "_CHUNK", size)
    assert opened(tmp_path, text)["claim_id"].to_list() == [f"编号{n}" for n in range(20)]


def test_values_of_wrong_kinds_stay_in_sight(tmp_path):
    frame = opened(
        tmp_path,
        '{"setlinfo":{"setl_id":12,"age":{"a":1},"act_ipt_days":[3],"gend":true,"nwb_age":"x",'
        '"nwb_bir_wt":-1,"psn_part_amt":"1e999999999","medfee_sumamt":1.5e3,'
        '"vent_used_dura":"96","dscg_way":"7"}}',
    )
    row = frame.row(0, named=True)
    assert row["claim_id"] == "12"
    assert (row["age"], row["los_days"], row["sex"]) == ("{…}", "[…]", "true")
    assert (row["age_days"], row["birth_weight_g"], row["ventilation_hours"]) == ("x", "-1", "96")
    assert (row["total_cost"], row["patient_paid"]) == ("1500", "1e999999999")
    assert row["disposition"] == "7"
    assert row["list_faults"] == (
        "F170 gend; F170 age; F171 nwb_age; F170 act_ipt_days; F172 vent_used_dura; "
        "F173 dscg_way; F171 psn_part_amt"
    )


def test_a_file_without_lists_is_a_file_without_claims(tmp_path):
    assert opened(tmp_path, "[]").height == 0
    assert opened(tmp_path, "[]", "lists.jsonl").height == 0
