"""Import of a folder of tables: it groups as the folder says, and the report tells every change."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import tarfile
import zipfile
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from conftest import SHARED
from made_layouts import LayoutGrouper, odd_claims, write_odd_layout

import drg
from drg.cli import cli
from drg.errors import DrgError, InputError, SchemeError, TableError
from drg.schemes.importing.report import ImportReport
from drg.schemes.importing.run import Imported, import_scheme
from drg.schemes.importing.skeleton import new_scheme
from drg.schemes.importing.source import open_source
from drg.schemes.importing.write import Identity, identity_of
from drg.schemes.scheme import Scheme
from drg.text import catalogue

MINI = Path(__file__).parent / "layouts" / "xishan_2022"
FACTS, GOLDEN = SHARED / "facts" / "schemes", SHARED / "golden"
ANSWER = ["mdc", "adrg", "group", "outcome"]

#: sex, age, age_days, weight, los, diagnoses, procedures -> what the tables of MINI say, by hand.
CLAIMS = {
    # BR11 needs an MCC; J96.000 is one, and a CC too.
    ("1", "60", "", "", "9", "I63.905|J96.000", ""): ("MDCB", "BR1", "BR11", "GROUPED"),
    ("1", "60", "", "", "9", "I63.905|E87.600", ""): ("MDCB", "BR1", "BR13", "GROUPED"),
    # I69.300 is void under a stroke; no DRG test holds, and no_drg = self.
    ("1", "60", "", "", "9", "I63.905|I69.300", ""): ("MDCB", "BR1", "BR1", "GROUPED"),
    # BV1 has no test for it, and no_drg = next: BZ1 takes it.
    ("2", "30", "", "", "5", "G40.900", ""): ("MDCB", "BZ1", "BZ19", "GROUPED"),
    ("2", "30", "", "", "5", "G40.900|G93.600", ""): ("MDCB", "BV1", "BV11", "GROUPED"),
    # The pre-MDC has no DRG: the bare ADRG.
    ("2", "30", "", "", "5", "G40.900", "39.6500"): ("MDCA", "AH1", "AH1", "GROUPED"),
    ("2", "30", "", "", "5", "G40.900", "47.0100"): ("MDCB", "QY", "BQY", "AMBIGUOUS"),
    ("1", "17", "", "", "5", "I61.001", "01.2401"): ("MDCB", "BB1", "BB10", "GROUPED"),
    ("1", "18", "", "", "5", "G40.900", "47.0100|02.0100|01.2401"): (
        "MDCB", "BB1", "BB11", "GROUPED",
    ),
    # MR1 names a list without rows: it never holds. A missing stay makes "los <= 60" false.
    ("1", "70", "", "", "", "N40.x00", ""): ("MDCM", "MZ1", "MZ17", "GROUPED"),
    ("1", "70", "", "", "60", "N40.x00", ""): ("MDCM", "MZ1", "MZ19", "GROUPED"),
    ("2", "70", "", "", "60", "N40.x00", ""): ("0000", "00", "0000A", "UNGROUPABLE"),
    ("", "70", "", "", "60", "N40.x00", ""): ("", "", "", "REJECTED"),
    ("1", "0", "", "", "60", "N40.x00", ""): ("", "", "", "REJECTED"),
    ("1", "0", "28", "", "60", "G40.900", ""): ("", "", "", "REJECTED"),
    ("1", "0", "29", "", "60", "G40.900", ""): ("MDCB", "BZ1", "BZ19", "GROUPED"),
}  # fmt: skip


def claims() -> pl.DataFrame:
    heads = ["sex", "age", "age_days", "weight", "los", "diagnoses", "procedures"]
    frame = pl.DataFrame(list(CLAIMS), schema=dict.fromkeys(heads, pl.String), orient="row")
    return frame.with_row_index("claim_id").with_columns(pl.col("claim_id").cast(pl.String))


def answers(folder: Path, frame: pl.DataFrame, compat: str | None = None) -> list[tuple[str, ...]]:
    grouped = drg.Grouper.load(folder, compat).group_frame(frame)
    return grouped.select(pl.col(ANSWER).cast(pl.String).fill_null("")).rows()


def assert_mini(folder: Path) -> None:
    for compat in (None, "opendrg"):
        assert answers(folder, claims(), compat) == list(CLAIMS.values())


@pytest.fixture
def mini(tmp_path: Path) -> Path:
    """A copy of the small layout that a test may spoil."""
    return Path(shutil.copytree(MINI, tmp_path / "in"))


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def write(path: Path, rows: list[list[str]], encoding: str = "utf-8", end: str = "\n") -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator=end).writerows(rows)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def found(made: Imported, kind: str) -> list[tuple[str, int, str]]:
    return [(f.file, f.row, f.what) for f in made.report.findings if f.kind == kind]


# ---- it groups as the folder says


def test_small_layout_by_hand(tmp_path):
    made = import_scheme(MINI, tmp_path / "out")
    assert_mini(tmp_path / "out")
    assert made.scheme.id == "xishan-2022"
    assert made.scheme.title("zh") == "西山版 2022（人造）"
    assert not made.report.lost
    assert found(made, "both_levels") == [("severity.csv", 0, "J96.000")]
    assert found(made, "empty_set") == [("adrg.csv", 3, "principal_dx in MR1.dx")]
    assert found(made, "bare_code") == [("adrg.csv", 2, "AH1"), ("adrg.csv", 8, "BR1")]
    rewritten = {what for _, _, what in found(made, "missing_values")}
    assert rewritten == {"not los <= 60", "not age >= 18"}


def test_reference_agrees(tmp_path):
    grouper = drg.Grouper.load(import_scheme(MINI, tmp_path / "out").out)
    for row, wanted in zip(claims().iter_rows(named=True), CLAIMS.values(), strict=True):
        told = {"birth_weight_g" if k == "weight" else k: v for k, v in row.items()}
        told["los_days"] = told.pop("los")
        claim = drg.Claim.from_row(told)
        answer = grouper.reference.group(claim)
        assert tuple(str(getattr(answer, name) or "") for name in ANSWER) == wanted


def test_as_extension(tmp_path):
    """With a base the folder holds what differs, and groups the same."""
    import_scheme(MINI, tmp_path / "base" / "xishan-2022")
    out = tmp_path / "base" / "xishan-2023"
    spoilt = Path(shutil.copytree(MINI, tmp_path / "in"))
    edit(
        spoilt / "drg.csv",
        "BZ1,,1,BZ19,神经系统其他疾病,always",
        "BZ1,,1,BZ15,神经系统其他疾病,always",
    )
    edit(spoilt / "scheme.json", "xishan_2022", "xishan_2023")
    made = import_scheme(spoilt, out, base="xishan-2022")
    assert made.scheme.header["extends"] == "xishan-2022"
    assert {p.name for p in out.glob("*.csv")} == {"drg.csv", "import-report.csv"}
    wanted = [(m, a, g.replace("BZ19", "BZ15"), o) for m, a, g, o in CLAIMS.values()]
    for compat in (None, "opendrg"):
        assert answers(out, claims(), compat) == wanted


def test_extension_of_another_scheme(tmp_path):
    """A base that has little in common is no matter: the result is the same."""
    import_scheme(MINI, tmp_path / "out", base="demo")
    assert_mini(tmp_path / "out")


@pytest.mark.parametrize("seed", range(16))
def test_odd_layouts_group_to_the_letter(tmp_path, seed):
    """Folders of clashing keys, empty sets and foreign groups, against an interpreter of them."""
    write_odd_layout(tmp_path / "in", seed)
    oracle = LayoutGrouper(tmp_path / "in")
    drawn = odd_claims(seed, 250)
    made = import_scheme(tmp_path / "in", tmp_path / "out", base="demo" if seed % 3 == 0 else None)
    frame = pl.DataFrame(drawn, schema=dict.fromkeys(drawn[0], pl.String))
    wanted = [oracle.group(claim) for claim in drawn]
    assert answers(made.out, frame) == wanted
    assert len({outcome for *_, outcome in wanted}) >= 2


def test_layout_2_0_checks(mini, tmp_path):
    """The newer engine lets blank ages pass as 0 and refuses a claim without a diagnosis."""
    meta = json.loads((mini / "scheme.json").read_text("utf-8"))
    meta["rule_text_extension"] = ["{P07.*}: any code that starts with P07."]
    (mini / "scheme.json").write_text(json.dumps(meta), "utf-8")
    made = import_scheme(mini, tmp_path / "out")
    assert made.report.kinds["checks_2"] == 1
    frame = pl.DataFrame(
        {
            "claim_id": ["1", "2", "3"],
            "sex": ["1", "1", "1"],
            "age": ["", "60", ""],
            "diagnoses": ["I61.001", "", "I61.001"],
            "procedures": ["01.2401", "", ""],
        }
    )
    assert answers(made.out, frame) == [
        ("MDCB", "BB1", "BB10", "GROUPED"),  # blank age is 0: not age >= 18
        ("", "", "", "REJECTED"),
        ("MDCB", "BR1", "BR1", "GROUPED"),
    ]


# ---- as other hands write it


@pytest.mark.parametrize(
    ("encoding", "end", "told"),  # a file without Chinese is the same in GB18030 and UTF-8
    [("utf-8-sig", "\r\n", 9), ("gb18030", "\r\n", 4), ("utf-16", "\n", 9), ("utf-8", "\r", 0)],
)
def test_encodings_and_line_ends(mini, tmp_path, encoding, end, told):
    for path in mini.glob("*.csv"):
        write(path, rows_of(path), encoding, end)
    made = import_scheme(mini, tmp_path / "out")
    assert_mini(tmp_path / "out")
    assert made.report.kinds["encoding"] == told


def test_blanks_full_width_and_marks(mini, tmp_path):
    for name in ("code_set", "severity", "mdc_diagnosis", "valid_procedure"):
        rows = rows_of(mini / f"{name}.csv")
        place = rows[0].index("code")
        for row in rows[1:]:
            row[place] = f"\ufeff {row[place]}\u3000".replace(".", "．")
        write(mini / f"{name}.csv", rows)
    made = import_scheme(mini, tmp_path / "out")
    assert_mini(tmp_path / "out")
    assert made.report.kinds["cleaned"] == 8 + 5 + 4 + 3
    assert found(made, "cleaned")[0][:2] == ("mdc_diagnosis.csv", 2)


def test_letters_for_mdcs(mini, tmp_path):
    """``B`` and ``mdcb`` are MDCB, in the tables and in the rules."""
    for name in ("mdc", "adrg", "mdc_diagnosis"):
        rows = rows_of(mini / f"{name}.csv")
        place = rows[0].index("mdc")
        for row in rows[1:]:
            row[place] = row[place].removeprefix("MDC") if name != "adrg" else row[place].lower()
            row[-1] = row[-1].replace("in MDCB", "in B")
        write(mini / f"{name}.csv", rows)
    made = import_scheme(mini, tmp_path / "out")
    assert_mini(tmp_path / "out")
    assert made.report.kinds["mdc_letter"] == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("principal_dx in MDCM and sex = male", "principal_dx in MDCM and sex='男'"),
        ("principal_dx in MDCM and sex = male", "PRINCIPAL_DX in MDCM AND sex = 1"),
        ("principal_dx in MDCM and sex = male", "principal_dx in MDCM 且 gender == male"),
        ("principal_px in VALID", "（principal_px in VALID）"),
    ],
)
def test_other_spellings_of_rules(mini, tmp_path, old, new):
    edit(mini / "mdc.csv", old, new)
    made = import_scheme(mini, tmp_path / "out")
    assert_mini(tmp_path / "out")
    assert made.report.kinds["respelled"] == 1


def test_respelling_leaves_values_alone(mini, tmp_path):
    """Full-width brackets in a department's name belong to the name."""
    edit(
        mini / "drg.csv",
        "BZ1,,1,BZ19,神经系统其他疾病,always",
        "BZ1,,1,BZ19,x,department in {重症（ICU）}",
    )
    import_scheme(mini, tmp_path / "out")
    frame = pl.DataFrame(
        {"claim_id": ["1"], "sex": ["1"], "age": ["5"], "department": ["重症（ICU）"],
         "diagnoses": ["G40.900"], "procedures": [""]}
    )  # fmt: skip
    assert answers(tmp_path / "out", frame)[0][2] == "BZ19"


