"""Files that were written to harm: each is refused in plain words, in little time and memory."""

from __future__ import annotations

import ast
import gzip
import json
import os
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from conftest import ROOT

from drg.audit.rules import load_rules
from drg.claims import delimited, encoding, workbook_bounds
from drg.claims.case import Case
from drg.claims.excel_safe import as_written, excel_safe
from drg.claims.readers import open_claims
from drg.claims.writers import write_frames
from drg.cli import cli
from drg.dip.build.settings import read_build_settings
from drg.errors import DrgError, InputError
from drg.money import AmountError, scaled
from drg.payment.policy.catalog import load_policy
from drg.payment.weight_table import load_weight_table
from drg.reports.statement import statement_files
from drg.schemes.catalog import load_scheme, locate
from drg.simulate.change import read_change
from drg.text import printable
from drg.toml_file import TomlError, parse_toml, read_toml

HEAD = "claim_id,sex,age,diagnoses,procedures\n"
CLAIM = "1,M,60,I63.905,\n"


def refusal(path: Path) -> str:
    with pytest.raises(DrgError) as caught, open_claims(path) as source:
        source.scan().collect()
    assert str(path) in caught.value.where
    assert caught.value.message("zh")
    return caught.value.code


# ---- workbooks


def sheet(rows: str) -> bytes:
    return (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f"{rows}</sheetData></worksheet>"
    ).encode()


def book(path: Path, rows: bytes, *, others: dict[str, bytes] | None = None) -> Path:
    """A workbook whose one sheet is given as it stands in the file."""
    pl.DataFrame({"claim_id": ["1"], "diagnoses": ["I10"]}).write_excel(plain := BytesIO())
    with zipfile.ZipFile(plain) as parts, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name in parts.namelist():
            out.writestr(name, rows if name.endswith("sheet1.xml") else parts.read(name))
        for name, part in (others or {}).items():
            out.writestr(name, part)
    return path


FAR = {
    "named": '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"/></row>',
    "row says nothing": '<row><c r="XFD1"/></row><row><c r="A1048576"/></row>',
    "place is not first": '<row s="1" r="9"><c s="1" t="n"  r = \'XFD1048576\'/></row>',
    "a text that looks like a place": '<row q=" r=&quot;" r="1048576"><c q=" r=" r="XFD1"/></row>',
    "prefixed": '<x:row r="1"><x:c r="XFD1"/></x:row><x:row r="1048576"><x:c r="A1"/></x:row>',
    "no places": "<row>" + "<c/>" * 5000 + "</row>" + "<row><c/></row>" * 20_000,
    "a tag over two pieces": "<row>" + " " * ((1 << 20) - 130) + '<c r="XFD1"/></row>'
    '<row r="1048576"/>',
    "columns that there are not": '<row r="700000"><c r="ZZZZZZZZZ700000"/></row>',
}


@pytest.mark.parametrize("rows", FAR.values(), ids=FAR)
def test_a_sheet_that_reaches_far_out(tmp_path, rows):
    assert refusal(book(tmp_path / "c.xlsx", sheet(rows))) == "F133"


@pytest.mark.parametrize("shift", range(0, 12))
def test_no_seam_hides_a_cell(tmp_path, monkeypatch, shift):
    monkeypatch.setattr(workbook_bounds, "_PIECE", 32)
    rows = " " * shift + '<row r="1048576"><c r="XFD1"/></row>'
    assert refusal(book(tmp_path / "c.xlsx", sheet(rows))) == "F133"


def test_a_tag_without_end(tmp_path):
    rows = '<row r="1"><c q="' + "x" * (3 << 20) + '" r="XFD1048576"/></row>'
    assert refusal(book(tmp_path / "c.xlsx", sheet(rows))) == "F115"


def test_what_a_workbook_unpacks_to(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook_bounds, "_SMALL", 1 << 20)
    bomb = book(tmp_path / "c.xlsx", sheet(""), others={"xl/media/a.bin": bytes(8 << 20)})
    assert refusal(bomb) == "F132"
    with pytest.raises(InputError, match="F132"):
        workbook_bounds.check_workbook(book(tmp_path / "d.xlsx", sheet("")), 100)


