"""The compiled kernel: integers in, integers out.

What the kernel owes: every offset of a program is checked once, when it is built; the loops then
run without the GIL, without Python objects and without exceptions, and write one outcome for
every claim. The same claim gives the same bytes in any chunk, on any thread. It knows no file,
no language, no money and no clinical rule. Only the names listed here are meant for callers.
"""

from grouper_core.arrow import ClaimBatch, read_stream
from grouper_core.codes import build_table, find_codes, fold_code
from grouper_core.combinations import CombinationProgram
from grouper_core.kernel import encode_batch, group_batch, group_ids, group_one
from grouper_core.match import match_batch, match_one
from grouper_core.program import FIELD_INVALID, FIELD_NULL, Program

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
