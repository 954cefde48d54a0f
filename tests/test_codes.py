"""Editions of the codes: what is mapped, what never, and the code book."""

from __future__ import annotations

import json
import pickle
import shutil
import tempfile
from functools import cache
from pathlib import Path

import made_schemes
import polars as pl
import pytest
import strategies
from click.testing import CliRunner
from conftest import load
from hypothesis import given, reject
from hypothesis import strategies as st
from test_differential import check_agreement

import drg
from drg.cli import cli
from drg.errors import SchemeError, TableError
from drg.grouping.explain import explain_lines
from drg.paths import tables_root
from drg.scale.check import check_file
from drg.scale.group_file import group_file
from drg.schemes.catalog import load_scheme, locate
from drg.schemes.codebook import describe_code, search_codes
from drg.schemes.crosswalk import shipped_crosswalks
from drg.schemes.tables import file_digest

SCHEMES = (("chs-drg-2.0", None), ("chs-drg-1.1", "opendrg"))
SAME = "I63.905"  # in both editions, one meaning
CHAIN = ("C83.305", "C83.301", "C85.700")  # each clinical code is mapped to the next
TWINS = ("K35.900", "K35.901", "K35.800x001")  # two clinical codes, the insurance code of both


@cache
def clinical(scheme: str = "chs-drg-2.0", compat: str | None = None) -> drg.Grouper:
    return drg.Grouper.load(scheme, compat, codes="clinical")


def claim(*diagnoses: str, procedures: tuple[str, ...] = ()) -> drg.Claim:
    return drg.Claim(sex="M", age=50, diagnoses=diagnoses, procedures=procedures)


