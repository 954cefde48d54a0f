"""How fast is the kernel once codes are ids?"""

from __future__ import annotations

import numpy as np

import grouper_core
from drg.claims.profiles import match_columns
from drg.grouping.encode import encode


def test_ids_to_group(rate, grouper, claims):
    compiled = grouper._compiled
    encoded = encode(claims.rechunk(), match_columns(claims.columns, dict(claims.schema)), compiled)
    (batch,) = encoded.batches
    ids = grouper_core.encode_batch(grouper._program, batch)
    out = [np.empty(claims.height, t) for t in (np.uint16, np.uint8, np.uint16)]
    rate(
        lambda: grouper_core.group_ids(grouper._program, *ids, encoded.scalars, *out), claims.height
    )