@pytest.mark.parametrize("kind", ["tar.gz", "zip", "gz", "nested"])
def test_archives(tmp_path, kind):
    home = tmp_path / "in" / "deep" / MINI.name if kind == "nested" else tmp_path / "in" / MINI.name
    shutil.copytree(MINI, home)
    source: Path = home
    if kind in ("tar.gz", "nested"):
        source = tmp_path / "mini.tar.gz"
        with tarfile.open(source, "w:gz") as file:
            file.add(tmp_path / "in", "x")
    elif kind == "zip":
        source = tmp_path / "mini.zip"
        with zipfile.ZipFile(source, "w") as file:
            for path in home.iterdir():
                file.write(path, f"{MINI.name}/{path.name}")
    else:
        for path in list(home.glob("*.csv")):
            path.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    made = import_scheme(source, tmp_path / "out")
    assert_mini(tmp_path / "out")
    assert made.scheme.id == "xishan-2022"


# ---- every row that is not taken is told


def test_lost_rows_are_told(mini, tmp_path):
    edit(
        mini / "drg.csv",
        "BV1,,1,BV11,癫痫，伴严重合并症或并发症,mcc",
        "BV1,,1,BV11,癫痫,amount > 5000",
    )
    with (mini / "code_set.csv").open("a", encoding="utf-8") as file:
        file.write("BV1.dx,dx,\nBV1.dx,dx,G40.90000000000000000000000001\nBV1.dx,dx,G40.900\n")
    with (mini / "severity.csv").open("a", encoding="utf-8") as file:
        file.write("A00.000,MAJOR,1\n")
    with (mini / "adrg.csv").open("a", encoding="utf-8") as file:
        file.write("MDCQ,10,QR1,1,x,medical,always,self\n")
    made = import_scheme(mini, tmp_path / "out")
    assert found(made, "bad_rule") == [("drg.csv", 6, "amount > 5000")]
    assert found(made, "no_key") == [("code_set.csv", 10, "")]
    assert found(made, "long_code") == [("code_set.csv", 11, "G40.90000000000000000000000001")]
    assert found(made, "duplicate") == [("code_set.csv", 12, "BV1.dx G40.900")]
    assert found(made, "bad_level") == [("severity.csv", 7, "A00.000 MAJOR")]
    assert found(made, "unknown_mdc") == [("adrg.csv", 11, "QR1")]
    assert made.report.lost == 5
    report = rows_of(tmp_path / "out" / "import-report.csv")
    assert report[0] == ["\ufeff级别", "文件", "行", "内容", "原因", "处理"]
    (line,) = [row for row in report if row[3] == "amount > 5000"]
    assert line[:3] == ["未读入", "drg.csv", "6"]
    assert line[4] == "规则无法读懂"


