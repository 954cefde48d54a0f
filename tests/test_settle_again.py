"""A month settled in several runs: late claims, decisions made since, two runs at once, damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
import test_settle
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from test_settle import HOSPITALS, JUNE, POLICY, claims, digests, error, settle, whole
from test_year import BudgetRules, clear, item_claim, of, policy, quotas, settled_year

from drg.dates import Month
from drg.errors import InputError
from drg.payment.policy import Policy
from drg.payment.policy.catalog import load_policy
from drg.payment.pricing.levels import level_of
from drg.scale.clear_folders import clear_folders
from drg.scale.settle_file import settle_file
from drg.settlement.inputs import read_decisions, read_hospitals
from drg.settlement.ledger import Ledger, SettlementError
from drg.settlement.one_run import one_run, set_aside
from drg.settlement.run import settle_month
from drg.settlement.settled import Settlement
from drg.settlement.store import draft_folder, read_settlement, save_settlement

place = test_settle.place
REGISTER = pl.DataFrame({"hospital_id": HOSPITALS, "level": ["三级", "二级", "二级"]})
GRANTED = ("REVIEW_BY_ITEM", "REVIEW_ADJUSTED")


def capped(**outliers: object) -> Policy:
    """The demo's policy, with caps small enough for a month of a test."""
    found = load_policy(POLICY)
    assert found.drg is not None
    assert found.drg.outliers is not None
    changed = found.drg.outliers.model_copy(update=outliers)
    return found.model_copy(update={"drg": found.drg.model_copy(update={"outliers": changed})})


def rows_of(settlement: Settlement) -> pl.DataFrame:
    return settlement.claims.lazy().collect()


def review(path: Path, refs: list[str], decision: str = "by_item", amount: str = "") -> Path:
    lines = [f"{ref},special_review,{decision},{amount}" for ref in refs]
    path.write_text("\n".join(["claim_id,matter,decision,amount", *lines]) + "\n", "utf-8")
    return path


# ---- caps and ceilings that late claims find used up


