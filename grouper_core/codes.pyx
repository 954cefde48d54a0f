"""Code tables: perfect hashes over a scheme's code list, and the folding of harmless spellings."""

from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, int64_t
from libc.stdlib cimport calloc, free

import array

cdef enum:
    MAX_SHIFT = 65_535
    BUCKET_SIZE = 4             # codes a bucket on average
    ATTEMPTS = 64               # table sizes tried before giving up


cdef int64_t fold_text(const uint8_t *text, int64_t size, uint8_t *out) noexcept nogil:
    """Write a spelling's folded form: full-width to ASCII, blanks gone, upper case.

    Returns the folded size, 0 when nothing is left, or -1 when the text is too long for a code or
    holds bytes no code has (then ``out`` is unspecified). ``out`` holds MAX_CODE_BYTES.
    """
    cdef int64_t i = 0, n = 0
    cdef uint32_t c, width
    while i < size:
        c = text[i]
        width = 1
        if c >= 0xF0:
            return -1
        if c >= 0xE0 and i + 2 < size:
            c = ((c & 0x0F) << 12) | ((<uint32_t>text[i + 1] & 0x3F) << 6) | (text[i + 2] & 0x3F)
            width = 3
        elif c >= 0xC0 and i + 1 < size:
            c = ((c & 0x1F) << 6) | (text[i + 1] & 0x3F)
            width = 2
        i += width
        if 0xFF01 <= c <= 0xFF5E:
            c -= 0xFEE0
        if c == 0x20 or c == 0x09 or c == 0x0A or c == 0x0D or c == 0xA0 or c == 0x3000:
            continue
        if c > 0x7E or c < 0x21 or n == MAX_CODE_BYTES:
            return -1
        if 0x61 <= c <= 0x7A:
            c -= 0x20
        out[n] = <uint8_t>c
        n += 1
    return n


cdef Key _key_of_str(str code) except *:
    cdef Py_ssize_t size
    cdef const char *text = PyUnicode_AsUTF8AndSize(code, &size)
    if size < 1 or size > MAX_CODE_BYTES:
        raise ValueError(f"a code has 1 to {MAX_CODE_BYTES} bytes: {code!r}")
    return key_of_text(<const uint8_t *>text, size)


def fold_code(str code):
    """Folded spelling of a code (``"ａ00.0 "`` -> ``"A00.0"``), or None when it can be no code."""
    cdef Py_ssize_t size
    cdef uint8_t out[MAX_CODE_BYTES]
    cdef const char *text = PyUnicode_AsUTF8AndSize(code, &size)
    cdef int64_t n = fold_text(<const uint8_t *>text, size, out)
    return out[:n].decode("ascii") if n >= 0 else None


def build_table(list codes not None):
    """Perfect hash over distinct codes.

    Parameters
    ----------
    codes : list of str
        Distinct codes of 1 to 24 UTF-8 bytes.

    Returns
    -------
    keys : array of uint64, shape (slots,)
        Hash of the code in each slot, 0 where a slot is empty.
    shifts : array of uint16, shape (buckets,)
    slots : array of uint32, shape (len(codes),)
        Slot of each code, in the order given.

    Raises
    ------
    ValueError
        A code is empty or too long, or two codes are equal.
    """
    cdef Py_ssize_t n = len(codes), i
    hashes = array.array("Q", bytes(8 * n))
    cdef uint64_t[::1] h = hashes
    for i in range(n):
        h[i] = hash_key(_key_of_str(codes[i]))
    if len(set(hashes)) != n:
        raise ValueError("codes must be distinct")
    cdef Py_ssize_t buckets = max(1, (n + BUCKET_SIZE - 1) // BUCKET_SIZE)
    cdef Py_ssize_t attempt, slots
    for attempt in range(ATTEMPTS):
        slots = max(1, n + n // 10 + attempt * (n // 50 + 1))
        found = _place(h, buckets, slots)
        if found is not None:
            return found
    raise ValueError("no perfect hash found")


cdef object _place(uint64_t[::1] h, Py_ssize_t buckets, Py_ssize_t slots):
    """Shift the buckets, the largest first, until no two codes share a slot."""
    cdef Py_ssize_t n = h.shape[0], i, j, at, size, largest = 0
    keys = array.array("Q", bytes(8 * slots))
    shifts = array.array("H", bytes(2 * buckets))
    placed = array.array("I", bytes(4 * n))
    cdef uint64_t[::1] key = keys
    cdef uint16_t[::1] shift = shifts
    cdef uint32_t[::1] slot = placed
    # Counting sort of the codes by bucket, then of the buckets by size.
    cdef uint32_t *start = <uint32_t *>calloc(buckets + 2, 4)
    cdef uint32_t *member = <uint32_t *>calloc(n + 1, 4)
    cdef HashTable table
    cdef uint64_t target
    cdef int64_t trial
    cdef bint clash, ok = True
    if start == NULL or member == NULL:
        free(start)
        free(member)
        raise MemoryError
    table.keys = &key[0]
    table.shifts = &shift[0]
    table.slots = slots
    table.buckets = buckets
    with nogil:
        for i in range(n):
            start[bucket_of(&table, h[i]) + 2] += 1
        for i in range(buckets):
            if start[i + 2] > largest:
                largest = start[i + 2]
            start[i + 2] += start[i + 1]
        for i in range(n):
            at = bucket_of(&table, h[i]) + 1
            member[start[at]] = <uint32_t>i
            start[at] += 1
        size = largest
        while size > 0 and ok:
            for i in range(buckets):
                if start[i + 1] - start[i] != size:
                    continue
                trial = 0
                while trial <= MAX_SHIFT:
                    shift[i] = <uint16_t>trial
                    clash = False
                    for j in range(start[i], start[i + 1]):
                        target = slot_of(&table, h[member[j]])
                        if key[target] != 0:
                            clash = True
                            break
                        key[target] = h[member[j]]
                        slot[member[j]] = <uint32_t>target
                    if not clash:
                        break
                    for at in range(start[i], j):
                        key[slot[member[at]]] = 0
                    trial += 1
                if trial > MAX_SHIFT:
                    ok = False
                    break
            size -= 1
    free(start)
    free(member)
    return (keys, shifts, placed) if ok else None


def find_codes(const uint64_t[::1] keys, const uint16_t[::1] shifts, list codes not None):
    """Ids of codes in a table: slot + 2, 1 for an unknown code (exact spelling), 0 for ``""``."""
    cdef HashTable table
    cdef Py_ssize_t size
    cdef const char *text
    cdef int64_t slot
    if keys.shape[0] == 0 or shifts.shape[0] == 0:
        raise ValueError("the table is empty")
    table.keys = &keys[0]
    table.shifts = &shifts[0]
    table.slots = keys.shape[0]
    table.buckets = shifts.shape[0]
    ids = []
    for code in codes:
        text = PyUnicode_AsUTF8AndSize(code, &size)
        if size == 0:
            ids.append(ABSENT)
            continue
        slot = -1
        if size <= MAX_CODE_BYTES:
            slot = find_slot(&table, hash_key(key_of_text(<const uint8_t *>text, size)))
        ids.append(slot + FIRST_ID if slot >= 0 else UNKNOWN)
    return ids