def test_optional_things_missing(mini, tmp_path):
    (mini / "extraction_note.csv").unlink()
    (mini / "grey_code.csv").unlink(missing_ok=True)
    rows = rows_of(mini / "adrg.csv")
    write(mini / "adrg.csv", [[c for n, c in enumerate(r) if n not in (1, 4)] for r in rows])
    rows = rows_of(mini / "mdc.csv")
    write(mini / "mdc.csv", [[*r, "?"] for r in rows])
    (mini / "readme.txt").write_text("x", "utf-8")
    made = import_scheme(mini, tmp_path / "out")
    assert_mini(tmp_path / "out")
    assert {what for _, _, what in found(made, "column_missing")} == {"order", "name"}
    assert found(made, "extra_column") == [("mdc.csv", 0, "?")]
    assert found(made, "extra_file") == [("readme.txt", 0, "")]
    assert made.report.kinds["name_filled"] >= 8


@pytest.mark.parametrize("table", ["severity", "exclusion", "valid_procedure", "code_set"])
def test_needed_table_missing(mini, tmp_path, table):
    (mini / f"{table}.csv").unlink()
    with pytest.raises(TableError) as error:
        import_scheme(mini, tmp_path / "out")
    assert error.value.code == "T142"
    assert table in str(error.value)
    made = import_scheme(mini, tmp_path / "out", base="demo")  # the base has it
    assert found(made, "from_base") == [(f"{table}.csv", 0, "")]


