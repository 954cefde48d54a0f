"""One claim to its group of a catalogue.

A claim's procedures are looked up scope by scope: each names the candidates and terms it meets, so
that only candidates with a procedure in common, and the bare ones, are ever looked at.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from grouper_core.bits cimport lowest_bit
from grouper_core.codes cimport ABSENT, UNKNOWN
from grouper_core.combinations cimport (
    ALL_TERMS, CLASS_BITS, DX_CATEGORY, DX_SECONDARY, DX_UNKNOWN, FULL_CODE, HIGHEST_SCORE, LEADING_PRINCIPAL,
    LOCAL_SHIFT, MAX_TERMS, MAX_TYPES, MORE_SHIFT, MOST_PROCEDURES, MOST_TERMS, NEAREST_MEAN, NO_SUBTYPE, NO_TIER,
    REPORTED_PRINCIPAL, SCOPES, CombinationData, key_slot,
)
from grouper_core.evaluate cimport Claim
from grouper_core.reading cimport ID_MASK, NORMALISED


cdef struct Case:           # a claim beyond its codes
    int64_t cost            # fen, -1 = not known
    uint64_t holds          # conditions
    uint64_t open           # conditions that cannot be told
    uint32_t kinds          # kinds of its procedures
    uint32_t ruling         # the ruling kind, as a bit


cdef bint new_workspace(const CombinationData *p, Workspace *w) noexcept nogil:
    cdef size_t hits = <size_t>SCOPES * p.max_termed + 1
    memset(&w.none, 0, sizeof(Hit))
    w.claim = 0
    w.hits = <Hit *>calloc(hits, sizeof(Hit))
    w.touched = <uint32_t *>malloc(hits * sizeof(uint32_t))
    w.fits = <Fit *>malloc((hits + <size_t>SCOPES * p.max_bare) * sizeof(Fit))
    return w.hits != NULL and w.touched != NULL and w.fits != NULL


cdef void free_workspace(Workspace *w) noexcept nogil:
    free(w.hits)
    free(w.touched)
    free(w.fits)


cdef inline void read_comorbidities(const CombinationData *p, uint64_t found, Case *case) noexcept nogil:
    """Conditions of the comorbidity index: the sum of weights, replaced ones left out."""
    cdef uint64_t left = found, dropped = 0
    cdef int64_t index = 0
    cdef int i
    while left:
        dropped |= p.replaced[lowest_bit(left)]
        left &= left - 1
    left = found & ~dropped
    while left:
        index += p.weights[lowest_bit(left)]
        left &= left - 1
    for i in range(p.n_cci):
        if p.cci_bounds[2 * i] <= index < p.cci_bounds[2 * i + 1]:
            case.holds |= <uint64_t>1 << p.cci_bit[i]


cdef inline uint8_t read_diagnoses(const CombinationData *p, const Claim *claim, uint32_t principal, uint16_t c,
                                   Case *case, uint32_t *marks) noexcept nogil:
    """Conditions that secondary diagnoses fulfil; returns the flags of all diagnoses."""
    cdef uint64_t comorbid = 0
    cdef uint16_t category = p.dx_category[c], other
    cdef uint8_t seen = p.dx_flags[c] & ~<uint8_t>DX_SECONDARY, flags
    cdef uint32_t id
    cdef int64_t i
    for i in range(1, claim.n_dx):
        marks[0] |= claim.dx[i]
        id = claim.dx[i] & ID_MASK
        other = p.dx_classes[id]
        flags = p.dx_flags[other]
        if flags & (DX_SECONDARY | DX_UNKNOWN) == 0 or id == principal:
            continue
        seen |= flags & DX_UNKNOWN
        case.holds |= p.dx_holds[other]
        if p.dx_category[other] != category:
            case.holds |= p.dx_other[other]
        comorbid |= p.dx_comorbid[other]
    if p.n_cci:
        read_comorbidities(p, comorbid, case)
    return seen


cdef inline bint seen_before(const Claim *claim, int64_t place) noexcept nogil:
    cdef uint32_t id = claim.px[place] & ID_MASK
    cdef int64_t i
    for i in range(place):
        if claim.px[i] & ID_MASK == id:
            return True
    return False


cdef inline uint64_t first_free(uint64_t taken, uint32_t term, uint32_t more) noexcept nogil:
    """The first of a term and its repetitions that is not taken, as a bit; 0 for none."""
    cdef uint64_t bit = <uint64_t>1 << term
    while taken & bit:
        if more == 0:
            return 0
        more -= 1
        bit <<= 1
    return bit


cdef inline uint32_t look_up(const CombinationData *p, Workspace *w, uint32_t scope, uint32_t base, uint16_t c,
                             uint32_t place, bint repeated, uint32_t touched) noexcept nogil:
    """Note which candidates of a scope a procedure meets; returns how many hits there are now.

    A repeated procedure can only meet what a candidate asks for repeatedly.
    """
    cdef uint64_t key = (<uint64_t>scope << CLASS_BITS) | c
    cdef uint64_t slot = key_slot(p, key), bit
    cdef uint32_t at, entry, local, term, more
    cdef Hit *hit
    while p.keys[slot] != key:
        if p.keys[slot] == 0:
            return touched
        slot = (slot + 1) & p.key_mask
    for at in range(p.key_start[slot], p.key_start[slot + 1]):
        entry = p.entries[at]
        local = entry >> LOCAL_SHIFT
        more = (entry >> MORE_SHIFT) & (MAX_TERMS - 1)
        term = (entry >> 1) & (MAX_TERMS - 1)
        if repeated and more == 0:
            continue
        hit = &w.hits[base + local]
        if hit.claim != w.claim:
            hit[0] = w.none
            hit.claim = w.claim
            hit.group = p.cand_group[p.scope_start[scope] + local]
            w.touched[touched] = base + local
            touched += 1
        bit = first_free(hit.met, term, more)
        if bit:
            hit.met |= bit
            hit.terms += 1
        if entry & 1:
            bit = first_free(hit.whole, term, more)
            if bit:
                hit.whole |= bit
                hit.wholes += 1
        if repeated:
            continue
        if hit.last != place + 1:
            hit.last = place + 1
            hit.procedures += 1
        if place == 0:
            hit.reported = True
            hit.leading |= term == 0
    return touched


cdef inline uint32_t read_procedures(const CombinationData *p, Workspace *w, const Claim *claim,
                                     const uint32_t *scopes, Case *case, uint32_t *marks,
                                     bint *unknown) noexcept nogil:
    """Kinds of the procedures, and the candidates they meet; returns how many of those."""
    cdef uint32_t touched = 0, kind, first_kind = 0
    cdef int64_t i
    cdef uint16_t c
    cdef bint repeated
    cdef int s
    case.kinds = 0
    for i in range(claim.n_px):
        marks[0] |= claim.px[i]
        c = p.px_classes[claim.px[i] & ID_MASK]
        if c <= UNKNOWN:
            unknown[0] = True
            continue
        kind = <uint32_t>1 << p.px_kind[c]
        if first_kind == 0:
            first_kind = kind
        case.kinds |= kind
        repeated = i > 0 and seen_before(claim, i)
        for s in range(SCOPES):
            if p.scope_bare[scopes[s]] > p.scope_start[scopes[s]]:
                touched = look_up(p, w, scopes[s], s * p.max_termed, c, <uint32_t>i, repeated, touched)
    if case.kinds & ~p.quiet == 0:
        case.ruling = <uint32_t>1 << p.last_kind
    else:
        case.ruling = case.kinds & (~case.kinds + 1) if p.highest else first_kind
    return touched


cdef inline void read_costs(const CombinationData *p, uint32_t group, const Case *case, uint64_t *holds,
                            uint64_t *open) noexcept nogil:
    """Conditions that ask for the cost against this group's mean."""
    cdef int i
    cdef int64_t least
    for i in range(p.n_costs):
        least = p.cost_least[<size_t>group * p.n_costs + i]
        if case.cost < 0 or least < 0:
            open[0] |= <uint64_t>1 << p.cost_bit[i]
        elif case.cost >= least:
            holds[0] |= <uint64_t>1 << p.cost_bit[i]


