"""The generator's parameters: ``tables/demo``, all invented (status "synthetic")."""

from __future__ import annotations

import tomllib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from drg.paths import tables_root

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.int32]

#: Kinds of plan, in the order of the kind numbers that the drawing code uses.
KINDS = ("medical", "procedure", "surgical", "ambiguous", "ungroupable")
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Parameters:
    """``tables/demo`` in memory; ``settings`` is settings.toml, the rest one frame a table."""

    settings: dict[str, Any]
    case_mix: pl.DataFrame
    hospital: pl.DataFrame
    diagnosis: pl.DataFrame
    procedure: pl.DataFrame
    defect: pl.DataFrame
    chapter: pl.DataFrame


def read_parameters() -> Parameters:
    """Read ``tables/demo`` once; a change of the files needs a new process."""
    return _read(tables_root() / "demo")


@cache
def _read(folder: Path) -> Parameters:
    with (folder / "settings.toml").open("rb") as file:
        settings = tomllib.load(file)
    names = ("case_mix", "hospital", "diagnosis", "procedure", "defect", "chapter")
    text = {"prefix": pl.String}
    frames = {n: pl.read_csv(folder / f"{n}.csv", schema_overrides=text) for n in names}
    return Parameters(settings, **frames)


def share_of(text: str) -> float:
    """A number in (0, 1) that depends on the text alone, the same on every machine."""
    # CRC-32 is linear: mixing in a multiplication keeps near texts from getting near numbers.
    mixed = (zlib.crc32(text.encode()) * 0x9E3779B97F4A7C15) & (2**64 - 1)
    return ((mixed >> 12) + 0.5) / 2.0**52


def shares_of(texts: Sequence[str], salt: str = "") -> Floats:
    """``share_of`` of each text behind a salt: float64, one a text."""
    return np.array([share_of(salt + t) for t in texts], dtype=np.float64)


def normal_of(text: str) -> float:
    """A standard normal number that depends on the text alone."""
    return _NORMAL.inv_cdf(share_of(text))


@cache
def normal_table(steps: int = 2048) -> Floats:
    """Quantiles of the standard normal at ``steps + 1`` even places, the ends kept finite."""
    places = [min(max(k / steps, 0.25 / steps), 1 - 0.25 / steps) for k in range(steps + 1)]
    return np.array([_NORMAL.inv_cdf(p) for p in places], dtype=np.float64)
