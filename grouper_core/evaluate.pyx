"""One claim to its outcome.

A claim's truth is two bit vectors over the program's literals: those that hold, and those that
may hold (a missing value leaves a literal open). Decision rows are bits too: one mask from the
principal diagnosis, one from the principal procedure, one from the context (age, sex), one from
the literals that rows cannot do without. Their AND leaves a few candidates, tried in order.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from grouper_core.bits cimport lowest_bit
from grouper_core.codes cimport ABSENT
from grouper_core.program cimport (
    CLASS_UNKNOWN, FLAG_COUNTERS, FLAG_LITERALS, FLAG_SEVERITY, FLAG_UNKNOWN, GROUPED, MAX_COUNTERS,
    MAX_ROW_WORDS, MAX_WORDS, ROW_DOOR, ROW_FINAL, ROW_HOME, SEVERITY_CC, SEVERITY_MCC, SEVERITY_NONE,
    SEVERITY_NULL, UNGROUPABLE, CodeSide, ProgramData, ScalarField,
)
from grouper_core.reading cimport ID_MASK, NORMALISED

cdef enum:
    NULL_VALUE = -2147483648
    INVALID_VALUE = -2147483647

cdef struct Truth:
    uint64_t holds[MAX_WORDS]   # literals that hold
    uint64_t may[MAX_WORDS]     # literals that hold or are left open
    bint open                   # does any literal differ between the two?


cdef inline bint any_term(const ProgramData *p, int words, const uint64_t *have, const uint64_t *against,
                          uint32_t first, uint32_t end) noexcept nogil:
    """Is there a term (a conjunction) all of whose wanted literals are had and none of the unwanted?"""
    cdef uint32_t t
    cdef int w
    cdef const uint64_t *yes
    cdef const uint64_t *no
    for t in range(first, end):
        yes = p.term_true + t * words
        no = p.term_false + t * words
        for w in range(words):
            if (have[w] & yes[w]) != yes[w] or (against[w] & no[w]) != 0:
                break
        else:
            return True
    return False


cdef inline bint terms_hold(const ProgramData *p, int words, const Truth *truth, uint32_t first, uint32_t end) noexcept nogil:
    """Does any term hold for certain?"""
    return any_term(p, words, truth.holds, truth.may, first, end)


cdef inline bint terms_may(const ProgramData *p, int words, const Truth *truth, uint32_t first, uint32_t end) noexcept nogil:
    """Could any term hold if the missing values were known?"""
    return any_term(p, words, truth.may, truth.holds, first, end)


cdef inline void count_codes(const ProgramData *p, const CodeSide *side, const uint32_t *ids, int64_t n,
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


cdef inline void add_literals(const ProgramData *p, int words, const CodeSide *side, uint16_t c, const uint64_t *where,
                              Truth *truth) noexcept nogil:
    cdef const uint64_t *literal = side.literals + <uint64_t>c * words
    cdef int w
    for w in range(words):
        truth.holds[w] |= literal[w] & where[w]


cdef inline const uint64_t *keyed_rows(const ProgramData *p, int words, const Truth *truth, uint64_t *room) noexcept nogil:
    """Rows left once the literals that rows cannot do without are known; mostly no such holds."""
    cdef const uint64_t *rows
    cdef const uint64_t *found = p.open_rows
    cdef uint64_t keys
    cdef int w, v
    for w in range(words):
        keys = truth.holds[w] & p.key_literals[w]
        while keys != 0:
            rows = p.key_rows + (w * 64 + lowest_bit(keys)) * p.row_words
            for v in range(p.row_words):
                room[v] = found[v] | rows[v]
            found = room
            keys &= keys - 1
    return found


cdef inline uint16_t decide(const ProgramData *p, int words, const Truth *truth, uint16_t dx_class, uint16_t px_class,
                     const uint64_t *allowed, bint *missing) noexcept nogil:
    """First decision row that holds, as a leaf. Sets ``missing`` when a tried rule lacks a value."""
    cdef const uint64_t *by_dx = p.dx.rows + <uint64_t>dx_class * p.row_words
    cdef const uint64_t *by_px = p.px.rows + <uint64_t>px_class * p.row_words
    cdef uint64_t room[MAX_ROW_WORDS]
    cdef const uint64_t *keyed = keyed_rows(p, words, truth, room)
    cdef uint64_t candidates
    cdef uint32_t row, test
    cdef int w
    for w in range(p.row_words):
        candidates = by_dx[w] & by_px[w] & allowed[w] & keyed[w]
        if not truth.open:
            candidates &= p.fast_rows[w]
        while candidates != 0:
            row = w * 64 + lowest_bit(candidates)
            if (p.exact_rows[w] & candidates & (~candidates + 1)) == 0:
                if not terms_hold(p, words, truth, p.row_terms[row], p.row_terms[row + 1]):
                    if (truth.open and p.row_kind[row] != ROW_HOME
                            and terms_may(p, words, truth, p.row_terms[row], p.row_terms[row + 1])):
                        missing[0] = True
                    candidates &= candidates - 1
                    continue
            candidates &= candidates - 1
            if p.row_kind[row] == ROW_DOOR:
                continue
            if p.row_kind[row] >= ROW_FINAL:
                return p.row_leaf[row]
            for test in range(p.row_tests[2 * row], p.row_tests[2 * row + 1]):
                if terms_hold(p, words, truth, p.test_terms[test], p.test_terms[test + 1]):
                    return p.test_leaf[test]
                if truth.open and terms_may(p, words, truth, p.test_terms[test], p.test_terms[test + 1]):
                    missing[0] = True
            if p.unmatched_self:
                return p.row_leaf[row]
    return p.ungroupable_leaf


cdef inline void seal(const ProgramData *p, int words, Truth *truth, const uint64_t *open) noexcept nogil:
    cdef int w
    for w in range(words):
        truth.may[w] = truth.holds[w] | open[w]


cdef inline uint16_t first_check(const ProgramData *p, int words, const Truth *truth, int first, int end) noexcept nogil:
    cdef int i
    for i in range(first, end):
        if terms_hold(p, words, truth, p.check_terms[i], p.check_terms[i + 1]):
            return p.check_reason[i]
    return 0


cdef inline uint8_t read_procedures(const ProgramData *p, int words, const uint32_t *ids, int64_t n, Truth *truth) noexcept nogil:
    """Add what the procedures fulfil; returns the class flags seen, the principal's included."""
    cdef uint32_t principal = ids[0] & ID_MASK if n > 0 else ABSENT
    cdef uint16_t c = p.px.classes[principal]
    cdef uint8_t flags = p.px.flags[c], seen = flags
    cdef int64_t i
    add_literals(p, words, &p.px, c, p.px.principal, truth)
    for i in range(1, n):
        c = p.px.classes[ids[i] & ID_MASK]
        flags = p.px.flags[c]
        if flags == 0 or (ids[i] & ID_MASK == principal and not p.repeats):
            continue
        seen |= flags
        if flags & FLAG_LITERALS:
            add_literals(p, words, &p.px, c, p.px.secondary, truth)
    return seen