cdef inline int fits_claim(const CombinationData *p, uint32_t group, const Case *case) noexcept nogil:
    """1: what a group asks for beside its terms holds; 0: it does not; -1: it cannot be told."""
    cdef uint64_t asked = p.group_conditions[group], holds = case.holds, open = case.open
    if p.group_kinds[group] & case.ruling == 0:
        return 0
    if p.group_quiet[group] and case.kinds & ~p.quiet:
        return 0
    if asked == 0:
        return 1
    if asked & p.costs:
        read_costs(p, group, case, &holds, &open)
    if asked & ~holds == 0:
        return 1
    return -1 if asked & ~(holds | open) == 0 else 0


cdef inline uint32_t add_fit(const CombinationData *p, Workspace *w, uint32_t group, const Hit *hit,
                             const Case *case, uint32_t n, uint8_t *untold) noexcept nogil:
    """Keep a group that fits, if no earlier tier has one; returns how many are kept.

    ``untold`` becomes the first tier with a group that a condition leaves open.
    """
    cdef int fits
    cdef uint8_t tier = p.group_tier[group]
    if n and tier > p.group_tier[w.fits[0].group]:
        return n
    fits = fits_claim(p, group, case)
    if fits < 0 and tier < untold[0]:
        untold[0] = tier
    if fits <= 0:
        return n
    if n and tier < p.group_tier[w.fits[0].group]:
        n = 0
    w.fits[n].group = group
    w.fits[n].hit = hit
    return n + 1


