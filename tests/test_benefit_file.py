"""``drg benefit``: files and the year between them, one visit, the sheet, the guide as written."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from shown_commands import assert_shown, commands_of, run_shown
from test_docs import blocks_of

from drg.benefits.batch import RESULT_COLUMNS, OneVisit
from drg.benefits.model import Balance, Visit
from drg.benefits.plan import Plan, list_plans, load_plan
from drg.benefits.visit import settle_visit
from drg.claims.readers import open_claims
from drg.claims.writers import write_frames
from drg.cli import cli
from drg.dates import Month
from drg.errors import DrgError, InputError
from drg.grouping.grouper import Grouper
from drg.money import fen, round_scaled
from drg.payment.policy.catalog import load_policy
from drg.reports.benefit_numbers import numbers_used, percent
from drg.reports.benefit_sheet import check_line, sheet_page
from drg.reports.benefit_steps import pieces_of, reached_before, step_words, terms_of
from drg.scale.benefit_answer import benefit_of, told_visit
from drg.scale.benefit_balances import BALANCE_FILE, read_balances
from drg.scale.benefit_file import benefit_file
from drg.scale.settle_file import settle_file

GUIDE = ROOT / "docs" / "benefits.md"
EXAMPLES = ROOT / "examples" / "benefits"
JANUARY, FEBRUARY = EXAMPLES / "january.csv", EXAMPLES / "february.csv"
HOSPITALS = ROOT / "examples" / "policies" / "hospitals.csv"
PAID = ("basic_paid", "critical_paid", "assistance_paid", "backstop_paid")


@cache
def city() -> Plan:
    return load_plan(EXAMPLES / "city.toml")


def rows_of(path: Path) -> list[dict[str, object]]:
    with open_claims(path) as source:
        return source.scan().collect().rows(named=True)


def run(*args: object) -> Result:
    return CliRunner().invoke(cli, [str(arg) for arg in args])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- the guide


def test_guide_prints_what_it_shows(place: Path) -> None:
    commands = [c for b in blocks_of(GUIDE) if b.language == "console" for c in commands_of(b.code)]
    assert len(commands) >= 6
    for command, wanted in commands:
        done = run_shown(command)
        assert done.returncode in (0, 1, 2 if "2>&1" in command else 0), done.stdout
        assert not done.stderr
        assert_shown(command, done, wanted)
    assert len(list((place / "sheets").iterdir())) == 3


def test_guide_python_runs() -> None:
    (block,) = [b for b in blocks_of(GUIDE) if b.language == "python"]
    exec(compile(block.code, str(GUIDE), "exec"), {})


def test_guide_names_every_plan() -> None:
    told = set(re.findall(r"^\| `([a-z]+-\w+)` \|", GUIDE.read_text("utf-8"), re.MULTILINE))
    assert told == {plan.id for plan in list_plans()}


# ---- a file


def test_parts_add_up_and_feed_the_settlement(tmp_path: Path) -> None:
    """benefit → group → settle: what the patients pay is the same sum to the fen."""
    settled, grouped = tmp_path / "settled.parquet", tmp_path / "grouped.parquet"
    residents = tmp_path / "residents.parquet"
    benefit_file(JANUARY, city(), residents, hospitals=HOSPITALS)
    benefit_file(residents, load_plan("beijing-2019"), settled)
    frame = pl.read_parquet(settled)
    assert frame["patient_paid"].null_count() == 0
    own = {row["结算ID"]: fen(row["patient_paid"]) for row in frame.rows(named=True)}
    grouper = Grouper.load("haerbin-2022")
    with open_claims(settled) as source:
        write_frames(grouped, grouper.group_frame(source.scan().collect(), source.columns))
    month = settle_file(
        grouped, load_policy("demo-2024"), tmp_path / "month", month=Month(2024, 1),
        hospitals=HOSPITALS, statements=False,
    )  # fmt: skip
    claims = month.settlement.claims.lazy().select("claim_id", "patient_fen").collect()
    assert dict(claims.rows()) == own
    entries = month.settlement.ledger.entries
    patients = entries.filter(pl.col("account").cast(pl.String) == "patient")["fen"].sum()
    assert patients == sum(own.values())
    assert not month.settlement.check()


def test_rows_and_own_columns_stay(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    benefit_file(JANUARY, city(), out, hospitals=HOSPITALS)
    before, after = rows_of(JANUARY), rows_of(out)
    assert [{k: row[k] for k in before[0]} for row in after] == before
    for row in after:
        if row["benefit_reason"] is None:
            parts = [fen(str(row[name])) for name in PAID]
            assert sum(parts) == fen(str(row["fund_paid"]))
            assert sum(parts) + fen(str(row["patient_paid"])) == fen(str(row["总费用"]))
        else:
            assert all(row[name] is None for name in (*PAID, "fund_paid", "patient_paid"))


def test_reported_payment_makes_room(tmp_path: Path) -> None:
    """A column that fed ``patient_paid`` stays under another name; the new one is what is read."""
    claims = tmp_path / "claims.csv"
    frame = pl.read_csv(JANUARY, infer_schema=False).with_columns(个人支付=pl.lit("77.00"))
    frame.with_columns(eligible=pl.lit("mine")).write_csv(claims)
    out = tmp_path / "out.csv"
    benefit_file(claims, city(), out, hospitals=HOSPITALS)
    rows = rows_of(out)
    assert {row["个人支付_input"] for row in rows} == {"77.00"}
    assert {row["eligible_input"] for row in rows} == {"mine"}
    with open_claims(out) as source:
        assert source.columns.scalars["patient_paid"] == "patient_paid"
    # The employee is not the plan's: what the file reports stands.
    assert [row["patient_paid"] for row in rows if row["benefit_reason"]] == ["77.00"]


def test_level_of_a_claim_stays_as_it_is_spelled() -> None:
    found = benefit_of(JANUARY, city(), "E002", hospitals=HOSPITALS)
    assert found.facts["hospital_level"] == "三级甲等"


def test_level_of_a_claim_comes_before_the_register(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    benefit_file(JANUARY, city(), first)
    benefit_file(JANUARY, city(), second, hospitals=HOSPITALS)
    pairs = list(zip(rows_of(first), rows_of(second), strict=True))
    assert [a["benefit_reason"] for a, _ in pairs] == [None] * 4 + ["N501", "N508"]
    assert all(a == b for a, b in pairs[:4])
    assert pairs[4][1]["basic_paid"] is not None


# ---- the year


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_months_add_up_to_the_year(tmp_path: Path, suffix: str) -> None:
    balances = tmp_path / f"2024.{suffix}"
    both = tmp_path / "both.csv"
    months = pl.concat([pl.read_csv(path, infer_schema=False) for path in (JANUARY, FEBRUARY)])
    months.write_csv(both)
    out = [tmp_path / name for name in ("jan.csv", "feb.csv", "both-out.csv")]
    benefit_file(JANUARY, city(), out[0], hospitals=HOSPITALS, balances_out=balances)
    benefit_file(FEBRUARY, city(), out[1], balances=balances, balances_out=balances)
    once = tmp_path / f"once.{suffix}"
    benefit_file(both, city(), out[2], hospitals=HOSPITALS, balances_out=once)
    apart = [*rows_of(out[0]), *rows_of(out[1])]
    assert [[row[n] for n in RESULT_COLUMNS] for row in apart] == [
        [row[n] for n in RESULT_COLUMNS] for row in rows_of(out[2])
    ]
    year, whole = read_balances(balances, city().id), read_balances(once, city().id)
    assert year.equals(whole)
    assert tuple(year.columns) == BALANCE_FILE
    person = year.row(by_predicate=pl.col("patient_id") == "P02", named=True)
    assert (person["visits"], person["claims"]) == (2, ["E002", "E101"])


def test_a_month_taken_in_twice_is_noticed(tmp_path: Path) -> None:
    balances, out = tmp_path / "2024.csv", tmp_path / "out.csv"
    benefit_file(JANUARY, city(), out, balances_out=balances)
    held, told = balances.read_bytes(), out.read_bytes()
    # Another name, another format, another order: the visits are the same.
    other = tmp_path / "other.parquet"
    pl.read_csv(JANUARY, infer_schema=False).reverse().write_parquet(other)
    with pytest.raises(DrgError, match="B432") as raised:
        benefit_file(other, city(), out, balances=balances, balances_out=balances)
    assert raised.value.params["count"] == "4"
    assert (balances.read_bytes(), out.read_bytes()) == (held, told)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "2024.csv", "other.parquet", "out.csv",
    ]  # fmt: skip


def test_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends badly leaves neither results nor balances nor sheets."""
    balances, out, sheets = tmp_path / "b.csv", tmp_path / "out.csv", tmp_path / "sheets"

    def broken(*_: object, **__: object) -> Iterator[pl.DataFrame]:
        raise InputError("F120", where="claims")
        yield

    monkeypatch.setattr("drg.scale.benefit_file._Work._rows", broken)
    with pytest.raises(InputError, match="F120"):
        benefit_file(JANUARY, city(), out, balances_out=balances, sheets=sheets)
    assert list(tmp_path.iterdir()) == []


