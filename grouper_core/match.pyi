from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

from grouper_core.arrow import ClaimBatch
from grouper_core.combinations import CombinationProgram

_Ints = Buffer | NDArray[np.generic]

def match_batch(
    program: CombinationProgram,
    batch: ClaimBatch,
    cost: _Ints | None,
    true: _Ints | None,
    unknown: _Ints | None,
    offset: int,
    start: int,
    stop: int,
    leaf: _Ints,
    decided: _Ints,
    reason: _Ints,
) -> None: ...
def match_one(
    program: CombinationProgram,
    diagnoses: Collection[str | None],
    procedures: Collection[str | None],
    cost: int = -1,
    true: int = 0,
    unknown: int = 0,
) -> tuple[int, int, int]: ...
