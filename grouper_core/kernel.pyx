"""The batch loop: claims to outcomes, a few hundred at a time, codes to ids first.

A claim's truth is two bit vectors over the program's literals: those that hold, and those that
may hold (a missing value leaves a literal open). Decision rows are bits too: one mask from the
principal diagnosis, one from the principal procedure, one from each telling scalar; their AND
leaves a handful of candidates, tried in order.
"""

from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from grouper_core.arrow cimport (
    JOINED, LISTED, OFFSETS_32, PLAIN, VIEW, ClaimBatch, CodeSource, Part, Text, is_valid,
)
from grouper_core.codes cimport (
    ABSENT, FIRST_ID, MAX_CODE_BYTES, UNKNOWN, HashTable, Key, find_slot, fold_text, hash_key, key_of_text,
)
from grouper_core.program cimport (
    CLASS_UNKNOWN, FLAG_COUNTERS, FLAG_LITERALS, FLAG_SEVERITY, FLAG_UNKNOWN, GROUPED, MAX_COUNTERS, MAX_FIELDS, MAX_ROW_WORDS, MAX_WORDS,
    ROW_DOOR, ROW_FINAL, ROW_HOME, SEVERITY_CC, SEVERITY_MCC, SEVERITY_NONE, SEVERITY_NULL,
    UNGROUPABLE, CodeSide, Program, ProgramData, ScalarField,
)

cdef extern from *:
    """
    #if defined(_MSC_VER)
    #include <intrin.h>
    static inline int drg_lowest(uint64_t x) { unsigned long i; _BitScanForward64(&i, x); return (int)i; }
    static inline int drg_popcount(uint64_t x) { return (int)__popcnt64(x); }
    #else
    static inline int drg_lowest(uint64_t x) { return __builtin_ctzll(x); }
    static inline int drg_popcount(uint64_t x) { return __builtin_popcountll(x); }
    #endif
    """
    int drg_lowest(uint64_t x) noexcept nogil
    int drg_popcount(uint64_t x) noexcept nogil

cdef enum:
    BLOCK = 256                 # claims whose codes become ids before any is decided
    NORMALISED = 1 << 30        # mark on an id: the spelling was not the listed one
    ID_MASK = (1 << 30) - 1
    NULL_VALUE = -2147483648
    INVALID_VALUE = -2147483647

cdef struct Ids:                # ids of one code list of a block of claims
    uint32_t *id
    int64_t n
    int64_t room
    int64_t start[BLOCK + 1]

cdef struct Claim:
    const uint32_t *dx
    const uint32_t *px
    int64_t n_dx
    int64_t n_px

cdef struct Truth:
    uint64_t holds[MAX_WORDS]   # literals that hold
    uint64_t may[MAX_WORDS]     # literals that hold or are left open
    bint open                   # does any literal differ between the two?

cdef struct Verdict:
    uint16_t leaf
    uint16_t reason
    uint8_t severity


# ---------------------------------------------------------------- codes to ids

cdef uint32_t find_folded(const CodeSide *side, const uint8_t *text, int64_t size) noexcept nogil:
    """The slow road of a code that is not listed as written: another spelling, or unknown."""
    cdef uint8_t folded[MAX_CODE_BYTES]
    cdef int64_t n = fold_text(text, size, folded)
    cdef int64_t slot
    if n == 0:
        return ABSENT
    if n < 0:
        return UNKNOWN
    slot = find_slot(&side.alias, hash_key(key_of_text(folded, n)))
    return side.alias_ids[slot] | NORMALISED if slot >= 0 else UNKNOWN


cdef bint is_blank(const uint8_t *text, int64_t size) noexcept nogil:
    cdef uint8_t folded[MAX_CODE_BYTES]
    return fold_text(text, size, folded) == 0


cdef inline uint32_t find_id(const ProgramData *p, const CodeSide *side, Key key, const uint8_t *text) noexcept nogil:
    cdef int64_t slot = find_slot(&side.exact, hash_key(key))
    if slot >= 0:
        return <uint32_t>(slot + FIRST_ID)
    if p.normalise:
        return find_folded(side, text, key.size)
    return ABSENT if is_blank(text, key.size) else UNKNOWN