cdef inline uint32_t find_fits(const CombinationData *p, Workspace *w, const uint32_t *scopes, uint32_t touched,
                               const Case *case, uint8_t *untold) noexcept nogil:
    """The fitting groups of the first tier that has any."""
    cdef uint32_t n = 0, i
    cdef const Hit *hit
    cdef int s
    for i in range(touched):
        hit = &w.hits[w.touched[i]]
        if hit.terms == p.group_terms[hit.group] or (not p.all_terms and hit.met & 1):
            n = add_fit(p, w, hit.group, hit, case, n, untold)
    for s in range(SCOPES):
        for i in range(p.scope_bare[scopes[s]], p.scope_start[scopes[s] + 1]):
            n = add_fit(p, w, p.cand_group[i], &w.none, case, n, untold)
    return n


cdef inline int64_t worth(const CombinationData *p, uint8_t comparator, const Fit *fit, int64_t cost) noexcept nogil:
    """What a comparator says of a group: more is better."""
    cdef int64_t away
    if comparator == MOST_TERMS:
        return fit.hit.terms
    if comparator == ALL_TERMS:
        return fit.hit.terms == p.group_terms[fit.group]
    if comparator == MOST_PROCEDURES:
        return fit.hit.procedures
    if comparator == REPORTED_PRINCIPAL:
        return fit.hit.reported
    if comparator == LEADING_PRINCIPAL:
        return fit.hit.leading
    if comparator == FULL_CODE:
        return fit.hit.wholes
    if comparator == HIGHEST_SCORE:
        return p.group_score[fit.group]
    if comparator == NEAREST_MEAN:
        away = p.group_mean[fit.group] - cost
        return -away if away > 0 else away
    return -<int64_t>p.group_rank[fit.group]


cdef inline bint means_known(const CombinationData *p, const Fit *fits, uint32_t n) noexcept nogil:
    while n > 0 and p.group_mean[fits[n - 1].group] >= 0:
        n -= 1
    return n == 0


cdef inline uint8_t narrow(const CombinationData *p, Fit *fits, uint32_t n, int64_t cost, bint *by_cost,
                           bint *costless) noexcept nogil:
    """Leave the best group in the first place; returns 1 + the place of what decided, 0 for nothing."""
    cdef int64_t best, found
    cdef uint32_t i, kept
    cdef uint8_t comparator
    cdef int place
    if n == 1:
        return 0
    for place in range(p.n_comparators):
        comparator = p.comparators[place]
        if comparator == NEAREST_MEAN and (cost < 0 or not means_known(p, fits, n)):
            costless[0] |= means_known(p, fits, n)
            continue
        kept = 1
        best = worth(p, comparator, &fits[0], cost)
        for i in range(1, n):
            found = worth(p, comparator, &fits[i], cost)
            if found > best:
                best = found
                kept = 0
            if found == best:
                fits[kept] = fits[i]
                kept += 1
        by_cost[0] |= comparator == NEAREST_MEAN and kept < n
        n = kept
        if n == 1:
            return <uint8_t>(place + 1)
    for i in range(1, n):
        if fits[i].group < fits[0].group:
            fits[0] = fits[i]
    return <uint8_t>(p.n_comparators + 1)


