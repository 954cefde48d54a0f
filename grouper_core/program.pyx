# cython: boundscheck=True, wraparound=True
"""Program: one compiled scheme as flat, read-only arrays, every offset checked once."""

from libc.stdint cimport uint64_t
from libc.string cimport memset

from grouper_core.arrays cimport ArrayReader, check

#: Value of a scalar column that is not reported, and of one that could not be read.
FIELD_NULL = -2147483648
FIELD_INVALID = -2147483647


cdef int _codes(ProgramData *p, ArrayReader r, str kind, bint normalise, CodeSide *side) except -1:
    side.n_classes = r.size(f"{kind}_counter_start") - 1
    side.classes = r.codes(kind, &side.table, side.n_classes, normalise)
    side.flags = r.u8(f"{kind}_flags", side.n_classes)
    side.rows = r.u64(f"{kind}_rows", side.n_classes * p.row_words)
    side.literals = r.u64(f"{kind}_literals", side.n_classes * p.words)
    side.principal = r.u64(f"{kind}_principal", p.words)
    side.secondary = r.u64(f"{kind}_secondary", p.words)
    side.counter_start = r.u32(f"{kind}_counter_start", side.n_classes + 1)
    starts = r.arrays[f"{kind}_counter_start"]
    check(int(starts[0]) == 0 and not (starts[1:] < starts[:-1]).any(), "counter_start")
    side.counters = r.u16(f"{kind}_counters", int(starts[-1]), MAX_COUNTERS)


cdef int _fields(ProgramData *p, ArrayReader r, list columns) except -1:
    cdef ScalarField *field
    cdef int i
    p.n_fields = len(columns)
    check(p.n_fields <= MAX_FIELDS, "fields")
    for i in range(p.n_fields):
        field = &p.fields[i]
        field.column = columns[i]
        check(0 <= field.column < MAX_FIELDS, "field column")
        field.n_bounds = r.size(f"field{i}_bounds")
        field.bounds = r.i32(f"field{i}_bounds", field.n_bounds)
        bounds = r.arrays[f"field{i}_bounds"]
        check(not (bounds[1:] <= bounds[:-1]).any(), "bounds must ascend")
        field.true_bits = r.u64(f"field{i}_true", (field.n_bounds + 3) * p.words)
        field.unknown_bits = r.u64(f"field{i}_unknown", (field.n_bounds + 3) * p.words)
        field.size = field.n_bounds + 3


cdef int _context(ProgramData *p, ArrayReader r, int n_context) except -1:
    cdef Py_ssize_t size = 1
    cdef int i
    p.n_context = n_context
    check(0 <= n_context <= p.n_fields, "context fields")
    for i in range(n_context):
        size *= p.fields[i].size
    p.context_true = r.u64("context_true", size * p.words)
    p.context_unknown = r.u64("context_unknown", size * p.words)
    p.context_rows = r.u64("context_rows", size * p.row_words)
    p.key_literals = r.u64("key_literals", p.words)
    p.key_rows = r.u64("key_rows", p.words * 64 * p.row_words)
    p.open_rows = r.u64("open_rows", p.row_words)
    p.counter_zero = r.u64("counter_zero", p.words)


cdef int _counting(ProgramData *p, ArrayReader r, dict settings) except -1:
    cdef int i
    p.n_slots = settings["n_slots"]
    p.n_sites = settings["n_sites"]
    check(p.n_slots <= MAX_COUNTERS and p.n_sites <= p.n_slots, "counting slots")
    p.n_counters = r.size("counter_table") // 4
    p.counter_table = r.i32("counter_table", p.n_counters * 4)
    for i in range(p.n_counters):
        check(0 <= p.counter_table[4 * i + 1] <= 4, "counter operator")
        check(-1 <= p.counter_table[4 * i] < p.n_slots, "counter slot")
        check(0 <= p.counter_table[4 * i + 3] < p.words * 64, "counter literal")


