# Arrow C data interface: claim columns read where they lie, no copy, no Python string.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

cdef extern from *:
    """
    #ifndef ARROW_C_DATA_INTERFACE
    #define ARROW_C_DATA_INTERFACE
    #include <stdint.h>
    struct ArrowSchema {
      const char *format; const char *name; const char *metadata; int64_t flags;
      int64_t n_children; struct ArrowSchema **children; struct ArrowSchema *dictionary;
      void (*release)(struct ArrowSchema *); void *private_data;
    };
    struct ArrowArray {
      int64_t length; int64_t null_count; int64_t offset; int64_t n_buffers; int64_t n_children;
      const void **buffers; struct ArrowArray **children; struct ArrowArray *dictionary;
      void (*release)(struct ArrowArray *); void *private_data;
    };
    #endif
    #ifndef ARROW_C_STREAM_INTERFACE
    #define ARROW_C_STREAM_INTERFACE
    struct ArrowArrayStream {
      int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
      int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
      const char *(*get_last_error)(struct ArrowArrayStream *);
      void (*release)(struct ArrowArrayStream *); void *private_data;
    };
    #endif
    """
    cdef struct ArrowSchema:
        const char *format
        const char *name
        int64_t n_children
        ArrowSchema **children
        ArrowSchema *dictionary
        void (*release)(ArrowSchema *) noexcept

    cdef struct ArrowArray:
        int64_t length
        int64_t null_count
        int64_t offset
        int64_t n_buffers
        int64_t n_children
        const void **buffers
        ArrowArray **children
        ArrowArray *dictionary
        void (*release)(ArrowArray *) noexcept

    cdef struct ArrowArrayStream:
        int (*get_schema)(ArrowArrayStream *, ArrowSchema *) noexcept
        int (*get_next)(ArrowArrayStream *, ArrowArray *) noexcept
        const char *(*get_last_error)(ArrowArrayStream *) noexcept
        void (*release)(ArrowArrayStream *) noexcept

cdef enum TextKind:
    VIEW            # "vu": 16-byte views, up to 12 bytes inline
    OFFSETS_32      # "u"
    OFFSETS_64      # "U"

cdef struct Text:                   # one string column
    int kind
    int64_t offset                  # added to every row
    const uint8_t *validity         # NULL: no nulls
    const uint8_t *views            # VIEW: [16 * rows]
    const void **data               # VIEW: the variadic buffers
    const int32_t *offsets32
    const int64_t *offsets64
    const uint8_t *bytes

cdef enum PartKind:
    PLAIN           # one code a row
    JOINED          # codes joined by a separator
    LISTED          # a list of codes

cdef struct Part:                   # one source column of a code list
    int kind
    Text text                       # the strings (of the list's child when LISTED)
    int64_t offset                  # LISTED: added to every row
    const uint8_t *validity         # LISTED: of the lists
    const int32_t *starts32         # LISTED: one of the two is set
    const int64_t *starts64

cdef struct CodeSource:             # all columns of one code list, in order
    Part *parts
    int n_parts
    uint8_t separator


cdef inline bint is_valid(const uint8_t *validity, int64_t row) noexcept nogil:
    return validity == NULL or (validity[row >> 3] >> (row & 7)) & 1


cdef class ClaimBatch:
    cdef ArrowArray array
    cdef CodeSource dx
    cdef CodeSource px
    cdef readonly int64_t rows
    cdef void _attach(self, ArrowSchema *schema, CodeSource *source, tuple columns, int first, bint joined) except *
