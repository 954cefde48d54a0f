"""DIP months in the ledger: posted once, paid whole, settled again, told in an agency's names."""

from __future__ import annotations

import hashlib
import random
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import made_dip
import polars as pl
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from made_dip import MEANS, claim, frame, month, policy

from drg.claims.profiles import match_columns
from drg.cli import cli
from drg.dates import Month
from drg.dip.point_value import month_payment
from drg.money import round_scaled
from drg.reports.dip_results import RESULT_COLUMNS, dip_results
from drg.scale.settle_file import settle_file
from drg.settlement.matters import DECISION_SCHEMA
from drg.settlement.run import MonthRun, settle_month
from drg.settlement.settled import Settlement
from drg.settlement.store import read_settlement

JUNE = Month(2025, 6)
REGISTER = pl.DataFrame(
    {"hospital_id": ["H1", "H2", "H3"], "name": ["一院", "二院", "三院"],
     "level": ["三级甲等", "二级", "一级"]}
)  # fmt: skip
RULE = policy(
    coefficients=[{"hospital_level": "三级", "coefficient": "1.08"}],
    deviation={"rule": "spec2020", "means": MEANS},
    review={"cap": "0.02"},
    month={"prepay": "0.95", "retention": "0.05", "dispute_advance": "0.8"},
)


@pytest.fixture(autouse=True)
def _no_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRG_LANG", "zh")


def settle(rows: list[made_dip.Row], **given_: object) -> Settlement:
    found = settle_month(frame(rows), RULE, month=JUNE, hospitals=REGISTER, **given_)
    assert found.check() == []
    return found


def reviewed(claim_id: str, decision: str) -> pl.DataFrame:
    row = {"claim_id": claim_id, "matter": "special_review", "decision": decision, "row": 2}
    return pl.DataFrame([row], schema=DECISION_SCHEMA, strict=False)


def claims_of(found: Settlement) -> pl.DataFrame:
    return found.claims.lazy().collect()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_a_month_keeps_every_fen(seed: int) -> None:
    rows = month(60, random.Random(seed))
    found = settle(rows)
    told = claims_of(found)
    paid = told.filter(pl.col("pay_mode") == "DIP")
    assert int(found.hospitals["fund_fen"].sum()) == int(paid["fund_fen"].sum())
    assert int(found.hospitals["cost_fen"].sum()) == int(told["cost_fen"].sum())
    batches = ("advance", "retention", "dispute_withheld", "held", "deduction", "suspended",
               "balance")  # fmt: skip
    kept = sum(int(found.hospitals[f"{name}_fen"].sum()) for name in batches)
    assert kept == int(paid["fund_fen"].sum())


def test_the_months_formula() -> None:
    """(Σ score × point value - patients' payments) × prepay, where no case falls below zero."""
    rule = policy(point_values=[{"yuan": "11.5"}], month={"prepay": "0.90"})
    rows = [claim(claim_id=f"C{n}", score=f"{n}000") for n in (1, 2, 3)]
    found = settle_month(frame(rows), rule, month=JUNE)
    expected = month_payment(6000, "11.5", 6000, "0.90")
    own = found.hospitals.row(0, named=True)
    assert Fraction(own["advance_fen"], 100) == expected.prepaid
    assert Fraction(own["balance_fen"], 100) == expected.retained
    entries = found.ledger.entries
    assert {*entries["rule"]} == {"B.5.standard", "F.2.advance", "A.8.prepay"}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 50), max_size=3))
def test_parts_of_a_month_come_to_the_whole(seed: int, cuts: list[int]) -> None:
    rows = month(50, random.Random(seed))
    whole = settle(rows)
    run = MonthRun(RULE, JUNE, hospitals=REGISTER)
    source = frame(rows)
    columns = match_columns(source.columns, source.schema)
    edges = [0, *sorted(cuts), len(rows)]
    parts = [source[a:b] for a, b in pairwise(edges)]
    for part in parts:
        run.assess(part, columns)
    run.decide(source.lazy(), columns)
    claims = pl.concat([run.finish(part, columns) for part in parts])
    assert claims.equals(claims_of(whole))
    assert run.close().settlement(claims).ledger.entries.equals(whole.ledger.entries)