cdef inline uint16_t subtype_of(const CombinationData *p, uint8_t type, uint64_t holds, uint64_t open,
                                bint *untold) noexcept nogil:
    """The claim's subtype within an auxiliary type: of the first class that holds."""
    cdef uint32_t i
    cdef uint64_t left
    for i in range(p.type_start[type], p.type_start[type + 1]):
        left = p.class_conditions[i] & ~holds
        if left == 0:
            return p.class_subtype[i]
        if left & ~open == 0:
            untold[0] = True
    return NO_SUBTYPE


cdef inline uint32_t assist(const CombinationData *p, uint32_t group, const Case *case, bint *untold,
                            uint16_t *note) noexcept nogil:
    """The leaf of the best subtype that is the claim's, else the group's own."""
    cdef uint16_t found[MAX_TYPES]
    cdef uint32_t asked = 0, i, leaf = 0
    cdef uint64_t holds = case.holds, open = case.open
    cdef bint chosen = False
    cdef uint8_t type
    if p.n_costs and p.group_subtypes[group] < p.group_subtypes[group + 1]:
        read_costs(p, group, case, &holds, &open)
    for i in range(p.group_subtypes[group], p.group_subtypes[group + 1]):
        type = p.sub_type[i]
        if asked >> type & 1 == 0:
            asked |= <uint32_t>1 << type
            found[type] = subtype_of(p, type, holds, open, untold)
        if not chosen and found[type] == p.sub_class[i]:
            chosen = True
            leaf = p.sub_leaf[i]
    if chosen:
        return leaf
    note[0] = p.group_note[group]
    return p.group_leaf[group]


cdef void match_claim(const CombinationData *p, Workspace *w, const Claim *claim, int64_t cost, uint64_t holds,
                      uint64_t open, Match *match) noexcept nogil:
    cdef uint32_t principal = claim.dx[0] & ID_MASK if claim.n_dx > 0 else ABSENT
    cdef uint16_t c = p.dx_classes[principal], note = 0
    cdef const uint32_t *scopes = p.dx_scopes + <size_t>c * SCOPES
    cdef uint32_t marks = claim.dx[0] if claim.n_dx > 0 else 0
    cdef uint32_t n
    cdef bint by_cost = False, costless = False, type_open = False, px_unknown = False
    cdef uint8_t seen, untold = NO_TIER, tier
    cdef Case case
    w.claim += 1
    case.cost = cost
    case.holds = holds & p.outer
    case.open = open & p.outer
    seen = read_diagnoses(p, claim, principal, c, &case, &marks)
    n = read_procedures(p, w, claim, scopes, &case, &marks, &px_unknown)
    n = find_fits(p, w, scopes, n, &case, &untold)
    match.decided = 0
    if n == 0:
        match.leaf = p.missing_leaf if untold != NO_TIER else p.dx_failed[c]
        match.reason = p.leaf_reason[match.leaf]
        return
    tier = p.group_tier[w.fits[0].group]
    match.decided = narrow(p, w.fits, n, cost, &by_cost, &costless)
    match.leaf = assist(p, w.fits[0].group, &case, &type_open, &note)
    match.reason = p.leaf_reason[match.leaf]
    if match.reason:
        return
    if by_cost:
        match.reason = p.reason_cost
    elif untold < tier:
        match.reason = p.reason_untold
    elif costless:
        match.reason = p.reason_costless
    elif type_open:
        match.reason = p.reason_open
    elif note:
        match.reason = note
    elif seen & DX_UNKNOWN:
        match.reason = p.reason_unknown_dx
    elif px_unknown:
        match.reason = p.reason_unknown_px
    elif seen & DX_CATEGORY:
        match.reason = p.reason_category
    elif marks & NORMALISED:
        match.reason = p.reason_normalised