def balances_file(path: Path, **cells: str) -> Path:
    row = {"plan": "city-example", "year": "2024", "patient_id": "P01", "basic": "100.00", **cells}
    pl.DataFrame([{k: v for k, v in row.items() if v != "—"}]).write_csv(path)
    return path


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"year": "—"}, "B430"),
        ({"basic": "-1"}, "B431"),
        ({"basic": "1.005"}, "B431"),
        ({"visits": "two"}, "B431"),
        ({"year": "24"}, "B431"),
        ({"year": ""}, "B431"),
        ({"patient_id": " "}, "B431"),
        ({"plan": "other"}, "B435"),
    ],
)
def test_balances_that_cannot_be(tmp_path: Path, cells: dict[str, str], code: str) -> None:
    given = balances_file(tmp_path / "given.csv", **cells)
    with pytest.raises(DrgError, match=code):
        benefit_file(JANUARY, city(), tmp_path / "out.csv", balances=given)


def test_a_hand_made_balance_counts(tmp_path: Path) -> None:
    given = balances_file(tmp_path / "given.csv", critical="300000")
    read = read_balances(given, "city-example")
    assert read.row(0, named=True) | {"region": ""} == {
        "plan": "city-example", "year": 2024, "patient_id": "P01", "visits": 0, "basic": 10_000,
        "critical": 30_000_000, "assistance": 0, "backstop": 0, "compliant": 0, "patient": 0,
        "region": "", "claims": [],
    }  # fmt: skip
    twice = tmp_path / "twice.csv"
    pl.concat([pl.read_csv(given, infer_schema=False)] * 2).write_csv(twice)
    with pytest.raises(DrgError, match="B436"):
        read_balances(twice, "city-example")


