from array import array
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

from grouper_core.arrow import ClaimBatch
from grouper_core.program import Program

_Ints = Buffer | NDArray[np.generic]

def group_batch(
    program: Program,
    batch: ClaimBatch,
    columns: list[NDArray[np.int32] | None],
    offset: int,
    start: int,
    stop: int,
    leaf: _Ints,
    severity: _Ints,
    reason: _Ints,
) -> None: ...
def encode_batch(
    program: Program, batch: ClaimBatch
) -> tuple[array[int], array[int], array[int], array[int]]: ...
def group_ids(
    program: Program,
    dx_start: _Ints,
    dx_id: _Ints,
    px_start: _Ints,
    px_id: _Ints,
    columns: list[NDArray[np.int32] | None],
    leaf: _Ints,
    severity: _Ints,
    reason: _Ints,
) -> None: ...
def group_one(
    program: Program,
    diagnoses: Collection[str | None],
    procedures: Collection[str | None],
    scalars: tuple[int, ...],
) -> tuple[int, int, int]: ...
