"""Settlement lists and front sheets as claims; dictionaries and their translations."""

from __future__ import annotations

import csv
import gzip
import tomllib
from pathlib import Path
from typing import Any

import interface_page
import polars as pl
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from made_lists import as_text, made_list, message

import drg
from drg.claims.frame import PRICING_NAMES, SCALARS
from drg.claims.interface.dictionaries import dictionaries, meaning, translate, translation
from drg.claims.interface.durations import duration_text, read_duration, read_minute, whole_hours
from drg.claims.interface.fields import fields
from drg.claims.interface.tables import interface_folder, read_table
from drg.claims.list_columns import ITEM_NAMES, LIST_NAMES
from drg.claims.profiles import load_profiles, match_columns
from drg.claims.readers import open_claims
from drg.errors import TableError

SOURCES = tomllib.loads((ROOT / "tables" / "sources.toml").read_text("utf-8"))


def rows(path: Path) -> list[dict[str, Any]]:
    with open_claims(path) as source:
        return source.scan().collect().to_dicts()


def one(tmp_path: Path, found: dict[str, Any], name: str = "lists.json") -> dict[str, Any]:
    path = tmp_path / name
    path.write_text(as_text(found), "utf-8")
    [row] = rows(path)
    return row


# ---- tables


def test_every_number_of_the_tables_names_its_document():
    for table in ("fields", "dictionaries", "translations"):
        with (interface_folder() / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                assert row["source"] in SOURCES, row
                known = SOURCES[row["source"]]["status"]
                assert row["status"] == known or known in ("transcribed", "derived"), row


def test_what_lists_feed_is_known():
    own = {
        "encounter_id", "hospital_name", "insured_area", "special_person_type", "chronic_date",
        "transfer_departments", "coma_before_minutes", "coma_after_minutes", "transfer_to",
        "nursing_days_special", "nursing_days_1", "nursing_days_2", "nursing_days_3",
        "settled_from", "settled_to", "self_paid", "own_paid", "cash_paid", "in_scope_cost",
    }  # fmt: skip
    known = {*SCALARS, *PRICING_NAMES, *LIST_NAMES, *ITEM_NAMES, "diagnoses", "procedures"}
    assert {f.canonical for f in fields() if f.canonical} - known == own


@pytest.mark.parametrize("table", list(interface_page.TABLES))
def test_the_page_shows_the_tables(table):
    page = (ROOT / "docs" / "interfaces.md").read_text("utf-8")
    shown = page.partition(f"<!-- {table} -->\n")[2].partition(f"<!-- end {table} -->")[0]
    assert shown.strip().splitlines() == interface_page.TABLES[table]()


def test_a_broken_table_is_named(tmp_path):
    path = tmp_path / "t.csv"
    header = ("a", "source", "status")
    for text, code in (
        ("a,b\n", "T105"), ("a,source,status\n,S,derived\n", "T106"),
        ("a,source,status\n1,S,derived\n1,S,derived\n", "T107"),
        ("a,source,status\n1,S,guessed\n", "T109"), ("a,source,status\n1\n", "T110"),
    ):  # fmt: skip
        path.write_text(text, "utf-8")
        with pytest.raises(TableError) as caught:
            read_table(path, header, ("a",))
        assert caught.value.code == code
    with pytest.raises(TableError, match="T120"):
        read_table(tmp_path / "none.csv", header, ("a",))


def test_translations_lead_there_and_back():
    for name, entries in dictionaries().items():
        for to in ("sex", "insurance", "planned_readmission", "hospital_level", "hi_paymtd"):
            try:
                codes = translation(name, to)
            except KeyError:
                continue
            assert set(codes) <= set(entries)
            for value in set(codes.values()):
                back = translate(to, value, to=name)
                assert back is None or codes[back] == value
    assert translate("gend", "01", to="sex") == "M"
    assert translate("gend", "1.0", to="sex") == "M"
    assert translate("front_plan", "2", to="planned_readmission") == "是"
    assert translate("days_rinp_flag_31", "1", to="planned_readmission") == "是"
    assert translate("front_pay", "7", to="payer") == "self_pay"
    assert translate("settled_mode", "POINTS", to="hi_paymtd") == "4"
    assert translate("hi_paymtd", "4", to="settled_mode") == "DRG"
    assert translate("front_pay", "x", to="insurance") is None
    with pytest.raises(KeyError):
        translate("gend", "1", to="insurance")
    assert meaning("dscg_way", "5", "zh") == "死亡"
    assert meaning("dscg_way", "05", "en") == "died"
    assert meaning("dscg_way", "8", "en") is None


# ---- durations


@pytest.mark.parametrize(
    ("text", "minutes", "hours"),
    [
        ("1/13/24", 2244, 37), ("4/0/0", 5760, 96), ("0/95/59", 5759, 95), ("0/0/0", 0, 0),
        ("3/23/59", 5759, 95), (" 0／96／0 ", 5760, 96),
    ],
)  # fmt: skip
def test_hours_are_cut(text, minutes, hours):
    assert read_duration(text) == minutes
    assert whole_hours(minutes) == hours


@given(st.integers(0, 10**6))
def test_durations_lead_there_and_back(minutes):
    assert read_duration(duration_text(minutes)) == minutes


@pytest.mark.parametrize("text", ["", "96", "1/2", "1/2/3/4", "-1/0/0", "1.5/0/0", "一/0/0"])
def test_what_is_no_duration(text):
    assert read_duration(text) is None


@pytest.mark.parametrize("text", ["2025-06-01", "2025-02-30 10:00", "2025-06-01 24:00", "10:00"])
def test_what_is_no_moment(text):
    assert read_minute(text) is None


# ---- lists


def test_a_list_is_a_claim(tmp_path):
    row = one(tmp_path, message(made_list()))
    told = {
        "claim_id": "S0001", "patient_id": "HN1", "sex": "M", "age": "67", "insurance": "310",
        "department": "04", "hospital_level": "三级", "disposition": "1",
        "admitted_on": "2025-06-01 08:00:00", "los_days": "9", "ventilation_hours": "95",
        "vent_duration": "0/95/59", "icu_hours": "48", "coma_before_minutes": "90",
        "diagnoses": ["I63.905", "J96.000"], "conditions_at_admission": "1|4",
        "procedures": ["96.7101", "38.9300"], "procedure_dates": "2025-06-02|2025-06-03",
        "total_cost": "9700.15", "item_total": "9700.15", "patient_paid": "1200.15",
        "fund_paid": "8500.00", "drug_cost": "5000.10", "test_cost": "4700.05",
        "consumable_cost": "0.00", "service_cost": "0.00", "class_a_cost": "8700.15",
        "class_b_cost": "1000.00", "fully_self_paid": "0.00", "from_emergency": "1",
        "planned_readmission": "否", "pay_mode": "1", "treatment_type": "2.1",
        "list_faults": None, "age_days": None, "birth_weight_g": None,
    }  # fmt: skip
    assert {name: row[name] for name in told} == told
    assert "张三" not in str(row)


def test_every_shape_of_a_file(tmp_path):
    lists = [made_list(setl_id=f"S{n}") for n in range(3)]
    texts = {
        "array.json": as_text(lists),
        "lines.ndjson": "\n".join(map(as_text, lists)),
        "messages.jsonl": "".join(as_text(message(one)) + "\r\n" for one in lists),
        "together.json": as_text({"infno": "4103", "output": lists}),
        "printed.json": "\ufeff" + as_text(lists),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "old.json").write_bytes(texts["array.json"].encode("gb18030"))
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(texts["lines.ndjson"].encode()))
    found = {path.name: rows(path) for path in tmp_path.iterdir()}
    assert len(found) == 7
    first = found["array.json"]
    assert [row["claim_id"] for row in first] == ["S0", "S1", "S2"]
    assert all(other == first for other in found.values())