@pytest.mark.parametrize(("ids", "code"), [(["E1", "E1"], "B433"), (["E1", None], "B434"),
                                           (["E1", "E|2"], "B434")])  # fmt: skip
def test_visits_that_cannot_be_told_apart(tmp_path: Path, ids: list[str | None], code: str) -> None:
    claims = tmp_path / "claims.csv"
    frame = pl.read_csv(FEBRUARY, infer_schema=False).head(2)
    frame.with_columns(pl.Series("结算ID", ids), 人员编号=pl.lit("P1")).write_csv(claims)
    with pytest.raises(DrgError, match=code):
        benefit_file(claims, city(), tmp_path / "o.csv", balances_out=tmp_path / "b.csv")


def test_outputs_are_no_inputs(tmp_path: Path) -> None:
    balances = balances_file(tmp_path / "b.csv")
    for role in ("balances", "balances_out"):
        with pytest.raises(DrgError, match="C201"):
            benefit_file(JANUARY, city(), balances, **{role: balances})
    register = tmp_path / "hospitals.csv"
    shutil.copy(HOSPITALS, register)
    with pytest.raises(DrgError, match="C201"):
        benefit_file(JANUARY, city(), tmp_path / "o.csv", hospitals=register, balances_out=register)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(DrgError, match="B440"):
        benefit_file(JANUARY, city(), tmp_path / "o.csv", sheets=tmp_path / "full")


