"""Batches of claims to groups of a catalogue, without the GIL: codes of a block to ids, then claim by claim."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from grouper_core.arrow cimport ClaimBatch
from grouper_core.combinations cimport CombinationData, CombinationProgram, checked
from grouper_core.evaluate cimport Claim
from grouper_core.fit cimport Match, Workspace, free_workspace, match_claim, new_workspace
from grouper_core.reading cimport BLOCK, Ids, new_ids, read_block, read_objects


def match_batch(CombinationProgram program not None, ClaimBatch batch not None, const int64_t[::1] cost,
                const uint64_t[::1] true, const uint64_t[::1] unknown, Py_ssize_t offset, Py_ssize_t start,
                Py_ssize_t stop, uint32_t[::1] leaf not None, uint8_t[::1] decided not None,
                uint16_t[::1] reason not None):
    """Match rows ``start`` to ``stop`` of a batch, without the GIL.

    Parameters
    ----------
    program : CombinationProgram
    batch : ClaimBatch
        The chunk that holds the codes.
    cost : int64 array or None
        Total cost in fen over the *whole* frame; -1: not known. None: known of no row.
    true, unknown : uint64 array or None
        Conditions that hold and that cannot be told, bit by bit, over the whole frame; those the
        kernel answers itself are not read. None: no bit set.
    offset : int
        Row of the frame at which the batch begins.
    start, stop : int
        Rows of the batch.
    leaf, decided, reason : arrays of uint32, uint8, uint16
        Written at ``offset + row``. ``decided``: 1 + the place of the comparator that left one group, 0
        if only one fitted or none.

    Raises
    ------
    ValueError
        A range or an array does not fit. MemoryError when memory is out.
    """
    cdef const CombinationData *p = checked(program)
    cdef Ids dx, px
    cdef Claim claim
    cdef Match match
    cdef Workspace w
    cdef Py_ssize_t at, rows, i, out
    cdef bint good = True
    if not 0 <= start <= stop <= batch.rows or offset < 0:
        raise ValueError("the range lies outside the batch")
    if min(leaf.shape[0], decided.shape[0], reason.shape[0]) - stop < offset:
        raise ValueError("a result array is too short")
    if ((cost is not None and cost.shape[0] - stop < offset)
            or (true is not None and true.shape[0] - stop < offset)
            or (unknown is not None and unknown.shape[0] - stop < offset)):
        raise ValueError("a column is too short")
    cdef const int64_t *costs = &cost[0] if cost is not None and cost.shape[0] else NULL
    cdef const uint64_t *holds = &true[0] if true is not None and true.shape[0] else NULL
    cdef const uint64_t *opens = &unknown[0] if unknown is not None and unknown.shape[0] else NULL
    with nogil:
        dx.id = NULL
        px.id = NULL
        good = new_workspace(p, &w) and new_ids(&dx) and new_ids(&px)
        at = start
        while good and at < stop:
            rows = min(<Py_ssize_t>BLOCK, stop - at)
            good = (read_block(&p.dx, &batch.dx, at, rows, True, &dx)
                    and read_block(&p.px, &batch.px, at, rows, False, &px))
            if not good:
                break
            for i in range(rows):
                claim.dx = dx.id + dx.start[i]
                claim.n_dx = dx.start[i + 1] - dx.start[i]
                claim.px = px.id + px.start[i]
                claim.n_px = px.start[i + 1] - px.start[i]
                out = offset + at + i
                match_claim(p, &w, &claim, costs[out] if costs else -1, holds[out] if holds else 0,
                            opens[out] if opens else 0, &match)
                leaf[out] = match.leaf
                decided[out] = match.decided
                reason[out] = match.reason
            at += rows
        free(dx.id)
        free(px.id)
        free_workspace(&w)
    if not good:
        raise MemoryError


def match_one(CombinationProgram program not None, object diagnoses not None, object procedures not None,
              int64_t cost=-1, uint64_t true=0, uint64_t unknown=0):
    """Match one claim.

    Parameters
    ----------
    program : CombinationProgram
    diagnoses, procedures : sequence of str
        Principal first.
    cost : int
        Total cost in fen; -1: not known.
    true, unknown : int
        Conditions, as in ``match_batch``.

    Returns
    -------
    leaf, decided, reason : int
    """
    cdef const CombinationData *p = checked(program)
    cdef Workspace w
    cdef Claim claim
    cdef Match match
    if isinstance(diagnoses, str) or isinstance(procedures, str):
        raise TypeError("codes are a sequence of str, not one str")
    cdef tuple dx_codes = tuple(diagnoses), px_codes = tuple(procedures)
    cdef uint32_t *room = <uint32_t *>malloc((len(dx_codes) + len(px_codes) + 1) * sizeof(uint32_t))
    cdef bint good = new_workspace(p, &w) and room != NULL
    try:
        if not good:
            raise MemoryError
        claim.dx = room
        claim.n_dx = read_objects(&p.dx, dx_codes, True, room)
        claim.px = room + claim.n_dx
        claim.n_px = read_objects(&p.px, px_codes, False, room + claim.n_dx)
        match_claim(p, &w, &claim, cost, true, unknown, &match)
    finally:
        free(room)
        free_workspace(&w)
    return match.leaf, match.decided, match.reason
