"""Claim files: encodings, formats, headers, and every way in which a file can be broken."""

from __future__ import annotations

import contextlib
import csv
import errno
import gzip
import io
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.claims import delimited, encoding, open_file, readers
from drg.claims.profiles import load_profiles, match_columns
from drg.claims.readers import ClaimSource, open_claims
from drg.errors import InputError, TableError
from drg.text import catalogue

ID = "1234567890123456789"
PAIR = "E10.300x051+H42.0*"
CHINESE = "病案号,性别,年龄,主要诊断编码,其他诊断编码,手术操作编码\n"
CHINESE_ROWS = f"{ID},男,45,I21.001,{PAIR}|E11.900,37.5100\n0002,女,0,P07.200,,\n"

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def _no_temporaries_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    folder = tmp_path / "temporaries"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(content: str | bytes, name: str = "claims.csv", *, code: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(code))
        return path

    return _write


def read(path: Path, **options: Any) -> pl.DataFrame:
    with open_claims(path, **options) as source:
        batches = list(source.batches())
        assert sum(batch.height for batch in batches) == source.rows
        frame = source.scan().collect()
        assert frame.schema == source.schema
        assert frame.height == source.rows
        return frame


def fails(path: Path, code: str, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        read(path, **options)
    error = caught.value
    assert error.code == code
    assert error.where.startswith(str(path))
    assert error.message("zh") != error.message("en")
    return error


# Encodings


@pytest.mark.parametrize(
    ("codec", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
    ],
)
def test_encodings_read_alike(write: Write, codec: str, found: str) -> None:
    path = write(CHINESE + CHINESE_ROWS, code=codec)
    with open_claims(path) as source:
        assert source.encoding == found
        assert source.columns.scalars["claim_id"] == "病案号"
        assert source.scan().collect().rows() == [
            (ID, "男", "45", "I21.001", f"{PAIR}|E11.900", "37.5100"),
            ("0002", "女", "0", "P07.200", None, None),
        ]


def test_gb18030_four_byte_characters(write: Write) -> None:
    path = write("sex,diagnoses,department\n男,A00.000,㐀𠀀科\n", code="gb18030")
    assert read(path)["department"].to_list() == ["㐀𠀀科"]


@pytest.mark.parametrize("block", [1, 2, 3, 5, 64])
def test_blocks_may_cut_characters(
    write: Write, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(encoding, "BLOCK", block)
    for code in ("utf-8", "gb18030", "utf-16"):
        text = CHINESE + '"0,1\n2",女,3,𠀀,"a""b",\n'
        assert read(write(text, code=code))["病案号"].to_list() == ["0,1\n2"]


def test_unknown_encoding_names_both_offsets(write: Write) -> None:
    head = b"sex,diagnoses\n1,A00.000\n2,"
    error = fails(write(head + b"\x80\x80\xff\n"), "F107")
    assert error.params["utf8"] == len(head)
    assert error.params["gb18030"] == len(head)


def test_damaged_utf8_is_not_taken_for_gbk(write: Write) -> None:
    whole = (CHINESE + CHINESE_ROWS).encode()
    cut = whole.rindex("女".encode()) + 2
    assert fails(write(whole[:cut]), "F108").params["offset"] == cut - 2
    mixed = whole + "0003,男,1,A00.000,,\n".encode("gbk")
    assert fails(write(mixed), "F108").params["offset"] == len(whole) + 5


def test_damaged_utf16(write: Write) -> None:
    fails(write((CHINESE + CHINESE_ROWS).encode("utf-16")[:-1]), "F108")


@pytest.mark.parametrize(
    "content", ["sex,diagnoses\n1,A\n".encode("utf-16-le"), b"sex,diagnoses\n1,A\x00\n"]
)
def test_nul_bytes_are_not_text(write: Write, content: bytes) -> None:
    fails(write(content), "F126")


def test_last_character_without_a_line_end(write: Write) -> None:
    for text in ("diagnoses,note\nA,内科病房", "diagnoses,note\nA,𠀀"):
        assert read(write(text))["note"].to_list() == [text.rpartition(",")[2]]
    fails(write("diagnoses,note\nA,内科病房区".encode()[:-1]), "F108")


@pytest.mark.parametrize("bom", [b"\xef\xbb\xbf", b"\xff\xfe"])
def test_a_mark_alone_is_an_empty_file(write: Write, bom: bytes) -> None:
    fails(write(bom), "F103")


# gzip


def test_gzip(write: Write) -> None:
    plain = read(write(CHINESE + CHINESE_ROWS))
    for code in ("utf-8", "gb18030"):
        packed = gzip.compress((CHINESE + CHINESE_ROWS).encode(code))
        assert read(write(packed, "claims.csv.gz")).equals(plain)


def test_broken_gzip(write: Write) -> None:
    packed = gzip.compress(os.urandom(5000))
    fails(write(packed[:2000], "claims.csv.gz"), "F109")
    fails(write(packed[:-8] + b"12345678", "claims.csv.gz"), "F109")
    fails(write(packed[:10] + b"\xff" * 100, "claims.csv.gz"), "F109")
    fails(write(b"sex,diagnoses\n", "claims.csv.gz"), "F109")
    fails(write(gzip.compress(b""), "claims.csv.gz"), "F103")


# Delimited text


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_delimiter_is_seen_in_the_header(write: Write, mark: str) -> None:
    text = "claim_id,sex,diagnoses\n1,M,A00.000|B01.100\n".replace(",", mark)
    assert read(write(text)).rows() == [("1", "M", "A00.000|B01.100")]


def test_bar_as_delimiter(write: Write) -> None:
    text = "病案号|性别|主要诊断编码|其他诊断编码\n1|男|A00.000|B01.100;B02.900\n"
    with open_claims(write(text, "claims.txt")) as source:
        assert source.columns.separator == ";"
        assert source.rows == 1


def test_tsv_is_always_tabs(write: Write) -> None:
    frame = read(write("diagnoses\tsex, as, written\nA00.000\t1\n", "claims.tsv"))
    assert frame.columns == ["diagnoses", "sex, as, written"]


def test_nothing_is_inferred(write: Write) -> None:
    text = "claim_id,sex,age,diagnoses,note\n00012,1, 7 ,A00.000,TRUE\n,2,1e3,,2024-01-01\n"
    frame = read(write(text))
    assert set(frame.dtypes) == {pl.String}
    assert frame.rows() == [
        ("00012", "1", " 7 ", "A00.000", "TRUE"),
        (None, "2", "1e3", None, "2024-01-01"),
    ]


def test_quotes_newlines_and_crlf(write: Write) -> None:
    text = 'claim_id,diagnoses,note\r\n"a,1",A00.000,"x\r\ny"\r\n"b""2",B01.100,\r\n'
    assert read(write(text)).rows() == [("a,1", "A00.000", "x\r\ny"), ('b"2', "B01.100", None)]


def test_header_over_two_lines(write: Write) -> None:
    frame = read(write('\ufeffdiagnoses,"note\n, with, commas"\nA00.000,1\n'))
    assert frame.columns == ["diagnoses", "note\n, with, commas"]
    assert frame.rows() == [("A00.000", "1")]


def test_missing_last_line_end(write: Write) -> None:
    assert read(write("claim_id,diagnoses\n1,A00.000\n2,B01.100")).height == 2


def test_old_mac_line_ends(write: Write) -> None:
    assert read(write("claim_id,diagnoses\r1,A00.000\r2,B01.100\r")).height == 2


def test_blank_lines_are_no_claims(write: Write) -> None:
    text = '\nclaim_id,diagnoses\n1,A00.000\n\n"2\n\n",B01.100\n\n\n'
    assert read(write(text)).rows() == [("1", "A00.000"), ("2\n\n", "B01.100")]


def test_one_column(write: Write) -> None:
    assert read(write("diagnoses\nA00.000|B01.100\n\nC00.000\n"))["diagnoses"].to_list() == [
        "A00.000|B01.100",
        None,
        "C00.000",
    ]


@pytest.mark.parametrize("start", ["", "\n", "\ufeff\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blank_lines_of_one_column_are_cells(write: Write, start: str, end: str) -> None:
    text = f"{start}diagnoses\nA00.000\n\nB01.100\n\n".replace("\n", end)
    assert read(write(text))["diagnoses"].to_list() == ["A00.000", None, "B01.100", None]


def test_header_only_is_valid(write: Write) -> None:
    for text in ("claim_id,diagnoses\n", "claim_id,diagnoses"):
        frame = read(write(text))
        assert frame.columns == ["claim_id", "diagnoses"]
        assert frame.height == 0


def test_unnamed_columns_get_names(write: Write) -> None:
    assert read(write("diagnoses,, \nA,1,2\n")).columns == ["diagnoses", "column_2", "column_3"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a,diagnoses,c\n1,A,3\n1,A\n", 3),
        ("a,diagnoses,c\n1,A,3,4\n", 2),
        ("a,diagnoses,c\n1,A,3\n1,A\n1,A,3,4\n", 3),
        ('a,diagnoses,c\n"x\ny",A,3\n1,A\n', 4),
        ("a,diagnoses,c\n\n1,A\n", 3),
        ("\na,diagnoses,c\n\n1,A\n", 4),
        ("a,diagnoses,c\n1,A\n1,A,3,\n", 2),
        ("a,diagnoses,c\n1,A\n1,A,3,", 2),
    ],
)
def test_ragged_rows_name_the_line(write: Write, text: str, line: int) -> None:
    assert fails(write(text), "F113").params["line"] == line


@pytest.mark.parametrize("text", ['a,diagnoses\n1,"A\n2,B\n', 'a,"diagnoses\n1,A\n'])
def test_unclosed_quote(write: Write, text: str) -> None:
    fails(write(text), "F114")


def test_text_after_a_quote(write: Write) -> None:
    assert fails(write('a,diagnoses\n1,A\n2,"A"B\n'), "F114").params["line"] == 3
    assert fails(write('a,diagnoses\n"1" ,A\n2,A\n'), "F114").params["line"] == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('note,diagnoses\n5" pipe,A\n2,B\n3,C\n', 2),
        ('note,diagnoses\n1,A\n5" pipe,B\n3,C\n', 3),
        ('5" pipe,diagnoses\n1,A\n2,B\n', 1),
        ('note,diagnoses\n1,A\n2,B\n5" pipe,C\n', 4),
        ('note,diagnoses\n1,A\n2,B\n5" pipe,C', 4),
        ('note,diagnoses\r\n1,A\r\n5" pipe,B\r\n', 3),
        ('\ufeffnote,diagnoses\n5" pipe,A\n', 2),
        ('\nnote,diagnoses\n5" pipe,A\n', 3),
        ('note,diagnoses\n"x\ny",A\n5" pipe,B\n', 4),
        ('note,diagnoses\n5" or 6" pipe,A\n2,B\n', 2),
        ('note,diagnoses\n5"" pipe,A\n2,B\n', 2),
        ('note,diagnoses\n ""x"",A\n2,B\n', 2),
        ('note,diagnoses\n1,A"\n2,B\n3,"C\n', 2),
        ('note,diagnoses\n"1"x"",A\n2,B\n', 2),
        ('5" pipe,diagnoses\r1,A\r', 1),
    ],
)
@pytest.mark.parametrize("block", [1, 2, 3, 7, encoding.BLOCK])
def test_a_stray_quote_loses_no_claim(
    write: Write, monkeypatch: pytest.MonkeyPatch, text: str, line: int, block: int
) -> None:
    monkeypatch.setattr(encoding, "BLOCK", block)
    assert fails(write(text), "F114").params["line"] == line


def test_a_stray_quote_far_into_a_file(write: Write) -> None:
    rows = [f'{n},A00.000,"a, ""{n}""","two\nlines"\n' for n in range(200_000)]
    head = "claim_id,diagnoses,note,more\n"
    path = write(head + "".join(rows))
    assert path.stat().st_size > 5 * encoding.BLOCK
    with open_claims(path) as source:
        assert source.rows == len(rows)
        assert sum(batch.height for batch in source.batches()) == len(rows)
    for place in (30_000, 199_999):
        broken = [*rows]
        broken[place] = f'{place},A00.000,5" pipe,one\n'
        assert fails(write(head + "".join(broken)), "F114").params["line"] == 2 + 2 * place


@pytest.mark.parametrize("block", [1, 2, 3, 7, encoding.BLOCK])
def test_quotes_in_their_places(write: Write, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(encoding, "BLOCK", block)
    cells = ['a "b" c, d', '"', '""', '"x"', "", "two\nlines", "x\r\n\n,y", ",", '\n"\n']
    for mark in ("", "\ufeff"):
        out = io.StringIO()
        table = csv.writer(out, quoting=csv.QUOTE_ALL)
        table.writerows([["note", "diagnoses"], *([cell, "A"] for cell in cells)])
        assert read(write(mark + out.getvalue()))["note"].to_list() == cells


def test_rows_that_do_not_come_are_missed(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = delimited._count

    def miscounted(path: Path, separator: str, width: int) -> object:
        counts = whole(path, separator, width)
        counts.lines, counts.fields = 1, 1
        return counts

    path = write("claim_id,diagnoses\n1,A\n2,B\n")
    with monkeypatch.context() as patch:
        patch.setattr(delimited, "_count", miscounted)
        error = fails(path, "F122")
    assert (error.params["found"], error.params["wanted"]) == (2, 0)
    frame = pl.DataFrame({"diagnoses": ["A"]})
    frame.write_parquet(tmp_path / "claims.parquet")
    with open_claims(tmp_path / "claims.parquet") as source:
        source.rows = 2
        with pytest.raises(InputError, match="F122"):
            list(source.batches())


def test_repeated_column_names(write: Write) -> None:
    assert fails(write("sex,diagnoses,sex\n1,A,2\n"), "F111").params["column"] == "sex"


def test_two_spellings_of_one_column(write: Write) -> None:
    fails(write("Sex,SEX ,diagnoses\n1,2,A\n"), "F112")


def test_not_a_claim_file(write: Write, tmp_path: Path) -> None:
    assert "病案号" in str(fails(write("病案号,性别\n1,男\n"), "F110"))
    fails(write(""), "F103")
    fails(write("\n\n\n"), "F103")
    fails(write(" , \n"), "F103")
    fails(write("", "claims.parquet"), "F103")
    assert fails(write('\n"x"y,diagnoses\n'), "F114").params["line"] == 2
    fails(tmp_path / "none.csv", "F101")
    fails(write("x", "claims.doc"), "F104")
    fails(write("x", "claims"), "F104")
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    fails(folder, "F190")


@pytest.mark.parametrize(
    ("head", "kind"),
    [(b"PK\x03\x04", "xlsx"), (b"PAR1", "parquet"), (b"\x1f\x8b", "gzip"),
     (b"\xd0\xcf\x11\xe0", "xls")],
)  # fmt: skip
def test_content_against_suffix(write: Write, head: bytes, kind: str) -> None:
    assert fails(write(head + b"....", "claims.csv"), "F106").params["kind"] == kind


def test_only_workbooks_have_sheets(write: Write, tmp_path: Path) -> None:
    pl.DataFrame({"diagnoses": ["A"]}).write_parquet(tmp_path / "claims.parquet")
    for path in (write("diagnoses,sex\nA,1\n"), tmp_path / "claims.parquet"):
        assert fails(path, "F123", sheet="Sheet1").params["sheet"] == "Sheet1"


def test_what_is_no_file_or_not_ours_to_read(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.csv")
        fails(tmp_path / "pipe.csv", "F125")
    path = write("diagnoses,sex\nA,1\n")
    for number, code in ((errno.EACCES, "F124"), (errno.EIO, "F105")):

        def refused(*args: object, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(open_file, "plain_text", refused)
        error = fails(path, code)
        assert os.strerror(number) not in error.message("zh")
    assert "EIO" in error.message("zh")


def test_messages_do_not_mix_languages(tmp_path: Path) -> None:
    """What a library says in English stays in the cause of the error."""
    path = tmp_path / "claims.parquet"
    pl.DataFrame({"diagnoses": ["A"]}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-9])
    workbook = tmp_path / "claims.xlsx"
    workbook.write_bytes(b"PK\x03\x04junk")
    packed = tmp_path / "claims.csv.gz"
    packed.write_bytes(gzip.compress(b"diagnoses,sex\n")[:-3])
    for broken, code in ((path, "F118"), (workbook, "F115"), (packed, "F109")):
        error = fails(broken, code)
        assert error.__cause__ is not None
        words = set(re.findall("[A-Za-z]+", error.message("zh").replace(str(broken), "")))
        assert words <= {"F", "Parquet", "XLSX", "CSV", "gzip", "Excel", "WPS"}


def test_special_characters_in_the_path(write: Write) -> None:
    assert read(write("diagnoses,sex\nA,1\n", "2025-06 [*] 病例?.csv")).height == 1


# Headers


def test_golden_header(write: Write) -> None:
    head = (
        "claim_id,sex,age,age_days,weight,department,los,disposition,icu_hours,"
        "diagnoses,procedures,mdc,adrg,drg,status"
    )
    columns = match_columns(head.split(","))
    assert columns.profile == "carrier"
    assert columns.scalars == {
        "claim_id": "claim_id", "sex": "sex", "age": "age", "age_days": "age_days",
        "birth_weight_g": "weight", "department": "department", "los_days": "los",
        "disposition": "disposition", "icu_hours": "icu_hours",
    }  # fmt: skip
    assert columns.diagnoses == ("diagnoses",)
    assert columns.procedures == ("procedures",)
    assert columns.diagnoses_joined
    assert columns.procedures_joined


def test_a_result_weight_is_no_birth_weight() -> None:
    head = "claim_id,sex,age,los,icu_hours,diagnoses,procedures,weight,outcome"
    assert "birth_weight_g" not in match_columns(head.split(",")).scalars


@pytest.mark.parametrize("stem", ["diagnosis_{}", "dx{}", "Diagnosis {}", "诊断{}", "ＤＸ_{}"])
def test_wide_columns_in_number_order(stem: str) -> None:
    names = [stem.format(n) for n in (10, 2, 1)]
    columns = match_columns(["sex", *names])
    assert columns.diagnoses == tuple(reversed(names))
    assert not columns.diagnoses_joined


def test_wide_chinese_header() -> None:
    head = [
        "结算ID", "性别", "年龄", "年龄（天）", "新生儿出生体重", "离院方式",
        "实际住院天数", "出院日期", "主要诊断编码", "其他诊断编码1", "其他诊断编码2",
        "主要手术操作编码", "其他手术操作编码1", "总费用",
    ]  # fmt: skip
    columns = match_columns(head)
    assert columns.profile == "chinese"
    assert columns.diagnoses == ("主要诊断编码", "其他诊断编码1", "其他诊断编码2")
    assert columns.procedures == ("主要手术操作编码", "其他手术操作编码1")
    assert not columns.diagnoses_joined
    assert columns.scalars == {
        "claim_id": "结算ID", "sex": "性别", "age": "年龄", "age_days": "年龄（天）",
        "birth_weight_g": "新生儿出生体重", "disposition": "离院方式", "los_days": "实际住院天数",
        "discharged_on": "出院日期", "total_cost": "总费用",
    }  # fmt: skip


def test_principal_with_joined_others() -> None:
    columns = match_columns(["主要诊断编码", "其他诊断编码", "手术操作编码1", "手术操作编码2"])
    assert columns.diagnoses == ("主要诊断编码", "其他诊断编码")
    assert columns.diagnoses_joined
    assert columns.procedures == ("手术操作编码1", "手术操作编码2")
    assert not columns.procedures_joined


@pytest.mark.parametrize("name", [" 性别 ", "性　别", "性别"])
def test_blanks_in_headers(name: str) -> None:
    assert match_columns([name, "diagnoses"]).scalars["sex"] == name


@pytest.mark.parametrize(
    "name", ["年龄（天）", "年龄(天)", "(年龄不足1周岁的)年龄（天）", "日龄", "AGE_DAYS"]
)
def test_age_in_days(name: str) -> None:
    assert match_columns([name, "diagnoses"]).scalars == {"age_days": name}


def test_mixed_headers_are_completed() -> None:
    columns = match_columns(["性别", "age", "diagnoses", "手术操作编码"])
    assert columns.scalars == {"age": "age", "sex": "性别"}
    assert columns.procedures == ("手术操作编码",)


def test_months_are_not_days() -> None:
    assert "age_days" not in match_columns(["年龄不足1周岁的年龄(月)", "主要诊断编码"]).scalars


@pytest.mark.parametrize("mark", ["|", ";", "；", ",", "，", "、"])
def test_separators_a_chinese_file_may_use(write: Write, mark: str) -> None:
    text = f"病案号\t主要诊断编码\t其他诊断编码\n1\tA00.000\t{PAIR}{mark}B01.100\n"
    with open_claims(write(text, "claims.tsv")) as source:
        assert source.columns.separator == mark


def test_canonical_files_join_by_bar_only(write: Write) -> None:
    with open_claims(write("sex;diagnoses\n1;A,B\n")) as source:
        assert source.columns.separator == "|"


def test_no_profile_separates_at_plus_or_star() -> None:
    assert not {"+", "*"} & {mark for profile in load_profiles() for mark in profile.separators}


def test_profile_by_name(write: Write) -> None:
    path = write("claim_id,weight,diagnoses\n1,3200,P07.200\n")
    with open_claims(path, profile="carrier") as source:
        assert source.columns.scalars["birth_weight_g"] == "weight"
    fails(path, "F121", profile="none")
    fails(path, "F110", profile="chinese")


def test_broken_profiles_are_table_errors(tmp_path: Path) -> None:
    good = (Path(__file__).parent.parent / "tables/headers/carrier.toml").read_text("utf-8")
    for n, (old, new) in enumerate(
        [('"|"', '"+"'), ("los_days", "los_weeks"), ("[diagnoses]", "[codes]"),
         ('joined = ["diagnoses"]', 'wide = ["diagnoses"]'), ("order = 20", "order ="),
         ('["sex"]', '"sex"'), ("joined", "joint")]
    ):  # fmt: skip
        folder = tmp_path / str(n)
        folder.mkdir()
        (folder / "p.toml").write_text(good.replace(old, new), "utf-8")
        with pytest.raises(TableError):
            load_profiles(folder)
    with pytest.raises(TableError):
        load_profiles(tmp_path)


# Parquet


def test_parquet_keeps_dtypes(tmp_path: Path) -> None:
    path = tmp_path / "claims.parquet"
    frame = pl.DataFrame(
        {
            "claim_id": [ID, "2"],
            "age": [45, None],
            "diagnoses": [["I21.001", PAIR], []],
            "procedures": [None, ["37.5100"]],
            "empty": [None, None],
        },
        schema_overrides={"age": pl.Int16, "empty": pl.Null},
    )
    frame.write_parquet(path)
    with open_claims(path) as source:
        assert source.columns.diagnoses == ("diagnoses",)
    assert read(path).equals(frame.with_columns(pl.col("empty").cast(pl.String)))


def test_parquet_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "claims.parquet"
    pl.DataFrame(schema={"diagnoses": pl.String}).write_parquet(path)
    assert read(path).height == 0


def test_parquet_codes_must_be_text(tmp_path: Path) -> None:
    path = tmp_path / "claims.parquet"
    pl.DataFrame({"diagnoses": ["A"], "procedures": [37.51]}).write_parquet(path)
    assert fails(path, "F119").params["column"] == "procedures"


def test_corrupt_parquet(tmp_path: Path) -> None:
    path = tmp_path / "claims.parquet"
    pl.DataFrame({"diagnoses": [f"A{n:05d}" for n in range(50_000)]}).write_parquet(path)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"PAR1", b"PAR1" + b"x" * 99 + b"PAR1", b"x" * 99):
        path.write_bytes(broken)
        fails(path, "F118")
    path.write_bytes(whole[:4] + b"\xff" * 5000 + whole[5004:])
    with pytest.raises(InputError) as caught, open_claims(path) as source:
        list(source.batches())
    assert caught.value.code in ("F118", "F120")


# XLSX


def workbook(
    path: Path, rows: list[list[object]], second: list[list[object]] | None = None
) -> Path:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as book:
        for sheet_rows in (rows, second or []):
            sheet = book.add_worksheet()
            for number, row in enumerate(sheet_rows):
                for column, value in enumerate(row):
                    if isinstance(value, str):
                        sheet.write_string(number, column, value)
                    elif value is not None:
                        sheet.write(number, column, value)
    return path


def test_xlsx_cells_stay_text(tmp_path: Path) -> None:
    import datetime as dt

    path = workbook(
        tmp_path / "claims.xlsx",
        [
            [
                "病案号",
                "性别",
                "年龄",
                "主要诊断编码",
                "其他诊断编码1",
                "手术操作编码1",
                "出院日期",
                None,
            ],
            [ID, 1, 45, "I21.001", PAIR, "37.5100", dt.date(2025, 6, 30), "x"],
            [None] * 8,
            ["0002", "女", 0.5, None, None, None, dt.date(2025, 6, 1), None],
        ],
    )
    with open_claims(path) as source:
        assert source.columns.diagnoses == ("主要诊断编码", "其他诊断编码1")
    assert read(path).rows() == [
        (ID, "1", "45", "I21.001", PAIR, "37.5100", "2025-06-30", "x"),
        ("0002", "女", "0.5", None, None, None, "2025-06-01", None),
    ]


def test_xlsx_sheets(tmp_path: Path) -> None:
    path = workbook(tmp_path / "c.xlsx", [["diagnoses"], ["A"]], [["diagnoses"], ["B"], ["C"]])
    assert read(path).height == 1
    assert read(path, sheet="Sheet2")["diagnoses"].to_list() == ["B", "C"]
    for sheet in ("Sheet9", 2, -1):
        assert "Sheet1" in str(fails(path, "F117", sheet=sheet))
    assert read(path, sheet=1).height == 2


def test_xlsx_broken(tmp_path: Path) -> None:
    path = workbook(tmp_path / "claims.xlsx", [["diagnoses"], *([f"A{n}"] for n in range(500))])
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], whole[:100], b"PK\x03\x04junk", b"not a workbook"):
        path.write_bytes(broken)
        fails(path, "F115")
    fails(workbook(tmp_path / "e.xlsx", []), "F103")
    fails(workbook(tmp_path / "d.xlsx", [["sex", "sex", "diagnoses"], ["1", "2", "A"]]), "F111")
    assert read(workbook(tmp_path / "h.xlsx", [["sex", "diagnoses"]])).height == 0


def test_xlsx_without_the_extra(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    assert "drg-engine[xlsx]" in str(fails(write(b"PK\x03\x04", "claims.xlsx"), "F116"))


# The source object


def test_temporaries_go_when_closed(write: Write) -> None:
    path = write(CHINESE + CHINESE_ROWS, code="gb18030")
    source = open_claims(path)
    assert isinstance(source, ClaimSource)
    assert any(Path(tempfile.gettempdir()).iterdir())
    source.close()
    source.close()
    assert not any(Path(tempfile.gettempdir()).iterdir())


def test_batches_keep_order(write: Write) -> None:
    rows = "".join(f"{n},A00.000\n" for n in range(25_000))
    with open_claims(write("claim_id,diagnoses\n" + rows)) as source:
        batches = list(source.batches(1000))
    assert len(batches) > 1
    assert pl.concat(batches)["claim_id"].to_list() == [str(n) for n in range(25_000)]


def test_every_error_has_its_words() -> None:
    for code, row in catalogue("readers").items():
        if code == "sheet":
            assert set(row) == {"zh", "en"}
            continue
        assert code[0] == "F"
        assert set(row) == {"zh", "en", "mend_zh", "mend_en"}
        assert all(row.values())


def test_the_profile_in_the_docs_works(tmp_path: Path) -> None:
    docs = (Path(__file__).parent.parent / "docs/claims.md").read_text("utf-8")
    (tmp_path / "our.toml").write_text(docs.split("```toml\n")[1].split("```")[0], "utf-8")
    (profile,) = load_profiles(tmp_path)
    assert profile.diagnoses.others_wide == ("QTZD{n}",)


def test_known_suffixes_are_the_documented_ones() -> None:
    docs = (Path(__file__).parent.parent / "docs/claims.md").read_text("utf-8")
    for suffix in readers.INPUT_SUFFIXES:
        assert f"`{suffix}`" in docs


# Any content at all

_CODECS = st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"])
_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)


@given(rows=st.lists(st.lists(_CELLS, min_size=3, max_size=3), max_size=6), code=_CODECS)
def test_what_csv_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], code: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["claim_id", "diagnoses", "备注"])
    writer.writerows(rows)
    path = tmp_path_factory.mktemp("any") / "claims.csv"
    path.write_bytes(text.getvalue().encode(code))
    assert read(path).rows() == [tuple(row) for row in rows]


@given(content=st.binary(max_size=200), suffix=st.sampled_from(readers.INPUT_SUFFIXES))
def test_junk_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("junk") / f"claims{suffix}"
    head = b"" if suffix in (".parquet", ".xlsx") else b"sex,diagnoses\n"
    path.write_bytes(head + content)
    with contextlib.suppress(InputError), open_claims(path) as source:
        list(source.batches())