def test_settled_again_nothing_changes_and_late_claims_are_added() -> None:
    rows = month(60, random.Random(7))
    first = settle(rows[:40])
    again = settle(rows[:40], before=first)
    assert again.ledger.entries.equals(first.ledger.entries)
    assert again.changed is False
    late = settle(rows, before=first)
    assert late.run == 2
    assert late.ledger.entries.filter(pl.col("run") == 1).equals(first.ledger.entries)
    fund = claims_of(settle(rows)).filter(pl.col("pay_mode") == "DIP")["fund_fen"].sum()
    assert claims_of(late).filter(pl.col("pay_mode") == "DIP")["fund_fen"].sum() == fund


def test_another_score_under_the_same_version_is_a_conflict() -> None:
    first = settle([claim()])
    again = settle([claim(score="1.0000")], before=first)
    assert again.findings["code"].to_list() == ["P617"]
    row = claim(score="1.0000") | {"version": 2}
    second = pl.concat([frame([claim()])]).with_columns(
        score=pl.lit("1.0000").cast(pl.Decimal(18, 4)), version=pl.lit(row["version"])
    )
    replaced = settle_month(second, RULE, month=JUNE, hospitals=REGISTER, before=first)
    assert replaced.check() == []
    assert [str(p) for p in claims_of(replaced)["points"]] == ["1.0800"]


def test_a_review_after_the_month_prices_its_claim_anew() -> None:
    rows = [claim(claim_id=f"C{n:03}", total_cost="12000.00") for n in range(99)]
    rows.append(claim(claim_id="C099", total_cost="90000.00"))
    first = settle(rows)
    assert claims_of(first)["payment_note"].drop_nulls().to_list() == ["P652"]
    decided = reviewed("C099", "by_item")
    second = settle(rows, before=first, decisions=decided)
    last = claims_of(second).filter(pl.col("claim_id") == "C099").row(0, named=True)
    assert (last["branch"], last["price_fen"]) == ("REVIEW_BY_ITEM", 9_000_000)
    assert settle(rows, before=second, decisions=decided).changed is False
    refused = settle(rows, before=first, decisions=reviewed("C099", "rejected"))
    last = claims_of(refused).filter(pl.col("claim_id") == "C099").row(0, named=True)
    assert (last["branch"], last["case_class"], str(last["points"])) == (
        "STANDARD", "EXTREME", "1333.3332"
    )  # fmt: skip


# ---- as a user does it