def write(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    """A claim file of (id, diagnoses, procedures)."""
    lines = [f"{i},M,50,{dx},{px}" for i, dx, px in rows]
    path.write_text("\n".join(["claim_id,sex,age,diagnoses,procedures", *lines]), "utf-8")
    return path


@pytest.fixture
def own_tables(tmp_path, monkeypatch):
    """A copy of the shipped code lists and of the demo scheme, taken in place of the shipped."""
    root = tmp_path / "tables"
    for part in ("codes", "headers", "schemes/demo"):
        shutil.copytree(tables_root() / part, root / part)
    monkeypatch.setenv("DRG_TABLES", str(root))
    return root


def change(folder: Path, table: str, old: str, new: str) -> None:
    """Edit a table (an empty ``old``: append) and register the change."""
    path = folder / f"{table}.csv"
    toml = next(folder.glob("*.toml"))
    before, text = file_digest(path), path.read_text("utf-8")
    assert old in text
    rows = text.count("\n") - 1
    text = text.replace(old, new, 1) if old else text + new
    path.write_text(text, "utf-8")
    header = toml.read_text("utf-8").replace(before, file_digest(path))
    if not old:
        start, end = header.split(f"[tables.{table}]")
        header = f"{start}[tables.{table}]" + end.replace(f"rows = {rows}", f"rows = {rows + 1}", 1)
    toml.write_text(header, "utf-8")


# ---- the tables


@pytest.mark.parametrize(
    ("kind", "code", "insurance", "name"),
    [
        ("dx", SAME, SAME, "多发性脑梗死"),
        ("dx", "A19.000x001", "A19.001", "急性粟粒性肺结核"),
        ("dx", "A41.900", "A41.900", "败血症"),  # 脓毒症 in the insurance edition
        ("dx", "Q96.000", "Q96.000", "核型45，X,特纳综合征"),  # repaired
        ("dx", "M20.200", "M20.200", "踇僵"),  # repaired
        ("dx", "B06.801+J17.1*", "B06.801+J17.1*", "风疹性肺炎"),  # a blank trimmed
        ("dx", "U07.100", "U07.100", "2019冠状病毒病"),  # in one copy only
        ("px", "00.6500x014", "00.6501", "经皮大脑中动脉支架置入术"),
        ("px", "30.2911", "30.2911", "喉次全切除术"),  # the copies disagree
        ("px", "39.5300x030", "39.7200x017", "头面部动静脉瘘栓塞术"),  # they disagree
        ("px", "86.9600x004", "03.9302", "脊髓神经刺激器置换术"),  # they disagree
        ("px", "06.3100x002", "06.3102", "甲状腺病损射频消融术"),  # in one copy only
    ],
)
def test_hand_checked_mappings(kind, code, insurance, name):
    crosswalk = shipped_crosswalks()[kind]
    assert crosswalk.insurance[code] == insurance
    assert crosswalk.clinical_name(code) == name


def test_numbers_of_the_docs():
    """docs/codes.md, "The crosswalk in numbers": counted here from the tables."""
    page = (Path(__file__).parents[1] / "docs" / "codes.md").read_text("utf-8")
    counted = []
    for walk in shipped_crosswalks().values():
        same = [c for c, i in walk.insurance.items() if c == i]
        named = [c for c in walk.ambiguous if walk.clinical_name(c) == walk.national[c]]
        counted.append(
            [
                len(walk.insurance),
                len(same),
                len(walk.insurance) - len(same),
                len(walk.ambiguous),
                len(named),
                len(walk.national),
                len(set(walk.national) - set(walk.insurance)),
                len(set(walk.national) - set(walk.insurance.values())),
                sum(walk.clinical_name(c) != walk.national[c] for c in same),
            ]
        )
    table = [
        tuple(int(cell.replace(",", "")) for cell in line.split("|")[2:4])
        for line in page.splitlines()
        if line.startswith("|") and line.split("|")[2].strip().replace(",", "").isdigit()
    ]
    assert table == list(zip(*counted, strict=True))


def test_ambiguous_codes_are_those_mapped_away():
    walk = shipped_crosswalks()["dx"]
    assert walk.ambiguous["C83.001"] == "C83.000"
    assert SAME not in walk.ambiguous  # mapped to itself
    assert "A41.900" not in walk.ambiguous  # another name, the same code
    assert "A19.800x010" not in walk.ambiguous  # the insurance edition does not have it
    assert all(code in walk.national for code in walk.ambiguous)


def test_twins_are_replaced_by_one_of_them():
    walk = shipped_crosswalks()["dx"]
    for code, first in walk.twins.items():
        assert code != first
        assert first not in walk.twins
        assert walk.insurance[code] == walk.insurance[first]
    left = {walk.insurance[c] for c in walk.insurance if c not in walk.twins}
    assert len(left) == len(walk.insurance) - len(walk.twins)


# ---- grouping


def both(grouper: drg.Grouper, one: drg.Claim) -> drg.GroupResult:
    found = grouper.group(one)
    assert found == grouper.reference.group(one)
    return found


def readings(grouper: drg.Grouper, one: drg.Claim) -> list[str | None]:
    case = grouper.explain(one)[0].subject
    return [reading.code for reading in case.readings("dx") + case.readings("px")]


def test_each_code_is_mapped_once():
    assert readings(clinical(), claim(*CHAIN[:2])) == list(CHAIN[1:])
    assert readings(load("chs-drg-2.0"), claim(*CHAIN[:2])) == list(CHAIN[:2])


def test_a_mapped_claim_is_the_insurance_claim():
    mapped = both(clinical(), claim("K35.900", procedures=("47.0901",)))
    written = both(load("chs-drg-2.0"), claim("K35.800x001", procedures=("47.0901",)))
    assert mapped[1:7] == written[1:7]
    assert mapped.outcome == "GROUPED"


def test_unmapped_stays_unknown():
    """A04.701 is an insurance code that the clinical edition does not have."""
    assert both(load("chs-drg-2.0"), claim("A04.701")).outcome == "GROUPED"
    assert both(clinical(), claim("A04.701"))[6:8] == ("UNGROUPABLE", "U201")
    assert both(clinical(), claim(SAME, "A04.701")).reason == "N401"
    assert both(clinical(), claim("a04.701 ")).reason == "U201"


def test_spelling_is_normalised_among_clinical_codes():
    found = both(clinical(), claim("ｋ35.900 "))
    assert (found.group, found.reason) == (both(clinical(), claim("K35.900")).group, "N403")
    assert both(clinical(), claim("K35.900")).reason is None
    strict = clinical("chs-drg-1.1", "opendrg")  # normalise_codes = false
    assert both(strict, claim("k35.900")).outcome == "UNGROUPABLE"


def test_two_codes_for_one_are_one_code(own_tables):
    """A rule that counts codes, and two clinical codes that stand for one insurance code."""
    change(own_tables / "codes", "dx_crosswalk", "I63.900,I63.900,", "I63.900,I63.905,")
    rule = "99,X901,stop,count any_dx in MDCB >= 2\n"
    change(own_tables / "schemes" / "demo", "check", "", rule)
    plain, grouper = drg.Grouper.load("demo"), drg.Grouper.load("demo", codes="clinical")
    assert both(plain, claim(SAME, "G40.900")).reason == "X901"
    assert both(grouper, claim(SAME, "G40.900")).reason == "X901"
    for codes in ((SAME, "I63.900"), ("I63.900", SAME), ("i63.900", SAME), ("I63.900",) * 2):
        assert both(grouper, claim(*codes)).outcome == "GROUPED"
        frame = pl.DataFrame({"sex": ["M"], "age": [50], "diagnoses": ["|".join(codes)]})
        assert grouper.group_frame(frame)["outcome"].item() == "GROUPED"


def test_edition_is_part_of_a_grouper():
    plain, other = load("demo"), clinical("demo")
    assert (plain.codes, other.codes) == ("insurance", "clinical")
    assert plain.digest != other.digest
    assert drg.Grouper.load("demo", codes="insurance").digest == plain.digest
    assert "clinical" in repr(other)
    again = pickle.loads(pickle.dumps(other))
    assert (again.digest, again.codes) == (other.digest, "clinical")
    assert other.scheme.edition == "clinical"
    assert both(other, claim(SAME)).digest == other.digest


def test_unknown_edition_is_refused():
    with pytest.raises(SchemeError) as caught:
        drg.Grouper.load("demo", codes="gb")
    assert caught.value.code == "S120"
    assert "clinical" in caught.value.message("en")


# ---- kernel = reference


@st.composite
def in_clinical(draw, rows: list[dict], walks) -> list[dict]:
    """The rows with codes of the other edition: any that stands for the code, or it as it is."""
    made = []
    for row in rows:
        made.append(dict(row))
        for name, kind in (("diagnoses", "dx"), ("procedures", "px")):
            if row.get(name):
                made[-1][name] = [
                    draw(st.sampled_from((*walks[kind].clinical.get(code, (code,)), code)))
                    for code in row[name]
                ]
                if draw(st.booleans()):  # its twins as well
                    made[-1][name] += walks[kind].clinical.get(row[name][0], ())
    return made


@pytest.mark.parametrize(("scheme", "compat"), SCHEMES)
@given(data=st.data())
def test_kernel_is_the_reference(scheme, compat, data):
    grouper = clinical(scheme, compat)
    rows = data.draw(strategies.claims(pool(scheme, compat), max_size=6))
    check_agreement(grouper, data.draw(in_clinical(rows, shipped_crosswalks())))


@cache
def pool(scheme: str, compat: str | None) -> strategies.Pool:
    return strategies.Pool(load(scheme, compat).scheme)


#: A crosswalk of everything: chains, twins, swaps, dagger pairs, codes only one edition has.
TINY = {
    "dx": {
        "A01.000": "A02.000x001", "A02.000x001": "A01.000", "B10.100": "B10.200+G01*",
        "B10.200+G01*": "B10.200+G01*", "B10.200+H02*": "C20.000", "C20.000": "C20.000",
        "C20.000x001": "C20.000", "C20.000x002": "C20.000", "P07.100": "P07.200",
        "Q10.000": "P07.100", "Q99.900": "C20.100",
    },
    "px": {
        "01.0100": "01.0100", "01.0100x001": "01.0100", "01.0200": "02.0100x001",
        "02.0100x001": "03.3300", "03.3300": "04.4400", "05.5500": "99.9900",
        "77.7700": "99.9900",
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory):
    root = made_schemes.tiny_tables_root(tmp_path_factory.mktemp("editions"))
    codes = {"dx": made_schemes.DX, "px": made_schemes.PX}
    tables = {
        name: made_schemes.csv_text("code,name", [(c, c) for c in codes[kind]])
        for kind, name in (("dx", "icd10"), ("px", "icd9cm3"))
    }
    for kind, walk in TINY.items():
        rows = [(c, i, "") for c, i in sorted(walk.items())]
        header = "clinical,insurance,clinical_name"
        tables[f"{kind}_crosswalk"] = made_schemes.csv_text(header, rows)
    made_schemes.write_folder(root / "codes", "codes.toml", "", tables)
    return root


@given(
    scheme=made_schemes.schemes(),
    rows=st.lists(made_schemes.small_claims(), min_size=1, max_size=8),
    data=st.data(),
)
def test_kernel_is_the_reference_under_any_rule(tiny_root, scheme, rows, data):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRG_TABLES", str(tiny_root))
        patch.setenv("DRG_CACHE", folder)
        try:
            made = scheme.write(Path(folder) / "made")
            grouper = drg.Grouper.load(made, codes="clinical")
        except TableError as error:
            if error.code == "T119":
                reject()
            raise
        walks = shipped_crosswalks()
        assert dict(walks["px"].insurance) == TINY["px"]
        check_agreement(grouper, data.draw(in_clinical(rows, walks)))


# ---- frames and files


def test_mapped_codes_in_every_shape_of_columns():
    listed = pl.DataFrame(
        {
            "sex": ["M"] * 4,
            "age": [50] * 4,
            "diagnoses": [[SAME, "C83.305", "C83.301"], ["ｃ83.305", "C83.305"], ["ZZZ"], None],
            "procedures": [["00.6500x014", "00.6500x014"], [], None, ["47.0901"]],
        }
    )
    wanted = ["C83.305→C83.301|C83.301→C85.700|00.6500x014→00.6501", "C83.305→C83.301", None, None]
    grouper = clinical()
    found = grouper.group_frame(listed)
    assert found["mapped_codes"].to_list() == wanted
    assert list(grouper.result_schema)[-1] == "mapped_codes"
    joined = listed.with_columns(pl.col("diagnoses", "procedures").list.join("|"))
    wide = listed.select(
        "sex",
        "age",
        *(pl.col("diagnoses").list.get(n, null_on_oob=True).alias(f"diagnosis_{n + 1}")
          for n in range(3)),
        *(pl.col("procedures").list.get(n, null_on_oob=True).alias(f"procedure_{n + 1}")
          for n in range(2)),
    )  # fmt: skip
    for other in (joined, wide):
        assert grouper.results_frame(other).equals(found.select(list(grouper.result_schema)))
    assert grouper.group_frame(joined.lazy()).collect()["mapped_codes"].to_list() == wanted


def test_group_file_adds_the_mapped_codes(tmp_path):
    source = write(tmp_path / "in.csv", [("1", "K35.900", "47.0901"), ("2", SAME, "")])
    group_file(clinical(), source, tmp_path / "out.parquet")
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert found["mapped_codes"].to_list() == ["K35.900→K35.800x001", None]
    group_file(load("chs-drg-2.0"), source, tmp_path / "plain.parquet")
    assert "mapped_codes" not in pl.read_parquet_schema(tmp_path / "plain.parquet")


def test_explain_shows_both_editions():
    told = explain_lines(
        clinical().explain(claim("A19.000x001", "A04.701")), clinical().scheme, "zh"
    )
    assert "国临版编码" in told[0]
    line = "国临版 A19.000x001 急性粟粒性肺结核 → 医保版 A19.001 急性血行播散型肺结核"
    assert any(line in row for row in told)
    assert any("A04.701：国临版没有到医保版的映射" in row for row in told)


# ---- check


def findings(path: Path, tmp_path: Path, codes: str | None = None) -> dict[str, dict[str, str]]:
    """Claim id -> reason code -> what it concerns."""
    grouper = drg.Grouper.load("chs-drg-2.0", codes=codes)
    out = tmp_path / "found.parquet"
    check_file(grouper, path, out, lang="zh", edition_stated=codes is not None)
    found: dict[str, dict[str, str]] = {}
    for row in pl.read_parquet(out).iter_rows(named=True):
        found.setdefault(row["claim_id"], {})[row["code"]] = row["concerns"]
    return found


@pytest.fixture
def claims(tmp_path):
    return write(
        tmp_path / "claims.csv",
        [("two", f"{SAME}|C83.001", ""), ("one", f"{SAME}|A19.800x010", ""), ("fine", SAME, "")],
    )


def test_check_names_codes_with_two_readings(claims, tmp_path):
    found = findings(claims, tmp_path)
    assert set(found) == {"two", "one"}
    assert set(found["two"]) == {"N412"}
    for part in ("C83.001", "淋巴浆细胞性淋巴瘤", "小淋巴细胞性淋巴瘤", "C83.000"):
        assert part in found["two"]["N412"]
    assert set(found["one"]) == {"N401", "N413"}
    assert found["one"]["N413"].startswith("A19.800x010 ")
    assert found["one"]["N413"].endswith("→ A19.000x001")


def test_check_is_quiet_once_the_edition_is_stated(claims, tmp_path):
    assert findings(claims, tmp_path, "insurance") == {"one": {"N401": "A19.800x010"}}


def test_check_reports_mappings(claims, tmp_path):
    found = findings(claims, tmp_path, "clinical")
    assert found["two"] == {"N410": "C83.001 小淋巴细胞性淋巴瘤 → C83.000 小B细胞淋巴瘤"}
    assert set(found["one"]) == {"N410"}
    assert "fine" not in found
    only = write(tmp_path / "only.csv", [("x", f"{SAME}|A04.701", "")])
    assert findings(only, tmp_path, "clinical")["x"] == {"N401": "A04.701", "N411": "A04.701"}


# ---- tables that are broken, changed or not there


def test_crosswalk_decides_only_clinical_digests(own_tables):
    plain, other = locate("demo").digest, locate("demo", None, "clinical").digest
    assert plain == load("demo").digest
    change(own_tables / "codes", "dx_crosswalk", "A19.000x001,A19.001,", "A19.000x001,A19.000,")
    assert locate("demo").digest == plain
    assert locate("demo", None, "clinical").digest != other
    assert shipped_crosswalks()["dx"].insurance["A19.000x001"] == "A19.000"


def test_plain_load_does_not_read_the_crosswalk(own_tables):
    (own_tables / "codes" / "dx_crosswalk.csv").unlink()
    assert load_scheme("demo").edition == "insurance"
    with pytest.raises(TableError) as caught:
        load_scheme("demo", codes="clinical")
    assert caught.value.code == "T102"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("A19.000x001,A19.001,", "A19.000x001,A19.9X9,", "T190"),
        ("\nA19.001,", "\nA19.000x001,", "T107"),
        ("clinical,insurance", "old,new", "T105"),
        ("A00.000,A00.000,", "A00.000,A00.000", "T110"),
    ],
)
def test_broken_crosswalk_is_refused(own_tables, old, new, code):
    change(own_tables / "codes", "dx_crosswalk", old, new)
    with pytest.raises(TableError) as caught:
        load_scheme("demo", codes="clinical")
    assert caught.value.code == code
    assert "dx_crosswalk.csv" in caught.value.where