def test_many_lists_are_laid_down_in_parts(tmp_path, monkeypatch):
    from drg.claims.interface import lists

    monkeypatch.setattr(lists, "_BATCH", 3)
    path = tmp_path / "lists.jsonl"
    path.write_text("\n".join(as_text(made_list(setl_id=f"S{n}")) for n in range(7)), "utf-8")
    with open_claims(path) as source:
        assert source.rows == 7
        assert sum(batch.height for batch in source.batches(7)) == 7
        assert source.items is not None
        assert source.scan().collect()["claim_id"].to_list() == [f"S{n}" for n in range(7)]
        assert source.items.collect().height == 14


def changed(node: str, n: int, **values: Any) -> dict[str, Any]:
    found = made_list()
    found[node][n] |= values
    return found


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (made_list(psn_no="P1"), {"patient_id": "P1"}),
        (made_list(psn_part_amt="7.1", medfee_sumamt=9),
         {"patient_paid": "7.1", "total_cost": "9"}),
        (made_list(psn_ownpay=None), {"patient_paid": None}),
        (made_list(dscg_caty=None, dscg_dept_name="内科"), {"department": "内科"}),
        (made_list(mul_nwb_bir_wt="2500.00"), {"birth_weight_g": "2500"}),
        (made_list(mul_nwb_bir_wt="2500,2600"),
         {"birth_weight_g": None, "list_faults": "F178 mul_nwb_bir_wt"}),
        (made_list(gend="9"), {"sex": "9", "list_faults": None}),
        (made_list(gend="3"), {"sex": "3", "list_faults": "F173 gend"}),
        (made_list(hi_type="9901", med_type="9934"),
         {"insurance": "9901", "care_type": "9934", "list_faults": None}),
        (made_list(adm_way="9"), {"from_emergency": None, "admission_route": "9"}),
        (made_list(psn_type="21"), {"retired": "1"}),
        (made_list(setl_id=""), {"claim_id": None}),
        (changed("diseinfo", 1, maindiag_flag="0"),
         {"diagnoses": ["", "J96.000", "I63.905"], "conditions_at_admission": "|4|1",
          "list_faults": "F175 maindiag_flag"}),
        (changed("diseinfo", 0, maindiag_flag="1"),
         {"diagnoses": ["J96.000", "I63.905"], "list_faults": "F176 maindiag_flag"}),
        (changed("iteminfo", 0, amt=""),
         {"item_total": None, "total_cost": None, "drug_cost": None, "list_faults": "F177 amt"}),
        (changed("iteminfo", 0, med_chrgitm="99"),
         {"item_total": "9700.15", "drug_cost": None, "class_a_cost": None,
          "list_faults": "F173 med_chrgitm"}),
        (changed("iteminfo", 0, med_chrgitm="9"), {"drug_cost": "5000.10", "list_faults": None}),
        (changed("iteminfo", 1, claa_sumfee="4700.04"),
         {"class_a_cost": None, "drug_cost": "5000.10"}),
        (changed("icuinfo", 0, scs_cutd_exit_time="2025-05-31 00:00"),
         {"icu_hours": None, "list_faults": "F174 icuinfo"}),
        (changed("icuinfo", 0, scs_cutd_exit_time=None), {"icu_hours": "48"}),
        (changed("oprninfo", 0, oprn_oprt_date="a|b"),
         {"procedure_dates": "2025-06-02|a/b", "list_faults": "F170 oprn_oprt_date"}),
        (changed("payinfo", 0, fund_payamt=None), {"fund_paid": None}),
        ({**made_list(), "icuinfo": []}, {"icu_hours": "0", "icu_from": None}),
        ({**made_list(), "icuinfo": None}, {"icu_hours": None}),
        ({**made_list(), "diseinfo": {"diag_code": "I10.x00"}}, {"diagnoses": ["I10.x00"]}),
        ({"setlinfo": {}}, {"diagnoses": None, "icu_hours": None, "total_cost": None}),
    ],
)  # fmt: skip
def test_odd_lists(tmp_path, found, told):
    row = one(tmp_path, found)
    assert {name: row[name] for name in told} == told


