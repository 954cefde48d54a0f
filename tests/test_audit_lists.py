"""Rule sets and lists: what is shipped holds together, what is broken is refused by name."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from conftest import ROOT

from drg.audit.errors import SuppliedRuleError
from drg.audit.kinds import KINDS
from drg.audit.lists import matcher, read_list, registered_lists
from drg.audit.model import Level
from drg.audit.rules import STATUSES, all_rules, list_rule_sets, load_rules
from drg.audit.toml import read_toml
from drg.claims.named import clean_code
from drg.errors import TableError

AUDIT = ROOT / "tables" / "audit"
HEAD = 'id = "mine"\ntitle_zh = "自备"\ntitle_en = "Mine"\n'
WORDS = "".join(
    f'{part}_{lang} = "x"\n'
    for part in ("title", "what", "why", "mend", "example")
    for lang in ("zh", "en")
)
RULE = f'[rule.C01]\nlevel = "review"\nsource = "S-PROJECT"\nstatus = "supplied"\n{WORDS}'


def own(folder: Path, text: str, head: str = HEAD) -> Path:
    path = folder / "mine.toml"
    path.write_text(head + text, "utf-8")
    return path


def test_shipped_sets_hold_together():
    sets = list_rule_sets()
    assert {s.id for s in sets} == {path.stem for path in (AUDIT / "sets").glob("*.toml")}
    register = read_toml(ROOT / "tables" / "sources.toml")
    for found in sets:
        ids = [rule.id for rule in found.rules]
        assert ids == sorted(set(ids))
        assert set(found.sources) <= set(register)
        assert all(r.status in STATUSES and r.kind in KINDS for r in found.rules)
    assert len({s.digest for s in sets}) == len(sets)


def test_national_has_every_shipped_rule():
    assert tuple(r.id for r in load_rules().rules) == all_rules()


def test_nothing_that_needs_a_human_deducts():
    for rules in list_rule_sets():
        for rule in rules.rules:
            assert rule.level is not Level.AUTO_DEDUCT or KINDS[rule.kind].amount, rule.id


def test_wording_is_in_both_languages():
    for rule in load_rules().rules:
        for part in ("title", "what", "why", "mend", "example"):
            zh, en = getattr(rule, f"{part}_zh"), getattr(rule, f"{part}_en")
            assert any("\u4e00" <= c <= "\u9fff" for c in zh), (rule.id, part)
            assert not any("\u4e00" <= c <= "\u9fff" for c in en.replace("37小时", "")
                           .replace("日间", "").replace("城乡", "").replace("未特指", "")
                           ), (rule.id, part)  # fmt: skip


def test_lists_are_registered_and_read():
    register = registered_lists()
    assert set(register) == {path.stem for path in (AUDIT / "lists").glob("*.csv")}
    sources = read_toml(ROOT / "tables" / "sources.toml")
    for name, entry in register.items():
        listed = read_list(name)
        assert listed.rows
        assert entry["source"] in sources
        assert entry["status"] in STATUSES
        assert {"title_zh", "title_en"} <= set(entry)


def test_diagnosis_lists_fit_the_codes():
    """Every code and prefix is of the insurance edition, and no code is of both sexes."""
    folder = ROOT / "tables" / "codes"
    for kind, file in (("diagnosis", "icd10"), ("procedure", "icd9cm3")):
        codes = [
            clean_code(c) for c in pl.read_csv(folder / f"{file}.csv", columns=["code"])["code"]
        ]
        known = set(codes)
        for name in registered_lists():
            if not name.endswith((kind, "likely" if kind == "diagnosis" else kind)):
                continue
            for pattern in read_list(name).codes:
                if pattern.endswith("*") and "+" not in pattern:
                    assert any(code.startswith(pattern[:-1]) for code in codes), (name, pattern)
                else:
                    assert pattern in known, (name, pattern)
    for kind in ("diagnosis", "procedure"):
        men, women = (set(read_list(f"{sex}-{kind}").codes) for sex in ("male", "female"))
        assert men
        assert women
        assert not men & women


def test_codes_and_prefixes():
    test = matcher(["A01.000", "B2*", "C*"])
    assert [test(c) for c in ("A01.000", "A01.0001", "B25.100", "C", "")] == [1, 0, 1, 1, 0]
    many = matcher([f"{n:03}*" for n in range(100)] + ["X1.000"])
    assert [many(c) for c in ("0421", "04", "X1.000", "1000")] == [1, 0, 1, 0]


def test_a_dictionary_is_a_list():
    assert read_list("dictionary:dscg_way").codes == ("1", "2", "3", "4", "5", "9")


def test_numbers_given_with_the_call():
    found = load_rules(supply={"A140.limit_days": "12", "a105.level": "reject"})
    assert found.rule("A140").params["limit_days"] == 12
    assert found.rule("A140").status == "supplied"
    assert found.rule("A105").level is Level.REJECT
    assert found.digest != load_rules().digest
    for path in ("A140.days", "A999.limit_days", "A140"):
        with pytest.raises(SuppliedRuleError) as caught:
            load_rules(supply={path: "1"})
        assert caught.value.code == "T215"


def test_a_set_of_ones_own(tmp_path):
    (tmp_path / "mine.csv").write_text("code,name\nZ99.900,x\n", "utf-8")
    path = own(
        tmp_path,
        'extends = "list-quality"\nselect = ["A401"]\nwithout = ["A2*"]\n'
        + RULE
        + 'kind = "principal"\nparams = { codes = "mine.csv", unless = ["Z99.901"] }\n'
        + '[change.A140]\nparams = { limit_days = 10 }\nnote_en = "Ours."\n',
    )
    found = load_rules(path)
    assert {"A101", "A401", "C01"} <= {r.id for r in found.rules}
    assert not [r for r in found.rules if r.id.startswith("A2")]
    assert found.rule("C01").params["codes"].codes == ("Z99.900",)
    assert found.rule("A140").params["limit_days"] == 10
    assert found.rule("A140").params["since"] == "discharged_on"
    assert found.rule("A140").why_en.endswith("Ours.")
    # The order of the files and where they lie do not decide what is found; the list does.
    first = found.digest
    assert load_rules(path).digest == first
    (tmp_path / "mine.csv").write_text("code,name\nZ99.800,x\n", "utf-8")
    assert load_rules(path).digest != first


@pytest.mark.parametrize(
    ("code", "named", "text"),
    [
        ("T202", "selects", 'selects = ["A101"]\n'),
        ("T202", "C01.param", RULE + 'kind = "sum"\nparam = 1\n'),
        ("T202", "change.A140.limit_days", 'select = ["A1*"]\n[change.A140]\nlimit_days = 10\n'),
        ("T203", "C01.kind", RULE),
        ("T203", "C01.mend_en", RULE.replace('mend_en = "x"\n', "") + 'kind = "sum"\n'),
        ("T204", "select", 'select = "A1*"\n'),
        ("T204", "C01.type", RULE + 'kind = "repeated_code"\ntype = 14\n'),
        ("T204", "C01.status", RULE.replace("supplied", "known") + 'kind = "repeated_code"\n'),
        ("T204", "change", 'select = ["A1*"]\nchange = 1\n'),
        ("T205", "summ", RULE + 'kind = "summ"\n'),
        ("T206", "limit", RULE + 'kind = "timely"\nparams = { limit = 3 }\n'),
        ("T207", "since", RULE + 'kind = "timely"\nparams = { until = "uploaded_on" }\n'),
        ("T208", "born",
         RULE + 'kind = "date_order"\nparams = { earlier = "born", later = "age" }\n'),
        ("T208", "tolerance",
         RULE + 'kind = "sum"\nparams = { total = "total_cost", parts = ["fund_paid"],'
         ' tolerance = -1 }\n'),
        ("T208", "minimum", RULE + 'kind = "bounds"\nparams = { field = "age" }\n'),
        ("T208", "other", RULE + 'kind = "code_pairs"\nparams = { pairs = ["A01.000"] }\n'),
        ("T208", "codes", RULE + 'kind = "codes_for"\nparams = { codes = ["A*"] }\n'),
        ("T209", "A9*", 'select = ["A9*"]\n'),
        ("T209", "A401", 'select = ["A1*"]\n[change.A401]\nlevel = "review"\n'),
        ("T210", "A101", RULE.replace("C01", "A101") + 'kind = "repeated_code"\n'),
        ("T211", "male", RULE + 'kind = "principal"\nparams = { codes = "male" }\n'),
        ("T211", "dictionary:sex",
         RULE + 'kind = "dictionary"\nparams = { field = "sex", values = "dictionary:sex" }\n'),
        ("T102", "gone.csv", RULE + 'kind = "principal"\nparams = { codes = "gone.csv" }\n'),
        ("T213", "S-MINE", RULE.replace("S-PROJECT", "S-MINE") + 'kind = "repeated_code"\n'),
        ("T200", "nation", 'extends = "nation"\n'),
        ("T214", "mine.toml", 'extends = "mine.toml"\n'),
        ("T216", "warn", 'select = ["A140"]\n[change.A140]\nlevel = "warn"\n'),
        ("T217", "A140", 'select = ["A140"]\n[change.A140]\nlevel = "auto_deduct"\n'),
        ("T208", "sex", RULE + 'kind = "date_order"\n'
         'params = { earlier = "sex", later = "age" }\n'),
        ("T208", "when", RULE + 'kind = "required"\n'
         'params = { fields = ["sex"], when = { field = "sex" } }\n'),
        ("T208", "row", RULE + 'kind = "told_twice"\nparams = { fields = ["sex", "row"] }\n'),
        ("T208", "1/0", 'extends = "demo"\n[change.A403]\nparams = { share = "1/0" }\n'),
        ("T219", "mine.toml", ""),
        ("T120", "mine.toml", "select = [\n"),
    ],
)  # fmt: skip
def test_a_broken_set_is_refused(tmp_path, code, named, text):
    with pytest.raises(TableError) as caught:
        load_rules(own(tmp_path, text))
    assert caught.value.code == code
    for lang in ("zh", "en"):
        message = caught.value.message(lang)
        assert named in message
        assert ".toml" in message or code in ("T200", "T102")


def test_an_unknown_set_names_the_others():
    with pytest.raises(TableError, match="national") as caught:
        load_rules("natonal")
    assert caught.value.code == "T200"


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        (1, ""),
        (1, "code,code\nA*,x\n"),
        (2, "code,name\n"),
        (2, "code,name\n,x\n"),
        (3, "code,name\nA*,x\nB*\n"),
        (3, "code,name\nA*,x\nA*,x\n"),
        (2, "code\n*\n"),
        (2, "code\nA*1\n"),
    ],
)
def test_a_broken_list_is_refused(tmp_path, row, cells):
    (tmp_path / "mine.csv").write_text(cells, "utf-8")
    path = own(tmp_path, RULE + 'kind = "principal"\nparams = { codes = "mine.csv" }\n')
    with pytest.raises(TableError) as caught:
        load_rules(path)
    assert (caught.value.code, caught.value.params["row"]) == ("T212", row)
    assert "mine.csv" in caught.value.message("en")
    assert "C01" in caught.value.message("en")


def test_documents_of_ones_own(tmp_path):
    text = RULE.replace("S-PROJECT", "S-MINE") + 'kind = "repeated_code"\n'
    path = own(tmp_path, '[documents.S-MINE]\ntitle = "Ours"\n' + text)
    assert load_rules(path).sources == ("S-MINE",)