def test_unregistered_change_is_refused(own_tables):
    path = own_tables / "codes" / "px_crosswalk.csv"
    path.write_text(path.read_text("utf-8") + "99.9999,99.9999,\n", "utf-8")
    with pytest.raises(TableError) as caught:
        load_scheme("demo", codes="clinical")
    assert caught.value.code == "T103"


def test_tables_without_a_crosswalk(own_tables, tmp_path):
    """Somebody's own tables: nothing is mapped, nothing is ambiguous, clinical is refused."""
    toml = own_tables / "codes" / "codes.toml"
    text = toml.read_text("utf-8")
    start, end = text.index("[tables.dx_crosswalk]"), text.index("[[notes]]")
    toml.write_text(text[:start] + text[end:], "utf-8")
    with pytest.raises(TableError) as caught:
        drg.Grouper.load("demo", codes="clinical")
    assert caught.value.code == "T121"
    assert not shipped_crosswalks()["dx"].ambiguous
    found = check_file(drg.Grouper.load("demo"), write(tmp_path / "c.csv", [("1", SAME, "")]))
    assert found.findings == 0


# ---- the code book


def codes_of(text: str, **kinds) -> list[str]:
    return [entry.code for entry in search_codes(text, **kinds)]


def test_search_by_code():
    assert codes_of("i63.905") == codes_of("Ｉ６３９０５") == codes_of(" I63905 ") == [SAME]
    found = search_codes("K35.80")
    assert [e.code for e in found][:2] == ["K35.800", "K35.800x001"]
    assert {e.match for e in found} == {"prefix"}
    exact = search_codes("J96.000")
    assert [(e.code, e.match) for e in exact[:2]] == [
        ("J96.000", "code"),
        ("J96.000x001", "prefix"),
    ]