cdef inline uint32_t text_id(const ProgramData *p, const CodeSide *side, const uint8_t *text, int64_t size) noexcept nogil:
    if size <= MAX_CODE_BYTES:
        return find_id(p, side, key_of_text(text, size), text) if size > 0 else ABSENT
    if p.normalise:
        return find_folded(side, text, size)
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


cdef inline uint32_t cell_id(const ProgramData *p, const CodeSide *side, const Text *text, int64_t row) noexcept nogil:
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
            return find_id(p, side, key, view + 4)
    view = text_at(text, row, &size)
    return text_id(p, side, view, size)


cdef inline void push(Ids *ids, int64_t first, uint32_t id, bint keep_first) noexcept nogil:
    """Append to reserved room. An empty entry counts only where the principal diagnosis stands."""
    if id != ABSENT or (keep_first and ids.n == first):
        ids.id[ids.n] = id
        ids.n += 1


cdef void read_views(const ProgramData *p, const CodeSide *side, const Text *text, int64_t at, int64_t end,
                     int64_t first, bint keep_first, Ids *ids) noexcept nogil:
    """Ids of a list of short strings without nulls, into reserved room: the batch's hottest loop."""
    cdef HashTable table = side.exact
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
            slot = find_slot(&table, hash_key(key))
            if slot >= 0:
                out[0] = <uint32_t>(slot + FIRST_ID)
                out += 1
                view += 16
                continue
        ids.n = out - ids.id
        id = cell_id(p, side, text, (view - text.views) // 16 - text.offset)
        push(ids, first, id, keep_first)
        out = ids.id + ids.n
        view += 16
    ids.n = out - ids.id


cdef bint read_joined(const ProgramData *p, const CodeSide *side, const Part *part, uint8_t separator,
                      int64_t row, int64_t first, bint keep_first, Ids *ids) noexcept nogil:
    cdef int64_t size, at
    cdef const uint8_t *text
    cdef const uint8_t *stop
    cdef const uint8_t *end
    if not reserve(ids, 1):
        return False
    if not is_valid(part.text.validity, row + part.text.offset):
        push(ids, first, ABSENT, keep_first)
        return True
    text = text_at(&part.text, row, &size)
    end = text + size
    while True:
        stop = text
        while stop < end and stop[0] != separator:
            stop += 1
        if not reserve(ids, 1):
            return False
        push(ids, first, text_id(p, side, text, stop - text), keep_first)
        if stop == end:
            return True
        text = stop + 1


cdef bint read_row(const ProgramData *p, const CodeSide *side, const CodeSource *source, int64_t row,
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
                read_views(p, side, &part.text, at, end, first, keep_first, ids)
                continue
            for i in range(at, end):
                push(ids, first, cell_id(p, side, &part.text, i), keep_first)
        elif part.kind == PLAIN:
            if not reserve(ids, 1):
                return False
            push(ids, first, cell_id(p, side, &part.text, row), keep_first)
        elif not read_joined(p, side, part, source.separator, row, first, keep_first, ids):
            return False
    return True


cdef bint read_block(const ProgramData *p, const CodeSide *side, const CodeSource *source, int64_t start,
                     int64_t rows, bint keep_first, Ids *ids) noexcept nogil:
    cdef int64_t i
    ids.n = 0
    for i in range(rows):
        ids.start[i] = ids.n
        if not read_row(p, side, source, start + i, keep_first, ids):
            return False
    ids.start[rows] = ids.n
    return True


# ---------------------------------------------------------------- one claim

cdef inline bint terms_hold(const ProgramData *p, const Truth *truth, uint32_t first, uint32_t end) noexcept nogil:
    """Does any term (a conjunction of literals) hold for certain?"""
    cdef uint32_t t
    cdef int w
    cdef const uint64_t *yes
    cdef const uint64_t *no
    for t in range(first, end):
        yes = p.term_true + t * p.words
        no = p.term_false + t * p.words
        for w in range(p.words):
            if (truth.holds[w] & yes[w]) != yes[w] or (truth.may[w] & no[w]) != 0:
                break
        else:
            return True
    return False


cdef inline bint terms_may(const ProgramData *p, const Truth *truth, uint32_t first, uint32_t end) noexcept nogil:
    """Could any term hold if the missing values were known?"""
    cdef uint32_t t
    cdef int w
    cdef const uint64_t *yes
    cdef const uint64_t *no
    for t in range(first, end):
        yes = p.term_true + t * p.words
        no = p.term_false + t * p.words
        for w in range(p.words):
            if (truth.may[w] & yes[w]) != yes[w] or (truth.holds[w] & no[w]) != 0:
                break
        else:
            return True
    return False


cdef void count_codes(const ProgramData *p, const CodeSide *side, const uint32_t *ids, int64_t n,
                             int32_t *slots) noexcept nogil:
    """Feed the counting slots, each distinct code once."""
    cdef int64_t i, j
    cdef uint32_t id, at
    cdef uint16_t c
    for i in range(n):
        id = ids[i] & ID_MASK
        c = side.classes[id]
        if side.counter_start[c] == side.counter_start[c + 1]:
            continue
        for j in range(i):
            if ids[j] & ID_MASK == id:
                break
        else:
            for at in range(side.counter_start[c], side.counter_start[c + 1]):
                slots[side.counters[at]] += 1


cdef inline int bounded(const ScalarField *field, int32_t value) noexcept nogil:
    """Row of a field's tables: 0 null, 1 invalid, then the intervals."""
    cdef int i = 0
    if value <= INVALID_VALUE:
        return 0 if value == NULL_VALUE else 1
    while i < field.n_bounds and value >= field.bounds[i]:
        i += 1
    return i + 2


cdef inline bint counted(int32_t have, int32_t op, int32_t wanted) noexcept nogil:
    if op == 0:
        return have < wanted
    if op == 1:
        return have <= wanted
    if op == 2:
        return have == wanted
    if op == 3:
        return have >= wanted
    return have > wanted


cdef inline void add_literals(const ProgramData *p, const CodeSide *side, uint16_t c, const uint64_t *where,
                              Truth *truth) noexcept nogil:
    cdef const uint64_t *literal = side.literals + <uint64_t>c * p.words
    cdef int w
    for w in range(p.words):
        truth.holds[w] |= literal[w] & where[w]


cdef inline const uint64_t *keyed_rows(const ProgramData *p, const Truth *truth, uint64_t *room) noexcept nogil:
    """Rows left once the literals that rows cannot do without are known; mostly no such holds."""
    cdef const uint64_t *rows
    cdef const uint64_t *found = p.open_rows
    cdef uint64_t keys
    cdef int w, v
    for w in range(p.words):
        keys = truth.holds[w] & p.key_literals[w]
        while keys != 0:
            rows = p.key_rows + (w * 64 + drg_lowest(keys)) * p.row_words
            for v in range(p.row_words):
                room[v] = found[v] | rows[v]
            found = room
            keys &= keys - 1
    return found


cdef uint16_t decide(const ProgramData *p, const Truth *truth, uint16_t dx_class, uint16_t px_class,
                     const uint64_t *allowed, bint *missing) noexcept nogil:
    """First decision row that holds, as a leaf. Sets ``missing`` when a tried rule lacks a value."""
    cdef const uint64_t *by_dx = p.dx.rows + <uint64_t>dx_class * p.row_words
    cdef const uint64_t *by_px = p.px.rows + <uint64_t>px_class * p.row_words
    cdef uint64_t room[MAX_ROW_WORDS]
    cdef const uint64_t *keyed = keyed_rows(p, truth, room)
    cdef uint64_t candidates
    cdef uint32_t row, test
    cdef int w
    for w in range(p.row_words):
        candidates = by_dx[w] & by_px[w] & allowed[w] & keyed[w]
        if not truth.open:
            candidates &= p.fast_rows[w]
        while candidates != 0:
            row = w * 64 + drg_lowest(candidates)
            if (p.exact_rows[w] & candidates & (~candidates + 1)) == 0:
                if not terms_hold(p, truth, p.row_terms[row], p.row_terms[row + 1]):
                    if (truth.open and p.row_kind[row] != ROW_HOME
                            and terms_may(p, truth, p.row_terms[row], p.row_terms[row + 1])):
                        missing[0] = True
                    candidates &= candidates - 1
                    continue
            candidates &= candidates - 1
            if p.row_kind[row] == ROW_DOOR:
                continue
            if p.row_kind[row] >= ROW_FINAL:
                return p.row_leaf[row]
            for test in range(p.row_tests[2 * row], p.row_tests[2 * row + 1]):
                if terms_hold(p, truth, p.test_terms[test], p.test_terms[test + 1]):
                    return p.test_leaf[test]
                if truth.open and terms_may(p, truth, p.test_terms[test], p.test_terms[test + 1]):
                    missing[0] = True
            if p.unmatched_self:
                return p.row_leaf[row]
    return p.ungroupable_leaf


cdef inline void seal(const ProgramData *p, Truth *truth, const uint64_t *open) noexcept nogil:
    cdef int w
    for w in range(p.words):
        truth.may[w] = truth.holds[w] | open[w]


cdef uint16_t first_check(const ProgramData *p, const Truth *truth, int first, int end) noexcept nogil:
    cdef int i
    for i in range(first, end):
        if terms_hold(p, truth, p.check_terms[i], p.check_terms[i + 1]):
            return p.check_reason[i]
    return 0


cdef inline uint8_t read_procedures(const ProgramData *p, const uint32_t *ids, int64_t n, Truth *truth) noexcept nogil:
    """Add what the procedures fulfil; returns the class flags seen, the principal's included."""
    cdef uint32_t principal = ids[0] & ID_MASK if n > 0 else ABSENT
    cdef uint16_t c = p.px.classes[principal]
    cdef uint8_t flags = p.px.flags[c], seen = flags
    cdef int64_t i
    add_literals(p, &p.px, c, p.px.principal, truth)
    for i in range(1, n):
        c = p.px.classes[ids[i] & ID_MASK]
        flags = p.px.flags[c]
        if flags == 0 or ids[i] & ID_MASK == principal:
            continue
        seen |= flags
        if flags & FLAG_LITERALS:
            add_literals(p, &p.px, c, p.px.secondary, truth)
    return seen


cdef void read_counts(const ProgramData *p, const Claim *claim, bint any_counted, Truth *truth) noexcept nogil:
    cdef int32_t slots[MAX_COUNTERS]
    cdef int32_t have, sites = 0
    cdef const int32_t *row
    cdef int i
    if not any_counted:
        for i in range(p.words):
            truth.holds[i] |= p.counter_zero[i]
        return
    for i in range(p.n_slots):
        slots[i] = 0
    count_codes(p, &p.dx, claim.dx, claim.n_dx, slots)
    count_codes(p, &p.px, claim.px, claim.n_px, slots)
    for i in range(p.n_sites):
        sites += slots[i] > 0
    for i in range(p.n_counters):
        row = p.counter_table + 4 * i
        have = slots[row[0]] if row[0] >= 0 else sites
        if counted(have, row[1], row[2]):
            truth.holds[row[3] >> 6] |= <uint64_t>1 << (row[3] & 63)


cdef inline int read_scalars(const ProgramData *p, const int32_t *const *columns, int64_t row,
                             Truth *truth, uint64_t *open) noexcept nogil:
    """Set what the scalar fields decide and leave open; returns the claim's context."""
    cdef const ScalarField *field
    cdef int32_t value
    cdef int f, w, at, context = 0
    cdef uint64_t any_open = 0
    for f in range(p.n_context):
        field = &p.fields[f]
        value = columns[field.column][row] if columns[field.column] != NULL else NULL_VALUE
        context = context * field.size + bounded(field, value)
    for w in range(p.words):
        truth.holds[w] = p.context_true[context * p.words + w]
        open[w] = p.context_unknown[context * p.words + w]
    for f in range(p.n_context, p.n_fields):
        field = &p.fields[f]
        value = columns[field.column][row] if columns[field.column] != NULL else NULL_VALUE
        at = bounded(field, value) * p.words
        for w in range(p.words):
            truth.holds[w] |= field.true_bits[at + w]
            open[w] |= field.unknown_bits[at + w]
    for w in range(p.words):
        any_open |= open[w]
    truth.open = any_open != 0
    return context


cdef inline uint32_t principal_of(const Claim *claim) noexcept nogil:
    return claim.dx[0] & ID_MASK if claim.n_dx > 0 else ABSENT


cdef void group_claim(const ProgramData *p, const Claim *claim, const int32_t *const *columns,
                      int64_t row, Verdict *verdict) noexcept nogil:
    cdef Truth truth
    cdef Truth before
    cdef uint64_t open[MAX_WORDS]
    cdef uint64_t triggered = 0
    cdef uint32_t principal = principal_of(claim)
    cdef uint32_t id, severity, marks = 0
    cdef uint16_t dx_class = p.dx.classes[principal]
    cdef uint16_t excluded = p.exclusion[dx_class]
    cdef uint16_t c, leaf, note
    cdef uint8_t flags, dx_seen = p.dx.flags[dx_class], px_seen
    cdef int level = 0, w
    cdef int64_t i
    cdef bint missing = False, counts
    cdef const uint64_t *allowed = p.context_rows + read_scalars(p, columns, row, &truth, open) * p.row_words

    add_literals(p, &p.dx, dx_class, p.dx.principal, &truth)
    marks = principal if claim.n_dx == 0 else claim.dx[0]
    for i in range(1, claim.n_dx):
        marks |= claim.dx[i]
        id = claim.dx[i] & ID_MASK
        c = p.dx.classes[id]
        flags = p.dx.flags[c]
        if flags == 0 or id == principal:
            continue
        dx_seen |= flags
        if flags & FLAG_LITERALS:
            add_literals(p, &p.dx, c, p.dx.secondary, &truth)
        if flags & FLAG_SEVERITY:
            severity = p.severity[c]
            if (severity & 0xFFFF) != excluded:
                level |= severity >> 16
    for i in range(claim.n_px):
        marks |= claim.px[i]
    if level & 2:
        for w in range(p.words):
            truth.holds[w] |= p.mcc_bit[w]
    if level & 1:
        for w in range(p.words):
            truth.holds[w] |= p.cc_bit[w]

    if p.retry:
        before = truth
    px_seen = read_procedures(p, claim.px, claim.n_px, &truth)
    counts = (dx_seen | px_seen) & FLAG_COUNTERS
    if p.n_counters:
        read_counts(p, claim, counts, &truth)
    seal(p, &truth, open)

    verdict.severity = SEVERITY_NULL
    verdict.reason = 0
    for w in range(p.words):
        triggered |= truth.holds[w] & p.check_filter[w]
    if triggered:
        verdict.reason = first_check(p, &truth, 0, p.n_stops)
        if verdict.reason:
            verdict.leaf = p.rejected_leaf
            return

    id = claim.px[0] & ID_MASK if claim.n_px > 0 else ABSENT
    leaf = decide(p, &truth, dx_class, p.px.classes[id], allowed, &missing)
    if p.retry and p.leaf_outcome[leaf] == UNGROUPABLE:
        leaf = retry_procedures(p, claim, counts, &before, open, allowed, leaf, &missing)
    if missing and p.reject_missing:
        verdict.leaf = p.rejected_leaf
        verdict.reason = p.reason_missing
        return
    verdict.leaf = leaf
    verdict.reason = p.leaf_reason[leaf]
    if p.leaf_outcome[leaf] == GROUPED:
        verdict.severity = SEVERITY_MCC if level & 2 else SEVERITY_CC if level & 1 else SEVERITY_NONE
        if triggered:
            verdict.reason = first_check(p, &truth, p.n_stops, p.n_stops + p.n_notes)
        if verdict.reason == 0:
            if marks & NORMALISED:
                verdict.reason = p.reason_normalised
            elif dx_seen & FLAG_UNKNOWN:
                verdict.reason = p.reason_unknown_dx
            elif px_seen & FLAG_UNKNOWN:
                verdict.reason = p.reason_unknown_px
    elif p.leaf_outcome[leaf] == UNGROUPABLE:
        note = p.reason_unknown_principal if dx_class == CLASS_UNKNOWN else 0
        if note == 0 and triggered:
            note = first_check(p, &truth, p.n_stops, p.n_stops + p.n_notes)
        if note:
            verdict.reason = note


cdef uint16_t retry_procedures(const ProgramData *p, const Claim *claim, bint counts, const Truth *before,
                               const uint64_t *open, const uint64_t *allowed, uint16_t leaf,
                               bint *missing) noexcept nogil:
    """Each further distinct procedure alone, the first that groups wins (scheme flag)."""
    cdef Truth truth
    cdef Claim alone = claim[0]
    cdef uint16_t found
    cdef uint32_t id
    cdef int64_t i, j
    alone.n_px = 1
    for i in range(1, claim.n_px):
        id = claim.px[i] & ID_MASK
        for j in range(i):
            if claim.px[j] & ID_MASK == id:
                break
        else:
            alone.px = claim.px + i
            truth = before[0]
            read_procedures(p, alone.px, 1, &truth)
            if p.n_counters:
                read_counts(p, &alone, counts, &truth)
            seal(p, &truth, open)
            found = decide(p, &truth, p.dx.classes[principal_of(claim)], p.px.classes[id], allowed, missing)
            if p.leaf_outcome[found] != UNGROUPABLE:
                return found
    return leaf


# ---------------------------------------------------------------- batches

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


cdef bint new_ids(Ids *ids) noexcept nogil:
    ids.n = 0
    ids.room = BLOCK * 16
    ids.id = <uint32_t *>malloc(ids.room * sizeof(uint32_t))
    return ids.id != NULL


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
    cdef const ProgramData *p = &program.data
    cdef Ids dx, px
    cdef Claim claim
    cdef Verdict verdict
    cdef Py_ssize_t at, rows, i, out
    cdef bint good = True
    if not 0 <= start <= stop <= batch.rows or offset < 0:
        raise ValueError("the range lies outside the batch")
    if min(leaf.shape[0], severity.shape[0], reason.shape[0]) < offset + stop:
        raise ValueError("a result array is too short")
    cdef _Columns scalars = _Columns(program, columns, offset + stop)
    with nogil:
        dx.id = NULL
        px.id = NULL
        good = new_ids(&dx) and new_ids(&px)
        at = start
        while good and at < stop:
            rows = min(<Py_ssize_t>BLOCK, stop - at)
            good = (read_block(p, &p.dx, &batch.dx, at, rows, True, &dx)
                    and read_block(p, &p.px, &batch.px, at, rows, False, &px))
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

    cdef const ProgramData *p = &program.data
    cdef Ids ids
    cdef Py_ssize_t at, rows, i
    cdef const CodeSide *side
    cdef const CodeSource *source
    cdef int64_t[::1] starts
    cdef bint first
    found = []
    for first in (True, False):
        side = &p.dx if first else &p.px
        source = &batch.dx if first else &batch.px
        start = array.array("q", bytes(8 * (batch.rows + 1)))
        starts = start
        id = array.array("I")
        if not new_ids(&ids):
            raise MemoryError
        try:
            for at in range(0, batch.rows, BLOCK):
                rows = min(<Py_ssize_t>BLOCK, batch.rows - at)
                if not read_block(p, side, source, at, rows, first, &ids):
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
    cdef const ProgramData *p = &program.data
    cdef Py_ssize_t rows = dx_start.shape[0] - 1, i
    cdef Claim claim
    cdef Verdict verdict
    cdef uint32_t none = 0
    if rows < 0 or min(leaf.shape[0], severity.shape[0], reason.shape[0]) < rows:
        raise ValueError("a result array is too short")
    _check_ids(dx_start, dx_id, rows, p.dx.n_ids)
    _check_ids(px_start, px_id, rows, p.px.n_ids)
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


cdef int64_t _read_codes(const ProgramData *p, const CodeSide *side, object codes, bint keep_first, uint32_t *out) except -1:
    cdef int64_t n = 0
    cdef Py_ssize_t size
    cdef const char *text
    cdef uint32_t id
    for code in codes:
        id = ABSENT
        if code is not None:
            text = PyUnicode_AsUTF8AndSize(code, &size)
            id = text_id(p, side, <const uint8_t *>text, size)
        if id == ABSENT and not (keep_first and n == 0):
            continue
        out[n] = id
        n += 1
    return n


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
    cdef const ProgramData *p = &program.data
    cdef uint32_t small[256]
    cdef uint32_t *room = small
    cdef int32_t values[MAX_FIELDS]
    cdef const int32_t *columns[MAX_FIELDS]
    cdef Claim claim
    cdef Verdict verdict
    cdef Py_ssize_t n_dx = len(diagnoses), n_px = len(procedures)
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
        claim.n_dx = _read_codes(p, &p.dx, diagnoses, True, room)
        claim.px = room + claim.n_dx
        claim.n_px = _read_codes(p, &p.px, procedures, False, room + claim.n_dx)
        group_claim(p, &claim, columns, 0, &verdict)
    finally:
        if room != small:
            free(room)
    return verdict.leaf, verdict.severity, verdict.reason
