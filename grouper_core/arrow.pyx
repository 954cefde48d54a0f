"""Claim columns through the Arrow C stream interface (polars, pyarrow, pandas, duckdb frames)."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdlib cimport calloc, free
from libc.string cimport memset, strcmp


cdef void _text_column(ArrowSchema *schema, ArrowArray *array, Text *text) except *:
    cdef bytes format = schema.format
    memset(text, 0, sizeof(Text))
    if schema.dictionary != NULL or format not in (b"vu", b"u", b"U"):
        raise TypeError(f"column {schema.name.decode()!r} has Arrow format {format!r}, wanted text")
    text.offset = array.offset
    text.validity = <const uint8_t *>array.buffers[0] if array.null_count != 0 else NULL
    if format == b"vu":
        text.kind = VIEW
        text.views = <const uint8_t *>array.buffers[1]
        text.data = array.buffers + 2
    else:
        text.bytes = <const uint8_t *>array.buffers[2]
        if format == b"u":
            text.kind = OFFSETS_32
            text.offsets32 = <const int32_t *>array.buffers[1]
        else:
            text.kind = OFFSETS_64
            text.offsets64 = <const int64_t *>array.buffers[1]


cdef void _part(ArrowSchema *schema, ArrowArray *array, bint joined, Part *part) except *:
    if strcmp(schema.format, b"+L") == 0 or strcmp(schema.format, b"+l") == 0:
        part.kind = LISTED
        part.offset = array.offset
        part.validity = <const uint8_t *>array.buffers[0] if array.null_count != 0 else NULL
        if schema.format[1] == b"L":
            part.starts64 = <const int64_t *>array.buffers[1]
        else:
            part.starts32 = <const int32_t *>array.buffers[1]
        _text_column(schema.children[0], array.children[0], &part.text)
    else:
        part.kind = JOINED if joined else PLAIN
        _text_column(schema, array, &part.text)


cdef class ClaimBatch:
    """One chunk of claims: where its diagnoses and procedures lie. Owns the Arrow memory."""

    def __cinit__(self):
        memset(&self.array, 0, sizeof(ArrowArray))
        memset(&self.dx, 0, sizeof(CodeSource))
        memset(&self.px, 0, sizeof(CodeSource))

    def __dealloc__(self):
        free(self.dx.parts)
        free(self.px.parts)
        if self.array.release != NULL:
            self.array.release(&self.array)

    cdef void _attach(self, ArrowSchema *schema, CodeSource *source, tuple columns, int first, bint joined) except *:
        cdef int n = len(columns), i
        source.parts = <Part *>calloc(max(n, 1), sizeof(Part))
        if source.parts == NULL:
            raise MemoryError
        source.n_parts = n
        for i in range(n):
            if self.array.children[first + i].length < self.rows + self.array.offset:
                raise ValueError("an Arrow child is shorter than its struct")
            _part(schema.children[first + i], self.array.children[first + i], joined, &source.parts[i])
            # A sliced struct shifts its children too.
            if source.parts[i].kind == LISTED:
                source.parts[i].offset += self.array.offset
            else:
                source.parts[i].text.offset += self.array.offset


def read_stream(
    object source not None,
    tuple dx_columns not None,
    tuple px_columns not None,
    *,
    bint dx_joined=False,
    bint px_joined=False,
    str separator="|",
):
    """Read a frame's code columns without copying them.

    Parameters
    ----------
    source : object with ``__arrow_c_stream__``
        A frame whose columns are exactly ``dx_columns`` then ``px_columns``, text or list of text.
    dx_columns, px_columns : tuple of str
        Column names, in claim order; a list column gives several codes.
    dx_joined, px_joined : bool
        Text columns hold codes joined by ``separator`` instead of one code each.
    separator : str
        One ASCII character.

    Returns
    -------
    list of ClaimBatch
        The stream's chunks, in order.

    Raises
    ------
    TypeError
        A column is not text or list of text.
    ValueError
        The separator is not one ASCII character, or the stream fails.
    """
    cdef ArrowSchema schema
    cdef ArrowArray array
    cdef ArrowArrayStream *stream
    cdef ClaimBatch batch
    cdef int i
    if len(separator) != 1 or ord(separator) > 0x7F:
        raise ValueError(f"the separator must be one ASCII character, not {separator!r}")
    capsule = source.__arrow_c_stream__()
    stream = <ArrowArrayStream *>PyCapsule_GetPointer(capsule, b"arrow_array_stream")
    if stream.get_schema(stream, &schema) != 0:
        raise ValueError("the Arrow stream gives no schema")
    batches = []
    try:
        if strcmp(schema.format, b"+s") != 0:
            raise TypeError("the Arrow stream is not a frame's")
        names = tuple(schema.children[i].name.decode() for i in range(schema.n_children))
        if names != dx_columns + px_columns:
            raise ValueError(f"the frame's columns are {names}, wanted {dx_columns + px_columns}")
        while True:
            memset(&array, 0, sizeof(ArrowArray))
            if stream.get_next(stream, &array) != 0:
                raise ValueError("the Arrow stream broke off")
            if array.release == NULL:
                return batches
            batch = ClaimBatch()
            batch.array = array
            if array.null_count > 0:
                raise ValueError("a frame's rows cannot be null")
            batch.rows = array.length
            batch.dx.separator = batch.px.separator = ord(separator)
            batch._attach(&schema, &batch.dx, dx_columns, 0, dx_joined)
            batch._attach(&schema, &batch.px, px_columns, len(dx_columns), px_joined)
            batches.append(batch)
    finally:
        schema.release(&schema)