def test_an_empty_file(tmp_path: Path) -> None:
    claims, out, balances = (tmp_path / n for n in ("c.csv", "o.csv", "b.csv"))
    pl.read_csv(JANUARY, infer_schema=False).head(0).write_csv(claims)
    done = run("benefit", claims, "-p", EXAMPLES / "city.toml", "-o", out,
               "--balances-out", balances)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert rows_of(out) == []
    assert read_balances(balances, "city-example").is_empty()


# ---- one visit


def test_one_visit_of_a_file_stands_on_the_earlier_ones(tmp_path: Path) -> None:
    both, out = tmp_path / "both.csv", tmp_path / "out.csv"
    months = [pl.read_csv(path, infer_schema=False) for path in (FEBRUARY, JANUARY)]
    pl.concat(months).write_csv(both)
    benefit_file(both, city(), out, hospitals=HOSPITALS)
    for number, row in enumerate(rows_of(out), start=1):
        found = benefit_of(both, city(), str(row["结算ID"]), hospitals=HOSPITALS)
        assert found.row == number
        assert found.reason == (row["benefit_reason"] or "")
        if not found.reason:
            assert found.one.settled.patient == fen(str(row["patient_paid"]))
    with pytest.raises(DrgError, match="B437"):
        benefit_of(both, city())
    with pytest.raises(DrgError, match="C202"):
        benefit_of(both, city(), "nobody")


def test_told_visits() -> None:
    plan = load_plan("ankang-2019")
    told = ["total=260000", "level=tertiary", "insurance=390", "used.visits=1", "used.basic=0"]
    settled = told_visit(plan, told).one.settled
    assert ([layer.paid for layer in settled.layers], settled.patient) == (
        [12_000_000, 9_100_000], 4_900_000,
    )  # fmt: skip
    for wrong in ("total", "total=x", "total=-1", "what=1", "retired=perhaps", "used.visits=x"):
        with pytest.raises(DrgError, match="B438"):
            told_visit(plan, ["total=1", wrong])
    with pytest.raises(DrgError, match="B438"):
        told_visit(plan, ["level=三级"])


def test_told_words_are_read_as_those_of_a_file() -> None:
    words = ["total=9000", "insurance=居民", "level=3", "care=住院", "region=市级", "retired=退休"]
    told = told_visit(city(), [*words, "used.region=省级"]).one
    assert told.visit[4:11] == ("390", "3", "", True, "", "市级", "inpatient")
    assert (told.before.region, told.settled.reason) == ("province", "")
    reported = told_visit(load_plan("shangluo-2023"), [*words[:2], "basic_paid=5000"]).one.settled
    assert (reported.layers[0].paid, reported.reason) == (500_000, "")
    # Not a region of the plan: the year's ceiling would go by the wrong one.
    with pytest.raises(DrgError, match="B438"):
        told_visit(city(), ["total=1", "used.region=外星"])


def test_a_kind_of_care_that_is_none_of_the_plans(tmp_path: Path) -> None:
    claims, out, sheets = tmp_path / "c.csv", tmp_path / "o.csv", tmp_path / "sheets"
    pl.read_csv(JANUARY, infer_schema=False).with_columns(医疗类别=pl.lit("41")).write_csv(claims)
    done = run("benefit", claims, "-p", EXAMPLES / "city.toml", "-o", out, "--statements", sheets)
    assert (done.exit_code, len([*sheets.iterdir()])) == (1, 6)
    assert (
        "医疗类别 41" in run("benefit", claims, "-p", EXAMPLES / "city.toml", "--id", "E001").stdout
    )
    assert "险种 340 ·" in run("benefit", "-p", "ankang", "--visit", "total=1",
                               "--visit", "insurance=340").stdout  # fmt: skip


