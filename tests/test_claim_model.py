"""The Claim model and the canonical columns it shares with the frame."""

from __future__ import annotations

import datetime
import json
import pickle
import subprocess
import sys
from pathlib import Path

import polars as pl
import pydantic
import pytest

from drg.claims.frame import COLUMN, COLUMNS, RESULT_NAMES, SCALARS, schema
from drg.claims.model import Claim


def test_model_and_frame_have_the_same_fields() -> None:
    assert tuple(Claim.model_fields) == tuple(column.name for column in COLUMNS)
    assert set(schema().names()) == set(SCALARS) | {"diagnoses", "procedures"}
    assert schema()["diagnoses"] == pl.List(pl.String)
    assert schema()["admitted_on"] == pl.Date
    assert not set(COLUMN) & set(RESULT_NAMES)


def test_json_schema_speaks_chinese_and_english() -> None:
    properties = Claim.model_json_schema()["properties"]
    assert properties["sex"]["title"] == "性别"
    for name, field in properties.items():
        assert field["title"] == COLUMN[name].title_zh
        assert field["description"].startswith(COLUMN[name].meaning)
    assert Claim.model_json_schema()["additionalProperties"] is False


def test_defaults_are_null_never_a_guess() -> None:
    claim = Claim()
    assert claim.claim_id == ""
    assert claim.diagnoses == claim.procedures == ()
    for name in SCALARS:
        assert name == "claim_id" or getattr(claim, name) is None


def test_frozen_and_closed() -> None:
    claim = Claim(claim_id="1")
    with pytest.raises(pydantic.ValidationError):
        claim.age = 3  # type: ignore[misc]
    with pytest.raises(pydantic.ValidationError):
        Claim(agee=3)  # type: ignore[call-arg]
    with pytest.raises(pydantic.ValidationError):
        Claim(age="abc")  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(claim)) == claim
    assert hash(claim) == hash(Claim(claim_id="1"))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1", "M"), ("2", "F"), (1, "M"), (2, "F"), ("男", "M"), ("女", "F"), ("M", "M"),
        ("f", "F"), ("Male", "M"), (" female ", "F"), ("3", "3"), ("不详", "不详"), (None, None),
    ],
)  # fmt: skip
def test_sex(given: object, kept: str | None) -> None:
    assert Claim.model_validate({"sex": given}).sex == kept


def test_json_round_trip() -> None:
    claim = Claim(
        claim_id="1234567890123456789",
        sex="F",
        age=67,
        discharged_on=datetime.date(2025, 6, 30),
        diagnoses=("I21.001", "E10.300x051+H42.0*"),
        total_cost="42318.50",
    )
    assert Claim.model_validate_json(claim.model_dump_json()) == claim
    assert json.loads(claim.model_dump_json())["total_cost"] == "42318.50"


def test_from_row_of_a_frame() -> None:
    frame = pl.DataFrame(
        {"claim_id": ["1"], "age": [3], "sex": ["2"], "diagnoses": [["A", None, "B"]], "mdc": ["X"]}
    )
    claim = Claim.from_row(frame.row(0, named=True))
    assert claim == Claim(claim_id="1", age=3, sex="F", diagnoses=("A", "B"))


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ("A|B", ("A", "B")), ("E10.300x051+H42.0*", ("E10.300x051+H42.0*",)), ("|B", ("", "B")),
        ("A||B|", ("A", "B")), ("", ()), ("|", ()), (None, ()), ([], ()), (["", "B"], ("", "B")),
        (("A",), ("A",)), ([None], ()),
    ],
)  # fmt: skip
def test_from_row_codes(given: object, codes: tuple[str, ...]) -> None:
    assert Claim.from_row({"diagnoses": given}).diagnoses == codes


def test_an_empty_first_procedure_is_nothing() -> None:
    assert Claim.from_row({"procedures": "|37.5100"}).procedures == ("37.5100",)


def test_from_row_reads_text_as_null_or_value() -> None:
    row = {
        "age": " 45 ",
        "age_days": "",
        "sex": "",
        "discharged_on": "2025-06-30",
        "total_cost": 12,
    }
    claim = Claim.from_row(row)
    assert (claim.age, claim.age_days, claim.sex) == (45, None, None)
    assert claim.discharged_on == datetime.date(2025, 6, 30)
    assert claim.total_cost == "12"
    with pytest.raises(pydantic.ValidationError):
        Claim.from_row({"age": "abc"})
    with pytest.raises(TypeError):
        Claim.from_row({"diagnoses": 3})


def test_the_model_does_not_import_polars() -> None:
    code = "import sys, drg.claims.model; sys.exit('polars' in sys.modules)"
    root = Path(__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_the_docs_list_every_column() -> None:
    docs = (Path(__file__).parent.parent / "docs/claims.md").read_text("utf-8")
    for column in COLUMNS:
        assert f"| `{column.name}` | {column.title_zh} |" in docs
    for name in RESULT_NAMES:
        assert f"`{name}`" in docs