def test_search_by_name():
    found = search_codes("多发性脑梗死")
    assert (found[0].code, found[0].match) == (SAME, "name")
    assert codes_of("败血症 金黄色")[0] == "A41.000"  # the clinical edition's name
    assert "I63.905" in codes_of("I63 多发")
    assert codes_of("I63 阑尾") == []
    assert codes_of("", kinds=("dx",)) == codes_of(" ") == []
    lengths = [len(e.name) for e in search_codes("阑尾切除术", ("px",)) if not e.clinical_codes]
    assert lengths[0] == min(lengths)


def test_search_tells_the_editions():
    (entry,) = search_codes("A19.800x010")
    assert (entry.insurance, entry.maps_to) == (False, "A19.000x001")
    assert entry.insurance_code == "A19.000x001"
    assert not entry.ambiguous
    (entry,) = search_codes("C83.001")
    assert entry.ambiguous
    assert (entry.name, entry.clinical_name) == ("淋巴浆细胞性淋巴瘤", "小淋巴细胞性淋巴瘤")
    assert entry.insurance_code == "C83.001"
    (entry,) = search_codes("K35.800x001")
    assert entry.maps_to is None
    assert ("K35.900", "急性阑尾炎") in entry.clinical_codes
    assert codes_of("47.09", kinds=("dx",)) == []
    assert "47.0901" in codes_of("47.09", kinds=("px",))


