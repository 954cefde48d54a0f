"""Claim columns to ids: exact spelling first, the slow road only on a miss."""

from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport malloc, realloc
from libc.string cimport memcpy

from grouper_core.arrow cimport LISTED, OFFSETS_32, PLAIN, VIEW, CodeSource, Part, Text, is_valid
from grouper_core.bits cimport bytes_equal, find_byte, low_bytes, lowest_bit
from grouper_core.codes cimport (
    ABSENT, FIRST_ID, MAX_CODE_BYTES, UNKNOWN, CodeTable, HashTable, Key, find_slot, fold_text, hash_key, key_of_text,
)


cdef uint32_t find_folded(const CodeTable *table, const uint8_t *text, int64_t size) noexcept nogil:
    """The slow road of a code that is not listed as written: another spelling, or unknown."""
    cdef uint8_t folded[MAX_CODE_BYTES]
    cdef int64_t n = fold_text(text, size, folded)
    cdef int64_t slot
    if n == 0:
        return ABSENT
    if n < 0:
        return UNKNOWN
    slot = find_slot(&table.alias, hash_key(key_of_text(folded, n)))
    return table.alias_ids[slot] | NORMALISED if slot >= 0 else UNKNOWN


cdef bint is_blank(const uint8_t *text, int64_t size) noexcept nogil:
    cdef uint8_t folded[MAX_CODE_BYTES]
    return fold_text(text, size, folded) == 0


cdef inline uint32_t find_id(const CodeTable *table, Key key, const uint8_t *text) noexcept nogil:
    cdef int64_t slot = find_slot(&table.exact, hash_key(key))
    if slot >= 0:
        return <uint32_t>(slot + FIRST_ID)
    if table.normalise:
        return find_folded(table, text, key.size)
    return ABSENT if is_blank(text, key.size) else UNKNOWN


cdef inline uint32_t text_id(const CodeTable *table, const uint8_t *text, int64_t size) noexcept nogil:
    if size <= MAX_CODE_BYTES:
        return find_id(table, key_of_text(text, size), text) if size > 0 else ABSENT
    if table.normalise:
        return find_folded(table, text, size)
    return ABSENT if is_blank(text, size) else UNKNOWN


cdef inline bint reserve(Ids *ids, int64_t more) noexcept nogil:
    cdef int64_t room = ids.room
    cdef uint32_t *grown
    if ids.n + more <= room:
        return True
    while ids.n + more > room:
        room *= 2
    grown = <uint32_t *>realloc(ids.id, room * sizeof(uint32_t))
    if grown == NULL:
        return False
    ids.id = grown
    ids.room = room
    return True


cdef inline const uint8_t *text_at(const Text *text, int64_t row, int64_t *size) noexcept nogil:
    """Bytes of one string, and their number."""
    cdef const uint8_t *view
    cdef uint32_t length
    cdef int32_t where[2]
    row += text.offset
    if text.kind == VIEW:
        view = text.views + 16 * row
        memcpy(&length, view, 4)
        size[0] = length
        if length <= 12:
            return view + 4
        memcpy(where, view + 8, 8)
        return <const uint8_t *>text.data[where[0]] + where[1]
    if text.kind == OFFSETS_32:
        size[0] = text.offsets32[row + 1] - text.offsets32[row]
        return text.bytes + text.offsets32[row]
    size[0] = text.offsets64[row + 1] - text.offsets64[row]
    return text.bytes + text.offsets64[row]


cdef inline uint32_t cell_id(const CodeTable *table, const Text *text, int64_t row) noexcept nogil:
    """Id of a whole cell. A short string lies in its view, zero padded: its key is two loads."""
    cdef Key key
    cdef uint32_t tail = 0, length = 0
    cdef int64_t size
    cdef const uint8_t *view
    if not is_valid(text.validity, row + text.offset):
        return ABSENT
    if text.kind == VIEW:
        view = text.views + 16 * (row + text.offset)
        memcpy(&length, view, 4)
        if length == 0:
            return ABSENT
        if length <= 12:
            memcpy(&key.a, view + 4, 8)
            memcpy(&tail, view + 12, 4)
            key.b = tail
            key.c = 0
            key.size = length
            return find_id(table, key, view + 4)
    view = text_at(text, row, &size)
    return text_id(table, view, size)