def test_a_part_that_lies_about_its_size(tmp_path):
    """A reader that believes it stops at 10 bytes; one that does not unpacks all of them."""
    path = book(tmp_path / "c.xlsx", sheet(""), others={"xl/a.bin": bytes(1 << 20)})
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = data.rfind(mark)
        while mark == b"PK\x03\x04" and b"xl/a.bin" not in data[at : at + 60]:
            at = data.rfind(mark, 0, at)
        data[at + place : at + place + 4] = struct.pack("<I", 10)
        data[at + place - 8 : at + place - 4] = struct.pack("<I", zlib.crc32(bytes(10)))
    path.write_bytes(data)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("xl/a.bin") == bytes(10)
    assert refusal(path) == "F115"


def test_too_many_parts(tmp_path):
    path = tmp_path / "c.xlsx"
    with zipfile.ZipFile(path, "w") as out:
        for number in range(10_001):
            out.writestr(f"{number}", b"")
    assert refusal(path) == "F134"


def test_entities_are_not_expanded(tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    rows = '<row r="1"><c r="A1" t="str"><v>&b;</v></c></row>'
    path = book(tmp_path / "c.xlsx", bomb.encode() + sheet(rows))
    with pytest.raises(InputError), open_claims(path):
        pass


def test_a_real_workbook_is_read(tmp_path):
    frame = pl.DataFrame({"claim_id": ["1", "2"], "diagnoses": [":c x", "<row r='9'>"]})
    frame.write_excel(tmp_path / "c.xlsx")
    with open_claims(tmp_path / "c.xlsx") as source:
        assert source.scan().collect().equals(frame)


# ---- text


def test_what_a_packed_file_unpacks_to(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "_UNPACKED", 1 << 20)
    for name in ("c.csv.gz", "c.json.gz"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(HEAD.encode() + b"0" * (16 << 20)))
        assert refusal(path) == "F135"


def test_columns_and_records_have_bounds(tmp_path, monkeypatch):
    path = tmp_path / "c.csv"
    path.write_text(",".join(f"c{n}" for n in range(20_000)) + "\n", encoding="utf-8")
    assert refusal(path) == "F136"
    monkeypatch.setattr(delimited, "_LONGEST", 3 << 20)
    for text in (HEAD + CLAIM + "1,M,60," + "x" * (6 << 20), HEAD + '1,M,60,"' + "\n" * (6 << 20)):
        path.write_text(text, encoding="utf-8")
        assert refusal(path) == "F137"
    # Lines that end in CR are as many as they look.
    path.write_text(HEAD.replace("\n", "\r") + CLAIM.replace("\n", "\r") * 400_000, "utf-8")
    with open_claims(path) as source:
        assert source.rows == 400_000


def test_giant_cells_and_long_lists_take_their_time_and_no_more(tmp_path):
    """Time and memory go with the length of the file."""
    path = tmp_path / "c.csv"
    codes = "|".join(f"{n:07d}" for n in range(100_000))
    path.write_text(HEAD + f"{'x' * (2 << 20)},M,60,I63.905,{codes}\n" + CLAIM, encoding="utf-8")
    result = CliRunner().invoke(
        cli, ["group", str(path), "-s", "chs-drg-2.0", "-o", str(tmp_path / "o.parquet")]
    )
    assert result.exit_code == 0, result.output
    assert pl.read_parquet(tmp_path / "o.parquet")["outcome"].to_list() == ["GROUPED"] * 2


def test_one_case_of_too_many_codes_is_not_explained(tmp_path):
    path = tmp_path / "c.csv"
    codes = "|".join(f"{n:05d}" for n in range(5_000))
    path.write_text(HEAD + f"A1,M,60,I63.905,{codes}\n", encoding="utf-8")
    for command in ("explain", "simulate"):
        result = CliRunner().invoke(cli, [command, str(path), "--id", "A1", "-s", "chs-drg-2.0"])
        assert result.exit_code == 2
        assert "F138" in result.output


@pytest.mark.parametrize(
    "name", ["c.csv", "c.tsv", "c.json", "c.jsonl", "c.parquet", "c.xlsx", "c.csv.gz"]
)
@pytest.mark.parametrize(
    "data",
    [b"\0", b"\0" * 4096, b"PAR1", b"PAR1" + b"\xff" * 64 + b"PAR1", b"PK\x03\x04" + b"\xff" * 64,
     b"\x1f\x8b\x08\0" + b"\xff" * 64, b"\xff\xfe\0\xd8", b"{" * 100_000, b'"' * 9999],
    ids=lambda data: repr(data[:6]),
)  # fmt: skip
def test_bytes_that_are_no_file(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    assert refusal(path).startswith("F1")


def test_parquet_that_lies(tmp_path):
    """Every byte of a small file turned: refused, or read as some rows; never a crash."""
    path = tmp_path / "c.parquet"
    frame = pl.DataFrame({"claim_id": ["1", "2"] * 50, "diagnoses": [["I10"], ["I20", "I30"]] * 50})
    frame.write_parquet(path)
    whole = path.read_bytes()
    footer = len(whole) - 8 - struct.unpack("<I", whole[-8:-4])[0]
    for at in [*range(4, footer, 41), *range(footer, len(whole), 17)]:
        for value in (0xFF, 0x7F):
            data = bytearray(whole)
            data[at] ^= value
            path.write_bytes(data)
            try:
                with open_claims(path) as source:
                    for batch in source.batches():
                        assert batch.height <= 100_000
            except InputError as error:
                assert error.code[0] == "F"


# ---- TOML

DEEP = {
    "arrays": "x = " + "[" * 5000 + "]" * 5000,
    "a few arrays": "x = " + "[" * 40 + "]" * 40,
    "inline tables": "x = " + "{a=" * 2000 + "1" + "}" * 2000,
    "dotted key": ".".join("a" * 200_000) + " = 1",
    "dotted header": "[" + ".".join('"a b"' for _ in range(50_000)) + "]",
    "headers": "\n".join("[" + ".".join("a" * n) + "]" for n in range(1, 60)),
}
NUMBERS = {
    "digits": "x = " + "9" * 5000,
    "many digits": "x = " + "9" * 60,
    "hexadecimal": "x = 0x" + "f" * 5000,
    "exponent": "x = 1e999999999",
    "small": "x = 1e-999999999",
    "places": "x = 0." + "1" * 5000,
}


@pytest.mark.parametrize("text", [*DEEP.values(), *NUMBERS.values()], ids=[*DEEP, *NUMBERS])
def test_toml_that_would_grow(tmp_path, text):
    if text.startswith("x = 1e"):
        assert parse_toml(text)["x"] in (0.0, float("inf"))  # as a float it is small
    with pytest.raises(TomlError) as caught:
        parse_toml(text, exactly=True)
    assert str(caught.value)
    for name, load in (
        ("p.toml", load_policy), ("w.toml", load_weight_table), ("r.toml", load_rules),
        ("b.toml", read_build_settings), ("scheme.toml", lambda path: locate(path.parent)),
    ):  # fmt: skip
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        if name == "w.toml":
            path.with_suffix(".csv").write_text("group,weight\nA,1\n", encoding="utf-8")
        with pytest.raises(DrgError):
            load(path)


def test_toml_of_any_size_and_kind(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("#" * (2 << 20), encoding="utf-8")
    with pytest.raises(TomlError):
        read_toml(path)
    path.write_bytes(b"\xff\xfe\0")
    with pytest.raises(TomlError):
        read_toml(path)
    path.write_text("\ufeffa = 1.50\n", encoding="utf-8")
    assert str(read_toml(path, exactly=True)["a"]) == "1.50"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.toml")
        with pytest.raises(TomlError):
            read_toml(tmp_path / "pipe.toml")  # nobody writes into it: it would be waited for


@pytest.mark.parametrize("value", ["1e-999999999", "1e999999999", "0e-999999999", "1" * 5000])
def test_numbers_from_the_command_line(value):
    from decimal import Decimal

    from drg.payment.policy.numbers import Impossible, _ratio

    with pytest.raises(Impossible):
        _ratio(value)
    with pytest.raises(DrgError):
        load_policy("chongqing-2018", supply={"drg.rates.0.rate": value})
    if len(value) < 20:
        with pytest.raises(DrgError):
            read_change(f"drg.rates ×{value}")
        with pytest.raises(AmountError):
            scaled(Decimal(value))


# ---- paths


@pytest.mark.parametrize(
    "name", ["../chs-drg-2.0", "/etc", "a\0b", "..", "CON", "NUL", "aux.csv", "C:\\x", "\\\\h\\x",
             "x" * 999]
)  # fmt: skip
def test_ids_that_are_paths(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for load in (load_scheme, load_policy, load_weight_table, load_rules):
        with pytest.raises(DrgError):
            load(name)
    with pytest.raises(DrgError):
        locate("chs-drg-2.0", compat=name)


def copied(folder: Path, target: Path) -> Path:
    target.mkdir()
    for file in folder.iterdir():
        if file.is_file():
            (target / file.name).write_bytes(file.read_bytes())
    return target


def test_a_folder_of_tables_names_only_its_own(tmp_path):
    other = tmp_path / "secret.csv"
    other.write_text("rate\n1\n", encoding="utf-8")
    folder = tmp_path / "place"
    folder.mkdir()
    policy = folder / "p.toml"
    for name in ("../secret.csv", str(other), "a\\u0000b"):
        policy.write_text(f'[tables.rates]\nfile = "{name}"\n'.replace("\\tmp", "/tmp"), "utf-8")
        with pytest.raises(DrgError, match="T223"):
            load_policy(policy)
    rules = folder / "r.toml"
    rules.write_text(
        'id = "r"\nextends = ""\n[rule.X1]\nparams = { limits = "../secret.csv" }\n', "utf-8"
    )
    with pytest.raises(DrgError):
        load_rules(rules)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_that_lead_out_of_a_folder(tmp_path):
    made = copied(ROOT / "tables" / "schemes" / "chs-drg-2.0", tmp_path / "mine")
    outside = tmp_path / "outside.csv"
    outside.write_bytes((made / "mdc.csv").read_bytes())
    (made / "mdc.csv").unlink()
    (made / "mdc.csv").symlink_to(outside)
    with pytest.raises(DrgError, match="T223"):
        load_scheme(made)
    (made / "mdc.csv").unlink()
    os.mkfifo(made / "mdc.csv")
    with pytest.raises(DrgError, match="T102"):
        load_scheme(made)


def test_hospitals_as_file_names():
    names = [
        "H1", "h1", "H1_2", "CON", "aux.csv", "com¹", "a/b", "../../x", "nul ", "", ".", "..", "Ⅰ",
        "\u202egnp.x", "卫" * 90, "卫" * 90 + "x", "a\0b", "\ud800", "x" * 79 + ".y", "I",
    ]  # fmt: skip
    files = statement_files(names)
    assert len({file.casefold() for file in files.values()}) == len(set(names))
    for file in files.values():
        assert Path(file).name == file
        assert len(f".{file}.12345678.part".encode()) <= 255
        assert file.split(".")[0].upper() not in ("", "CON", "AUX", "NUL", "COM¹")
        assert printable(file) == file


# ---- what people open and terminals show

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "''+x",
            "＝1", "－x", "=HYPERLINK(\"http://x\",\"y\")"]  # fmt: skip
HARMLESS = ["A1", "-5", "+5.25", "", "a=b", "'t Hooft", "–", None]


def test_formulas_are_text_where_people_open_a_file(tmp_path):
    frame = pl.DataFrame({"id": FORMULAS + HARMLESS})
    safe = frame.select(excel_safe(frame.schema))
    assert all(cell[:1] == "'" for cell in safe["id"][: len(FORMULAS)])
    assert safe["id"][len(FORMULAS) :].to_list() == HARMLESS
    assert safe.select(as_written(["id"])).equals(frame)
    data, people = tmp_path / "data.csv", tmp_path / "people.csv"
    listed = frame.with_columns(pl.concat_list("id").alias("codes"))
    write_frames(data, listed)
    write_frames(people, listed, for_people=True)
    exact = pl.read_csv(data, infer_schema=False, empty_string_is_null=False)
    assert exact["id"][: len(FORMULAS)].to_list() == FORMULAS
    told = pl.read_csv(people, infer_schema=False, empty_string_is_null=False)
    assert told["id"][: len(FORMULAS)].str.starts_with("'").all()
    assert told["codes"][: len(FORMULAS)].str.starts_with("'").all()


def test_findings_of_hostile_claims_open_as_text(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text(HEAD + "\"=cmd|'/C calc'!A0\",M,200,,\n", encoding="utf-8")
    for command in (
        ["check", str(path), "-s", "chs-drg-2.0", "-o", str(tmp_path / "f.csv")],
        ["group", str(path), "-s", "chs-drg-2.0", "-o", str(tmp_path / "g.csv")],
        ["group", str(path), "-s", "chs-drg-2.0", "-o", str(tmp_path / "g.xlsx")],
    ):
        assert CliRunner().invoke(cli, command).exit_code in (0, 1)
    findings = pl.read_csv(tmp_path / "f.csv", infer_schema=False)
    assert set(findings["claim_id"]) == {"'=cmd|'/C calc'!A0"}
    assert pl.read_csv(tmp_path / "g.csv")["claim_id"].item() == "=cmd|'/C calc'!A0"
    with zipfile.ZipFile(tmp_path / "g.xlsx") as parts:
        xml = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in xml
    assert 't="inlineStr"' in xml


def test_a_terminal_is_told_nothing_that_it_obeys(tmp_path):
    evil = "A1\x1b]0;owned\x07\x1b[2J\x9b2J\u202eFDP\u2066"
    path = tmp_path / "c.csv"
    path.write_text(HEAD + f"{evil},M,200,I63.905|{evil},{evil}\n", encoding="utf-8")
    for command in (
        ["explain", str(path), "--id", evil, "-s", "chs-drg-2.0"],
        ["explain", str(path), "--id", "other", "-s", "chs-drg-2.0"],
        ["check", str(path), "-s", "chs-drg-2.0"],
        ["group", str(path), "-s", evil, "-o", str(tmp_path / "o.csv")],
        ["group", evil, "-s", "chs-drg-2.0", "-o", str(tmp_path / "o.csv")],
    ):
        said = CliRunner().invoke(cli, command).output
        assert said
        assert printable(said) == said
        assert "\x1b" not in said
    assert json.loads(f'"{printable(evil)}"') == evil


@cache
def trees() -> dict[str, ast.Module]:
    """Modules in whose text something of what is looked for may stand."""
    modules, calls = "|".join(FORBIDDEN_IMPORTS), "|".join(FORBIDDEN_CALLS)
    wanted = re.compile(
        rf"^\s*(?:import|from)\b.*\b(?:{modules})\b|(?<![.\w])(?:{calls})\(|click\.s?echo"
        r"|import_module|allow_pickle|shell=|\.(?:system|popen|execv|spawnv)\(",
        re.MULTILINE,
    )
    texts = ((path, path.read_text(encoding="utf-8")) for path in (ROOT / "drg").rglob("*.py"))
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(text)
        for path, text in texts
        if wanted.search(text)
    }


def test_every_line_goes_through_one_gate():
    """``drg.cli_text.echo`` spells out what a terminal would obey; nothing writes beside it."""
    for where, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in ("echo", "secho"):
                assert where == "drg/cli_text.py", f"{where}:{node.lineno}: use drg.cli_text.echo"


@pytest.mark.parametrize(
    "wrong", [{"age": True}, {"los_days": False}, {"admitted_on": 0}, {"admitted_on": "86400"},
              {"discharged_on": True}, {"sex": True}, {"diagnoses": "I10"}]
)  # fmt: skip
def test_a_case_takes_no_value_for_another(wrong):
    with pytest.raises(ValueError, match="1 validation error"):
        Case(**wrong)


# ---- nothing is executed

FORBIDDEN_IMPORTS = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib",
                     "yaml", "subprocess", "ctypes", "code", "runpy", "imp", "xml"}  # fmt: skip
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "breakpoint", "input"}
#: Reads a file in a process of its own, so that a damaged one cannot end the service.
IMPORTS_FOR_A_REASON = {"drg/service/probe.py": {"subprocess"}}


def test_no_code_that_runs_what_it_reads():
    for where, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {(node.module or "").split(".")[0]}
            else:
                names = set()
            bad = names & FORBIDDEN_IMPORTS - IMPORTS_FOR_A_REASON.get(where, set())
            assert not bad, f"{where}:{node.lineno}"
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Name):
                    assert node.func.id not in FORBIDDEN_CALLS, f"{where}:{node.lineno}"
                    if node.func.id == "import_module":
                        assert where == "drg/__init__.py", where
                if isinstance(node.func, ast.Attribute):
                    assert node.func.attr not in (
                        "system",
                        "popen",
                        "execv",
                        "spawnv",
                        "map_elements",
                    )
                for keyword in node.keywords:
                    if keyword.arg in ("allow_pickle", "shell"):
                        assert keyword.value.value is False, f"{where}:{node.lineno}"  # type: ignore[attr-defined]


