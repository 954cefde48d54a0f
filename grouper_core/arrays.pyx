# cython: boundscheck=True, wraparound=True
"""ArrayReader: hands out pointers into a program's arrays; the loops trust what was checked here."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from grouper_core.codes cimport ABSENT, FIRST_ID, UNKNOWN, CodeTable, HashTable

_U64 = ("Q", "L")
_I64 = ("q", "l")


cdef object check(bint good, str what):
    if not good:
        raise ValueError(f"the program is not sound: {what}")


cdef class ArrayReader:
    """Hands out pointers into the arrays after checking item type, length and range.

    Parameters
    ----------
    arrays : dict of str to ndarray
        One-dimensional contiguous arrays by name.
    """

    def __init__(self, dict arrays not None):
        self.arrays = arrays

    cdef const void *take(self, str name, object kinds, Py_ssize_t size, object below=None) except? NULL:
        view = memoryview(self.arrays[name])
        check(view.format in kinds and view.contiguous and view.ndim == 1, f"{name} has format {view.format}")
        check(view.shape[0] == size, f"{name} has {view.shape[0]} items, wanted {size}")
        if below is not None and size:
            top = self.arrays[name].max()
            check(top < below, f"{name} points to {top}, beyond {below}")
        cdef const uint8_t[::1] data = view.cast("B") if size else memoryview(b"\0")
        return &data[0]

    cdef const uint8_t *u8(self, str name, Py_ssize_t size, object below=None) except? NULL:
        return <const uint8_t *>self.take(name, "B", size, below)

    cdef const uint16_t *u16(self, str name, Py_ssize_t size, object below=None) except? NULL:
        return <const uint16_t *>self.take(name, "H", size, below)

    cdef const uint32_t *u32(self, str name, Py_ssize_t size, object below=None) except? NULL:
        return <const uint32_t *>self.take(name, "I", size, below)

    cdef const uint64_t *u64(self, str name, Py_ssize_t size) except? NULL:
        return <const uint64_t *>self.take(name, _U64, size)

    cdef const int32_t *i32(self, str name, Py_ssize_t size) except? NULL:
        return <const int32_t *>self.take(name, "i", size)

    cdef const int64_t *i64(self, str name, Py_ssize_t size) except? NULL:
        return <const int64_t *>self.take(name, _I64, size)

    cdef const uint32_t *ranges(self, str name, Py_ssize_t size, object end) except? NULL:
        """Offsets that begin at 0, never fall and end at ``end``."""
        cdef const uint32_t *pointer = self.u32(name, size)
        values = self.arrays[name]
        check(
            size > 0 and int(values[0]) == 0 and int(values[-1]) == end
            and not (values[1:] < values[:-1]).any(),
            f"{name} is no ascending range",
        )
        return pointer

    cdef const uint16_t *codes(self, str kind, CodeTable *table, Py_ssize_t n_classes, bint normalise) except NULL:
        """Fill a code table, and return the class of every id."""
        cdef const uint16_t *classes
        _table(self, f"{kind}_", &table.exact)
        _table(self, f"{kind}_alias_", &table.alias)
        table.n_ids = table.exact.slots + FIRST_ID
        table.alias_ids = self.u32(f"{kind}_alias_ids", table.alias.slots, table.n_ids)
        table.normalise = normalise
        classes = self.u16(f"{kind}_classes", table.n_ids, n_classes)
        check(classes[0] == ABSENT and classes[1] == UNKNOWN, "reserved ids")
        return classes

    cdef Py_ssize_t size(self, str name):
        return len(self.arrays[name])


cdef int _table(ArrayReader r, str prefix, HashTable *table) except -1:
    table.slots = r.size(prefix + "keys")
    table.buckets = r.size(prefix + "shifts")
    check(table.slots > 0 and table.buckets > 0, f"{prefix}keys is empty")
    table.keys = r.u64(prefix + "keys", table.slots)
    table.shifts = r.u16(prefix + "shifts", table.buckets)
