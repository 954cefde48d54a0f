from array import array
from collections.abc import Collection
from typing_extensions import Buffer

from grouper_core.arrow import ClaimBatch
from grouper_core.program import Program

def group_batch(
    program: Program,
    batch: ClaimBatch,
    columns: list[Buffer | None],
    offset: int,
    start: int,
    stop: int,
    leaf: Buffer,
    severity: Buffer,
    reason: Buffer,
) -> None: ...
def encode_batch(
    program: Program, batch: ClaimBatch
) -> tuple[array[int], array[int], array[int], array[int]]: ...
def group_ids(
    program: Program,
    dx_start: Buffer,
    dx_id: Buffer,
    px_start: Buffer,
    px_id: Buffer,
    columns: list[Buffer | None],
    leaf: Buffer,
    severity: Buffer,
    reason: Buffer,
) -> None: ...
def group_one(
    program: Program,
    diagnoses: Collection[str | None],
    procedures: Collection[str | None],
    scalars: tuple[int, ...],
) -> tuple[int, int, int]: ...