WATCH = """
import sys
from pathlib import Path
from drg.schemes.catalog import load_scheme
from drg.payment.policy.catalog import load_policy
from drg.payment.weight_table import load_weight_table
from drg.audit.rules import load_rules
from drg.dip.catalogue import load_catalogue

load_scheme("chs-drg-2.0"); load_policy("chongqing-2018"); load_rules("national")
load_catalogue("dip-demo" if len(sys.argv) < 5 else sys.argv[4])
load_weight_table(sys.argv[3])  # whatever is imported late is imported by now
folder, tables, seen = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), []

def watch(event, args):
    if event in ("import", "exec", "compile", "marshal.loads", "pickle.find_class", "os.system",
                 "subprocess.Popen", "os.exec", "os.fork", "os.posix_spawn", "socket.connect",
                 "socket.getaddrinfo", "ctypes.dlopen", "shutil.rmtree", "os.remove", "os.rename"):
        seen.append((event, str(args)[:120]))
    elif event == "open":
        name, mode, flags = args
        if not isinstance(name, int):
            path = Path(str(name)).resolve()
            inside = path.is_relative_to(folder) or path.is_relative_to(tables)
            if not inside or (flags & 3):
                seen.append((event, str(path), mode, flags))

sys.addaudithook(watch)
load_scheme(folder / "scheme")
load_policy(folder / "policy" / "p.toml")
seen = [one for one in seen if "compile" not in one[0] or "drg" not in one[1]]
print(seen)
"""


def test_loading_a_folder_executes_nothing(tmp_path):
    """Watched by the interpreter itself: no import, no code, no process, no file elsewhere."""
    copied(ROOT / "tables" / "schemes" / "chs-drg-2.0", tmp_path / "scheme")
    (tmp_path / "scheme" / "__init__.py").write_text("raise SystemExit('executed')")
    (tmp_path / "scheme" / "conftest.py").write_text("raise SystemExit('executed')")
    copied(ROOT / "tables" / "policies" / "chongqing", tmp_path / "policy")
    (tmp_path / "policy" / "2018.toml").rename(tmp_path / "policy" / "p.toml")
    weights = next((ROOT / "tables" / "weights").glob("*.toml"))
    catalogue = next((ROOT / "tables" / "dip").glob("*/catalogue.toml")).parent.name
    done = subprocess.run(
        [sys.executable, "-c", WATCH, tmp_path, ROOT / "tables", weights.stem, catalogue],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
