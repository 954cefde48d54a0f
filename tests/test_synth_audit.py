"""Made-up settlement lists: whole, adding up, and with defects that the named rules find."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from polars.testing import assert_frame_equal

from drg.audit.engine import Audit, AuditResult
from drg.audit.rules import load_rules
from drg.claims.items import type_items
from drg.claims.profiles import match_columns
from drg.claims.synth import synth
from drg.claims.synth_audit import ITEM_SCHEMA, Made, audit_defects, list_schema, with_lists
from drg.cli import cli
from drg.schemes.catalog import load_scheme

NATIONAL = "chs-drg-2.0"
SEED = 5
CLAIMS = 3_000


@pytest.fixture(scope="module")
def claims() -> pl.DataFrame:
    return synth(load_scheme(NATIONAL), CLAIMS, SEED, defects=0)


@pytest.fixture(scope="module")
def seeded(claims: pl.DataFrame) -> Made:
    return with_lists(claims, SEED, defects=0.9, labels=True)


def audited(made: Made, grouper) -> AuditResult:
    columns = match_columns(made.claims.columns, dict(made.claims.schema))
    audit = Audit(load_rules("demo"), lang="zh")
    items = type_items(made.items).of(made.claims["claim_id"])
    audit.add(made.claims, columns, grouper.results_frame(made.claims, columns), items)
    return audit.finish()


def check_seeds(made: Made, found: AuditResult) -> set[str]:
    """Every seeded claim is found by its rule, no other one is refused; the defects there were."""
    labels = made.claims.select("audit_defect").with_row_index("row", offset=1)
    labels = labels.cast({"row": pl.Int64}).drop_nulls()
    rules = audit_defects().select(audit_defect="defect", rule="rule")
    wanted = labels.join(rules, on="audit_defect", how="left")
    hits = found.findings.filter(pl.col("result") == "hit")
    missed = wanted.join(hits, on=["row", "rule"], how="anti")
    assert missed["audit_defect"].unique().to_list() == []
    clean = hits.join(labels, on="row", how="anti")
    hard = clean.filter(pl.col("level") != "review")
    assert hard.select("rule", "evidence").rows() == []
    return set(labels["audit_defect"])


def test_every_seeded_defect_is_found_and_no_clean_claim_is_refused(
    claims: pl.DataFrame, seeded: Made, national
) -> None:
    seen = check_seeds(seeded, audited(seeded, national))
    # Newborns, deliveries and intensive care are few: these alone, again and again.
    few = claims.filter(
        (pl.col("age_days") <= 28)
        | (pl.col("icu_hours") > 0)
        | pl.col("diagnoses").list.first().str.contains("^O8[0-4]")
    )
    for seed in range(4):
        made = with_lists(few, seed, defects=1, labels=True)
        seen |= check_seeds(made, audited(made, national))
    assert seen == set(audit_defects()["defect"])


@pytest.mark.long
def test_a_large_run_has_no_false_refusal(national) -> None:
    claims = synth(load_scheme(NATIONAL), 100_000, 11, defects=0)
    made = with_lists(claims, 11, defects=0.05, labels=True)
    check_seeds(made, audited(made, national))


def test_lists_are_whole_and_charges_add_up(claims: pl.DataFrame) -> None:
    made = with_lists(claims, SEED)
    assert made.claims.schema == list_schema()
    assert made.items.schema == ITEM_SCHEMA
    assert made.claims["item_total"].equals(made.claims["total_cost"].alias("item_total"))
    amounts = made.items.group_by("claim_id").agg(pl.col("amount").cast(pl.Decimal(38, 2)).sum())
    totals = made.claims.select("claim_id", amount=pl.col("total_cost").cast(pl.Decimal(38, 2)))
    assert_frame_equal(amounts, totals, check_row_order=False)
    yuan = pl.col("total_cost", "patient_paid", "fund_paid").cast(pl.Decimal(18, 2))
    assert (
        made.claims.select(yuan)
        .select((pl.col("total_cost") == pl.col("patient_paid") + pl.col("fund_paid")).all())
        .item()
    )
    # Days, ids and money are those of the plain claims.
    same = ["claim_id", "patient_id", "admitted_on", "discharged_on", "total_cost", "patient_paid"]
    assert_frame_equal(made.claims.select(same), claims.select(same))


def test_cutting_into_batches_changes_nothing(claims: pl.DataFrame, seeded: Made) -> None:
    head = with_lists(claims.head(500), SEED, defects=0.9, labels=True)
    tail = with_lists(claims.slice(500), SEED, 500, defects=0.9, labels=True)
    assert_frame_equal(pl.concat([head.claims, tail.claims]), seeded.claims)
    assert_frame_equal(pl.concat([head.items, tail.items]), seeded.items)


def test_seed_and_share_decide(claims: pl.DataFrame, seeded: Made) -> None:
    other = with_lists(claims, SEED + 1, defects=0.9, labels=True).claims
    assert not other["audit_defect"].equals(seeded.claims["audit_defect"])
    assert with_lists(claims, SEED, labels=True).claims["audit_defect"].null_count() == CLAIMS
    marked = CLAIMS - seeded.claims["audit_defect"].null_count()
    assert 0 < marked < 0.9 * CLAIMS


def test_an_unknown_action_is_refused(tmp_path: Path) -> None:
    from drg.claims.synth_audit import _defects

    table = tmp_path / "audit_defect.csv"
    table.write_text("defect,rule,share,fits,action,argument\nx,A101,1,any,vanish,\n", "utf-8")
    with pytest.raises(ValueError, match="vanish"):
        _defects(table)


def test_the_command_makes_lists_and_charges(tmp_path: Path) -> None:
    out, items = tmp_path / "lists.parquet", tmp_path / "items.csv"
    args = ["synth", "-s", "demo", "-n", "300", "-o", str(out), "--audit", "0.5", "--labels"]
    result = CliRunner().invoke(cli, [*args, "--items", str(items)])
    assert result.exit_code == 0, result.output
    lists = pl.read_parquet(out)
    assert lists.columns == [*list_schema().names(), "audit_defect"]
    assert lists["audit_defect"].n_unique() > 20
    charges = pl.read_csv(items, infer_schema=False)
    assert set(charges["claim_id"]) <= set(lists["claim_id"])
    same = CliRunner().invoke(cli, [*args, "--items", str(out)])
    assert same.exit_code == 2
    assert "C201" in same.output