cdef inline void read_counts(const ProgramData *p, int words, const Claim *claim, bint any_counted, Truth *truth) noexcept nogil:
    cdef int32_t slots[MAX_COUNTERS]
    cdef int32_t have, sites = 0
    cdef const int32_t *row
    cdef int i
    if not any_counted:
        for i in range(words):
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


cdef inline int read_scalars(const ProgramData *p, int words, const int32_t *const *columns, int64_t row,
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
    for w in range(words):
        truth.holds[w] = p.context_true[context * words + w]
        open[w] = p.context_unknown[context * words + w]
    for f in range(p.n_context, p.n_fields):
        field = &p.fields[f]
        value = columns[field.column][row] if columns[field.column] != NULL else NULL_VALUE
        at = bounded(field, value) * words
        for w in range(words):
            truth.holds[w] |= field.true_bits[at + w]
            open[w] |= field.unknown_bits[at + w]
    for w in range(words):
        any_open |= open[w]
    truth.open = any_open != 0
    return context


cdef inline uint32_t principal_of(const Claim *claim) noexcept nogil:
    return claim.dx[0] & ID_MASK if claim.n_dx > 0 else ABSENT


cdef inline uint16_t retry_procedures(const ProgramData *p, int words, const Claim *claim, bint counts, const Truth *before,
                               const uint64_t *open, const uint64_t *allowed, uint16_t leaf,
                               bint *missing) noexcept nogil:
    """Each further procedure alone, the first that groups wins (scheme flag).

    A code is tried once, unless repeated codes count (``repeats``).
    """
    cdef Truth truth
    cdef Claim alone = claim[0]
    cdef uint16_t found
    cdef uint32_t id
    cdef int64_t i, j
    alone.n_px = 1
    for i in range(1, claim.n_px):
        id = claim.px[i] & ID_MASK
        for j in range(0 if p.repeats else i):
            if claim.px[j] & ID_MASK == id:
                break
        else:
            alone.px = claim.px + i
            truth = before[0]
            read_procedures(p, words, alone.px, 1, &truth)
            if p.n_counters:
                read_counts(p, words, &alone, counts, &truth)
            seal(p, words, &truth, open)
            found = decide(p, words, &truth, p.dx.classes[principal_of(claim)], p.px.classes[id], allowed, missing)
            if p.leaf_outcome[found] != UNGROUPABLE:
                return found
    return leaf


cdef inline void evaluate(const ProgramData *p, int words, const Claim *claim, const int32_t *const *columns,
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
    cdef const uint64_t *allowed = p.context_rows + read_scalars(p, words, columns, row, &truth, open) * p.row_words

    add_literals(p, words, &p.dx, dx_class, p.dx.principal, &truth)
    marks = principal if claim.n_dx == 0 else claim.dx[0]
    for i in range(1, claim.n_dx):
        marks |= claim.dx[i]
        id = claim.dx[i] & ID_MASK
        c = p.dx.classes[id]
        flags = p.dx.flags[c]
        if flags == 0 or (id == principal and not p.repeats):
            continue
        dx_seen |= flags
        if flags & FLAG_LITERALS:
            add_literals(p, words, &p.dx, c, p.dx.secondary, &truth)
        if flags & FLAG_SEVERITY:
            severity = p.severity[c]
            if (severity & 0xFFFF) != excluded:
                level |= severity >> 16
    for i in range(claim.n_px):
        marks |= claim.px[i]
    if level & 2:
        for w in range(words):
            truth.holds[w] |= p.mcc_bit[w]
    if level & 1:
        for w in range(words):
            truth.holds[w] |= p.cc_bit[w]

    if p.retry:
        before = truth
    px_seen = read_procedures(p, words, claim.px, claim.n_px, &truth)
    counts = (dx_seen | px_seen) & FLAG_COUNTERS
    if p.n_counters:
        read_counts(p, words, claim, counts, &truth)
    seal(p, words, &truth, open)

    verdict.severity = SEVERITY_NULL
    verdict.reason = 0
    for w in range(words):
        triggered |= truth.holds[w] & p.check_filter[w]
    if triggered:
        verdict.reason = first_check(p, words, &truth, 0, p.n_stops)
        if verdict.reason:
            verdict.leaf = p.rejected_leaf
            return

    id = claim.px[0] & ID_MASK if claim.n_px > 0 else ABSENT
    leaf = decide(p, words, &truth, dx_class, p.px.classes[id], allowed, &missing)
    if p.retry and p.leaf_outcome[leaf] == UNGROUPABLE:
        leaf = retry_procedures(p, words, claim, counts, &before, open, allowed, leaf, &missing)
    if missing and p.reject_missing:
        verdict.leaf = p.rejected_leaf
        verdict.reason = p.reason_missing
        return
    verdict.leaf = leaf
    verdict.reason = p.leaf_reason[leaf]
    if p.leaf_outcome[leaf] == GROUPED:
        verdict.severity = SEVERITY_MCC if level & 2 else SEVERITY_CC if level & 1 else SEVERITY_NONE
        if triggered:
            verdict.reason = first_check(p, words, &truth, p.n_stops, p.n_stops + p.n_notes)
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
            note = first_check(p, words, &truth, p.n_stops, p.n_stops + p.n_notes)
        if note:
            verdict.reason = note


cdef void group_claim(const ProgramData *p, const Claim *claim, const int32_t *const *columns, int64_t row,
                      Verdict *verdict) noexcept nogil:
    # One or two words of literals hold every national scheme: those get loops of fixed length.
    if p.words == 1:
        evaluate(p, 1, claim, columns, row, verdict)
    elif p.words == 2:
        evaluate(p, 2, claim, columns, row, verdict)
    else:
        evaluate(p, p.words, claim, columns, row, verdict)
