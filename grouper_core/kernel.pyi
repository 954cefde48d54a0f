from array import array
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

from grouper_core.arrow import ClaimBatch
from grouper_core.program import Program

Ints = Buffer | NDArray[np.generic]

def group_batch(
    program: Program,
    batch: ClaimBatch,
    columns: list[NDArray[np.int32] | None],
    offset: int,
    start: int,
    stop: int,
    leaf: Ints,
    severity: Ints,
    reason: Ints,
) -> None: ...
def encode_batch(
    program: Program, batch: ClaimBatch
) -> tuple[array[int], array[int], array[int], array[int]]: ...
def group_ids(
    program: Program,
    dx_start: Ints,
    dx_id: Ints,
    px_start: Ints,
    px_id: Ints,
    columns: list[NDArray[np.int32] | None],
    leaf: Ints,
    severity: Ints,
    reason: Ints,
) -> None: ...
def group_one(
    program: Program,
    diagnoses: Collection[str | None],
    procedures: Collection[str | None],
    scalars: tuple[int, ...],
) -> tuple[int, int, int]: ...
