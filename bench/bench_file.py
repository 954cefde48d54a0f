"""How fast is a file, end to end, as ``drg group`` runs: read, group, write Parquet?"""

from __future__ import annotations

import polars as pl
import pytest

from drg.scale.group_file import group_file


@pytest.fixture(params=["list.parquet", "joined.parquet", "joined.csv", "wide.csv"])
def file(request, claims, wide, tmp_path):
    path = tmp_path / request.param
    joined = claims.with_columns(pl.col("diagnoses", "procedures").list.join("|"))
    frame = {"list": claims, "joined": joined, "wide": wide}[path.stem]
    if path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    return path


def test_file_to_parquet(rate, grouper, claims, file, tmp_path):
    out = tmp_path / "out.parquet"
    rate(lambda: group_file(grouper, file, out), claims.height, rounds=3)
    assert pl.scan_parquet(out).select(pl.len()).collect().item() == claims.height