def test_role_in_the_demo_scheme():
    """The demo scheme is small enough to be read by eye (tables/schemes/demo)."""
    scheme = load("demo").scheme
    role = describe_code(scheme, "dx", "I69.300")
    assert (role.level, role.known) == ("CC", True)
    table = role.exclusion_table
    voiding = sorted(c for c, t in scheme.exclusion.items() if t == table)
    assert role.voided_by == len(voiding) > 0
    assert [c for c, _ in role.voided_examples] == voiding[:3]
    stroke = describe_code(scheme, "dx", SAME)
    assert [(x.mdc, x.position) for x in stroke.mdcs] == [("MDCB", "principal")]
    assert [(u.level, u.row, u.position) for u in stroke.uses] == [("adrg", "BR1/1", "principal")]
    assert stroke.level == ""
    assert stroke.voids > 0
    assert not describe_code(scheme, "dx", "ZZZ").known


def test_role_in_the_national_scheme(national):
    scheme = national.scheme
    role = describe_code(scheme, "px", "47.0901")
    assert role.valid
    assert not role.mdcs
    assert [u.row for u in role.uses if u.level == "adrg"] == [
        "PD1/1", "ZJ1/1", "GE1/1", "GE2/1", "VJ1/1"
    ]  # fmt: skip
    assert {u.position for u in role.uses} == {"principal"}
    trauma = describe_code(scheme, "dx", "S06.501")
    assert [(x.mdc, x.site) for x in trauma.mdcs] == [("MDCZ", "头颈部创伤"), ("MDCB", "")]
    newborn = describe_code(scheme, "dx", "P07.300x001")
    assert ("PQY/1", "any", True) in [(u.row, u.position, u.negated) for u in newborn.uses]
    assert ("MDCP", "any", False) in [(u.row, u.position, u.negated) for u in newborn.uses]
    assert [x.position for x in describe_code(scheme, "dx", "B20.001").mdcs][:1] == ["any"]
    grey = describe_code(scheme, "dx", "B95.000")
    assert grey.grey
    assert not grey.mdcs


