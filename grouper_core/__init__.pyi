from grouper_core.arrow import ClaimBatch as ClaimBatch
from grouper_core.arrow import read_stream as read_stream
from grouper_core.codes import build_table as build_table
from grouper_core.codes import find_codes as find_codes
from grouper_core.codes import fold_code as fold_code
from grouper_core.combinations import CombinationProgram as CombinationProgram
from grouper_core.kernel import encode_batch as encode_batch
from grouper_core.kernel import group_batch as group_batch
from grouper_core.kernel import group_ids as group_ids
from grouper_core.kernel import group_one as group_one
from grouper_core.match import match_batch as match_batch
from grouper_core.match import match_one as match_one
from grouper_core.program import FIELD_INVALID as FIELD_INVALID
from grouper_core.program import FIELD_NULL as FIELD_NULL
from grouper_core.program import Program as Program

__all__ = [
    "FIELD_INVALID",
    "FIELD_NULL",
    "ClaimBatch",
    "CombinationProgram",
    "Program",
    "build_table",
    "encode_batch",
    "find_codes",
    "fold_code",
    "group_batch",
    "group_ids",
    "group_one",
    "match_batch",
    "match_one",
    "read_stream",
]
