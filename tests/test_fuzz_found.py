"""What fuzzing found, each as a test of its own; damaged Parquet has tests/test_probe.py."""

from __future__ import annotations

import polars as pl
import pytest

from drg.claims.readers import open_claims, open_file
from drg.errors import InputError
from drg.payment.mechanisms.disease_table import load_diseases
from drg.payment.policy.catalog import load_policy
from drg.payment.policy.errors import PolicyError
from drg.payment.weight_table import load_weight_table
from drg.scale.find import find_claims
from drg.scale.means import read_means
from drg.settlement.budget_file import load_budget
from drg.settlement.calendar import read_calendar
from drg.settlement.inputs import read_decisions, read_hospitals
from drg.settlement.warning_plan import table_cells

BASE = 'extends = "demo-2024"\nid = "made"\nsource = "S-PROJECT"\nstatus = "synthetic"\n'


@pytest.fixture
def policy(tmp_path):
    def load(lines):
        path = tmp_path / "made.toml"
        path.write_text(BASE + lines, encoding="utf-8")
        return load_policy(path)

    return load


@pytest.mark.parametrize("name", ["[drg.ratgs]\nrequired = true", "[drg]\nratgs={required=true}"])
def test_an_open_number_that_there_is_not(policy, name):
    with pytest.raises(PolicyError, match=r"P461.*drg\.ratgs.*rates"):
        policy(name)


def test_a_row_that_is_nothing_but_open(policy):
    with pytest.raises(PolicyError, match=r"P469.*drg\.rates\.0"):
        policy("[drg]\nrates = [{ required = true }]")


def test_an_entry_by_key_may_be_open(policy):
    wanted = policy('[drg.outliers.high]\n"三级" = { required = true }').wanted
    assert "drg.outliers.high.三级" in wanted


@pytest.mark.parametrize(
    ("load", "head"),
    [
        (load_weight_table, "group,weight"),
        (load_budget, "level,unit,insurance,period,step,amount"),
        (load_diseases, "disease,dx,standard"),
        (read_calendar, "date,kind"),
        (read_decisions, "claim_id,matter,decision"),
        (read_hospitals, "hospital_id,hospital_level"),
        (read_means, "group,cost_mean"),
        (table_cells, "unit,amount"),
    ],
)
def test_rows_too_short_and_too_long_may_not_even_out(tmp_path, load, head):
    """Counted over the whole file the fields are right; polars says otherwise, in its own words."""
    path = tmp_path / "made.csv"
    some = ",".join("1" for _ in head.split(","))
    path.write_text(f"{head}\n{some},1\n{some[:-2]}\n{some}\n", encoding="utf-8")
    with pytest.raises(InputError, match="F113"):
        load(path)


@pytest.mark.parametrize("sex", [b"", b"M", "男".encode(), b"\xff", b"3"])
def test_text_as_bytes_is_read_alike_in_a_frame_and_alone(demo, tmp_path, sex):
    path = tmp_path / "made.parquet"
    pl.DataFrame({"claim_id": ["1"], "sex": [sex], "age": [40], "diagnoses": ["I21.001"]}
                 ).write_parquet(path)  # fmt: skip
    with open_claims(path) as source:
        (frame,) = source.batches()
        spoilt = frame.with_columns(sex=pl.lit(b"\xff"))  # what stands in other rows is no matter
        both = demo.group_frame(pl.concat([frame, spoilt]), source.columns)
        grouped = both.row(0, named=True)
        alone = demo.group(find_claims(source, "1")[0].claim)
    assert (grouped["outcome"], grouped["reason"]) == (str(alone.outcome), alone.reason)


def test_cells_are_all_rows_of_the_columns_asked_for(tmp_path):
    path = tmp_path / "made.csv"
    path.write_text("a,b,c\n1,2,3\n4,5,6\n", encoding="utf-8")
    with open_file(path) as source:
        assert source.cells().rows() == [("1", "2", "3"), ("4", "5", "6")]
        assert source.cells(["c", "a"]).rows() == [("3", "1"), ("6", "4")]
    path.write_text("a,b\n", encoding="utf-8")
    with open_file(path) as source:
        assert (source.cells().columns, source.cells().height) == (["a", "b"], 0)