def test_a_list_is_grouped_like_any_claim(tmp_path):
    path = tmp_path / "lists.json"
    path.write_text(as_text([made_list(), made_list(setl_id="S2", age="?")]), "utf-8")
    grouper = drg.Grouper.load("demo")
    with open_claims(path) as source:
        [frame] = [grouper.group_frame(batch, source.columns) for batch in source.batches()]
    assert frame["group"].cast(pl.String).to_list() == ["BR11", None]
    assert frame["reason"].cast(pl.String).to_list() == [None, "E111"]


# ---- front sheets

HQMS = {
    "A01": "H1", "A48": "000123", "A49": "2", "A12C": "1", "A14": "67", "A16": "-", "A46C": "01",
    "B11C": "1", "B12": "20240601", "B15": "2024-06-10 10:00:00", "B16C": "03", "B20": "9",
    "B34C": "1", "B36C": "1", "C03C": "I63.905", "C05C": "1", "C06x01C": "-",
    "C08x01C": "", "C06x02C": "J96.000", "C08x02C": "4", "C06x40C": "E87.600", "C08x40C": "-",
    "C14x01C": "-", "C16x01": "", "C35x01C": "38.9300", "C37x01": "20240602",
    "C35x40C": "96.7101", "C37x40": "", "D01": "1234.50",
    "D09": "200.00", "D23": "10.10", "D24": "0", "D25": "1.05", "D31": "1", "D32": "-", "D33": "2",
}  # fmt: skip
CLAIM = {
    "claim_id": "000123-2", "patient_id": "H1-000123", "hospital_id": "H1", "sex": "M",
    "age": "67", "age_days": None, "insurance": "310", "payer": "insurance",
    "admission_route": "1", "from_emergency": "1", "admitted_on": "20240601",
    "disposition": "1", "planned_readmission": "否", "total_cost": "1234.50",
    "patient_paid": "200.00", "drug_cost": "11.15", "consumable_cost": None,
}  # fmt: skip


