"""Parquet over which a process ends: the service tries it in another one, and lives."""

from __future__ import annotations

import datetime
from pathlib import Path

import polars as pl
import pytest

from drg.claims.readers import open_claims
from drg.errors import InputError
from drg.scale.find import find_claims
from drg.service.errors import ServiceError
from drg.service.probe import probe

SOUND = Path(__file__).parent / "fuzz" / "corpus" / "damaged" / "plain"
#: A byte of a page's length of run: polars asks for 2^61 bytes, and ends its process.
DEADLY = 40, 0x0F


@pytest.fixture
def deadly(tmp_path):
    data = bytearray(SOUND.read_bytes())
    at, more = DEADLY
    data[at] = (data[at] + more) & 0xFF
    path = tmp_path / "claims.parquet"
    path.write_bytes(data)
    return path


def test_a_deadly_file_is_refused(deadly):
    with pytest.raises(InputError, match="F120"):
        probe(deadly, 60.0)


def test_what_is_wrong_otherwise_is_left_to_the_reader(tmp_path):
    path = tmp_path / "claims.parquet"
    path.write_bytes(b"PAR1 and no more")
    probe(path, 60.0)


def test_a_file_that_takes_too_long():
    with pytest.raises(ServiceError, match="H431"):
        probe(SOUND, 0.001)


@pytest.mark.long
def test_the_service_outlives_it(deadly, service):
    reply = service.post("/batch?name=a.parquet", deadly.read_bytes())
    assert (reply.status, reply.json()["code"]) == (422, "F120")
    sound = service.post("/batch?name=a.parquet&scheme=demo&policy=none", SOUND.read_bytes())
    assert sound.status == 200
    assert service.get("/health").status == 200


@pytest.mark.parametrize(
    ("column", "row"),
    [
        (pl.Series("d", [0, None, 7_900_000], pl.Int32).cast(pl.Date), 3),
        (pl.Series("d", [0, -(2**62), 0]).cast(pl.Datetime("us")), 2),
        (pl.Series("d", [2**62, 0, 0]).cast(pl.Datetime("ms", "Asia/Shanghai")), 1),
    ],
)
def test_a_day_that_no_calendar_has(tmp_path, column, row):
    """polars panics over its text and Python has no such date: the reader refuses it."""
    path = tmp_path / "claims.parquet"
    codes = pl.Series("diagnoses", [["A00.000"]] * 3)
    pl.DataFrame([pl.Series("claim_id", ["1", "2", "3"]), codes, column]).write_parquet(path)
    with open_claims(path) as source:
        with pytest.raises(InputError, match="F127") as caught:
            list(source.batches())
        assert caught.value.params == {"column": "d", "row": row}
        with pytest.raises(InputError, match="F127") as caught:
            find_claims(source, str(row))
        assert caught.value.params == {"column": "d", "row": row}


def test_the_first_and_the_last_day_of_the_calendar(tmp_path):
    path = tmp_path / "claims.parquet"
    days = [datetime.date.min, datetime.date.max]
    clocks = [datetime.datetime.min, datetime.datetime.max]  # noqa: DTZ901
    frame = pl.DataFrame(
        {"claim_id": ["1", "2"], "diagnoses": [[], []], "d": days, "c": clocks, "e": clocks},
        schema_overrides={"diagnoses": pl.List(pl.String)},
    )
    frame.with_columns(pl.col("e").cast(pl.Datetime("ms"))).write_parquet(path)
    with open_claims(path) as source:
        assert [batch["d"].to_list() for batch in source.batches()] == [days]