def test_columns_that_a_file_lacks_are_named(tmp_path: Path) -> None:
    claims, out = tmp_path / "c.csv", tmp_path / "o.csv"
    lacking = pl.read_csv(JANUARY, infer_schema=False).drop("出院日期", "人员类别")
    lacking.write_csv(claims)
    told = run("benefit", claims, "-p", EXAMPLES / "city.toml", "-o", out).stdout
    assert "出院日期 discharged_on：" in told
    assert "人员类别 person_category、医疗类别 care_type：" in told


@pytest.mark.parametrize("name", ["january.csv", "city.toml", "balances.csv", "hospitals.csv"])
def test_a_statement_overwrites_no_input(tmp_path: Path, name: str) -> None:
    for path in (JANUARY, EXAMPLES / "city.toml", HOSPITALS):
        shutil.copy(path, tmp_path)
    (tmp_path / "balances.csv").write_text("plan,year,patient_id\n", "utf-8")
    before = (tmp_path / name).read_bytes()
    asked = (tmp_path / "january.csv", "-p", tmp_path / "city.toml", "--id", "E001",
             "--balances", tmp_path / "balances.csv",
             "--hospitals", tmp_path / "hospitals.csv")  # fmt: skip
    done = run("benefit", *asked, "--statement", tmp_path / name)
    assert (done.exit_code, "C201" in done.stderr) == (2, True)
    assert (tmp_path / name).read_bytes() == before
    assert "F202" in run("benefit", *asked, "--statement", tmp_path / "no" / "s.html").stderr
    assert "F203" in run("benefit", *asked, "--statement", tmp_path).stderr


@pytest.mark.parametrize(
    "args",
    [
        ("--list", "-p", "ankang"),
        ("-p", "ankang-2019", "--balances", "b.csv"),
        (JANUARY, "-p", "ankang-2019", "-o", "o.csv", "--id", "E001"),
        (JANUARY, "-p", "ankang-2019", "--balances-out", "b.csv"),
        ("-p", "ankang-2019", "--visit", "total=1", "--sheet", "x"),
    ],
)
def test_nothing_is_accepted_and_ignored(place: Path, args: tuple[object, ...]) -> None:
    done = run("benefit", *args)
    assert done.exit_code == 2
    assert "B439" in done.stderr


def test_plan_is_asked_for() -> None:
    assert "C101" in run("benefit", JANUARY).stderr
    assert "C101" in run("benefit", "-p", "ankang-2019", "-o", "x.csv").stderr


def test_plans_are_listed_and_shown() -> None:
    listed = run("benefit", "--list").stdout
    assert all(plan.id in listed for plan in list_plans())
    told = run("benefit", "-p", "chuzhou", "--lang", "en").stdout
    plan = load_plan("chuzhou")
    assert all(path in told for path in (*plan.provenance, *plan.wanted))


def test_a_number_left_open_is_named() -> None:
    told = ("--visit", "total=1000", "--visit", "level=三级", "--visit", "insurance=390",
            "--visit", "region=市级")  # fmt: skip
    done = run("benefit", "-p", "anhui-2019", *told)
    assert done.exit_code == 1
    assert "critical.rows.everyone.start" in done.stdout
    assert run("benefit", "-p", "anhui-2019", *told,
               "--set", "critical.rows.everyone.start=15000").exit_code == 0  # fmt: skip


# ---- how it was reckoned

amounts = st.one_of(st.integers(0, 3_000_00), st.integers(0, 60_000_000))