def sheet(tmp_path: Path, *cells: dict[str, str], code: str = "utf-8") -> Path:
    path = tmp_path / "sheet.csv"
    with path.open("w", encoding=code, newline="") as file:
        writer = csv.DictWriter(file, list(cells[0]))
        writer.writeheader()
        writer.writerows(cells)
    return path


def read_canonical(path: Path) -> tuple[str, list[dict[str, Any]]]:
    with open_claims(path) as source:
        frame = source.scan().collect()
        assert frame.schema == source.schema
        names = source.columns.scalars
        found = frame.select(
            *(pl.col(own).alias(name) for name, own in names.items()),
            *(pl.col(n) for n in ("diagnoses", "procedures") if n in frame.columns),
        )
        return source.columns.profile, found.to_dicts()


def test_hqms(tmp_path):
    path = sheet(tmp_path, HQMS, {**HQMS, "A46C": "7", "C03C": "-", "B34C": "8"}, code="gb18030")
    profile, (row, other) = read_canonical(path)
    assert profile == "hqms"
    assert {name: row[name] for name in CLAIM} == CLAIM
    assert row["diagnoses"] == "I63.905||J96.000|E87.600"
    assert row["procedures"] == "|38.9300|96.7101"
    assert row["conditions_at_admission"] == "1||4"
    assert row["procedure_dates"] == "|20240602"
    assert (other["insurance"], other["payer"]) == (None, "self_pay")
    assert other["disposition"] == "8"
    assert other["diagnoses"].startswith("||J96.000")


def test_conditions_that_cannot_be_placed_are_left_out(tmp_path):
    cells = {name: cell for name, cell in HQMS.items() if name != "C08x01C"}
    _, [row] = read_canonical(sheet(tmp_path, cells))
    assert "conditions_at_admission" not in row
    assert row["procedure_dates"] == "|20240602"


def test_hqms_p_codes(tmp_path):
    cells = {
        "P900": "H1", "P3": "000123", "P2": "2", "P5": "2", "P7": "30", "P1": "3", "P804": "2",
        "P22": "2024-06-01", "P25": "2024-06-10", "P27": "9", "P741": "5", "P321": "I63.905",
        "P805": "1", "P327": "J96.000", "P807": "2", "P324": "E87.600", "P806": "3",
        "P3291": "I10.x00", "P808": "", "P490": "38.9300", "P4922": "96.7101", "P782": "10",
    }  # fmt: skip
    profile, [row] = read_canonical(sheet(tmp_path, cells))
    assert profile == "hqms-p"
    assert row["diagnoses"] == "I63.905|E87.600|J96.000|I10.x00"
    assert row["conditions_at_admission"] == "1|3|2"
    assert row["procedures"] == "38.9300|96.7101"
    assert (row["sex"], row["insurance"], row["disposition"]) == ("F", "390", "5")
    assert row["from_emergency"] == "0"


