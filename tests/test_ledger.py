"""The ledger: append, reversal, totals, the file, and a check that finds whatever is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from priced_months import PERIOD, policy, priced

from drg.settlement.batches import month_batches
from drg.settlement.ledger import LEDGER_SCHEMA, Ledger, SettlementError
from drg.settlement.matters import MATTER_SCHEMA
from drg.settlement.posting import claim_entries, postings

NO_MATTERS = pl.DataFrame(schema=MATTER_SCHEMA)
RULES = policy(retention="0.1")


def settled(claims: pl.DataFrame) -> Ledger:
    ledger = Ledger().append(claim_entries(postings(claims, RULES), PERIOD))
    return ledger.append(month_batches(ledger, NO_MATTERS, RULES, PERIOD).entries)


@pytest.fixture(scope="module")
def claims() -> pl.DataFrame:
    return priced(200)


@pytest.fixture(scope="module")
def ledger(claims: pl.DataFrame) -> Ledger:
    return settled(claims)


def test_a_month_is_posted_claim_by_claim(claims: pl.DataFrame, ledger: Ledger) -> None:
    entries = ledger.entries
    assert entries.schema == LEDGER_SCHEMA
    assert entries["seq"].to_list() == list(range(1, entries.height + 1))
    posted = entries.filter(pl.col("subject") == "claim")
    assert posted["ref"].unique(maintain_order=True).to_list() == claims["ref"].to_list()
    by_claim = posted.group_by("ref", maintain_order=True).agg(
        pl.col("fen").sum(), pl.col("account").cast(pl.String)
    )
    assert by_claim["fen"].to_list() == claims["cost_fen"].fill_null(0).to_list()
    shapes = {"paid": ["fund", "patient", "hospital"], "STATISTICS": ["statistics"],
              "UNPAID": ["unsettled"]}  # fmt: skip
    wanted = [shapes.get(str(mode), shapes["paid"]) for mode in claims["pay_mode"]]
    assert by_claim["account"].to_list() == wanted


def test_rules_name_base_branch_and_reason(claims: pl.DataFrame, ledger: Ledger) -> None:
    rules = dict(
        ledger.entries.filter(pl.col("subject") == "claim")
        .group_by("rule")
        .agg(pl.col("ref").n_unique())
        .iter_rows()
    )
    modes = dict(claims["pay_mode"].cast(pl.String).value_counts().iter_rows())
    assert rules == {
        "A.5.actual": modes["DRG"],
        "0.4.by_item": modes["BY_ITEM"],
        "0.4.scope.standard": modes["STATISTICS"],
        "0.4.unpaid.P602": modes["UNPAID"],
    }


def test_batches_add_up_to_the_fund(ledger: Ledger) -> None:
    kept = pl.col("account").is_in(["fund", "advance", "retention"])
    sums = (
        ledger.totals("hospital", "insurance", "account")
        .filter(kept)
        .pivot("account", index=["hospital", "insurance"], values="fen")
    )
    assert (sums["advance"] + sums["retention"] == sums["fund"]).all()
    assert ledger.check() == []


def test_a_good_ledger_holds(claims: pl.DataFrame, ledger: Ledger) -> None:
    assert ledger.check(claims) == []
    assert ledger.check(claims.lazy()) == []


def test_the_file_is_the_ledger(ledger: Ledger, tmp_path: Path) -> None:
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    ledger.write(first)
    Ledger.read(first).write(second)
    assert first.read_bytes() == second.read_bytes()
    assert Ledger.read(first).entries.equals(ledger.entries)


def test_another_file_is_no_ledger(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame({"seq": [1]}).write_parquet(path)
    with pytest.raises(SettlementError, match="P431"):
        Ledger.read(path)


def test_a_reversal_and_a_new_entry(claims: pl.DataFrame, ledger: Ledger) -> None:
    ref = claims.filter(pl.col("pay_mode") == "DRG")["ref"][0]
    old = ledger.entries.filter(pl.col("ref") == ref)
    changed = claims.filter(pl.col("ref") == ref).with_columns(
        pl.lit(2, pl.Int32).alias("settled_version"), pl.col("fund_fen") + 100,
        pl.col("hospital_fen") + 100,
    )  # fmt: skip
    after = ledger.reverse(old["seq"], run=2)
    after = after.append(claim_entries(postings(changed, RULES), PERIOD), run=2)
    after = after.append(month_batches(after, NO_MATTERS, RULES, PERIOD).entries, run=2)
    assert after.runs == 2
    assert after.entries.head(ledger.entries.height).equals(ledger.entries)
    now = pl.concat([claims.filter(pl.col("ref") != ref), changed])
    assert after.check(now) == []
    assert {fault.kind for fault in after.check(claims)} >= {"missing", "unknown"}
    gain = after.totals("account").join(ledger.totals("account"), on="account", suffix="_before")
    moved = dict(
        gain.select("account", pl.col("fen") - pl.col("fen_before"))
        .filter(pl.col("fen") != 0)
        .rows()
    )
    assert moved == {"fund": 100, "hospital": -100, "advance": 90, "retention": 10}


@pytest.mark.parametrize("seqs", [[10**6], [0]])
def test_what_is_not_there_cannot_be_taken_back(ledger: Ledger, seqs: list[int]) -> None:
    with pytest.raises(SettlementError, match="P430"):
        ledger.reverse(seqs)


def test_an_entry_is_taken_back_once(ledger: Ledger) -> None:
    once = ledger.reverse([1])
    with pytest.raises(SettlementError, match="P430"):
        once.reverse([1])
    with pytest.raises(SettlementError, match="P430"):
        once.reverse([once.entries.height])


def paid(entries: pl.DataFrame) -> int:
    """Seq of some claim's fund entry."""
    return int(entries.filter((pl.col("account") == "fund") & (pl.col("fen") > 100))["seq"][3])


