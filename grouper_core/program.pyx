# cython: boundscheck=True, wraparound=True
"""Program: one compiled scheme as flat, read-only arrays, every offset checked once."""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from grouper_core.codes cimport FIRST_ID, HashTable

#: Value of a scalar column that is not reported, and of one that could not be read.
FIELD_NULL = -2147483648
FIELD_INVALID = -2147483647

_U8 = "B"
_U16 = "H"
_U32 = "I"
_U64 = ("Q", "L")
_I32 = "i"


cdef object _check(bint good, str what):
    if not good:
        raise ValueError(f"the program is not sound: {what}")


cdef class _Reader:
    """Hands out pointers into the arrays after checking item type, length and range."""

    cdef dict arrays

    def __init__(self, arrays):
        self.arrays = arrays

    cdef const void *take(self, str name, object kinds, Py_ssize_t size, object below=None) except? NULL:
        view = memoryview(self.arrays[name])
        _check(view.format in kinds and view.contiguous and view.ndim == 1, f"{name} has format {view.format}")
        _check(view.shape[0] == size, f"{name} has {view.shape[0]} items, wanted {size}")
        if below is not None and size:
            top = self.arrays[name].max()
            _check(top < below, f"{name} points to {top}, beyond {below}")
        cdef const uint8_t[::1] data = view.cast("B") if size else memoryview(b"\0")
        return &data[0]

    cdef const void *ranges(self, str name, Py_ssize_t size, object end) except? NULL:
        """Offsets that never fall and end at ``end``."""
        cdef const void *pointer = self.take(name, _U32, size)
        values = self.arrays[name]
        _check(
            size > 0 and int(values[0]) == 0 and int(values[-1]) == end
            and not (values[1:] < values[:-1]).any(),
            f"{name} is no ascending range",
        )
        return pointer

    cdef Py_ssize_t size(self, str name):
        return len(self.arrays[name])


cdef int _codes(ProgramData *p, _Reader r, str kind, CodeSide *side) except -1:
    _table(p, r, f"{kind}_", &side.exact)
    _table(p, r, f"{kind}_alias_", &side.alias)
    side.n_ids = side.exact.slots + FIRST_ID
    side.classes = <const uint16_t *>r.take(f"{kind}_classes", _U16, side.n_ids)
    side.n_classes = r.size(f"{kind}_counter_start") - 1
    _check(int(r.arrays[f"{kind}_classes"].max()) < side.n_classes, "a class beyond the last")
    _check(side.classes[0] == CLASS_ABSENT and side.classes[1] == CLASS_UNKNOWN, "reserved ids")
    side.alias_ids = <const uint32_t *>r.take(f"{kind}_alias_ids", _U32, side.alias.slots, side.n_ids)
    side.flags = <const uint8_t *>r.take(f"{kind}_flags", _U8, side.n_classes)
    side.rows = <const uint64_t *>r.take(f"{kind}_rows", _U64, side.n_classes * p.row_words)
    side.literals = <const uint64_t *>r.take(f"{kind}_literals", _U64, side.n_classes * p.words)
    side.principal = <const uint64_t *>r.take(f"{kind}_principal", _U64, p.words)
    side.secondary = <const uint64_t *>r.take(f"{kind}_secondary", _U64, p.words)
    side.counter_start = <const uint32_t *>r.take(f"{kind}_counter_start", _U32, side.n_classes + 1)
    starts = r.arrays[f"{kind}_counter_start"]
    _check(int(starts[0]) == 0 and not (starts[1:] < starts[:-1]).any(), "counter_start")
    side.counters = <const uint16_t *>r.take(f"{kind}_counters", _U16, int(starts[-1]), MAX_COUNTERS)


cdef int _table(ProgramData *p, _Reader r, str prefix, HashTable *table) except -1:
    table.slots = r.size(prefix + "keys")
    table.buckets = r.size(prefix + "shifts")
    _check(table.slots > 0 and table.buckets > 0, f"{prefix}keys is empty")
    table.keys = <const uint64_t *>r.take(prefix + "keys", _U64, table.slots)
    table.shifts = <const uint16_t *>r.take(prefix + "shifts", _U16, table.buckets)


cdef int _fields(ProgramData *p, _Reader r, list columns) except -1:
    cdef ScalarField *field
    cdef int i
    p.n_fields = len(columns)
    _check(p.n_fields <= MAX_FIELDS, "fields")
    for i in range(p.n_fields):
        field = &p.fields[i]
        field.column = columns[i]
        _check(0 <= field.column < MAX_FIELDS, "field column")
        field.n_bounds = r.size(f"field{i}_bounds")
        field.bounds = <const int32_t *>r.take(f"field{i}_bounds", _I32, field.n_bounds)
        bounds = r.arrays[f"field{i}_bounds"]
        _check(not (bounds[1:] <= bounds[:-1]).any(), "bounds must ascend")
        field.true_bits = <const uint64_t *>r.take(f"field{i}_true", _U64, (field.n_bounds + 3) * p.words)
        field.unknown_bits = <const uint64_t *>r.take(
            f"field{i}_unknown", _U64, (field.n_bounds + 3) * p.words
        )
        field.size = field.n_bounds + 3


