"""The fund warning: spending against a plan by month, levels, projections, reserves, charts."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import made_months
import polars as pl
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from made_reports import settle

from drg.cli import cli
from drg.payment.policy.catalog import load_policy
from drg.payment.policy.terms import Budget as BudgetRules
from drg.reports.fund_report import LINES, lines_frame
from drg.reports.svg import Bar, bars
from drg.reports.svg_axes import Axis, Span, ticks
from drg.reports.svg_histogram import Bin, histogram
from drg.reports.svg_lines import Line, lines
from drg.reports.svg_points import Bound, Dot, scatter, strip
from drg.scale.fund_file import fund_report, read_spending, write_fund
from drg.settlement.warning import project_linear, project_seasonal, watch, watch_line
from drg.settlement.warning_fund import fund_balance, fund_states, load_accounts, reserve_months
from drg.settlement.warning_plan import MONTHS, Plan, PlanLine, load_plan
from drg.settlement.warning_scale import FundError, load_scales, worst

SCALES = load_scales()
FEN = st.integers(0, 10**13)
MONTH_SETS = st.dictionaries(st.integers(1, 12), FEN, min_size=1)


def run(*args: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """January, February and April of 2025."""
    folder = tmp_path_factory.mktemp("fund") / "2025"
    folder.mkdir()
    for seed, number in enumerate((1, 2, 4), 1):
        period = f"2025-{number:02}"
        settle(folder / period, 120, 2, seed, period)
    return folder


# ---- projections and levels


@given(months=MONTH_SETS)
def test_a_whole_year_projects_to_itself(months: dict[int, int]) -> None:
    whole = dict.fromkeys(MONTHS, 0) | months
    assert project_linear(whole) == sum(whole.values())
    if sum(whole.values()):
        assert project_seasonal(whole, whole) == sum(whole.values())
        part = {month: whole[month] for month in months}
        if sum(part.values()):
            assert project_seasonal(part, whole) == sum(whole.values())


@given(months=MONTH_SETS, budget=st.integers(1, 10**13))
def test_a_line_ties(months: dict[int, int], budget: int) -> None:
    line = watch_line("H1", "310", 2025, months, PlanLine.spread("H1", "310", budget), SCALES)
    assert line.spent == sum(months.values()) == sum(row.spent for row in line.months)
    assert line.months[-1].plan_so_far == sum(row.plan or 0 for row in line.months)
    assert line.budget is not None
    assert sum(line.budget.months.values()) == budget
    assert sum(quarter.spent for quarter in line.quarters) == line.spent
    assert line.of_year == Fraction(line.spent, budget)
    assert line.level == worst(one.level for one in line.judged)
    if line.used_up is None and len(months) == max(months) == 12:
        assert line.spent <= budget


def test_seasons_and_gaps() -> None:
    last = dict.fromkeys(MONTHS, 100) | {1: 200}
    assert project_seasonal({1: 220}, last) == 1430
    assert project_linear({1: 220}) == 2640
    assert project_seasonal({1: 220}, {1: 200}) is None, "last year is not known whole"
    assert project_linear({}) is None
    assert project_seasonal({1: 5}, dict.fromkeys(MONTHS, 0)) is None
    # March is not there: neither spending nor plan of it counts.
    line = watch_line("", "", 2025, {1: 10, 2: 10, 4: 10}, PlanLine.spread("", "", 120), SCALES)
    assert [row.plan_so_far for row in line.months] == [10, 20, 30]
    assert (line.of_plan, line.level) == (1, "green")


@pytest.mark.parametrize(
    ("spent", "level"),
    [(1000, "green"), (1001, "yellow"), (1050, "yellow"), (1051, "orange"), (1101, "red")],
)
def test_bounds_are_passed_not_met(spent: int, level: str) -> None:
    line = watch_line("", "", 2025, {1: spent}, PlanLine.spread("", "", 12_000), SCALES)
    assert line.level == level


def test_months_of_reserve_have_two_sides() -> None:
    levels = [SCALES.level("reserve", Fraction(n), "310") for n in (2, 3, 6, 15, 16)]
    assert levels == ["red", "yellow", "green", "green", "yellow"]
    assert SCALES.level("reserve", Fraction(16), "390") == "green"
    assert SCALES.level("reserve", None) is None
    assert SCALES.level("risk_fund", Fraction(1, 20), "310") is None, "no such scale"


def test_a_quarter_is_judged_only_where_it_has_a_quota() -> None:
    spent = {1: 150, 2: 50, 3: 101}
    even = PlanLine.spread("", "", 1200)
    split = PlanLine("", "", 1200, dict.fromkeys(MONTHS, 100), even=False)
    assert watch_line("", "", 2025, spent, even, SCALES).level == "yellow"
    line = watch_line("", "", 2025, spent, split, SCALES)
    assert (line.level, line.quarters[0].over) == ("orange", 1)
    assert watch_line("", "", 2025, spent, even, SCALES, quarterly=True).level == "orange"


def test_the_month_in_which_the_budget_is_gone() -> None:
    def used_up(spent: dict[int, int], budget: int) -> int | None:
        plan = PlanLine.spread("", "", budget)
        return watch_line("", "", 2025, spent, plan, SCALES).used_up

    assert used_up({1: 100, 2: 100}, 1200) is None
    assert used_up({1: 100, 2: 100}, 1199) == 12
    assert used_up({1: 100, 2: 100}, 250) == 3
    assert used_up({1: 100, 2: 100}, 150) == 2
    assert used_up({1: 0}, 10) is None


def test_the_region_is_the_sum_of_hospitals_only_where_all_are_planned() -> None:
    spent = {("H1", "310"): {1: 10}, ("H2", "310"): {1: 20}, ("H2", "390"): {1: 5}}
    one = {("H1", "310"): PlanLine.spread("H1", "310", 120)}
    two = one | {("H2", "310"): PlanLine.spread("H2", "310", 240)}
    three = two | {("H2", "390"): PlanLine.spread("H2", "390", 60)}

    def region(lines: dict[tuple[str, str], PlanLine]) -> list[int | None]:
        found = watch(spent, 2025, [1], SCALES, plan=Plan(2025, lines))
        return [x.budget.year_fen if x.budget else None for x in found if not x.unit]

    assert region({}) == [None, None, None]
    assert region(one) == [None, None, None]
    assert region(two) == [None, 360, None]
    assert region(three) == [420, 360, 60]
    assert region({("", ""): PlanLine.spread("", "", 99)}) == [99, None, None]
    together = watch(
        spent, 2025, [1], SCALES, plan=Plan(2025, {("H2", ""): PlanLine.spread("H2", "", 12)})
    )
    assert [(x.unit, x.insurance, x.spent) for x in together if x.unit == "H2"] == [("H2", "", 25)]


def test_who_is_planned_and_spent_nothing_has_a_line() -> None:
    spent = {("H1", "310"): {1: 10}, ("H2", "310"): {1: 20}}
    lines = {
        key: PlanLine.spread(*key, 120)
        for key in (("H1", "310"), ("H2", ""), ("H2", "310"), ("H9", ""))
    }
    found = watch(spent, 2025, [1], SCALES, plan=Plan(2025, lines))
    told = [(x.unit, x.insurance, x.budget and x.budget.year_fen, x.spent) for x in found]
    assert told == [
        ("", "", 360, 30), ("H1", "310", 120, 10), ("H2", "", 120, 20), ("H2", "310", 120, 20),
        ("H9", "", 120, 0),
    ]  # fmt: skip
    regional = {("", kind): PlanLine.spread("", kind, 120) for kind in ("310", "390")}
    found = watch(spent, 2025, [1], SCALES, plan=Plan(2025, regional))
    assert [x.budget and x.budget.year_fen for x in found if not x.unit] == [240, 120, 120]


# ---- plans and accounts


def test_plans_in_their_forms(tmp_path: Path) -> None:
    plain = write(
        tmp_path / "a.csv", "单位,险种,年度,年度预算（万元）", "H1,职工,2025,1.2", ",,2024,9"
    )
    line = load_plan(plain, 2025).line("H1", "310")
    assert line is not None
    assert (line.year_fen, line.months[1], line.even) == (1_200_000, 100_000, True)
    heads = ",".join(f"{month}月" for month in MONTHS)
    split = write(tmp_path / "b.csv", f"险种,金额,{heads}", "*,78," + ",".join(map(str, MONTHS)))
    line = load_plan(split, 2025).line("", "")
    assert line is not None
    assert (line.year_fen, line.months[12], line.even) == (7_800, 1_200, False)
    steps = ("draft", "agency_measure", "consultation", "hospital_reply", "negotiated", "signed")
    budget = write(
        tmp_path / "c.csv", "level,unit,insurance,period,step,amount",
        *(f"{level},{unit},310,2025,{step},{amount}" for level, unit, amount in
          (("city", "c", 24), ("hospital", "H1", 12), ("hospital", "H2", 12)) for step in steps),
        "hospital,H1,310,2025Q1,signed,6", "hospital,H1,310,2025Q2,signed,2",
        "hospital,H1,310,2025Q3,signed,2", "hospital,H1,310,2025Q4,signed,2",
    )  # fmt: skip
    plan = load_plan(budget, 2025)
    assert {key: one.year_fen for key, one in plan.lines.items()} == {
        ("H1", "310"): 1200, ("H2", "310"): 1200, ("", "310"): 2400,
    }  # fmt: skip
    assert plan.lines["H1", "310"].months[3] == 200
    assert not plan.lines["H1", "310"].even


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (["unit,insurance", "H1,310"], "K421"),
        (["unit,amount", "H1,viel"], "K422"),
        (["unit,amount", "H1,-1"], "K422"),
        (["unit,year,amount", "H1,25,1"], "K422"),
        (["unit," + ",".join(f"{m}月" for m in MONTHS), "H1,1,2"], "K423"),
        (["unit,amount," + ",".join(f"{m}月" for m in MONTHS), "H1,5" + ",1" * 12], "K423"),
        (["unit,amount", "H1,1", "H1,2"], "K424"),
        (["unit,year,amount", "H1,2024,1"], "K425"),
    ],
)
def test_plans_that_cannot_be_used_say_so(tmp_path: Path, rows: list[str], code: str) -> None:
    width = rows[0].count(",")
    rows = [row + "," * (width - row.count(",")) for row in rows]
    with pytest.raises(FundError) as found:
        load_plan(write(tmp_path / "plan.csv", *rows), 2025)
    assert found.value.code == code
    for lang in ("zh", "en"):
        assert "plan.csv" in found.value.message(lang)


def test_accounts_and_the_published_balances(tmp_path: Path) -> None:
    assert fund_balance(185_634, 160_183) == 25_451
    assert fund_balance(284_194, 304_579) == -20_385
    path = write(
        tmp_path / "fund.csv",
        "险种,年度,收入（万元）,支出（万元）,期初结余（万元）,风险基金（万元）",
        "职工,2019,185634,160183,100000,", "居民,2019,284194,304579,,28000",
    )  # fmt: skip
    employees, residents = fund_states(load_accounts(path), SCALES)
    assert employees.balance == 25_451_000_000
    assert employees.closing == 125_451_000_000
    assert employees.reserve == Fraction(125_451 * 12, 160_183)
    assert (employees.level, residents.level) == ("green", "orange")
    assert residents.closing is None
    assert residents.reserve is None
    assert [one.level for one in residents.judged] == ["orange", None, "yellow"]
    assert reserve_months(5, 0, 12) is None


def test_months_of_an_account_follow_each_other(tmp_path: Path) -> None:
    head = "insurance,period,income,spending,opening,closing"
    good = write(tmp_path / "a.csv", head, "310,2025-02,1,3,,", "310,2025-01,10,4,5,11")
    (state,) = fund_states(load_accounts(good), SCALES)
    assert (state.months, state.balance, state.closing) == (2, 400, 900)
    assert state.reserve == Fraction(900 * 2, 700)
    for rows, code in (
        (["310,2025-01,1,1,,", "310,2025-03,1,1,,"], "K426"),
        (["310,2025,1,1,,", "310,2025-06,1,1,,"], "K426"),
        (["310,2025-01,1,1,5,6"], "K427"),
        (["310,2025-01,1,1,5,5", "310,2025-02,1,1,6,"], "K427"),
        (["310,2025-01,1,1,5,5", "310,2025-02,1,1,,6"], "K427"),
        (["310,2025-13,1,1,,"], "K422"),
        (["310,2025-01,,1,,"], "K422"),
        ([",2025-01,1,1,,"], "K422"),
    ):
        with pytest.raises(FundError) as found:
            load_accounts(write(tmp_path / "b.csv", head, *rows))
        assert found.value.code == code, rows


def test_a_table_of_bounds_is_checked(tmp_path: Path) -> None:
    good = '[[scale]]\nmeasure = "progress"\nsource = "S-PROJECT"\nstatus = "derived"\n'
    own = load_scales(write(tmp_path / "own.toml", good, 'above = { red = "2" }'))
    assert own.level("progress", Fraction(3)) == "red"
    for bad in (
        "", good, good + 'above = { red = 2.0 }', good + 'above = { blue = "2" }',
        good.replace("progress", "luck") + 'above = { red = "2" }',
        good.replace("derived", "sure") + 'above = { red = "2" }',
        (good + 'above = { red = "2" }\n') * 2, good + 'above = { red = "x" }', "[[scale",
        good + 'above = { red = "2" }\nmore = 1',
    ):  # fmt: skip
        with pytest.raises(FundError, match="K420"):
            load_scales(write(tmp_path / "bad.toml", bad))


# ---- settled months to page and workbook


def test_spending_is_what_the_ledgers_say(months: Path) -> None:
    spent = read_spending([months])
    assert list(spent.months) == [(2025, 1), (2025, 2), (2025, 4)]
    for number, path in ((n, path) for (_, n), path in spent.months.items()):
        told = pl.read_parquet(path / "hospitals.parquet")["fund_fen"].sum()
        assert sum(by_month[number] for by_month in spent.by_party[2025].values()) == told
    with pytest.raises(FundError, match="K429"):
        read_spending([months, save_again(months)])
    with pytest.raises(FundError, match="K410"):
        read_spending([months / "2025-01" / "statements"])


def save_again(months: Path) -> Path:
    again = months.parent / "again"
    if not again.exists():
        settle(again, 120, 2, 9, "2025-01")
    return again


def test_what_a_policy_counts_against_no_budget_is_left_out(months: Path, tmp_path: Path) -> None:
    rules = made_months.policy(budget=BudgetRules(outside=("DRG",)))
    paid = read_spending([months]).by_party[2025]
    left = read_spending([months], rules).by_party[2025]
    modes = pl.read_parquet(months / "2025-01" / "claims.parquet")["pay_mode"].cast(pl.String)
    assert set(modes.unique()) <= {"DRG", "UNPAID", "STATISTICS"}
    assert sum(sum(one.values()) for one in left.values()) == 0
    plan = tmp_path / "plan.csv"
    plan.write_text("unit,amount\n,1\n", "utf-8")
    fuxin = load_policy("fuxin-2009")
    for policy, told in ((None, False), (fuxin, True)):
        region = fund_report([months], plan=plan, policy=policy).region
        assert region is not None
        quarter = next(one for one in region.judged if one.measure == "quarter")
        assert (quarter.level is not None) is told, "judged where the policy balances quarters"
    same = read_spending([months], made_months.policy()).by_party[2025]
    assert {key: one for key, one in same.items() if sum(one.values())} == {
        key: one for key, one in paid.items() if sum(one.values())
    }


def test_the_command_tells_and_writes(months: Path, tmp_path: Path) -> None:
    plan = write(tmp_path / "plan.csv", "unit,insurance,amount", "H0,310,1", "H0,390,900000000",
                 "H1,310,900000000", "H1,390,900000000")  # fmt: skip
    accounts = write(tmp_path / "fund.csv", "insurance,period,income,spending,opening",
                     "310,2025-01,100,90,600")  # fmt: skip
    out = tmp_path / "out"
    told = run("fund", months, "--plan", plan, "--fund", accounts, "-o", out, code=1).stdout
    assert "■ 红" in told
    assert "3 月没有结算数据" in told.replace("月份 ", "")
    assert {path.name for path in out.iterdir()} == {
        "fund.html", "fund.xlsx", "lines.csv", "months.csv",
    }  # fmt: skip
    page = (out / "fund.html").read_text("utf-8")
    assert page.count("<svg") == 3
    assert not re.search(r"https?://|<script|\bNone\b|\bnan\b", page)
    lines = pl.read_csv(out / "lines.csv", schema=LINES)
    assert lines.filter(pl.col("level") == "red")["unit"].to_list() == ["H0"]
    sheets = pl.read_excel(out / "fund.xlsx", sheet_id=0, has_header=False, engine="calamine")
    assert list(sheets) == ["支出进度", "逐月", "按季度", "基金收支", "等级与依据"]
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "mine.txt").write_text("x")
    english = run("fund", months, "--plan", plan, "-o", out, "--lang", "en", code=1).stdout
    assert english.isascii() or "■ red" in english
    assert (out / "mine.txt").read_text() == "x"
    run("fund", months, "--plan", plan, "--fund", accounts, "-o", out, code=1)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before | {"mine.txt": b"x"}


def test_a_year_without_plan_has_no_level(months: Path, tmp_path: Path) -> None:
    report = fund_report([months])
    assert {line.level for line in report.lines} == {None}
    assert report.level == "green"
    assert report.gaps == (3,)
    assert lines_frame(report).schema == LINES
    write_fund(report, tmp_path / "out")
    assert "未判定" in (tmp_path / "out" / "fund.html").read_text("utf-8")
    for args, code in (
        ({"folders": []}, "K430"), ({"folders": [months], "year": 2030}, "K428"),
    ):  # fmt: skip
        with pytest.raises(FundError) as found:
            fund_report(**args)  # type: ignore[arg-type]
        assert found.value.code == code
    assert "[K430]" in run("fund", code=2).stderr


def test_last_year_gives_the_season(tmp_path: Path) -> None:
    """January of this year, and all of last year, in which January spent as much as any month."""
    folder = tmp_path / "all"
    folder.mkdir()
    for number in MONTHS:
        period = f"2024-{number:02}"
        settle(folder / period, 40, 1, number, period)
    settle(folder / "2025-01", 40, 1, 1, "2025-01")
    report = fund_report([folder])
    assert (report.year, report.settled, report.seasonal) == (2025, (1,), True)
    last = read_spending([folder]).by_party[2024]
    whole = sum(sum(one.values()) for one in last.values())
    region = report.region
    assert region is not None
    assert region.projected == region.seasonal == whole, "January is as it was"
    assert region.linear == 12 * region.spent


# ---- charts


def well_formed(svg: str) -> ElementTree.Element:
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.find("title") is not None
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    for node in root.iter():
        rooms = dict.fromkeys(("x", "x1", "x2", "cx"), width)
        for key, most in (rooms | dict.fromkeys(("y", "y1", "y2", "cy"), height)).items():
            assert -1 <= float(node.attrib.get(key, 0)) <= most + 1, (node.tag, node.attrib)
    return root


@given(values=st.lists(st.integers(-(10**15), 10**15) | st.none(), min_size=1, max_size=14))
def test_lines_stay_inside(values: list[int | None]) -> None:
    steps = [f"{n}月" for n in range(len(values))]
    drawn = lines("<逐月>", steps, [Line("a & b", values), Line("b", values)], Axis("元", str))
    if all(value is None for value in values):
        assert drawn == ""
        return
    marks = [n for n in well_formed(drawn).iter() if n.tag in ("circle", "polygon")]
    assert len(marks) == 2 * sum(value is not None for value in values) + 2


@given(
    points=st.lists(
        st.tuples(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12)), max_size=12
    ),
    cross=st.tuples(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12)),
)
def test_points_stay_inside(points: list[tuple[int, int]], cross: tuple[int, int]) -> None:
    dots = [Dot(f"<科{n}>", x, y) for n, (x, y) in enumerate(points)]
    drawn = scatter("s", dots, Axis("x", str), Axis("y", str), cross=cross,
                    corners=("一", "二", "三", "四"))  # fmt: skip
    assert bool(drawn) == bool(dots)
    if dots:
        marks = [n for n in well_formed(drawn).iter() if n.tag in ("circle", "polygon")]
        assert len(marks) == len(dots)


@given(values=st.lists(st.integers(0, 10**6), max_size=60), limit=st.integers(0, 10**6))
def test_a_strip_shows_every_value(values: list[int], limit: int) -> None:
    dots = [(f"G{n}", value) for n, value in enumerate(values)]
    drawn = strip("cv", dots, Axis("CV", str), bounds=[Bound(limit, "线")], limit=limit)
    assert bool(drawn) == bool(dots)
    if dots:
        root = well_formed(drawn)
        over = [node for node in root.iter() if node.tag == "polygon"]
        under = [node for node in root.iter() if node.tag == "circle"]
        assert (len(over), len(under)) == (
            sum(value > limit for value in values), sum(value <= limit for value in values),
        )  # fmt: skip


@given(counts=st.lists(st.integers(0, 10**9), min_size=1, max_size=40))
def test_a_histogram_has_every_bin(counts: list[int]) -> None:
    bins = [Bin(n * 10, (n + 1) * 10 if n + 1 < len(counts) else None, c)
            for n, c in enumerate(counts)]  # fmt: skip
    drawn = histogram("h", bins, Axis("x", str), Axis("n", str), bounds=[Bound(10, "十")])
    assert bool(drawn) == any(counts)
    if drawn:
        assert sum(node.tag == "rect" for node in well_formed(drawn).iter()) == len(bins)


@given(low=st.integers(-(10**15), 10**15), room=st.integers(0, 10**15))
def test_ticks_cover_and_are_few(low: int, room: int) -> None:
    found = ticks(low, low + room)
    assert found[0] <= low
    assert found[-1] >= low + room
    assert 2 <= len(found) <= 8
    assert len({b - a for a, b in pairwise(found)}) == 1
    span = Span(found[0], found[-1], 0, 100)
    assert 0 <= span.at(low) <= 100


def test_bars_can_have_a_bound() -> None:
    drawn = bars("b", [Bar("一", 80, "80%"), Bar("二", 130, "130%")], bound=100)
    assert drawn.count("stroke-dasharray") == 1
    well_formed(drawn)