# ---- the command line


def run(*args: str, lang: str = "en"):
    return CliRunner().invoke(cli, [*args, "--lang", lang], standalone_mode=False)


def test_drg_code():
    found = run("code", "C83001")
    assert "C83.001" in found.output
    assert "C83.000" in found.output
    many = run("code", "阑尾炎", "--limit", "3").output.splitlines()
    assert any("more" in line for line in many)
    told = run("code", SAME, "-s", "demo").output
    assert "MDCB" in told
    assert "BR1/1" in told
    assert "exclusion table" in told
    only = json.loads(run("code", "47.0901", "--px", "--json", "-s", "chs-drg-2.0").output)
    assert [entry["code"] for entry in only] == ["47.0901"]
    assert only[0]["role"]["valid"] is True
    assert json.loads(run("code", "nothing of the kind", "--json").output) == []


def test_drg_code_finds_nothing():
    found = run("code", "没有这样的名称")
    assert found.exception is not None
    assert found.exception.code == "C220"


def test_drg_group_takes_the_edition(tmp_path):
    source = write(tmp_path / "in.csv", [("1", "K35.900", "47.0901")])
    out = tmp_path / "out.csv"
    args = ("group", str(source), "-s", "chs-drg-2.0", "-o", str(out), "--codes", "clinical")
    assert run(*args).exception is None
    assert out.read_text("utf-8-sig").splitlines()[1].endswith("K35.900→K35.800x001")
    assert (
        "国临版"
        in run(
            "explain", str(source), "--id", "1", "-s", "demo", "--codes", "clinical", lang="zh"
        ).output
    )