cdef int _context(ProgramData *p, _Reader r, int n_context) except -1:
    cdef Py_ssize_t size = 1
    cdef int i
    p.n_context = n_context
    _check(0 <= n_context <= p.n_fields, "context fields")
    for i in range(n_context):
        size *= p.fields[i].size
    p.context_true = <const uint64_t *>r.take("context_true", _U64, size * p.words)
    p.context_unknown = <const uint64_t *>r.take("context_unknown", _U64, size * p.words)
    p.context_rows = <const uint64_t *>r.take("context_rows", _U64, size * p.row_words)
    p.key_literals = <const uint64_t *>r.take("key_literals", _U64, p.words)
    p.key_rows = <const uint64_t *>r.take("key_rows", _U64, p.words * 64 * p.row_words)
    p.open_rows = <const uint64_t *>r.take("open_rows", _U64, p.row_words)
    p.counter_zero = <const uint64_t *>r.take("counter_zero", _U64, p.words)


cdef int _counting(ProgramData *p, _Reader r, dict settings) except -1:
    cdef int i
    p.n_slots = settings["n_slots"]
    p.n_sites = settings["n_sites"]
    _check(p.n_slots <= MAX_COUNTERS and p.n_sites <= p.n_slots, "counting slots")
    p.n_counters = r.size("counter_table") // 4
    p.counter_table = <const int32_t *>r.take("counter_table", _I32, p.n_counters * 4)
    for i in range(p.n_counters):
        _check(0 <= p.counter_table[4 * i + 1] <= 4, "counter operator")
        _check(-1 <= p.counter_table[4 * i] < p.n_slots, "counter slot")
        _check(0 <= p.counter_table[4 * i + 3] < p.words * 64, "counter literal")


cdef int _decisions(ProgramData *p, _Reader r) except -1:
    cdef Py_ssize_t n_tests = r.size("test_leaf"), n_checks = r.size("check_reason")
    cdef Py_ssize_t n_terms = r.size("term_true") // p.words
    cdef Py_ssize_t n_leaves = r.size("leaf_outcome")
    p.exact_rows = <const uint64_t *>r.take("exact_rows", _U64, p.row_words)
    p.fast_rows = <const uint64_t *>r.take("fast_rows", _U64, p.row_words)
    p.row_kind = <const uint8_t *>r.take("row_kind", _U8, p.n_rows, ROW_HOME + 1)
    p.row_leaf = <const uint16_t *>r.take("row_leaf", _U16, p.n_rows, n_leaves)
    p.row_tests = <const uint32_t *>r.take("row_tests", _U32, 2 * p.n_rows, n_tests + 1)
    p.test_leaf = <const uint16_t *>r.take("test_leaf", _U16, n_tests, n_leaves)
    p.term_true = <const uint64_t *>r.take("term_true", _U64, n_terms * p.words)
    p.term_false = <const uint64_t *>r.take("term_false", _U64, n_terms * p.words)
    p.row_terms = <const uint32_t *>r.take("row_terms", _U32, p.n_rows + 1, n_terms + 1)
    p.test_terms = <const uint32_t *>r.take("test_terms", _U32, n_tests + 1, n_terms + 1)
    p.check_terms = <const uint32_t *>r.take("check_terms", _U32, n_checks + 1, n_terms + 1)
    p.check_reason = <const uint16_t *>r.take("check_reason", _U16, n_checks)
    p.check_filter = <const uint64_t *>r.take("check_filter", _U64, p.words)
    p.leaf_outcome = <const uint8_t *>r.take("leaf_outcome", _U8, n_leaves, NOT_IN_FORCE + 1)
    p.leaf_reason = <const uint16_t *>r.take("leaf_reason", _U16, n_leaves)
    # A row past the last one must not be reachable: the principal diagnosis masks it out.
    tail = p.row_words * 64 - p.n_rows
    last = int(r.arrays["dx_rows"][p.row_words - 1 :: p.row_words].max())
    _check(tail == 0 or last >> (64 - tail) == 0, "a row beyond the last")


cdef int _reasons(ProgramData *p, dict settings, Py_ssize_t n_leaves, int n_checks) except -1:
    p.n_stops = settings["n_stops"]
    p.n_notes = n_checks - p.n_stops
    _check(0 <= p.n_stops <= n_checks, "stops")
    p.rejected_leaf = settings["rejected_leaf"]
    p.ungroupable_leaf = settings["ungroupable_leaf"]
    _check(p.rejected_leaf < n_leaves and p.ungroupable_leaf < n_leaves, "fixed leaves")
    p.reason_unknown_principal = settings["reason_unknown_principal"]
    p.reason_missing = settings["reason_missing"]
    p.reason_unknown_dx = settings["reason_unknown_dx"]
    p.reason_unknown_px = settings["reason_unknown_px"]
    p.reason_normalised = settings["reason_normalised"]
    for name in ("mcc", "cc"):
        bit = settings[name + "_literal"]
        _check(0 <= bit < p.words * 64, name)
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
        cdef _Reader r = _Reader(arrays)
        if self.ready:
            raise ValueError("a program is built once")
        memset(p, 0, sizeof(ProgramData))
        self.arrays = arrays
        p.words = settings["words"]
        p.n_rows = settings["n_rows"]
        p.row_words = (p.n_rows + 63) // 64
        _check(1 <= p.words <= MAX_WORDS, "words")
        _check(1 <= p.row_words <= MAX_ROW_WORDS, "rows")
        p.normalise = settings["normalise"]
        p.unmatched_self = settings["unmatched_self"]
        p.retry = settings["retry"]
        p.repeats = settings["repeats"]
        p.reject_missing = settings["reject_missing"]
        _codes(p, r, "dx", &p.dx)
        _codes(p, r, "px", &p.px)
        p.severity = <const uint32_t *>r.take("severity", _U32, p.dx.n_classes)
        p.exclusion = <const uint16_t *>r.take("exclusion", _U16, p.dx.n_classes)
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
