"""The command line as users meet it: commands, exit codes, words, streams, interrupts."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import polars as pl
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT

from drg.cli import cli
from drg.text import catalogue

DEMO = ROOT / "examples" / "demo_claims.csv"
MONTH = ROOT / "examples" / "chs_drg_20_month.csv"

#: What the demo file's claims come to, by the demo scheme's tables read by hand.
EXPECTED = {
    "D01": ("BR11", "MCC", "GROUPED", None),
    "D02": ("BR13", "CC", "GROUPED", None),
    "D03": ("BR15", "NONE", "GROUPED", None),
    "D04": ("BL19", "NONE", "GROUPED", None),
    "D05": ("BB29", "MCC", "GROUPED", None),
    "D06": ("BT29", "NONE", "GROUPED", None),
    "D07": ("GE13", "CC", "GROUPED", None),
    "D08": ("GZ19", "NONE", "GROUPED", "N404"),
    "D09": ("PR19", "NONE", "GROUPED", None),
    "D10": ("PS21", "MCC", "GROUPED", None),
    "D11": ("AH29", "NONE", "GROUPED", None),
    "D12": ("BQY", None, "AMBIGUOUS", "Q301"),
    "D13": (None, None, "REJECTED", "E101"),
    "D14": (None, None, "REJECTED", "E102"),
    "D15": (None, None, "REJECTED", "E111"),
    "D16": (None, None, "REJECTED", "E112"),
    "D17": (None, None, "REJECTED", "E120"),
    "D18": ("0000", None, "UNGROUPABLE", "U201"),
    "D19": ("BV15", "NONE", "GROUPED", "N401"),
}


@pytest.fixture(autouse=True)
def _no_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRG_LANG", raising=False)


def run(*args: object, code: int = 0) -> Result:
    """Run a command line in this process; its exit code must be ``code``."""
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def process(*args: object, **kwargs: object) -> subprocess.CompletedProcess[bytes]:
    """Run a command line as a process of its own, without a terminal."""
    command = [sys.executable, "-c", "from drg.cli import main; main()", *map(str, args)]
    return subprocess.run(
        command, capture_output=True, stdin=subprocess.DEVNULL, timeout=120, check=False, **kwargs
    )


def error_of(*args: object, code: int = 2) -> str:
    """The one line on stderr of a command line that fails."""
    result = run(*args, code=code)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, lines
    assert "Traceback" not in lines[0]
    return lines[0]


def read(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False, encoding="utf8")


# ---- drg group


def test_the_demo_file_comes_out_as_the_tables_say(tmp_path: Path) -> None:
    out = tmp_path / "grouped.csv"
    result = run("group", DEMO, "-s", "demo", "-o", out, code=1)
    table = read(out)
    found = {
        row["claim_id"]: (row["group"], row["severity"], row["outcome"], row["reason"])
        for row in table.iter_rows(named=True)
    }
    assert found == EXPECTED
    assert table.select(read(DEMO).columns).equals(read(DEMO))
    words = result.stdout
    assert re.search(r"病例\s+19\n", words)
    assert re.search(r"入组\s+12 \(63.16%\)", words)
    assert re.search(r"E112\s+1 年龄为 0 岁而年龄（天）未填", words)
    assert str(out) in words
    assert result.stderr == ""


def test_the_month_of_examples_is_read_by_its_chinese_headers(tmp_path: Path) -> None:
    out = tmp_path / "grouped.parquet"
    run("group", MONTH, "-s", "chs-drg-2.0", "-o", out, code=1)
    outcomes = pl.read_parquet(out)["outcome"].cast(pl.String).value_counts()
    assert dict(outcomes.iter_rows())["GROUPED"] > 180


def test_wide_gbk_csv_and_xlsx_give_what_utf8_gives(tmp_path: Path) -> None:
    gbk, sheet = tmp_path / "gbk.csv", tmp_path / "month.xlsx"
    gbk.write_bytes(MONTH.read_text("utf-8-sig").encode("gb18030"))
    read(MONTH).write_excel(sheet, worksheet="六月")
    outs = [tmp_path / name for name in ("a.csv", "b.csv", "c.xlsx")]
    run("group", MONTH, "-s", "chs-drg-2.0", "-o", outs[0], code=1)
    run("group", gbk, "-s", "chs-drg-2.0", "-o", outs[1], code=1)
    run("group", sheet, "-s", "chs-drg-2.0", "--sheet", "六月", "-o", outs[2], code=1)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    results = ["group", "outcome", "reason"]
    from_sheet = pl.read_excel(outs[2], infer_schema_length=0).select(results)
    assert from_sheet.equals(read(outs[0]).select(results))


def test_exit_code_is_0_when_every_claim_is_accepted(tmp_path: Path) -> None:
    good = tmp_path / "good.csv"
    good.write_text("sex,age,diagnoses\nM,60,I63.905\n", "utf-8")
    run("group", good, "-s", "demo", "-o", tmp_path / "out.csv", code=0)


def test_a_scheme_folder_and_an_overlay_are_taken(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    run("group", DEMO, "-s", ROOT / "tables" / "schemes" / "demo", "-o", out, code=1)
    words = run("group", MONTH, "-s", "chs-drg-2.0", "--compat", "opendrg", "-o", out)
    assert "chs-drg-2.0 + opendrg" in words.stdout


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(tmp_path: Path, threads: int) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    run("group", MONTH, "-s", "chs-drg-2.0", "-o", one, code=1)
    run("group", MONTH, "-s", "chs-drg-2.0", "--threads", threads, "-o", other, code=1)
    assert one.read_bytes() == other.read_bytes()


# ---- trouble with files


def test_trouble_with_the_input_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    whole = gzip.compress(DEMO.read_bytes())
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    empty = tmp_path / "empty.csv"
    empty.touch()
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04 nothing more")
    blind = tmp_path / "blind.csv"
    blind.write_text("age,sex\n60,M\n", "utf-8")
    for path, code in (
        (tmp_path / "absent.csv", "F101"),
        (tmp_path, "F115"),  # every file of a folder is read
        (empty, "F103"),
        (ROOT / "setup.py", "F104"),
        (cut, "F109"),
        (blind, "F110"),
        (broken, "F115"),
    ):
        assert f"[{code}]" in error_of("group", path, "-s", "demo", "-o", out)
    assert {p.name for p in tmp_path.iterdir()} == {
        "cut.csv.gz", "empty.csv", "broken.xlsx", "blind.csv"
    }  # fmt: skip


def test_trouble_with_the_output_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    assert "[F201]" in error_of("group", DEMO, "-s", "demo", "-o", tmp_path / "out.doc")
    assert "[F202]" in error_of("group", DEMO, "-s", "demo", "-o", tmp_path / "no" / "out.csv")
    same = tmp_path / "same.csv"
    same.write_bytes(DEMO.read_bytes())
    assert "[F203]" in error_of("group", DEMO, "-s", "demo", "-o", tmp_path)
    assert "[C201]" in error_of("group", same, "-s", "demo", "-o", same)
    assert same.read_bytes() == DEMO.read_bytes()


def test_an_unwritable_folder_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    closed = Path("/proc/self/fd")
    if not closed.is_dir():
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o500)
    told = error_of("group", DEMO, "-s", "demo", "-o", closed / "out.csv")
    assert "[F204]" in told or "[F210]" in told
    assert ".part" not in told


def test_no_such_scheme_is_exit_code_3_and_names_the_nearest(tmp_path: Path) -> None:
    line = error_of("group", DEMO, "-s", "chs-drg-2", "-o", tmp_path / "o.csv", code=3)
    assert "chs-drg-2.0" in line
    line = error_of("group", DEMO, "-s", "demo", "--compat", "x", "-o", tmp_path / "o.csv", code=3)
    assert "S102" in line


def test_a_broken_table_is_exit_code_3(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    for path in (ROOT / "tables" / "schemes" / "demo").iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / "drg.csv").write_text("nothing\n", "utf-8")
    line = error_of("group", DEMO, "-s", folder, "-o", tmp_path / "o.csv", code=3)
    assert "drg.csv" in line


# ---- drg explain, check, rule, schemes, synth, demo


def test_explain_tells_the_path() -> None:
    words = run("explain", DEMO, "--id", "D03", "-s", "demo").stdout
    assert "BR15" in words
    assert "[exclusion.csv I63.905 91]" in words or "exclusion.csv" in words
    assert "[adrg.csv BR1/1]" in words


def test_explain_tells_all_claims_of_one_id_and_names_near_ids(tmp_path: Path) -> None:
    twice = tmp_path / "twice.csv"
    twice.write_text(
        "claim_id,sex,age,diagnoses\nA1,M,60,I63.905\nA2,M,1,G40.900\n A1 ,F,9,K37.x00\n"
    )
    words = run("explain", twice, "--id", "A1", "-s", "demo").stdout
    assert "（第 1, 3 行）" in words
    assert "BR15" in words
    assert "GZ19" in words
    assert "A1" in error_of("explain", twice, "--id", "A9", "-s", "demo")


def test_explain_takes_the_row_number_where_there_are_no_ids(tmp_path: Path) -> None:
    plain = tmp_path / "plain.csv"
    plain.write_text("sex,age,diagnoses\nM,60,I63.905\nF,30,G40.900\n")
    assert "BV15" in run("explain", plain, "--id", "2", "-s", "demo").stdout
    assert "[C203]" in error_of("explain", plain, "--id", "3", "-s", "demo")


def test_check_names_the_codes_and_values_concerned(tmp_path: Path) -> None:
    words = run("check", DEMO, "-s", "demo", code=1).stdout
    for line in (
        "D08  N403 编码写法已规范  k37.x00 → K37.x00",
        "D08  N404 主要诊断为灰码  k37.x00",
        "D14  E102 性别无法识别  sex=3",
        "D16  E112 年龄为 0 岁而年龄（天）未填  age=0，age_days=（空）",
        "D18  U201 主要诊断编码未知  X99.999",
        "D19  N401 有诊断编码未知  不详",
    ):
        assert line in words
    out = tmp_path / "findings.csv"
    run("check", DEMO, "-s", "demo", "-o", out, "--lang", "en", code=1)
    table = read(out)
    assert set(table["code"]) >= {"N403", "N404", "E112", "U201", "Q301"}
    assert table.filter(pl.col("code") == "E101")["title"].to_list() == ["sex not reported"]
    assert table["mend"].null_count() == 0


def test_check_reports_the_reason_of_every_row_that_has_one(tmp_path: Path) -> None:
    grouped, found = tmp_path / "grouped.csv", tmp_path / "found.csv"
    run("group", MONTH, "-s", "chs-drg-2.0", "-o", grouped, code=1)
    run("check", MONTH, "-o", found, code=1)
    reasons = read(grouped).filter(pl.col("reason").is_not_null()).select("结算ID", "reason")
    told = read(found).select(pl.col("claim_id").alias("结算ID"), pl.col("code").alias("reason"))
    assert reasons.height > 0
    assert reasons.join(told, on=["结算ID", "reason"], how="anti").height == 0


def test_rule_shows_pages_of_reasons_and_errors() -> None:
    assert "年龄为 0 岁" in run("rule", "e112").stdout
    assert "age 0" in run("rule", "E112", "--lang", "en").stdout
    assert "处理" in run("rule", "F104").stdout
    assert "{" not in run("rule").stdout
    line = error_of("rule", "E11")
    assert "E112" in line


def test_schemes_are_listed_aligned_and_as_json() -> None:
    words = run("schemes").stdout.splitlines()
    listed = json.loads(run("schemes", "--json").stdout)
    assert [line.split()[0] for line in words[1:]] == [s["id"] for s in listed]
    alone = [s["id"] for s in listed if not s["base"]]
    regions = [s["id"] for s in listed if s["base"]]
    assert [s["id"] for s in listed] == sorted(alone) + sorted(regions)
    assert {"chs-drg-1.0", "chs-drg-1.1", "chs-drg-2.0", "demo"} <= {s["id"] for s in listed}
    assert all(s["groups"] > 0 for s in listed)
    assert "Demo scheme" in run("--lang", "en", "schemes").stdout


def test_missing_tables_are_exit_code_3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DRG_TABLES", str(tmp_path / "none"))
    for args in (["schemes"], ["schemes", "--json"]):
        told = error_of(*args, code=3)
        assert "[C205]" in told
        assert "DRG_TABLES" in told


def test_a_sheet_of_a_file_without_sheets_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    for args in (["group", DEMO, "-o", out], ["explain", DEMO, "--id", "1"], ["check", DEMO]):
        assert "[F123]" in error_of(*args, "-s", "demo", "--sheet", "Sheet1")
    assert not out.exists()


def test_a_stray_quote_is_an_error_and_not_a_file_without_claims(tmp_path: Path) -> None:
    claims, out = tmp_path / "claims.csv", tmp_path / "out.csv"
    claims.write_text('note,diagnoses\n5" pipe,I63.905\nx,I63.905\n')
    assert "[F114]" in error_of("group", claims, "-s", "demo", "-o", out)
    assert not out.exists()


def test_it_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "drg", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("drg-engine ")


def test_synth_is_repeatable(tmp_path: Path) -> None:
    outs = [tmp_path / f"{n}.csv" for n in range(3)]
    for out, seed in zip(outs, (7, 7, 8), strict=True):
        run("synth", "-s", "demo", "-n", 50, "--seed", seed, "-o", out)
    assert outs[0].read_bytes() == outs[1].read_bytes() != outs[2].read_bytes()
    assert read(outs[0]).height == 50
    run("synth", "-s", "demo", "-n", 0, "-o", outs[0])
    assert read(outs[0]).height == 0


def test_demo_shows_the_month(tmp_path: Path) -> None:
    words = run("demo", tmp_path / "made").stdout
    assert "入组率" in words
    assert "[drg.csv" in words
    made = {"claims.csv", "grouped.csv", "settle", "check", "benefit", "simulate", "kpi", "fund"}
    assert {p.name for p in (tmp_path / "made").iterdir()} == made
    assert "核对通过" in words
    month = tmp_path / "made" / "settle" / "2024-06"
    assert (month / "summary.html").is_file()
    assert str(month / "statements" / "H0001.xlsx") in words
    for part in ("check/findings.xlsx", "check/deductions.csv", "benefit/one-stop.html",
                 "simulate/cases.xlsx", "kpi/kpi.html", "kpi/kpi.xlsx", "fund/fund.html",
                 "fund/fund.xlsx"):  # fmt: skip
        assert (tmp_path / "made" / part).is_file(), part
    for told in ("自动扣减", "大病保险", "病例组合指数", "可支付月数", "■ 红"):
        assert told in words, told
    next_line = next(line for line in words.splitlines() if line.startswith("  drg explain"))
    assert "结果：" in run(*next_line.split()[1:]).stdout


# ---- words


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["group"], "C101"),
        (["group", "--outptu", "x"], "C102"),
        (["synth", "-s", "demo", "-n", "-1", "-o", "x.csv"], "C103"),
        (["group", "a.csv", "-s", "demo", "-o", "x.csv", "--threads", "0"], "C103"),
        (["--lang", "fr", "schemes"], "C103"),
        (["gruop"], "C104"),
        (["group", "a.csv", "-s"], "C105"),
        (["schemes", "too", "much"], "C106"),
    ],
)
def test_usage_errors_are_one_line_in_either_language(args: list[str], code: str) -> None:
    chinese = error_of(*args)
    assert f"[{code}]" in chinese
    assert chinese.startswith("错误：")
    if "--lang" not in args:
        assert error_of("--lang", "en", *args).startswith("error: ")


def test_language_comes_from_the_line_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "用法：" in run("group", "--help").stdout
    assert "Usage:" in run("group", "--help", "--lang", "en").stdout
    monkeypatch.setenv("DRG_LANG", "en")
    assert "Usage:" in run("--help").stdout
    assert "用法：" in run("--help", "--lang=zh").stdout


def test_help_has_no_word_of_the_other_language() -> None:
    for name in ("", *cli.commands):
        english = run(*filter(None, [name]), "--help", "--lang", "en").stdout
        assert english.isascii(), name
        chinese = run(*filter(None, [name]), "--help").stdout
        assert not re.search(
            r"\b(Show|default|required|Options|Commands|OPTIONS|COMMAND|ARGS)\b", chinese
        ), name


def test_version_and_hidden_debug(tmp_path: Path) -> None:
    from drg import __version__

    assert run("--version").stdout == f"drg-engine {__version__}\n"
    assert "--debug" not in run("group", "--help").stdout
    result = CliRunner().invoke(
        cli, ["--debug", "group", str(tmp_path / "no.csv"), "-s", "demo", "-o", "x.csv"]
    )
    assert type(result.exception).__name__ == "InputError"


def test_the_catalogue_has_both_languages_with_the_same_places() -> None:
    for key, entry in catalogue("cli").items():
        for field in ("", "mend_"):
            zh, en = entry.get(f"{field}zh"), entry.get(f"{field}en")
            assert (zh is None) == (en is None), key
            if zh is not None:
                assert set(re.findall(r"\{\w+\}", zh)) == set(re.findall(r"\{\w+\}", en)), key


def leaves(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its words after ``drg``."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def test_docs_tell_every_command_option_and_argument() -> None:
    words = (ROOT / "docs" / "cli.md").read_text("utf-8")
    everywhere, *parts = re.split(r"^## drg ", words, flags=re.MULTILINE)
    sections = {part.split("\n")[0]: part for part in parts}
    commands = dict(leaves(cli))
    assert set(sections) == set(commands)
    for name, command in commands.items():
        known = set()
        for param in command.params:
            if param.name in ("lang", "debug"):
                continue
            names = param.opts if isinstance(param, click.Option) else [param.name.upper()]
            known |= set(names)
            assert all(f"`{n}`" in sections[name] for n in names), (name, names)
        told = set(re.findall(r"`(--?[a-z]+)`", sections[name]))
        assert told <= known, (name, told - known)
    assert "--lang" in everywhere
    assert "--debug" in everywhere


# ---- as processes


def test_help_is_shown_at_once_and_imports_nothing_heavy() -> None:
    assert process("--help").returncode == 0
    start = time.perf_counter()
    assert process("--help").returncode == 0
    assert time.perf_counter() - start < 1.0
    code = (
        "import sys, drg.cli\n"
        "heavy = {'polars', 'numpy', 'pydantic', 'rich', 'grouper_core'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_a_terminal_there_is_no_bar_and_a_gbk_console_takes_rare_characters(
    tmp_path: Path,
) -> None:
    rare = tmp_path / "rare.csv"
    rare.write_text("claim_id,sex,age,diagnoses\n𠮷①🙂,M,60,I63.905\n", "utf-8")
    env = {**os.environ, "PYTHONIOENCODING": "gbk", "PYTHONUTF8": "0"}
    done = process("explain", rare, "--id", "𠮷①🙂", "-s", "demo", env=env)
    assert done.returncode == 0
    assert done.stderr == b""
    assert "脑卒中" in done.stdout.decode("gbk")
    done = process("group", rare, "-s", "demo", "-o", tmp_path / "out.csv", env=env)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_closed_pipe_is_no_traceback() -> None:
    command = [sys.executable, "-c", "from drg.cli import main; main()", "rule"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 141


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to hear")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_interrupt_leaves_the_old_output_and_nothing_else(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    claims, out = tmp_path / "claims.csv", tmp_path / "out.csv"
    lines = DEMO.read_text("utf-8").splitlines()
    claims.write_text("\n".join(lines[:1] + lines[1:] * 60_000) + "\n", "utf-8")
    out.write_text("as before")
    command = [
        sys.executable, "-c", "from drg.cli import main; main()",
        "group", str(claims), "-s", "demo", "-o", str(out),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        late = time.monotonic() + 60
        while not list(tmp_path.glob("*.part")) and time.monotonic() < late:
            time.sleep(0.01)
        running.send_signal(number)
        words, trouble = running.communicate(timeout=60)
    assert running.returncode == code, (words, trouble)
    assert b"Traceback" not in trouble
    assert out.read_text() == "as before"
    assert {p.name for p in tmp_path.iterdir()} == {"claims.csv", "out.csv"}


def test_a_bar_is_drawn_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from drg.cli import _bar

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    with _bar("claims[1].csv") as progress:
        assert progress is not None
        progress(1, 2)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with _bar("claims.csv") as progress:
        assert progress is None