def renumbered(entries: pl.DataFrame) -> pl.DataFrame:
    return entries.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("seq"))


def without_a_claim(entries: pl.DataFrame) -> pl.DataFrame:
    ref = entries.filter(pl.col("seq") == paid(entries))["ref"][0]
    return renumbered(entries.filter(pl.col("ref") != ref))


def with_a_claim_twice(entries: pl.DataFrame) -> pl.DataFrame:
    ref = entries.filter(pl.col("seq") == paid(entries))["ref"][0]
    return renumbered(pl.concat([entries, entries.filter(pl.col("ref") == ref)]))


def without_a_part(entries: pl.DataFrame) -> pl.DataFrame:
    return renumbered(entries.filter(pl.col("seq") != paid(entries) + 1))


def with_a_fen_more(account: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def change(entries: pl.DataFrame) -> pl.DataFrame:
        seq = entries.filter((pl.col("account") == account) & (pl.col("fen") > 0))["seq"][0]
        return entries.with_columns(pl.col("fen") + (pl.col("seq") == seq).cast(pl.Int64))

    return change


def with_a_fen_moved(entries: pl.DataFrame) -> pl.DataFrame:
    """From the fund to the patient: the claim's sum stays."""
    seq = paid(entries)
    moved = (pl.col("seq") == seq + 1).cast(pl.Int64) - (pl.col("seq") == seq).cast(pl.Int64)
    return entries.with_columns(pl.col("fen") + moved)


def with_another_version(entries: pl.DataFrame) -> pl.DataFrame:
    ref = entries.filter(pl.col("seq") == paid(entries))["ref"][0]
    return entries.with_columns(
        pl.when(pl.col("ref") == ref).then(2).otherwise("version").cast(pl.Int32).alias("version")
    )


def with_parts_exchanged(entries: pl.DataFrame) -> pl.DataFrame:
    """Two claims' patient parts under each other's ids."""
    rows = entries.filter((pl.col("account") == "patient") & (pl.col("fen") > 0)).head(2)
    first, second = rows["seq"]
    ref = (
        pl.when(pl.col("seq") == first).then(pl.lit(rows["ref"][1]))
        .when(pl.col("seq") == second).then(pl.lit(rows["ref"][0]))
        .otherwise("ref").alias("ref")
    )  # fmt: skip
    return entries.with_columns(ref)


WRONG = {
    "missing": (without_a_claim, {"missing", "batch"}),
    "twice": (with_a_claim_twice, {"twice", "amount", "batch"}),
    "part": (without_a_part, {"parts", "amount"}),
    "fund": (with_a_fen_more("fund"), {"amount", "batch"}),
    "patient": (with_a_fen_more("patient"), {"amount"}),
    "hospital": (with_a_fen_more("hospital"), {"amount"}),
    "statistics": (with_a_fen_more("statistics"), {"amount"}),
    "unsettled": (with_a_fen_more("unsettled"), {"amount"}),
    "moved": (with_a_fen_moved, {"amount", "batch"}),
    "advance": (with_a_fen_more("advance"), {"batch"}),
    "retention": (with_a_fen_more("retention"), {"batch"}),
    "version": (with_another_version, {"missing", "unknown"}),
    "exchanged": (with_parts_exchanged, {"amount", "parts"}),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_check_finds(name: str, claims: pl.DataFrame, ledger: Ledger) -> None:
    change, kinds = WRONG[name]
    faults = Ledger(change(ledger.entries)).check(claims)
    assert {fault.kind for fault in faults} == kinds
    for lang in ("zh", "en"):
        assert all("{" not in fault.line(lang) for fault in faults)


def test_the_check_finds_a_gap_and_a_false_reversal(ledger: Ledger) -> None:
    gap = Ledger(ledger.entries.filter(pl.col("seq") != 5))
    assert "sequence" in {fault.kind for fault in gap.check()}
    back = ledger.reverse([paid(ledger.entries)])
    other = back.entries.with_columns(
        pl.when(pl.col("reverses").is_not_null())
        .then(pl.col("fen") - 1)
        .otherwise("fen")
        .alias("fen")
    )
    assert "reversal" in {fault.kind for fault in Ledger(other).check()}
    twice = pl.concat([back.entries, back.entries.tail(1)])
    assert "reversal" in {fault.kind for fault in Ledger(renumbered(twice)).check()}


def test_the_check_finds_what_claims_say_otherwise(claims: pl.DataFrame, ledger: Ledger) -> None:
    changed = claims.with_columns(
        pl.when(pl.col("ref") == "C00010").then(pl.col("cost_fen") + 1).otherwise("cost_fen")
        .alias("cost_fen")
    )  # fmt: skip
    assert {fault.kind for fault in ledger.check(changed)} == {"amount"}
    twice = pl.concat([claims, claims.head(1)])
    assert {fault.kind for fault in ledger.check(twice)} == {"twice"}
    assert {f.kind for f in ledger.check(claims.head(10))} == {"unknown"}


def test_an_allocation_is_held_to_its_total(ledger: Ledger) -> None:
    retained = int(ledger.entries.filter(pl.col("account") == "retention")["fen"].sum())
    assert ledger.check(allocated={"F.2.retention": retained}) == []
    (fault,) = ledger.check(allocated={"F.2.retention": retained + 1})
    assert (fault.kind, fault.expected, fault.found) == ("allocation", retained + 1, retained)


def test_an_empty_ledger_holds(tmp_path: Path) -> None:
    ledger = settled(priced(0))
    assert ledger.check(priced(0)) == []
    ledger.write(tmp_path / "none.parquet")
    assert Ledger.read(tmp_path / "none.parquet").entries.is_empty()


@given(st.integers(1, 60), st.integers(0, 10**6), st.integers(1, 3), st.data())
def test_random_months_hold_and_any_changed_fen_is_found(
    count: int, seed: int, hospitals: int, data: st.DataObject
) -> None:
    claims = priced(count, seed, hospitals)
    ledger = settled(claims)
    assert ledger.check(claims) == []
    total = ledger.entries.filter(pl.col("subject") == "claim")["fen"].sum()
    assert total == claims["cost_fen"].fill_null(0).sum()
    seq = data.draw(st.integers(1, ledger.entries.height))
    more = data.draw(st.sampled_from([-1, 1, 10**6]))
    changed = ledger.entries.with_columns(
        pl.col("fen") + (pl.col("seq") == seq).cast(pl.Int64) * more
    )
    assert Ledger(changed).check(claims)