def test_wt41(tmp_path):
    cells = {
        "USERNAME": "H1", "BAH": "000123", "ZYCS": "1", "XB": "2", "NL": "0", "BZYZSNL": "12",
        "XSECSTZ": "3200", "XSERYTZ": "3150", "RYSJ": "2024-06-01", "CYSJ": "2024-06-10",
        "SJZYTS": "9", "JBDM": "P59.901", "JBDM1": "P07.300", "RYBQ": "1", "RYBQ1": "4",
        "SSJCZBM1": "99.8300", "SSJCZBM2": "", "LYFS": "1", "YLFKFS": "2", "ZFY": "99.9",
    }  # fmt: skip
    profile, [row] = read_canonical(sheet(tmp_path, cells))
    assert profile == "wt41"
    assert (row["age"], row["age_days"], row["birth_weight_g"]) == ("0", "12", "3200")
    assert row["diagnoses"] == "P59.901|P07.300"
    assert row["procedures"] == "99.8300"
    assert (row["claim_id"], row["insurance"], row["sex"]) == ("000123-1", "390", "F")


def test_a_grouped_front_sheet_is_read_by_what_was_worked_out(tmp_path):
    from drg.scale.group_file import group_file

    path, out = sheet(tmp_path, HQMS), tmp_path / "grouped.csv"
    group_file(drg.Grouper.load("demo"), path, out)
    with open_claims(out) as source:
        columns = source.columns
        [row] = source.scan().collect().to_dicts()
        assert list(source.schema)[: len(HQMS)] == list(HQMS)
        assert len(source.schema) == len(set(source.schema))
    assert (row["A46C"], row[columns.scalars["insurance"]]) == ("01", "310")
    assert columns.diagnoses == ("diagnoses",)
    assert row["group"] == "BR11"
    assert match_columns(list(row)).scalars["insurance"] == "insurance"


def test_a_frame_alone_gives_no_code_of_another_system():
    """Without the reader nothing is translated: better no insurance than the wrong one."""
    columns = match_columns(list(HQMS))
    assert columns.profile == "hqms"
    assert not {"insurance", "sex"} & set(columns.scalars)


def test_profiles_that_need_nothing_get_nothing():
    assert [p.id for p in load_profiles() if p.derived] == ["hqms", "hqms-p", "wt41"]


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["", "-", "I10.x00", " E11.900 "]), min_size=1, max_size=4))
def test_codes_keep_their_places(codes):
    from drg.claims.derived import _joined

    frame = pl.DataFrame({f"c{n}": [code] for n, code in enumerate(codes)})
    [text] = frame.select(_joined(frame.columns, ("-",)).alias("text"))["text"].to_list()
    wanted = [code.strip().strip("-") for code in codes]
    while wanted and not wanted[-1]:
        wanted.pop()
    assert (text or "").split("|") == (wanted or [""])


@pytest.mark.parametrize(
    "change",
    [
        {"odd": 1}, {"cleaned": ["nothing"]}, {"joined": {"sex": ["A"]}},
        {"values": {"sex": {"columns": ["X"], "dictionary": "none"}}},
        {"values": {"sex": {"columns": ["X"], "dictionary": "insutype"}}},
        {"concat": {"claim_id": ["A"]}},
    ],
)  # fmt: skip
def test_a_broken_profile_is_named(tmp_path, change):
    import tomli_w

    data = {
        "id": "x", "order": 1, "title_zh": "x", "title_en": "x", "separators": ["|"],
        "lends": False, "unless": [], "scalars": {"claim_id": ["id"]},
        "diagnoses": {"wide": ["d{n}"]}, "derived": change,
    }  # fmt: skip
    (tmp_path / "x.toml").write_text(tomli_w.dumps(data), "utf-8")
    with pytest.raises(TableError, match="T120"):
        load_profiles(tmp_path)