def test_table_that_no_rule_needs(mini, tmp_path):
    for name in ("severity", "exclusion"):
        (mini / f"{name}.csv").unlink()
    rows = rows_of(mini / "drg.csv")
    write(mini / "drg.csv", [r for r in rows if "cc" not in r[5]])
    made = import_scheme(mini, tmp_path / "out")
    assert made.scheme.table("severity").is_empty()
    assert len(found(made, "table_missing")) == 2


# ---- what is refused


def refused(code: str, source: Path, out: Path, **options: str) -> DrgError:
    with pytest.raises(DrgError) as error:
        import_scheme(source, out, **options)  # type: ignore[arg-type]
    assert error.value.code == code, str(error.value)
    assert not out.exists() or not any(out.iterdir())
    assert not [p for p in out.parent.iterdir() if p.name.startswith(".")]
    return error.value


def test_nothing_to_read(tmp_path):
    assert isinstance(refused("F101", tmp_path / "no", tmp_path / "o"), InputError)
    (tmp_path / "a.doc").write_bytes(b"x")
    refused("F104", tmp_path / "a.doc", tmp_path / "o")
    (tmp_path / "empty").mkdir()
    refused("T145", tmp_path / "empty", tmp_path / "o")


def test_scheme_json(mini, tmp_path):
    (mini / "scheme.json").unlink()
    assert "scheme.json" in str(refused("T142", mini, tmp_path / "o"))
    for text in ("{", "[]", "[" * 100_000, '"x"'):
        (mini / "scheme.json").write_text(text, "utf-8")
        refused("T146", mini, tmp_path / "o")


