"""Kernel frame path = kernel single path = reference grouper, on every claim of every scheme."""

from __future__ import annotations

import tempfile
from pathlib import Path

import made_schemes
import polars as pl
import pytest
import strategies
from hypothesis import given, reject
from hypothesis import strategies as st

import drg
from drg.claims.frame import RESULT_NAMES, schema
from drg.claims.profiles import ClaimColumns
from drg.errors import TableError

COLUMNS = ClaimColumns(
    scalars={n: n for n, t in schema().items() if not isinstance(t, pl.List)},
    diagnoses=("diagnoses",),
    diagnoses_joined=True,
    procedures=("procedures",),
    procedures_joined=True,
)
#: The regions are those that ask for hours, days, department and disposition, or try again.
SCHEMES = [
    (scheme, compat)
    for scheme in (
        "chs-drg-1.0", "chs-drg-1.1", "chs-drg-2.0", "demo",
        "foshan-2022", "changzhou-2022", "zhejiang-2022",
    )
    for compat in ((None, "opendrg") if scheme != "demo" else (None,))
]  # fmt: skip
_pools: dict[tuple[str, str | None], strategies.Pool] = {}


def answers(result) -> tuple:
    """What the three ways must agree on, in the order of the result columns."""
    found = {name: getattr(result, name) for name in RESULT_NAMES}
    return tuple(None if v is None else str(v) for v in found.values())


def check_agreement(grouper: drg.Grouper, rows: list[dict]) -> None:
    frame = pl.DataFrame(rows, schema=schema())
    batch = grouper.group_frame(frame, COLUMNS, threads=1).select(RESULT_NAMES).rows()
    for row, from_frame in zip(rows, batch, strict=True):
        claim = drg.Claim.from_row(row)
        reference = answers(grouper.reference.group(claim))
        assert from_frame == reference, (row, "frame", "reference")
        assert answers(grouper.group(claim)) == reference, (row, "single", "reference")


@pytest.mark.parametrize(("scheme", "compat"), SCHEMES)
@given(data=st.data())
def test_shipped_schemes(grouper_of, scheme, compat, data):
    grouper = grouper_of(scheme, compat)
    pool = _pools.setdefault((scheme, compat), strategies.Pool(grouper.scheme))
    check_agreement(grouper, data.draw(strategies.claims(pool)))


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory):
    return made_schemes.tiny_tables_root(tmp_path_factory.mktemp("tables"))


@given(
    scheme=made_schemes.schemes(),
    rows=st.lists(made_schemes.small_claims(), min_size=1, max_size=12),
)
def test_made_schemes(tiny_root, scheme, rows):
    """Any rule, any flag: the language itself, not only what published schemes use of it."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRG_TABLES", str(tiny_root))
        patch.setenv("DRG_CACHE", folder)
        try:
            grouper = drg.Grouper.load(scheme.write(Path(folder) / "made"))
        except TableError as error:
            if error.code == "T119":  # too many alternatives: refused, not wrong
                reject()
            raise
        check_agreement(grouper, rows)


def test_two_hundred_diagnoses(national):
    codes = ["I63.905", *sorted(national.scheme.known_dx)[:199]]
    rows = [
        {"claim_id": "1", "sex": "M", "age": 50, "diagnoses": codes, "procedures": []},
        {
            "claim_id": "2",
            "sex": "M",
            "age": 50,
            "diagnoses": codes * 3,
            "procedures": ["33.6x00"] * 500,
        },
        {"claim_id": "3", "sex": None, "age": None, "diagnoses": [], "procedures": None},
    ]
    check_agreement(national, rows)
    assert national.group(drg.Claim.from_row(rows[0])).outcome == "GROUPED"