cdef inline void push(Ids *ids, int64_t first, uint32_t id, bint keep_first) noexcept nogil:
    """Append to reserved room. An empty entry counts only where the principal diagnosis stands."""
    if id != ABSENT or (keep_first and ids.n == first):
        ids.id[ids.n] = id
        ids.n += 1


cdef void read_views(const CodeTable *table, const Text *text, int64_t at, int64_t end,
                     int64_t first, bint keep_first, Ids *ids) noexcept nogil:
    """Ids of a list of short strings without nulls, into reserved room: the batch's hottest loop."""
    cdef HashTable exact = table.exact
    cdef const uint8_t *view = text.views + 16 * (at + text.offset)
    cdef const uint8_t *stop = view + 16 * (end - at)
    cdef uint32_t *out = ids.id + ids.n
    cdef uint32_t tail, length, id
    cdef int64_t slot
    cdef Key key
    key.c = 0
    while view < stop:
        memcpy(&length, view, 4)
        if 0 < length <= 12:
            memcpy(&key.a, view + 4, 8)
            memcpy(&tail, view + 12, 4)
            key.b = tail
            key.size = length
            slot = find_slot(&exact, hash_key(key))
            if slot >= 0:
                out[0] = <uint32_t>(slot + FIRST_ID)
                out += 1
                view += 16
                continue
        ids.n = out - ids.id
        id = cell_id(table, text, (view - text.views) // 16 - text.offset)
        push(ids, first, id, keep_first)
        out = ids.id + ids.n
        view += 16
    ids.n = out - ids.id


cdef inline const uint8_t *read_inside(const CodeTable *table, const uint8_t *text,
                                       const uint8_t *end, uint8_t separator, int64_t first,
                                       bint keep_first, Ids *ids) noexcept nogil:
    """Codes that lie at least 16 bytes before the text's end: found and keyed by two loads.

    Returns where it stopped: at the start of a code.
    """
    cdef HashTable exact = table.exact
    cdef uint64_t pattern = <uint64_t>0x0101010101010101 * separator
    cdef uint64_t low, high, in_low, in_high, size
    cdef int64_t slot
    cdef const uint8_t *stop
    cdef Key key
    key.c = 0
    while end - text >= 16:
        memcpy(&low, text, 8)
        memcpy(&high, text + 8, 8)
        in_low = bytes_equal(low, pattern)
        in_high = bytes_equal(high, pattern)
        if in_low | in_high and in_low & 0xFF == 0:
            size = lowest_bit(in_low) >> 3 if in_low else 8 + (lowest_bit(in_high) >> 3)
            key.a = low_bytes(low, size if size < 8 else 8)
            key.b = low_bytes(high, size - 8 if size > 8 else 0)
            key.size = size
            slot = find_slot(&exact, hash_key(key))
            if slot >= 0:
                ids.id[ids.n] = <uint32_t>(slot + FIRST_ID)
                ids.n += 1
                text += size + 1
                continue
        stop = find_byte(text, end, separator)
        if stop == end:
            return text
        push(ids, first, text_id(table, text, stop - text), keep_first)
        text = stop + 1
    return text


cdef bint read_joined(const CodeTable *table, const Part *part, uint8_t separator,
                      int64_t row, int64_t first, bint keep_first, Ids *ids) noexcept nogil:
    cdef int64_t size
    cdef const uint8_t *text
    cdef const uint8_t *stop
    cdef const uint8_t *end
    if not is_valid(part.text.validity, row + part.text.offset):
        if not reserve(ids, 1):
            return False
        push(ids, first, ABSENT, keep_first)
        return True
    text = text_at(&part.text, row, &size)
    end = text + size
    if not reserve(ids, size + 1):
        return False
    text = read_inside(table, text, end, separator, first, keep_first, ids)
    while True:
        stop = find_byte(text, end, separator)
        push(ids, first, text_id(table, text, stop - text), keep_first)
        if stop == end:
            return True
        text = stop + 1


cdef bint read_row(const CodeTable *table, const CodeSource *source, int64_t row,
                   bint keep_first, Ids *ids) noexcept nogil:
    """Append one claim's ids: every part of the source, in order. False when memory is out."""
    cdef int64_t first = ids.n, i, at, end
    cdef const Part *part
    cdef int n
    for n in range(source.n_parts):
        part = &source.parts[n]
        if part.kind == LISTED:
            at = row + part.offset
            if not is_valid(part.validity, at):
                continue
            if part.starts64 != NULL:
                end = part.starts64[at + 1]
                at = part.starts64[at]
            else:
                end = part.starts32[at + 1]
                at = part.starts32[at]
            if not reserve(ids, end - at):
                return False
            if part.text.kind == VIEW and part.text.validity == NULL:
                read_views(table, &part.text, at, end, first, keep_first, ids)
                continue
            for i in range(at, end):
                push(ids, first, cell_id(table, &part.text, i), keep_first)
        elif part.kind == PLAIN:
            if not reserve(ids, 1):
                return False
            push(ids, first, cell_id(table, &part.text, row), keep_first)
        elif not read_joined(table, part, source.separator, row, first, keep_first, ids):
            return False
    return True


cdef bint read_plain(const CodeTable *table, const CodeSource *source, int64_t start,
                     int64_t rows, bint keep_first, Ids *ids) noexcept nogil:
    """A block of wide columns, column by column: most cells are empty, and so are their neighbours."""
    cdef int64_t i, size = source.n_parts
    cdef uint32_t *cells
    cdef const Text *text
    cdef int n
    if not reserve(ids, 2 * rows * size):
        return False
    # The cells are read into the upper half of the room and packed into the lower half.
    cells = ids.id + rows * size
    for n in range(source.n_parts):
        text = &source.parts[n].text
        for i in range(rows):
            cells[i * size + n] = cell_id(table, text, start + i)
    for i in range(rows):
        ids.start[i] = ids.n
        for n in range(source.n_parts):
            push(ids, ids.start[i], cells[i * size + n], keep_first)
    ids.start[rows] = ids.n
    return True


cdef bint read_block(const CodeTable *table, const CodeSource *source, int64_t start,
                     int64_t rows, bint keep_first, Ids *ids) noexcept nogil:
    cdef int64_t i
    cdef bint plain = source.n_parts > 0
    ids.n = 0
    for i in range(source.n_parts):
        plain = plain and source.parts[i].kind == PLAIN
    if plain:
        return read_plain(table, source, start, rows, keep_first, ids)
    for i in range(rows):
        ids.start[i] = ids.n
        if not read_row(table, source, start + i, keep_first, ids):
            return False
    ids.start[rows] = ids.n
    return True


cdef bint new_ids(Ids *ids) noexcept nogil:
    ids.n = 0
    ids.room = BLOCK * 16
    ids.id = <uint32_t *>malloc(ids.room * sizeof(uint32_t))
    return ids.id != NULL


cdef int64_t read_objects(const CodeTable *table, tuple codes, bint keep_first, uint32_t *out) except -1:
    cdef int64_t n = 0
    cdef Py_ssize_t size
    cdef const char *text
    cdef uint32_t id
    for code in codes:
        id = ABSENT
        if code is not None:
            try:
                text = PyUnicode_AsUTF8AndSize(code, &size)
                id = text_id(table, <const uint8_t *>text, size)
            except UnicodeEncodeError:  # half a surrogate pair: no code has one
                id = UNKNOWN
        if id == ABSENT and not (keep_first and n == 0):
            continue
        out[n] = id
        n += 1
    return n