def test_columns(mini, tmp_path):
    edit(mini / "drg.csv", "adrg,rule_no,order,drg,name,rule", "adrg,rule_no,order,group,name,rule")
    assert "drg" in str(refused("T143", mini, tmp_path / "o"))


def test_not_text(mini, tmp_path):
    (mini / "drg.csv").write_bytes(b"\x00\x01\x02" * 50)
    refused("T144", mini, tmp_path / "o")
    (mini / "drg.csv").write_text('adrg,drg,rule\n"AH1' + "x" * 50_000, "utf-8")
    refused("T144", mini, tmp_path / "o")


def test_folder_that_holds_something(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x", "utf-8")
    with pytest.raises(TableError) as error:
        import_scheme(MINI, tmp_path / "out")
    assert error.value.code == "T131"
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_own_scheme_folder(tmp_path):
    import_scheme(MINI, tmp_path / "one")
    refused("T148", tmp_path / "one", tmp_path / "two")


def test_scheme_that_cannot_load(mini, tmp_path):
    """A rule of more combinations than the kernel holds: refused, nothing left behind."""
    wide = " and ".join(
        f"(any_dx in {{A{n:02d}.000}} or any_dx in {{B{n:02d}.000}})" for n in range(9)
    )
    edit(mini / "mdc.csv", "principal_dx in MDCB", wide)
    error = refused("T147", mini, tmp_path / "o")
    assert "T119" in str(error)
    assert str(tmp_path / "o") in str(error)


@pytest.mark.parametrize("name", ["../../etc", "..", "/etc/passwd", "a\\b", "名称"])
def test_ids_stay_names(mini, tmp_path, name):
    edit(mini / "scheme.json", "xishan_2022", name.replace("\\", "\\\\"))
    try:
        made = import_scheme(mini, tmp_path / "out")
    except SchemeError as error:
        assert error.code == "S103"
        assert name in ("..", "名称")
    else:
        assert made.scheme.id in ("etc", "etc-passwd", "a-b")
    assert {p.name for p in tmp_path.iterdir()} <= {"in", "out"}


def test_archive_members_are_names(tmp_path):
    """What an archive calls its members decides nothing but which folder they lie in."""
    source = tmp_path / "bad.zip"
    with zipfile.ZipFile(source, "w") as file:
        for path in MINI.iterdir():
            file.write(path, f"../../../{path.name}")
    import_scheme(source, tmp_path / "out")
    assert_mini(tmp_path / "out")
    assert {p.name for p in tmp_path.iterdir()} == {"bad.zip", "out"}


def test_links_in_archives_are_not_followed(tmp_path):
    source = tmp_path / "bad.tar.gz"
    with tarfile.open(source, "w:gz") as file:
        for path in MINI.iterdir():
            if path.name != "drg.csv":
                file.add(path, path.name)
        link = tarfile.TarInfo("drg.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    assert "drg.csv" in str(refused("T142", source, tmp_path / "o"))


def test_bombs(tmp_path, monkeypatch):
    monkeypatch.setattr("drg.schemes.importing.source.MAX_FILE_BYTES", 100_000)
    monkeypatch.setattr("drg.schemes.importing.source.MAX_TOTAL_BYTES", 200_000)
    big = b"0" * 150_000
    with zipfile.ZipFile(tmp_path / "one.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("drg.csv", big)
    refused("T141", tmp_path / "one.zip", tmp_path / "o")
    with tarfile.open(tmp_path / "many.tar.gz", "w:gz") as file:
        for n in range(3):
            info = tarfile.TarInfo(f"{n}.csv")
            info.size = 90_000
            file.addfile(info, io.BytesIO(big[:90_000]))
    refused("T141", tmp_path / "many.tar.gz", tmp_path / "o")
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/workbook.xml", big)
        file.writestr("xl/worksheets/sheet1.xml", big)
    refused("T141", tmp_path / "book.xlsx", tmp_path / "o")
    packed = Path(shutil.copytree(MINI, tmp_path / "in"))
    (packed / "drg.csv").unlink()
    (packed / "drg.csv.gz").write_bytes(gzip.compress(big))
    refused("T141", packed, tmp_path / "o")


def test_damaged_archives(tmp_path):
    for name in ("a.zip", "a.tar.gz", "a.xlsx"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 not really")
        refused("T140", tmp_path / name, tmp_path / "o")


def test_unknown_base(tmp_path):
    refused("S101", MINI, tmp_path / "o", base="chs-drg-9.9")
    import_scheme(MINI, tmp_path / "one", base="demo")
    with pytest.raises(SchemeError, match="S106"):  # an extension is no base
        import_scheme(MINI, tmp_path / "two", base="one")


def test_output_named_as_the_base(tmp_path):
    """An extension finds its base by name, beside itself first."""
    refused("T149", MINI, tmp_path / "demo", base="demo")
    code, said = run("tables", "new", "x", "-o", tmp_path / "demo", "--base", "demo")
    assert code == 3
    assert "T149" in said


# ---- wording, identity, command


def test_findings_are_worded():
    """Every finding that the code names has both languages, a level and what was done."""
    worded = {key for key, row in catalogue("importing").items() if "level" in row}
    package = Path(drg.__file__).parent / "schemes" / "importing"
    source = "".join(path.read_text("utf-8") for path in package.glob("*.py"))
    for key in worded:
        row = catalogue("importing")[key]
        assert row["level"] in ("lost", "dropped", "changed", "assumed", "note")
        assert {"zh", "en", "done_zh", "done_en"} <= set(row), key
        assert f'"{key}"' in source, key
    report = ImportReport()
    report.add("long_code", "drg.csv", 7, "A{0}", limit=24)
    in_chinese = report.findings[0].line("zh")
    assert in_chinese == "[未读入] drg.csv 第 7 行 A{0}: 编码超过 24 个字节 → 该编码未收入"
    assert report.findings[0].line("en").startswith("[lost] drg.csv row 7 A{0}: the code is longer")


def test_identity(tmp_path):
    told = identity_of("x-2023", "yunxi/云溪", "云溪 2023", "2023-01-01", "2024-01-01")
    made = import_scheme(MINI, tmp_path / "out", identity=told)
    header = made.scheme.header
    assert (made.scheme.id, header["place"], header["place_zh"]) == ("x-2023", "yunxi", "云溪")
    assert header["in_force"] == ["2023-01-01", "2024-01-01"]
    assert import_scheme(MINI, tmp_path / "two").scheme.header["in_force_status"] == "unknown"
    for start, end in (("2024-01-01", "2023-01-01"), ("yesterday", "")):
        with pytest.raises(TableError, match="T125"):
            identity_of("x", start=start, end=end)
    assert identity_of(place="重庆") == Identity("", "", "", "重庆")


def test_an_id_or_place_that_is_none_is_refused(tmp_path):
    for wrong in ("../evil", "a b", "重庆-2022"):
        with pytest.raises(SchemeError, match="S103"):
            import_scheme(MINI, tmp_path / "out", identity=identity_of(wrong))
        with pytest.raises(SchemeError, match="S103"):
            new_scheme(tmp_path / "out", "demo", identity_of(wrong))
    for place in ("a/b", "a/b/c", "../x", "重庆/四川", "cq city"):
        with pytest.raises(TableError, match="T151"):
            identity_of("x", place=place)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_the_systems_word(tmp_path):
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(InputError, match="F204"):
        import_scheme(MINI, tmp_path / "file" / "out")
    with pytest.raises(InputError, match="F204"):
        new_scheme(tmp_path / "file" / "out", "demo", identity_of("x"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("table", ["mdc", "adrg", "drg"])
def test_a_core_table_without_rows_is_refused(mini, tmp_path, table):
    file = mini / f"{table}.csv"
    file.write_text(file.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    with pytest.raises(TableError, match=rf"T150.*{table}\.csv"):
        import_scheme(mini, tmp_path / "out")


def test_an_empty_list_is_refused_or_told(mini, tmp_path):
    (mini / "severity.csv").write_text("code,level,exclusion_table\n", "utf-8")
    report = import_scheme(mini, tmp_path / "a").report
    assert [f.file for f in report.findings if f.kind == "table_empty"] == ["severity.csv"]
    (mini / "severity.csv").write_bytes(b"")
    with pytest.raises(TableError, match="T143"):
        import_scheme(mini, tmp_path / "b")


def test_a_set_that_neither_source_nor_base_has_is_lost(mini, tmp_path):
    (mini / "code_set.csv").unlink()
    with pytest.raises(TableError, match=rf"T142.*{mini}"):
        import_scheme(mini, tmp_path / "a")
    report = import_scheme(mini, tmp_path / "b", base="demo").report
    lost = [f for f in report.findings if f.kind == "set_not_in_base"]
    assert lost
    assert report.lost == len(lost)


def run(*args: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli, [*map(str, args)])
    return result.exit_code, result.output


def test_command(mini, tmp_path):
    code, said = run("tables", "import", MINI, "-o", tmp_path / "a")
    assert code == 0
    assert said.startswith("xishan-2022：MDC 3 个，ADRG 规则 9 条，病组 11 个 → ")
    assert "未读入 0" in said
    edit(mini / "drg.csv", "BZ1,,1,BZ19,神经系统其他疾病,always", "BZ1,,1,BZ19,x,what")
    code, said = run("tables", "import", mini, "-o", tmp_path / "b", "--lang", "en")
    assert code == 1
    assert "[lost] drg.csv row 7 what: the rule cannot be read" in said
    code, said = run("tables", "import", tmp_path / "none", "-o", tmp_path / "c")
    assert code == 2
    assert "F101" in said


def test_skeleton(tmp_path):
    new = ("tables", "new", "mytown-2025", "-o", tmp_path / "my", "--base", "demo")
    code, said = run(*new, "--place", "mytown/某市")
    assert code == 0, said
    grouper = drg.Grouper.load(tmp_path / "my")
    assert isinstance(grouper.scheme, Scheme)
    header = grouper.scheme.header
    assert (header["extends"], header["in_force_status"]) == ("demo", "unknown")
    assert (header["place"], header["place_zh"]) == ("mytown", "某市")
    assert len(grouper.scheme.adrgs) == 14
    toml = (tmp_path / "my" / "scheme.toml").read_text("utf-8")
    assert "# [[amendments]]" in toml
    assert "demo" in (tmp_path / "my" / "README.md").read_text("utf-8")
    assert run(*new)[0] == 3
    assert run("tables", "new", "../x", "-o", tmp_path / "x", "--base", "nothing")[0] == 3
    assert not (tmp_path / "x").exists()


def test_file_is_read_once(tmp_path):
    source = open_source(MINI)
    assert source.name == "xishan_2022"
    assert "scheme.json" in source.files


# ---- the published layouts


def golden(name: str, rows: int | None) -> tuple[pl.DataFrame, list[tuple[str, ...]]]:
    frame = pl.read_csv(GOLDEN / f"{name}.csv.gz", infer_schema=False, n_rows=rows)
    outcome = {"grouped": "GROUPED", "ambiguous": "AMBIGUOUS", "ungroupable": "UNGROUPABLE",
               "invalid_input": "REJECTED"}  # fmt: skip
    status = pl.col("status").replace_strict(outcome)
    return frame, frame.select("mdc", "adrg", "drg", status).fill_null("").rows()


SCHEMES = sorted(p.name.removesuffix(".tar.gz") for p in FACTS.glob("*.tar.gz"))
BASES = dict.fromkeys(
    ("changzhou_2022", "chongqing_2022", "wuhan_2022", "zhejiang_2022"), "chs-drg-1.0"
)
BASES |= {"chs_drg_10": "chs-drg-1.0", "chs_drg_20": "chs-drg-2.0"}
needs_facts = pytest.mark.skipif(not SCHEMES, reason="the published layouts are not here")


@needs_facts
@pytest.mark.parametrize(
    "name",
    [
        "chongqing_2022",
        *(pytest.param(n, marks=pytest.mark.long) for n in ("chs_drg_20", "yunnan_2022")),
    ],
)
def test_published_layout_slice(tmp_path, name):
    """2,000 recorded claims, with and without a base, kernel; 200 of them by the reference."""
    frame, wanted = golden(name, 2_000)
    for base in (None, BASES.get(name, "chs-drg-1.1")):
        out = tmp_path / f"on-{base}"
        made = import_scheme(FACTS / f"{name}.tar.gz", out, base=base)
        assert made.report.lost == 0
        for compat in (None, "opendrg"):
            assert answers(out, frame, compat) == wanted
    reference = drg.Grouper.load(out).reference
    for row, answer in list(zip(frame.iter_rows(named=True), wanted, strict=True))[:200]:
        told = dict(row) | {"birth_weight_g": row["weight"], "los_days": row["los"]}
        kept = {k: v for k, v in told.items() if k in drg.Claim.model_fields}
        got = reference.group(drg.Claim.from_row(kept))
        assert tuple(str(getattr(got, n) or "") for n in ANSWER) == answer


@pytest.mark.long
@needs_facts
@pytest.mark.parametrize("name", SCHEMES)
def test_published_layouts(tmp_path, name):
    """Every recorded claim of every published layout, with and without a base."""
    frame, wanted = golden(name, None)
    for base in (None, BASES.get(name, "chs-drg-1.1")):
        out = tmp_path / f"on-{base}"
        import_scheme(FACTS / f"{name}.tar.gz", out, base=base)
        for compat in (None, "opendrg"):
            assert answers(out, frame, compat) == wanted