def run(*args: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_a_month_from_the_command_line(tmp_path: Path) -> None:
    rows = month(120, random.Random(5))
    source = frame(rows).with_columns(scheme=pl.lit("taian-2025"))
    source.write_parquet(tmp_path / "june.parquet")
    REGISTER.write_csv(tmp_path / "hospitals.csv")
    args = ("-p", "dip-demo-2025", "--month", "2025-06", "--hospitals", tmp_path / "hospitals.csv")
    out = run("settle", tmp_path / "june.parquet", *args, "-o", tmp_path / "out", code=1).output
    assert "按病种分值（DIP）" in out
    assert "最终分值合计" in out
    assert "7.4318" in out
    before = digests(tmp_path / "out")
    assert "dip_results.parquet" in before
    run("settle", tmp_path / "june.parquet", *args, "-o", tmp_path / "out", code=1)
    assert digests(tmp_path / "out") == before
    # The same claims as text, as a CSV has them, are the same claims.
    texts = source.with_columns(
        pl.col("score").cast(pl.String), pl.col("diagnoses").list.join("|"),
        pl.col("discharged_on").cast(pl.String),
    )  # fmt: skip
    texts.write_csv(tmp_path / "june.csv")
    found = run("settle", tmp_path / "june.csv", *args, "-o", tmp_path / "out", code=1).output
    assert "无变化" in found or digests(tmp_path / "out") == before
    run("settle", tmp_path / "june.csv", *args, "-o", tmp_path / "csv", code=1)
    both = [pl.read_parquet(tmp_path / n / "ledger.parquet") for n in ("out", "csv")]
    assert both[0].equals(both[1])
    other = source.with_columns(scheme=pl.lit("pingdingshan-2025"))
    other.write_parquet(tmp_path / "other.parquet")
    refused = CliRunner().invoke(
        cli, ["settle", str(tmp_path / "other.parquet"), *map(str, args), "-o", str(tmp_path / "x")]
    )
    assert "P426" in refused.output + refused.stderr
    assert not (tmp_path / "x").exists()


def test_statements_tell_scores(tmp_path: Path) -> None:
    fastexcel = pytest.importorskip("fastexcel")
    rows = frame(month(60, random.Random(6)))
    rows.write_parquet(tmp_path / "june.parquet")
    settle_file(tmp_path / "june.parquet", RULE, tmp_path / "out", month=JUNE)
    book = fastexcel.read_excel(str(tmp_path / "out" / "statements" / "H1.xlsx"))
    heads = book.load_sheet("病例明细", header_row=2).available_columns()
    names = [column.name for column in heads]
    assert {"最终分值", "病种分值", "点值（元）", "系数"} <= {*names}
    assert "权重" not in names
    assert "费率（元）" not in names
    page = (tmp_path / "out" / "summary.html").read_text("utf-8")
    assert "按病种分值（DIP）" in page


# ---- the columns of an agency


def table_of(found: Settlement, name: str) -> dict[str, int]:
    """A column of the claims of H1 that are paid by score, by claim."""
    own = claims_of(found).filter((pl.col("pay_mode") == "DIP") & (pl.col("hospital_id") == "H1"))
    return dict(own.select("claim_id", name).iter_rows())


def test_the_results_of_an_agency(tmp_path: Path) -> None:
    rows = [
        claim("K80.1:51.2300_dis3", claim_id="C1", auxiliary="dis3", score="2000"),
        claim(claim_id="C2", total_cost="25000.00", patient_paid="5000.00"),
        claim("I10", claim_id="C3", insurance="390", total_cost="1000.00", patient_paid="100.00"),
        claim(None, claim_id="C4"),
        *(claim(claim_id=f"D{n:03}", hospital_id="H2") for n in range(50)),
        claim(claim_id="C5", total_cost="60000.06"),
    ]
    found = settle(rows, decisions=reviewed("C5", "by_item"))
    table = dip_results(found, values={"310": Fraction(36, 5), "390": Fraction(20, 3)}, lang="zh")
    assert len(table.columns) == len(RESULT_COLUMNS) == len({*table.columns})
    assert table["结算编号"].to_list()[:3] == ["C1", "C2", "C3"]
    assert "C4" not in table["结算编号"].to_list()
    first, high, low = (table.row(n, named=True) for n in range(3))
    assert (first["疾病严重程度等级"], first["肿瘤严重程度等级"]) == ("dis3", None)
    assert (first["机构名称"], first["机构等级"], first["参保地"]) == ("一院", "三级甲等", "试")
    assert (first["病种类型"], low["病种类型"]) == ("核心病种·手术", "基层病种·保守治疗")
    assert (high["偏差标志"], high["偏差类型"]) == (True, "费用极高")
    assert high["偏差分值"] == high["最终分值"] > high["病种分值"]
    assert (low["偏差类型"], low["预算点值"]) == ("费用极低", Decimal("9.8765"))
    assert (low["结算点值"], first["结算点值"]) == (Decimal("6.6667"), Decimal("7.2000"))
    assert (high["病例支付比例"], low["病种支付比例"]) == (Decimal("0.8000"), Decimal("0.9000"))
    own = table.row(by_predicate=pl.col("结算编号") == "C5", named=True)
    assert own["特例单议标志"] is True
    assert own["特例单议分值"] == own["最终分值"]
    worth = Fraction(6_000_006, 100) / Fraction(255, 22)
    assert Fraction(own["最终分值"]) == Fraction(round(worth * 10**4), 10**4)
    english = dip_results(found, lang="en")
    assert english.columns[:3] == ["insured in", "claim", "case number"]
    assert english["settlement point value"].null_count() == english.height
    assert english["group class"][0] == "core·surgery"
    cost, patient = (table_of(found, name) for name in ("cost_fen", "patient_fen"))
    whole = sum(cost.values())
    own = Fraction(whole - sum(patient.values()), whole)
    assert set(table.filter(pl.col("机构编码") == "H1")["机构支付比例"]) == {
        Decimal(round_scaled(own)).scaleb(-4)
    }
    settle_file_of = tmp_path / "june.parquet"
    frame(rows).write_parquet(settle_file_of)
    settle_file(settle_file_of, RULE, tmp_path / "out", month=JUNE, statements=False)
    kept = read_settlement(tmp_path / "out", whole=True)
    assert dip_results(kept, RULE, lang="zh").height == pl.read_parquet(
        tmp_path / "out" / "dip_results.parquet"
    ).height  # fmt: skip