@settings(deadline=None, max_examples=20)
@given(
    st.integers(0, 999),
    st.lists(st.integers(0, 300), min_size=1, max_size=3),
    st.sampled_from(["hospital", "region"]),
)
def test_no_cap_is_passed_by_late_claims(seed: int, cuts: list[int], scope: str) -> None:
    rules = capped(cap_scope=scope)
    frame = claims(300, seed)
    ends = sorted({*cuts, 300})
    found: Settlement | None = None
    paid: dict[str, int] = {}
    for start, end in zip([0, *ends], ends, strict=False):
        part = frame.slice(start, end - start)
        found = settle_month(part, rules, month=JUNE, hospitals=REGISTER, before=found)
        assert found.check() == []
        rows = rows_of(found)
        # What was paid before stands.
        now = dict(rows.select("ref", "fund_fen").iter_rows())
        assert {ref: now[ref] for ref in paid} == paid
        paid = now
        cases = rows.filter(pl.col("pay_mode") == "DRG")
        by = ["hospital_id"] if scope == "hospital" else [pl.lit("all").alias("unit")]
        counts = cases.group_by(by).agg(
            pl.len().cast(pl.Int64).alias("n"), high=(pl.col("branch") == "HIGH_BY_ITEM").sum()
        )
        assert (counts["high"] <= counts["n"] * 5 // 100).all()
    assert found is not None
    again = settle_month(frame, rules, month=JUNE, hospitals=REGISTER, before=found)
    assert not again.changed


def test_a_cap_is_shared_by_the_runs() -> None:
    rules, frame = capped(), claims(600, 5)
    whole_month = rows_of(settle_month(frame, rules, month=JUNE, hospitals=REGISTER))
    first = settle_month(frame.head(300), rules, month=JUNE, hospitals=REGISTER)
    second = settle_month(
        frame.tail(300), rules, month=JUNE, hospitals=REGISTER, before=first
    )  # fmt: skip
    high = [
        int((rows["branch"] == "HIGH_BY_ITEM").sum()) for rows in (whole_month, rows_of(second))
    ]
    # As many places, though perhaps not the same cases: the first run's keep theirs.
    assert 0 < high[1] <= high[0]
    assert (rows_of(first)["branch"] == "HIGH_BY_ITEM").sum() > 0


def test_a_ceiling_of_the_year_is_paid_once() -> None:
    rules = load_policy(ROOT / "examples" / "policies" / "chongqing.toml")
    assert rules.outpatient is not None
    assert rules.outpatient.annual_cap is not None
    visits = claims(90, 3).with_columns(
        patient_id=pl.lit("P1"), care_type=pl.lit("11"), total_cost=pl.lit("40.00"),
        patient_paid=pl.lit("40.00"), eligible_cost=pl.lit("40.00"), hospital_id=pl.lit("H1"),
        outcome=pl.lit("GROUPED"),
    )  # fmt: skip
    register = REGISTER.with_columns(level=pl.lit("一级"))
    found: Settlement | None = None
    for start in range(0, 90, 30):
        part = visits.slice(start, 30)
        found = settle_month(part, rules, month=JUNE, hospitals=register, before=found)
    assert found is not None
    assert rows_of(found)["fund_fen"].sum() == rules.outpatient.annual_cap
    july = visits.with_columns(
        claim_id="X" + pl.col("claim_id"),
        discharged_on=pl.col("discharged_on").str.replace("-06-", "-07-"),
    )
    later = settle_month(july, rules, month=Month(2025, 7), hospitals=register, prior=[found])
    assert rows_of(later)["fund_fen"].sum() == 0


# ---- decisions made after the month was settled


def test_a_review_after_the_month(place: Path) -> None:
    settle(place)
    first = whole(place / "out")
    dear = rows_of(first).filter(pl.col("branch") == "HIGH_OVER_CAP")["ref"].to_list()[0]
    more = ("--decisions", review(place / "review.csv", [dear]))
    settle(place, "june.parquet", "out", *more)
    second = whole(place / "out")
    row = rows_of(second).filter(pl.col("ref") == dear).row(0, named=True)
    assert (row["branch"], row["hospital_fen"]) == ("REVIEW_BY_ITEM", 0)
    new = second.ledger.entries.slice(first.ledger.entries.height)
    assert set(new.filter(pl.col("subject") == "claim")["ref"]) == {dear}
    # The same once more, or without the decision, changes nothing.
    before = digests(place / "out")
    settle(place, "june.parquet", "out", *more)
    settle(place)
    assert digests(place / "out") == before
    # Another amount, and the way back.
    review(place / "review.csv", [dear], "adjusted", "1234.56")
    settle(place, "june.parquet", "out", *more)
    row = rows_of(whole(place / "out")).filter(pl.col("ref") == dear).row(0, named=True)
    assert (row["branch"], row["price_fen"]) == ("REVIEW_ADJUSTED", 123_456)
    review(place / "review.csv", [dear], "rejected")
    settle(place, "june.parquet", "out", *more)
    settle(place, "june.parquet", "out", *more)
    third = whole(place / "out")
    assert third.hospitals.equals(first.hospitals)
    assert third.run == 4


def test_reviews_given_again_keep_their_places(tmp_path: Path) -> None:
    rules, frame = capped(), claims(400, 8)
    every = frame["claim_id"].gather_every(2).to_list()
    decided = read_decisions(review(tmp_path / "r.csv", every))
    found: Settlement | None = None
    granted: set[str] = set()
    for start in (0, 150, 300):
        found = settle_month(
            frame.slice(start, 150), rules, month=JUNE, hospitals=REGISTER, decisions=decided,
            before=found,
        )  # fmt: skip
        rows = rows_of(found)
        now = set(rows.filter(pl.col("branch").is_in(GRANTED))["ref"])
        assert granted <= now
        assert len(now) == (rows["pay_mode"] == "DRG").sum() * 5 // 100
        granted = now
    again = settle_month(
        frame, rules, month=JUNE, hospitals=REGISTER, decisions=decided, before=found
    )
    assert not again.changed


def test_a_payment_is_not_lost_with_the_register(place: Path) -> None:
    settle(place)
    first = whole(place / "out")
    ref = rows_of(first).filter(pl.col("branch") == "STANDARD")["ref"][0]
    decided = read_decisions(review(place / "review.csv", [ref]))
    frame = pl.read_parquet(place / "june.parquet")
    again = settle_month(frame, load_policy(POLICY), month=JUNE, decisions=decided, before=first)
    assert again.hospitals["fund_fen"].sum() == first.hospitals["fund_fen"].sum()
    assert ref not in again.findings["claim"].to_list()


# ---- rows that contradict each other


@pytest.mark.parametrize("form", ["june.parquet", "june.csv"])
def test_other_diagnoses_under_one_id_pay_nothing(place: Path, form: str) -> None:
    frame = pl.read_parquet(place / "june.parquet").filter(pl.col("outcome") == "GROUPED").head(20)
    other = frame.head(1).with_columns(diagnoses=pl.lit("I10.x00"))
    same = frame.slice(1, 1)
    whole_file = pl.concat([frame, other, same])
    whole_file.write_parquet(place / "june.parquet")
    whole_file.write_csv(place / "june.csv")
    settle(place, form)
    found = whole(place / "out")
    rows = rows_of(found)
    first, second = rows.head(2).select("ref", "pay_mode", "payment_note").rows()
    assert first == (frame["claim_id"][0], "UNPAID", "P617")
    assert second == (frame["claim_id"][1], "DRG", None)
    noted = found.findings.select("row", "claim", "code").rows()
    assert {(1, first[0], "P617"), (21, first[0], "P617"), (22, second[0], "P618")} <= {*noted}
    before = digests(place / "out")
    settle(place, form)
    assert digests(place / "out") == before


def test_a_finding_is_told_once_wherever_its_claim_stands(place: Path) -> None:
    frame = pl.read_parquet(place / "june.parquet")
    settle(place)
    before = digests(place / "out")
    frame.reverse().write_parquet(place / "june.parquet")
    settle(place)
    assert digests(place / "out") == before


# ---- one run at a time


def test_a_second_run_in_the_folder_is_refused(place: Path) -> None:
    settle(place)
    before = digests(place / "out")
    with one_run(place / "out"):
        line = error(
            "settle", place / "june.parquet", "-p", POLICY, "--month", "2025-06", "-o",
            place / "out", code=2,
        )  # fmt: skip
        assert "F211" in line
        assert "另一次运行" in line
        with pytest.raises(InputError, match="F211"):
            save_settlement(read_settlement(place / "out"), place / "out")
        with pytest.raises(InputError, match="F211"):
            clear_folders([place], load_policy(POLICY), place / "out", year=2025)
    assert digests(place / "out") == before
    assert not list(place.glob(".*"))
    settle(place)


def test_a_lock_that_was_left_behind_locks_nothing(place: Path) -> None:
    (place / ".out.lock").touch()
    settle(place)
    assert not list(place.glob(".*"))


def test_a_refused_run_leaves_no_folders_above(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        settle_file(tmp_path / "no.csv", load_policy(POLICY), tmp_path / "a" / "b", month=JUNE)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_leaves_a_folder_alone_that_is_being_replaced(place: Path) -> None:
    settle(place)
    out = place / "out"
    with one_run(out):
        out.rename(set_aside(out))
        with pytest.raises(SettlementError, match="P433"):
            read_settlement(out)
        assert set_aside(out).is_dir()
    assert whole(out).run == 1


def test_an_interrupt_between_the_two_moves(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(place)
    out, before = place / "out", digests(place / "out")
    move = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.name.startswith(".out-"):
            raise KeyboardInterrupt
        return move(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), draft_folder(out) as draft:
        (draft / "ledger.parquet").write_text("x")
    assert digests(out) == before
    assert not list(place.glob(".*"))


def test_a_settlement_that_does_not_continue_the_folder(place: Path) -> None:
    rules, frame = load_policy(POLICY), pl.read_parquet(place / "june.parquet")
    first = settle_month(frame.head(50), rules, month=JUNE, hospitals=REGISTER)
    second = settle_month(frame, rules, month=JUNE, hospitals=REGISTER, before=first)
    save_settlement(first, place / "out")
    save_settlement(second, place / "out")
    with pytest.raises(SettlementError, match="P492"):
        save_settlement(first, place / "out")
    assert whole(place / "out").run == 2


# ---- folders that were touched


@pytest.mark.parametrize("role", ["-o", "--prior"])
def test_claims_that_were_changed_are_refused(place: Path, role: str) -> None:
    claims(60, 3, month="2025-05").write_parquet(place / "may.parquet")
    settle(place, "may.parquet", "may", month="2025-05", code=0)
    settle(place)
    folder = place / ("may" if role == "--prior" else "out")
    rows = pl.read_parquet(folder / "claims.parquet")
    rows.with_columns(pl.col("fund_fen").reverse()).write_parquet(folder / "claims.parquet")
    line = error(
        "settle", place / "june.parquet", "-p", POLICY, "--month", "2025-06", "-o", place / "out",
        "--prior", place / "may", code=3,
    )  # fmt: skip
    assert "P435" in line
    assert "claims.parquet" in line


def test_a_month_under_another_name(place: Path) -> None:
    settle(place)
    manifest = place / "out" / "settlement.toml"
    manifest.write_text(manifest.read_text("utf-8").replace('"2025-06"', '"2025-05"'), "utf-8")
    with pytest.raises(SettlementError, match="P435"):
        read_settlement(place / "out")


# ---- what the check finds


@pytest.fixture(scope="module")
def june() -> Settlement:
    return settle_month(claims(200), load_policy(POLICY), month=JUNE, hospitals=REGISTER)


def moved(june: Settlement, key: str, to: str) -> pl.DataFrame:
    """A paid claim under another hospital or insurance, and its batches with it."""
    entries = june.ledger.entries
    one = entries.filter((pl.col("account") == "fund") & (pl.col(key) != to) & (pl.col("fen") > 0))
    head = one.row(0, named=True)
    entries = entries.with_columns(
        pl.when(pl.col("ref") == head["ref"]).then(pl.lit(to)).otherwise(key).alias(key)
    )
    batch = (pl.col("account") == "advance") & pl.all_horizontal(
        pl.col(name) == head[name] for name in ("hospital", "insurance") if name != key
    )
    fen = (
        pl.when(batch & (pl.col(key) == head[key])).then(pl.col("fen") - head["fen"])
        .when(batch & (pl.col(key) == to)).then(pl.col("fen") + head["fen"])
        .otherwise("fen")
    )  # fmt: skip
    return entries.with_columns(fen.alias("fen"))


def with_batches(june: Settlement, *accounts: str) -> pl.DataFrame:
    entries = june.ledger.entries
    last = entries.filter(pl.col("subject") == "batch").tail(1)
    more = [
        last.with_columns(
            seq=pl.lit(entries.height + n, pl.Int64),
            account=pl.lit(account, entries.schema["account"]),
            fen=pl.lit(100, pl.Int64),
        )
        for n, account in enumerate(accounts, start=1)
    ]
    return pl.concat([entries, *more])


def test_the_check_finds_what_sums_alone_do_not_show(june: Settlement) -> None:
    assert june.check() == []
    for entries, kinds in (
        (moved(june, "hospital", "H2"), {"party"}),
        (moved(june, "insurance", "390"), {"party"}),
        (with_batches(june, "fund", "advance"), {"account"}),
        (with_batches(june, "reward"), {"account"}),
        (with_batches(june, "statistics"), {"account"}),
    ):
        faults = Ledger(entries).check(june.claims)
        assert {fault.kind for fault in faults} == kinds
        for lang in ("zh", "en"):
            assert all("{" not in fault.line(lang) for fault in faults)
    parts = june.ledger.entries.with_columns(
        period=pl.when(pl.col("hospital") == "H1").then(pl.lit("2025-05")).otherwise("period")
    )
    assert {fault.kind for fault in Ledger(parts).check(june.claims)} == {"period"}
    other = Ledger(june.ledger.entries.with_columns(period=pl.lit("2025-05")))
    fields = {name: getattr(june, name) for name in june.__dataclass_fields__}
    assert {f.kind for f in Settlement(**{**fields, "ledger": other}).check()} == {"period"}


# ---- the register, and what a quota counts


@pytest.mark.parametrize("head", ["hosp_lv", "HOSP_LV", "medins_lv"])
def test_codes_of_levels(tmp_path: Path, head: str) -> None:
    rows = [f"H{code},{code}" for code in range(1, 15)]
    (tmp_path / "h.csv").write_text("\n".join([f"fixmedins_code,{head}", *rows]) + "\n", "utf-8")
    levels = read_hospitals(tmp_path / "h.csv")["level"].to_list()
    assert levels[1] == "三级甲等"
    assert [level_of(level) for level in levels] == [
        level_of(str(code), codes=True) for code in range(1, 15)
    ]
    (tmp_path / "h.csv").write_text(f"fixmedins_code,{head}\nH1,15\n", "utf-8")
    with pytest.raises(SettlementError, match="P437"):
        read_hospitals(tmp_path / "h.csv")
    (tmp_path / "h.csv").write_text("fixmedins_code,level\nH1,2\n", "utf-8")
    assert level_of(read_hospitals(tmp_path / "h.csv")["level"][0]) == "2"


def test_what_is_outside_a_quota_is_left_out_once() -> None:
    given = [
        item_claim(1000, 0, outside_budget_cost="4.00"),
        item_claim(500, 0, mode="BED_DAY", outside_budget_cost="2.00"),
    ]
    for outside, counted in (
        (("BED_DAY", "negotiated_cancer_drug"), 600),
        (("BED_DAY",), 1000),
        (("negotiated_cancer_drug",), 900),
        ((), 1500),
    ):
        rules = policy(year={"surplus_keep": "1"}, budget=BudgetRules(outside=outside))
        found = clear(settled_year(given, rules), rules, budget=quotas(H1="10"))
        assert of(found, "H1")["counted_fen"] == counted


def test_taicang_leaves_bed_days_and_single_diseases_out() -> None:
    rules = load_policy("taicang-undated")
    assert rules.budget is not None
    assert rules.budget.outside == ("BED_DAY", "PER_DISEASE")


def test_an_earlier_clearing_is_put_back_first(place: Path) -> None:
    """A clearing killed between its two moves keeps what it had cleared before."""
    folder = place / "year"
    folder.mkdir()
    (folder / "settlement.toml").write_text("x")
    folder.rename(set_aside(folder))
    with one_run(folder):
        assert (folder / "settlement.toml").read_text() == "x"
    assert not set_aside(folder).exists()
    shutil.rmtree(folder)