@st.composite
def visits(draw: st.DrawFn) -> tuple[Plan, Visit, Balance]:
    plan = draw(st.sampled_from((city(), load_plan("beijing-2019"), load_plan("lyls-undated"),
                                 load_plan("ankang-2019"), load_plan("hubei-2018"))))  # fmt: skip
    total = draw(amounts)
    basic = None if plan.basic else draw(st.integers(0, total))
    visit = Visit(
        total, insurance=plan.insurances[0], level=draw(st.sampled_from(("一级", "二级", "三级"))),
        category=draw(st.sampled_from(("", *plan.names.get("category", ())))),
        off_site=draw(st.sampled_from(("", *plan.names.get("off_site", ())))),
        region=draw(st.sampled_from((*plan.names.get("region", ()), "")[:3])),
        retired=draw(st.booleans()), care=draw(st.sampled_from(("inpatient", "chronic"))),
        basic_paid=basic,
    )  # fmt: skip
    balance = Balance()
    for earlier in draw(st.lists(amounts, max_size=2)):
        before = visit._replace(total=earlier, basic_paid=None if basic is None else earlier // 2)
        _, balance = settle_visit(plan, before, balance)
    return plan, visit, balance


@given(visits())
def test_steps_retell_what_was_paid(case: tuple[Plan, Visit, Balance]) -> None:
    """The slices told, times their ratios, are what the layer paid and what its cap took."""
    plan, visit, before = case
    settled, _ = settle_visit(plan, visit, before)
    one = OneVisit(visit, before, settled)
    assert len(step_words(plan, one)) == len(settled.layers)
    terms = terms_of(plan, visit)
    rules = {r.id: r for r in (terms.basic, terms.critical, terms.assistance, *terms.backstops)
             if r is not None and not r.ceilings}  # fmt: skip
    for layer in settled.layers:
        rule = rules.get(layer.id)
        if rule is None:
            continue
        reached = reached_before(layer.kind, before)
        if layer.kind == "backstop":
            reached = before.patient + before.backstop
        pieces = pieces_of(rule, layer.base, reached, first=before.visits == 0)
        told = round_scaled(sum((p.amount * p.ratio for p in pieces), Fraction(0)), 0)
        assert told == layer.paid + layer.capped
    assert check_line(settled).endswith(f"{settled.total // 100:,}.{settled.total % 100:02}")
    if not settled.reason and settled.layers:
        assert all(used.status for used in numbers_used(plan, visit))


def test_percent_is_exact() -> None:
    shares = ("0.85", "1", "0", "0.375", "0.934")
    assert [percent(Fraction(share)) for share in shares] == ["85%", "100%", "0%", "37.5%", "93.4%"]
    assert percent(Fraction(1, 3)) == "1/3"


# ---- the sheet


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_sheet_is_whole_and_self_contained(lang: str) -> None:
    found = benefit_of(JANUARY, city(), "E002")
    facts = {**found.facts, "claim_id": "<E&1>"}
    page = sheet_page(city(), facts, found.one, lang)
    assert page == sheet_page(city(), facts, found.one, lang)
    assert "&lt;E&amp;1&gt;" in page
    assert "<E&1>" not in page
    assert not re.search(r"https?://|<script|<link|url\(|src=", page)
    for layer in found.one.settled.layers:
        assert f"{layer.paid // 100:,}.{layer.paid % 100:02}" in page
    assert check_line(found.one.settled) in page
    assert city().digest[:16] in page
    assert ("一单制" in page) == (lang == "zh")


def test_sheet_of_a_visit_that_was_not_settled(tmp_path: Path) -> None:
    sheets = tmp_path / "sheets"
    done = benefit_file(JANUARY, city(), tmp_path / "o.csv", sheets=sheets, lang="en")
    assert done.sheets == len(list(sheets.iterdir())) == 6
    assert "N508 " in (sheets / "E006.html").read_text("utf-8")


@pytest.mark.long
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium to print with")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_sheet_prints_on_one_page(tmp_path: Path, lang: str) -> None:
    found = benefit_of(JANUARY, city(), "E002")
    sheet, printed = tmp_path / "sheet.html", tmp_path / "sheet.pdf"
    sheet.write_text(sheet_page(city(), found.facts, found.one, lang), "utf-8")
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}", "--no-pdf-header-footer",
         f"--print-to-pdf={printed}", sheet.as_uri()],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    assert re.findall(rb"/Count (\d+)", printed.read_bytes()) == [b"1"]
