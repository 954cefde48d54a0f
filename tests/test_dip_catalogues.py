"""DIP catalogues: the shipped tables, reading and writing them, what lint says of them."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from conftest import ROOT

from drg.cli import cli
from drg.dip.catalogue import (
    catalogue_folder,
    list_catalogues,
    load_catalogue,
    locate_catalogue,
    shared_folder,
)
from drg.dip.grammar import parse_group_code
from drg.dip.lint import lint, lint_catalogue
from drg.dip.model import KINDS, AuxiliaryClass, Catalogue, Comorbidity, Condition, Group, Subtype
from drg.dip.save import save_catalogue
from drg.dip.tables import CATALOGUE_TABLES, read_kinds
from drg.errors import SchemeError, TableError
from drg.schemes.lint import CODES

TABLES = ROOT / "tables" / "dip"
TAIAN, PINGDINGSHAN = "taian-2025", "pingdingshan-2025"
SHIPPED = (TAIAN, PINGDINGSHAN)
ORIGIN = {"source": "S-DEMO", "status": "synthetic"}
#: Published regional mean cost of Pingdingshan, and half of its last decimal.
MEAN, HALF = Fraction("5718.153489"), Fraction(1, 2_000_000)


@cache
def shipped(name: str) -> Catalogue:
    return load_catalogue(name)


def group(name: str, code: str) -> Group:
    return next(g for g in shipped(name).groups if g.code == code)


def tiny(**changes: object) -> Catalogue:
    """A catalogue of three groups that lint has nothing to say about."""
    base = shipped(PINGDINGSHAN)
    groups = (
        Group("K80.1", "core", ("K80.1",), name="a", score_e4=5_000_000, mean_fen=285_908),
        Group("K80.1:51.2300", "core", ("K80.1",), (("51.2300",),), name="b", score_e4=10_000_000),
        Group("K80:SS", "comprehensive", ("K80",), attribute="SS", name="c", score_e4=12_000_000),
    )
    header = {
        key: value
        for key, value in base.header.items()
        if key not in ("notes", "repairs", "accepted", "tables")
    } | {"sources": ["S-DEMO"], "tables": dict.fromkeys(CATALOGUE_TABLES, ORIGIN)}
    made = replace(base, id="tiny", groups=groups, header=header)
    return replace(made, **changes)  # type: ignore[arg-type]


def saved(folder: Path, catalogue: Catalogue) -> Path:
    save_catalogue(catalogue, folder, header=catalogue.header)
    return folder


def found(folder: Path, catalogue: Catalogue) -> set[tuple[str, str]]:
    _, findings = lint_catalogue(saved(folder, catalogue))
    return {(finding.code, finding.key) for finding in findings}


# ---- the shipped catalogues


def test_counts_of_the_shipped_catalogues():
    taian, pingdingshan = shipped(TAIAN), shipped(PINGDINGSHAN)
    assert Counter(g.group_class for g in taian.groups) == {"core": 6431, "comprehensive": 1080}
    # 9,115 published rows: a row with an auxiliary subtype is a subtype of its base group.
    alone = sum(g.score_e4 is None for g in taian.groups)
    assert (alone, len(taian.subtypes)) == (491, 2095)
    assert len(taian.groups) - alone + len(taian.subtypes) == 9115
    assert Counter(g.group_class for g in pingdingshan.groups) == {
        "core": 3877, "comprehensive": 567 + 3, "chapter": 88, "blank": 1,
    }  # fmt: skip
    assert pingdingshan.subtypes == () == pingdingshan.classes


@pytest.mark.parametrize("name", SHIPPED)
def test_codes_are_spelt_as_the_national_lists_spell_them(name):
    catalogue = shipped(name)
    subcategories = {code[:5] for code in catalogue.dx_names}
    categories = {code[:3] for code in catalogue.dx_names}
    lost = set()
    for g in catalogue.groups:
        for diagnosis in g.diagnosis:
            first, _, last = diagnosis.partition("-")
            if last:
                assert g.group_class == "chapter"
            else:
                assert first in (categories if len(first) == 3 else subcategories)
        lost |= {c for term in g.terms for c in term if c not in catalogue.px_names}
    assert lost == ({"01.3901", "32.2800x008"} if name == TAIAN else set())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_group_code_says_what_its_row_says(name):
    for g in shipped(name).groups:
        if g.group_class in ("chapter", "blank"):
            continue
        code = parse_group_code(g.code)
        terms = tuple(tuple(c.lower() for c in term) for term in code.terms)
        assert terms == tuple(tuple(c.lower() for c in term) for term in g.terms)
        assert (code.diagnosis.upper(),) == tuple(d.upper() for d in g.diagnosis)
        assert (code.attribute, code.auxiliary) == (g.attribute, "")
        assert g.name


def test_published_code_and_national_spelling_stand_side_by_side():
    found = group(TAIAN, "H71.X:19.3X00X002")
    assert (found.diagnosis, found.terms) == (("H71.x",), (("19.3x00x002",),))
    assert group(TAIAN, "N40.X").diagnosis == ("N40.x",)
    assert group(PINGDINGSHAN, "CP02:SS").diagnosis == ("C00-D48",)
    blank = group(PINGDINGSHAN, "KBBZ")
    assert (blank.diagnosis, blank.score_e4, blank.cases) == ((), 14_853_549, 23_605)


def test_repairs_name_what_they_mend():
    repairs = shipped(TAIAN).header["repairs"]
    assert isinstance(repairs, list)
    assert {r["old"] for r in repairs} == {"d", "I77.9", "T22.3_86.2200_dis2"}
    codes = {g.code for g in shipped(TAIAN).groups}
    assert {"I20.0:88.5000", "I77.0:39.5000X032", "T22.3:86.2200"} <= codes
    assert not {"d", "T22.3_86.2200"} & codes
    assert all(r["why_zh"] and r["why_en"] for r in repairs)


def test_names_are_of_diagnosis_and_procedures():
    assert group(TAIAN, "A08.1").name == "诺如病毒引起的急性胃肠病"
    names = {g.code: g.name for g in shipped(PINGDINGSHAN).groups}
    assert names["C18.9:17.3900x002"] == "未特指的结肠恶性肿瘤：腹腔镜下结肠部分切除术"
    assert names["A09.9:44.1300x001_45.2302"].endswith("：胃镜检查+电子结肠镜检查")
    assert group(TAIAN, "A09:ZDXCZ").name.endswith("（诊断性操作综合组）")


# ---- scores out of means


def published() -> list[tuple[str, Fraction, Fraction]]:
    frame = pl.read_csv(TABLES / PINGDINGSHAN / "groups.csv", infer_schema=False)
    rows = frame.select("group", "score", "mean_cost").iter_rows()
    return [(code, Fraction(score), Fraction(mean)) for code, score, mean in rows]


def test_pingdingshan_scores_are_their_means_over_the_regional_mean():
    rows = published()
    off = {
        code: (score - 1000 * mean / MEAN)
        for code, score, mean in rows
        if round(1000 * mean / MEAN * 10**6) != score * 10**6
    }
    # 278 of the library's 4,444 groups, none of the 92 that the cost table alone has.
    assert (len(rows), len(off)) == (4536, 278)
    assert not any(code.startswith(("CP", "KBBZ", "U07:")) for code in off)
    assert all(abs(difference) < Fraction(2, 10**6) for difference in off.values())


def test_one_regional_mean_explains_every_score():
    """Means, scores and the regional mean are rounded to 10⁻⁶: every row bounds the true mean."""
    bounds = [
        (1000 * (mean - HALF) / (score + HALF), 1000 * (mean + HALF) / (score - HALF))
        for _, score, mean in published()
    ]
    low, high = max(b[0] for b in bounds), min(b[1] for b in bounds)
    assert MEAN - HALF <= low <= high <= MEAN + HALF
    assert (f"{float(low):.10f}", f"{float(high):.10f}") == ("5718.1534888111", "5718.1534888510")


def test_scores_are_rounded_half_up_once():
    assert group(PINGDINGSHAN, "A03.9").score_e4 == 3_853_579  # 385.35787
    assert group(PINGDINGSHAN, "A16.2").score_e4 == 12_410_246  # 1241.02455
    assert group(PINGDINGSHAN, "A03.9").mean_fen == 220_354  # 2203.535449


# ---- kinds of procedures


def test_every_national_procedure_has_a_kind_and_a_reason_that_is_explained():
    kinds = read_kinds(shared_folder())
    assert kinds.keys() == shipped(TAIAN).px_names.keys()
    reasons = shared_folder().header["kind_reasons"]
    for row in kinds.values():
        assert row.kind in KINDS
        assert row.status == "derived"
        assert reasons[row.reason]["kind"] == row.kind
    for reason in reasons.values():
        assert reason["zh"]
        assert reason["en"]


def test_kinds_of_well_known_procedures():
    kinds = read_kinds(shared_folder())
    told = {
        "surgery": "51.2300 47.0901 36.0700 13.4100x001 39.7903 74.1x01 81.5100 45.4200x003",
        "therapeutic": "96.7201 39.9500 39.9500x007 92.2400x003 99.2503 17.912A0 34.0401 98.5103",
        "diagnostic": "44.1300x001 45.2302 33.2403 88.5500 57.3200x001 41.3100 88.4101 69.0901",
        "conservative": "57.9400 93.9601 96.0700 89.0601 90.4300 88.7200 99.0400 00.4000",
    }
    for kind, codes in told.items():
        assert {c: kinds[c].kind for c in codes.split()} == dict.fromkeys(codes.split(), kind)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_forms_a_core_group_is_no_simple_procedure(name):
    catalogue = shipped(name)
    kinds = read_kinds(shared_folder())
    quiet = {
        code
        for g in catalogue.groups
        for term in g.terms
        for code in term
        if catalogue.kind_of(code) == "conservative"
    }
    assert {kinds[code].reason for code in quiet} == {"adjunct"}


# ---- finding, listing, loading


def test_list_and_locate():
    infos = {info.id: info for info in list_catalogues()}
    assert set(infos) == set(SHIPPED)
    assert (infos[TAIAN].kind, infos[TAIAN].groups, infos[TAIAN].place_zh) == ("dip", 7511, "泰安")
    assert catalogue_folder(TAIAN) == TABLES / TAIAN == catalogue_folder(TABLES / TAIAN)
    for name in ("chs-drg-2.0", "", "../dip/taian-2025", "nothing"):
        assert catalogue_folder(name) is None
    location = locate_catalogue(TAIAN)
    assert location.digest == shipped(TAIAN).digest
    assert locate_catalogue(TAIAN, "clinical").digest != location.digest
    with pytest.raises(SchemeError, match="taian-2025"):
        locate_catalogue("taian-2024")


def test_schemes_and_catalogues_stand_in_one_list():
    told = CliRunner().invoke(cli, ["schemes", "--json"])
    rows = {row["id"]: row for row in json.loads(told.output)}
    assert rows[PINGDINGSHAN]["kind"] == "dip"
    assert rows["chs-drg-2.0"]["kind"] == "chs-drg"
    assert "taian-2025" in CliRunner().invoke(cli, ["schemes"]).output


def test_the_digest_tells_of_matching_and_conditions(tmp_path):
    folder = saved(tmp_path / "a", tiny())
    before = locate_catalogue(folder).digest
    toml = folder / "catalogue.toml"
    text = toml.read_text("utf-8")
    toml.write_text(text.replace('ruling = "principal"', 'ruling = "highest"'), "utf-8")
    assert locate_catalogue(folder).digest != before
    toml.write_text(text.replace("平顶山市", "某市"), "utf-8")
    assert locate_catalogue(folder).digest == before


# ---- writing


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_saved_is_read_back(name, tmp_path):
    catalogue = shipped(name)
    again = load_catalogue(saved(tmp_path / "copy", catalogue))
    for part in ("groups", "subtypes", "classes", "conditions", "comorbidities", "matching",
                 "procedure_kind", "derived", "default_kind"):  # fmt: skip
        assert getattr(again, part) == getattr(catalogue, part), part
    # Written again it is the same to the byte.
    third = saved(tmp_path / "third", again)
    for path in third.iterdir():
        assert path.read_bytes() == (tmp_path / "copy" / path.name).read_bytes()


def test_everything_a_catalogue_can_hold_is_written(tmp_path):
    conditions = (
        Condition("old", field="age", start=65),
        Condition("died", field="disposition", values=("5",)),
        Condition("ill", secondary=("C00-C97", "J96"), other_category=True),
        Condition("many", cci=True, start=3),
        Condition("dear", cost_multiple=Fraction(3)),
        Condition("drugs", share_of="drug_cost", share=Fraction(1, 2)),
    )
    groups = (
        Group("K80.1", "core", ("K80.1", "K80.2"), (("51.2300", "51.22*"), ("51.8800",)),
              conditions=("old", "ill"), name="a，b", days=Fraction(22, 3), cv=Fraction("0.5"),
              cases=7, origin="local"),
    )  # fmt: skip
    made = tiny(
        groups=groups,
        conditions=conditions,
        subtypes=(Subtype("K80.1", "age5", 12_345, 99, 3),),
        classes=(AuxiliaryClass("age", "age5", "老", "old", ("old", "died")),),
        comorbidities=(Comorbidity("x", 2, ("I21", "I22"), ""),),
        procedure_kind={**shipped(PINGDINGSHAN).procedure_kind, "51.2300": "therapeutic"},
    )
    again = load_catalogue(saved(tmp_path / "a", made))
    assert again.groups == (groups[0]._replace(days=Fraction("7.333333")),)
    for part in ("conditions", "subtypes", "classes", "comorbidities", "procedure_kind"):
        assert getattr(again, part) == getattr(made, part), part


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("x")
    with pytest.raises(TableError, match="T131"):
        saved(tmp_path, tiny())
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


# ---- what loading refuses


def broken(folder: Path, table: str, old: str, new: str) -> Path:
    """A tiny catalogue with a text of one table replaced and the digest put right."""
    from drg.schemes.tables import file_digest

    saved(folder, tiny(subtypes=(Subtype("K80.1", "age5", 1, None, None),), classes=(
        AuxiliaryClass("age", "age5", "老", "old", ("old",)),),
        conditions=(Condition("old", field="age", start=65),)))  # fmt: skip
    toml = folder / "catalogue.toml"
    if table == "catalogue.toml":
        text = toml.read_text("utf-8")
        assert old in text
        toml.write_text(text.replace(old, new, 1), "utf-8")
        return folder
    path = folder / f"{table}.csv"
    before = file_digest(path)
    assert old in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    toml.write_text(toml.read_text("utf-8").replace(before, file_digest(path)), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("code", "table", "old", "new"),
    [
        ("T109", "groups", "K80.1,core,", "K80.1,cores,"),
        ("T107", "groups", "K80.1:51.2300,core", "K80.1,core"),
        ("T106", "groups", "K80:SS,comprehensive,K80,,SS,,c", "K80:SS,comprehensive,K80,,SS,,"),
        ("T152", "groups", "500.0000", "-500"),
        ("T152", "groups", "2859.08", "２８５９"),
        ("T152", "groups", "500.0000", "5e2"),
        ("T153", "groups", ",51.2300,", ",51.2300+,"),
        ("T154", "groups", ",SS,", ",XX,"),
        ("T155", "auxiliary_class", ",old,derived", ",older,derived"),
        ("T156", "auxiliary", "K80.1,", "K80.9,"),
        ("T157", "groups", "K80,,SS", "K80,51.2300,SS"),
        ("T159", "catalogue.toml", '"therapeutic",\n', '"other",\n'),
        ("T160", "catalogue.toml", 'ruling = "principal"', 'ruling = "first"'),
        ("T160", "catalogue.toml", '"most_terms"', '"terms"'),
        ("T160", "catalogue.toml", "related =", "relates ="),
        ("T160", "catalogue.toml", "from = 65", "from = -1"),
        ("T160", "catalogue.toml", "from = 65", "form = 65"),
        ("T161", "catalogue.toml", "from = 65\n", ""),
        ("T161", "catalogue.toml", "from = 65\n", 'from = 65\nsecondary = ["J96"]\n'),
        ("T152", "groups", "500.0000", "9" * 13),
        ("T152", "groups", "500.0000", "0." + "9" * 5000),
        ("T152", "groups", "500.0000", "nan"),
        ("T160", "catalogue.toml", "from = 65", "from = 99999999999999999999"),
        ("T160", "catalogue.toml", "from = 65", "from = nan"),
        ("T160", "catalogue.toml", "from = 65", 'cost_multiple = "1e999999999"'),
        ("T160", "catalogue.toml", "from = 65", 'cost_multiple = "NaN"'),
        ("T160", "catalogue.toml", "from = 65", 'share = "-1"'),
        ("T160", "catalogue.toml", "5718.153489", "1e999999999"),
        ("T160", "catalogue.toml", "scale = 1000", "scale = 0"),
        ("T160", "catalogue.toml", 'default_kind = "', 'default_kind = "x'),
        ("T160", "catalogue.toml", 'SS = [\n    "surgery",\n]', "SS = []"),
        ("T160", "catalogue.toml", "[flags]\nnormalise_codes = true\n", 'flags = "x"\n'),
        ("T160", "catalogue.toml", "scale = 1000", 'scale = "many"'),
        ("T164", "groups", "K80.1:51.2300,core", "K80.1_age5,core"),
    ],
)
def test_a_broken_catalogue_is_refused(code, table, old, new, tmp_path):
    with pytest.raises(TableError) as refused:
        load_catalogue(broken(tmp_path / "a", table, old, new))
    if code == "T159":
        # A kind that matching no longer has is noticed where it is named first.
        assert refused.value.code in ("T159", "T160")
    else:
        assert refused.value.code == code
    for lang in ("zh", "en"):
        assert code[0] in refused.value.message(lang)
        assert "{" not in refused.value.message(lang)


def test_too_many_conditions_and_unknown_kinds(tmp_path):
    many = tuple(Condition(f"c{n}", field="age", start=n) for n in range(65))
    with pytest.raises(TableError, match="T158"):
        load_catalogue(saved(tmp_path / "many", tiny(conditions=many)))
    odd = tiny(procedure_kind={**shipped(PINGDINGSHAN).procedure_kind, "51.2300": "magic"})
    with pytest.raises(TableError, match="T159"):
        load_catalogue(saved(tmp_path / "odd", odd))


def test_a_subtype_is_of_one_type(tmp_path):
    names = (("age", "a1"), ("age", "a1"), ("dis", "d1"), ("dis", "a1"))
    classes = tuple(AuxiliaryClass(*name, "甲", "a") for name in names)
    load_catalogue(saved(tmp_path / "one", tiny(classes=classes[:3])))
    with pytest.raises(TableError, match="T162"):
        load_catalogue(saved(tmp_path / "two", tiny(classes=classes)))


@pytest.mark.parametrize("replaces", [("a", ""), ("x", ""), ("b", "a")])
def test_comorbidities_replace_what_there_is_and_never_each_other(replaces, tmp_path):
    rows = (Comorbidity("a", 1, ("I21",)), Comorbidity("b", 2, ("I50",), "a"))
    load_catalogue(saved(tmp_path / "good", tiny(comorbidities=rows)))
    odd = tuple(row._replace(replaces=r) for row, r in zip(rows, replaces, strict=True))
    with pytest.raises(TableError, match="T163"):
        load_catalogue(saved(tmp_path / "odd", tiny(comorbidities=odd)))


def test_as_many_comorbidities_as_a_word_has_bits(tmp_path):
    rows = tuple(Comorbidity(f"m{n}", 1, ("I21",)) for n in range(65))
    load_catalogue(saved(tmp_path / "full", tiny(comorbidities=rows[:64])))
    with pytest.raises(TableError, match="T124"):
        load_catalogue(saved(tmp_path / "over", tiny(comorbidities=rows)))


# ---- lint


def test_shipped_catalogues_are_clean():
    report = lint(SHIPPED)
    assert report.targets == SHIPPED
    assert report.clean, report.lines("en")
    assert Counter(f.code for f in report.findings) == {"L202": 2, "L205": 3, "L213": 219}


def test_lint_takes_schemes_and_catalogues_together():
    seen = []
    report = lint([PINGDINGSHAN, "demo", CODES], each=lambda name, _: seen.append(name))
    assert report.targets == (PINGDINGSHAN, "demo", CODES) == tuple(seen)
    told = CliRunner().invoke(cli, ["tables", "lint", TAIAN, "--lang", "en"])
    assert told.exit_code == 0
    assert told.output.startswith("taian-2025  0 errors, 0 warnings")


K80 = tiny().groups
Change = Callable[[Catalogue], Catalogue]


def with_group(*rows: Group) -> dict[str, object]:
    return {"groups": (*K80, *rows)}


CASES: dict[str, tuple[dict[str, object], set[tuple[str, str]]]] = {
    "nothing": ({}, set()),
    "L201": (with_group(Group("K80.a", "core", ("K80.a",), name="x", score_e4=1)),
             {("L201", "K80.a")}),
    "L202": (with_group(Group("K80.1:51.9999", "core", ("K80.1",), (("51.9999",),), name="x",
                              score_e4=1)), {("L202", "51.9999"), ("L210", "procedure_kind")}),
    "L203": (with_group(Group("K80.1:51.23", "special", ("K80.1",), (("51.2300",),), name="x",
                              score_e4=1),
                        Group("K80.1:51.24", "special", ("K80.1",), (("51.2300",),), name="x",
                              score_e4=1)), {("L203", "K80.1:51.23")}),
    "L205": ({"subtypes": (Subtype("K80.1", "age5", 1),)}, {("L205", "age5")}),
    "L206": ({"classes": (AuxiliaryClass("age", "age5", "老", "old"),)}, {("L206", "age5")}),
    "L207": (with_group(Group("K80.2", "core", ("K80.2",), name="x")), {("L207", "K80.2")}),
    "L208": (with_group(Group("K80.2", "core", ("K80.2",), name="x", score_e4=0)),
             {("L208", "K80.2")}),
    "L209": (with_group(Group("K80.2", "core", ("K80.2",), name="x", score_e4=5_000_000,
                              mean_fen=300_000)), {("L209", "K80.2")}),
    "L211": ({"conditions": (Condition("old", field="age", start=65),)}, {("L211", "old")}),
    "L213": (with_group(Group("K80.1:51.2300_51.2300", "core", ("K80.1",),
                              (("51.2300",), ("51.2300",)), name="x", score_e4=1)),
             {("L213", "K80.1:51.2300_51.2300")}),
    "L214": (with_group(Group("K80.2:51.2300", "core", ("K80.2",), name="x", score_e4=1)),
             {("L214", "K80.2:51.2300")}),
    "L215": ({"comorbidities": (Comorbidity("mine", 1, ("I21", "I2A")),)},
             {("L215", "comorbidity mine")}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_lint_finds(name, tmp_path):
    changes, wanted = CASES[name]
    assert found(tmp_path / "a", tiny(**changes)) == wanted


def test_order_of_procedures_needs_a_comparator(tmp_path):
    rows = [
        Group(f"K80.1:{a}_{b}", "core", ("K80.1",), ((a,), (b,)), name="x", score_e4=1)
        for a, b in (("51.2300", "51.8800"), ("51.8800", "51.2300"))
    ]
    catalogue = tiny(**with_group(*rows))
    assert found(tmp_path / "a", catalogue) == set()
    blind = replace(catalogue.matching, comparators=("most_terms",))
    told = found(tmp_path / "b", replace(catalogue, matching=blind))
    assert told == {("L204", "K80.1:51.2300_51.8800")}


def test_a_type_in_no_tier(tmp_path):
    lone = replace(tiny().matching, tiers=(("core",),))
    told = found(tmp_path / "a", tiny(matching=lone))
    assert told == {("L212", "comprehensive.surgery")}


def test_what_cannot_be_read_is_a_finding(tmp_path):
    _, findings = lint_catalogue(broken(tmp_path / "a", "groups", "500.0000", "much"))
    assert [(f.code, f.key) for f in findings] == [("L100", "T152")]
    (tmp_path / "a" / "catalogue.toml").write_text("id = ")
    _, findings = lint_catalogue(tmp_path / "a")
    assert [(f.code, f.key) for f in findings] == [("L100", "T120")]


# ---- provenance


@pytest.mark.parametrize("name", SHIPPED)
def test_every_table_and_note_has_a_registered_source(name):
    sources = tomllib.loads((ROOT / "tables" / "sources.toml").read_text("utf-8"))
    header = shipped(name).header
    for entry in (*header["tables"].values(), *header["notes"]):  # type: ignore[attr-defined,misc]
        assert entry["source"] in sources
        assert entry["source"] in header["sources"]
        assert entry["status"] in ("transcribed", "derived")


def test_files_are_plain_text():
    for path in sorted(TABLES.rglob("*.csv")):
        data = path.read_bytes()
        assert b"\r" not in data
        assert data.endswith(b"\n")
        assert not re.search(rb"[^\S\n]\n", data)


def test_the_readme_counts_the_kinds_as_they_are() -> None:
    text = (ROOT / "tables" / "README.md").read_text("utf-8")
    told = {
        (kind, reason): int(count.replace(",", ""))
        for kind, reason, count in re.findall(r"^\| (\w+) \| `(\w+)` \| ([\d,]+) \|", text, re.M)
    }
    table = pl.read_csv(ROOT / "tables" / "dip" / "procedure_kind.csv", infer_schema=False)
    counted = table.group_by("kind", "reason").len()
    assert told == {(kind, reason): count for kind, reason, count in counted.iter_rows()}
    for kind, count in table.group_by("kind").len().iter_rows():
        assert f"{kind} {count:,}" in text
