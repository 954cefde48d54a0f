"""Batches of claims to outcomes, without the GIL: codes of a block to ids, then claim by claim."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc

from grouper_core.arrow cimport ClaimBatch, CodeSource
from grouper_core.evaluate cimport Claim, Verdict, group_claim
from grouper_core.codes cimport CodeTable
from grouper_core.program cimport MAX_FIELDS, Program, ProgramData, checked
from grouper_core.reading cimport BLOCK, ID_MASK, Ids, new_ids, read_block, read_objects


cdef class _Columns:
    """Scalar columns of a batch by field number; absent ones are null for every row."""

    cdef const int32_t *pointer[MAX_FIELDS]
    cdef list keep

    def __init__(self, Program program, list columns, Py_ssize_t rows):
        cdef const int32_t[::1] view
        cdef int i
        self.keep = []
        if len(columns) < program.n_columns or len(columns) > MAX_FIELDS:
            raise ValueError(f"wanted {program.n_columns} scalar columns, got {len(columns)}")
        for i in range(MAX_FIELDS):
            self.pointer[i] = NULL
        for i, column in enumerate(columns):
            if column is None:
                continue
            view = column
            if view.shape[0] < rows:
                raise ValueError(f"scalar column {i} has {view.shape[0]} rows, wanted {rows}")
            if rows:
                self.pointer[i] = &view[0]
            self.keep.append(view)


def group_batch(Program program not None, ClaimBatch batch not None, list columns not None, Py_ssize_t offset,
                Py_ssize_t start, Py_ssize_t stop, uint16_t[::1] leaf not None, uint8_t[::1] severity not None,
                uint16_t[::1] reason not None):
    """Group rows ``start`` to ``stop`` of a batch, without the GIL.

    Parameters
    ----------
    program : Program
    batch : ClaimBatch
        The chunk that holds the codes.
    columns : list of (int32 array or None)
        Scalar columns by field number over the *whole* frame; FIELD_NULL, FIELD_INVALID.
    offset : int
        Row of the frame at which the batch begins.
    start, stop : int
        Rows of the batch.
    leaf, severity, reason : arrays of uint16, uint8, uint16
        Written at ``offset + row``.

    Raises
    ------
    ValueError
        A range or an array does not fit. MemoryError when memory is out.
    """
    cdef const ProgramData *p = checked(program)
    cdef Ids dx, px
    cdef Claim claim
    cdef Verdict verdict
    cdef Py_ssize_t at, rows, i, out
    cdef bint good = True
    if not 0 <= start <= stop <= batch.rows or offset < 0:
        raise ValueError("the range lies outside the batch")
    if min(leaf.shape[0], severity.shape[0], reason.shape[0]) - stop < offset:
        raise ValueError("a result array is too short")
    cdef _Columns scalars = _Columns(program, columns, offset + stop)
    with nogil:
        dx.id = NULL
        px.id = NULL
        good = new_ids(&dx) and new_ids(&px)
        at = start
        while good and at < stop:
            rows = min(<Py_ssize_t>BLOCK, stop - at)
            good = (read_block(&p.dx.table, &batch.dx, at, rows, True, &dx)
                    and read_block(&p.px.table, &batch.px, at, rows, False, &px))
            if not good:
                break
            for i in range(rows):
                claim.dx = dx.id + dx.start[i]
                claim.n_dx = dx.start[i + 1] - dx.start[i]
                claim.px = px.id + px.start[i]
                claim.n_px = px.start[i + 1] - px.start[i]
                out = offset + at + i
                group_claim(p, &claim, scalars.pointer, out, &verdict)
                leaf[out] = verdict.leaf
                severity[out] = verdict.severity
                reason[out] = verdict.reason
            at += rows
        free(dx.id)
        free(px.id)
    if not good:
        raise MemoryError


def encode_batch(Program program not None, ClaimBatch batch not None):
    """A batch's codes as ids, to be grouped again and again with ``group_ids``.

    Returns
    -------
    dx_start, dx_id, px_start, px_id : arrays of int64, uint32, int64, uint32
        Row ``i`` has ids ``id[start[i]:start[i + 1]]``; 0 empty, 1 unknown, else slot + 2.
    """
    import array

    cdef const ProgramData *p = checked(program)
    cdef Ids ids
    cdef Py_ssize_t at, rows, i
    cdef const CodeTable *table
    cdef const CodeSource *source
    cdef int64_t[::1] starts
    cdef bint first
    found = []
    for first in (True, False):
        table = &p.dx.table if first else &p.px.table
        source = &batch.dx if first else &batch.px
        start = array.array("q", bytes(8 * (batch.rows + 1)))
        starts = start
        id = array.array("I")
        if not new_ids(&ids):
            raise MemoryError
        try:
            for at in range(0, batch.rows, BLOCK):
                rows = min(<Py_ssize_t>BLOCK, batch.rows - at)
                if not read_block(table, source, at, rows, first, &ids):
                    raise MemoryError
                for i in range(rows):
                    starts[at + i] = len(id) + ids.start[i]
                id.frombytes((<const uint8_t *>ids.id)[: ids.n * sizeof(uint32_t)])
        finally:
            free(ids.id)
        starts[batch.rows] = len(id)
        found += [start, id]
    return tuple(found)


cdef void _check_ids(const int64_t[::1] start, const uint32_t[::1] id, Py_ssize_t rows, uint32_t n_ids) except *:
    cdef Py_ssize_t i
    if start.shape[0] != rows + 1 or start[0] < 0 or start[rows] > id.shape[0]:
        raise ValueError("ids and their offsets do not fit")
    for i in range(rows):
        if start[i + 1] < start[i]:
            raise ValueError("offsets must not fall")
    for i in range(id.shape[0]):
        if id[i] & ID_MASK >= n_ids or id[i] >> 31:
            raise ValueError(f"id {id[i]} is not of this program")


def group_ids(Program program not None, const int64_t[::1] dx_start not None, const uint32_t[::1] dx_id not None,
              const int64_t[::1] px_start not None, const uint32_t[::1] px_id not None, list columns not None,
              uint16_t[::1] leaf not None, uint8_t[::1] severity not None, uint16_t[::1] reason not None):
    """Group claims whose codes are ids already (``encode_batch``); results as ``group_batch``."""
    cdef const ProgramData *p = checked(program)
    cdef Py_ssize_t rows = dx_start.shape[0] - 1, i
    cdef Claim claim
    cdef Verdict verdict
    cdef uint32_t none = 0
    if rows < 0 or min(leaf.shape[0], severity.shape[0], reason.shape[0]) < rows:
        raise ValueError("a result array is too short")
    _check_ids(dx_start, dx_id, rows, p.dx.table.n_ids)
    _check_ids(px_start, px_id, rows, p.px.table.n_ids)
    cdef _Columns scalars = _Columns(program, columns, rows)
    cdef const uint32_t *dx = &dx_id[0] if dx_id.shape[0] else &none
    cdef const uint32_t *px = &px_id[0] if px_id.shape[0] else &none
    with nogil:
        for i in range(rows):
            claim.dx = dx + dx_start[i]
            claim.n_dx = dx_start[i + 1] - dx_start[i]
            claim.px = px + px_start[i]
            claim.n_px = px_start[i + 1] - px_start[i]
            group_claim(p, &claim, scalars.pointer, i, &verdict)
            leaf[i] = verdict.leaf
            severity[i] = verdict.severity
            reason[i] = verdict.reason


cdef tuple _codes(object codes):
    if isinstance(codes, str):
        raise TypeError("codes are a sequence of str, not one str")
    return tuple(codes)


def group_one(Program program not None, object diagnoses not None, object procedures not None, tuple scalars not None):
    """Group one claim.

    Parameters
    ----------
    program : Program
    diagnoses, procedures : sequence of str
        Principal first.
    scalars : tuple of int
        One int32 for each field number; FIELD_NULL, FIELD_INVALID.

    Returns
    -------
    leaf, severity, reason : int
    """
    cdef const ProgramData *p = checked(program)
    cdef uint32_t small[256]
    cdef uint32_t *room = small
    cdef int32_t values[MAX_FIELDS]
    cdef const int32_t *columns[MAX_FIELDS]
    cdef Claim claim
    cdef Verdict verdict
    cdef tuple dx_codes = _codes(diagnoses), px_codes = _codes(procedures)
    cdef Py_ssize_t n_dx = len(dx_codes), n_px = len(px_codes)
    cdef int i
    if len(scalars) < program.n_columns or len(scalars) > MAX_FIELDS:
        raise ValueError(f"wanted {program.n_columns} scalars, got {len(scalars)}")
    for i in range(len(scalars)):
        values[i] = scalars[i]
        columns[i] = &values[i]
    if n_dx + n_px + 1 > 256:
        room = <uint32_t *>malloc((n_dx + n_px + 1) * sizeof(uint32_t))
        if room == NULL:
            raise MemoryError
    try:
        claim.dx = room
        claim.n_dx = read_objects(&p.dx.table, dx_codes, True, room)
        claim.px = room + claim.n_dx
        claim.n_px = read_objects(&p.px.table, px_codes, False, room + claim.n_dx)
        group_claim(p, &claim, columns, 0, &verdict)
    finally:
        if room != small:
            free(room)
    return verdict.leaf, verdict.severity, verdict.reason
