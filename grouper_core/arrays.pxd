# Pointers into the arrays of a program, after item type, length and range were checked.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from grouper_core.codes cimport CodeTable

cdef object check(bint good, str what)


cdef class ArrayReader:
    cdef dict arrays

    cdef const void *take(self, str name, object kinds, Py_ssize_t size, object below=*) except? NULL
    cdef const uint8_t *u8(self, str name, Py_ssize_t size, object below=*) except? NULL
    cdef const uint16_t *u16(self, str name, Py_ssize_t size, object below=*) except? NULL
    cdef const uint32_t *u32(self, str name, Py_ssize_t size, object below=*) except? NULL
    cdef const uint64_t *u64(self, str name, Py_ssize_t size) except? NULL
    cdef const int32_t *i32(self, str name, Py_ssize_t size) except? NULL
    cdef const int64_t *i64(self, str name, Py_ssize_t size) except? NULL
    cdef const uint32_t *ranges(self, str name, Py_ssize_t size, object end) except? NULL
    cdef const uint16_t *codes(self, str kind, CodeTable *table, Py_ssize_t n_classes, bint normalise) except NULL
    cdef Py_ssize_t size(self, str name)