cdef int _decisions(ProgramData *p, ArrayReader r) except -1:
    cdef Py_ssize_t n_tests = r.size("test_leaf"), n_checks = r.size("check_reason")
    cdef Py_ssize_t n_terms = r.size("term_true") // p.words
    cdef Py_ssize_t n_leaves = r.size("leaf_outcome")
    p.exact_rows = r.u64("exact_rows", p.row_words)
    p.fast_rows = r.u64("fast_rows", p.row_words)
    p.row_kind = r.u8("row_kind", p.n_rows, ROW_HOME + 1)
    p.row_leaf = r.u16("row_leaf", p.n_rows, n_leaves)
    p.row_tests = r.u32("row_tests", 2 * p.n_rows, n_tests + 1)
    p.test_leaf = r.u16("test_leaf", n_tests, n_leaves)
    p.term_true = r.u64("term_true", n_terms * p.words)
    p.term_false = r.u64("term_false", n_terms * p.words)
    p.row_terms = r.u32("row_terms", p.n_rows + 1, n_terms + 1)
    p.test_terms = r.u32("test_terms", n_tests + 1, n_terms + 1)
    p.check_terms = r.u32("check_terms", n_checks + 1, n_terms + 1)
    p.check_reason = r.u16("check_reason", n_checks)
    p.check_filter = r.u64("check_filter", p.words)
    p.leaf_outcome = r.u8("leaf_outcome", n_leaves, NOT_IN_FORCE + 1)
    p.leaf_reason = r.u16("leaf_reason", n_leaves)
    # A row past the last one must not be reachable: the principal diagnosis masks it out.
    tail = p.row_words * 64 - p.n_rows
    last = int(r.arrays["dx_rows"][p.row_words - 1 :: p.row_words].max())
    check(tail == 0 or last >> (64 - tail) == 0, "a row beyond the last")


cdef int _reasons(ProgramData *p, dict settings, Py_ssize_t n_leaves, int n_checks) except -1:
    p.n_stops = settings["n_stops"]
    p.n_notes = n_checks - p.n_stops
    check(0 <= p.n_stops <= n_checks, "stops")
    p.rejected_leaf = settings["rejected_leaf"]
    p.ungroupable_leaf = settings["ungroupable_leaf"]
    check(p.rejected_leaf < n_leaves and p.ungroupable_leaf < n_leaves, "fixed leaves")
    p.reason_unknown_principal = settings["reason_unknown_principal"]
    p.reason_missing = settings["reason_missing"]
    p.reason_unknown_dx = settings["reason_unknown_dx"]
    p.reason_unknown_px = settings["reason_unknown_px"]
    p.reason_normalised = settings["reason_normalised"]
    for name in ("mcc", "cc"):
        bit = settings[name + "_literal"]
        check(0 <= bit < p.words * 64, name)
    p.mcc_bit[settings["mcc_literal"] // 64] = <uint64_t>1 << (settings["mcc_literal"] % 64)
    p.cc_bit[settings["cc_literal"] // 64] = <uint64_t>1 << (settings["cc_literal"] % 64)


cdef class Program:
    """One compiled scheme.

    Parameters
    ----------
    arrays : dict of str to ndarray
        One-dimensional contiguous arrays by name, as ``drg.schemes.compile`` makes them
        (grouper_core/program.pxd gives each one's meaning and shape); kept, not copied.
    settings : dict of str to int
        Sizes and switches, likewise.

    Raises
    ------
    ValueError
        An array has the wrong type, length or an offset that points outside another.
    KeyError
        An array or setting is missing.
    """

    def __init__(self, dict arrays not None, dict settings not None):
        cdef ProgramData *p = &self.data
        cdef ArrayReader r = ArrayReader(arrays)
        if self.ready:
            raise ValueError("a program is built once")
        memset(p, 0, sizeof(ProgramData))
        self.arrays = arrays
        p.words = settings["words"]
        p.n_rows = settings["n_rows"]
        p.row_words = (p.n_rows + 63) // 64
        check(1 <= p.words <= MAX_WORDS, "words")
        check(1 <= p.row_words <= MAX_ROW_WORDS, "rows")
        p.unmatched_self = settings["unmatched_self"]
        p.retry = settings["retry"]
        p.repeats = settings["repeats"]
        p.reject_missing = settings["reject_missing"]
        _codes(p, r, "dx", settings["normalise"], &p.dx)
        _codes(p, r, "px", settings["normalise"], &p.px)
        p.severity = r.u32("severity", p.dx.n_classes)
        p.exclusion = r.u16("exclusion", p.dx.n_classes)
        _fields(p, r, settings["field_columns"])
        _context(p, r, settings["n_context"])
        self.n_columns = max([c + 1 for c in settings["field_columns"]], default=0)
        _counting(p, r, settings)
        _decisions(p, r)
        self.n_leaves = r.size("leaf_outcome")
        _reasons(p, settings, self.n_leaves, r.size("check_reason"))
        self.ready = True


cdef const ProgramData *checked(Program program) except NULL:
    """The program's data, if it was built; every way into the loops asks here."""
    if not program.ready:
        raise ValueError("the program was not built")
    return &program.data
