# cython: boundscheck=True, wraparound=True
"""CombinationProgram: one compiled catalogue as flat, read-only arrays, every offset checked once."""

from libc.stdint cimport uint32_t
from libc.string cimport memset

from grouper_core.arrays cimport ArrayReader, check

cdef enum:
    MAX_LOCAL = 1 << 19     # candidates of a scope
    MAX_BITS = 24           # keys, as a power of two


cdef int _codes(CombinationData *p, ArrayReader r, bint normalise, Py_ssize_t n_leaves) except -1:
    p.n_dx = r.size("dx_flags")
    p.n_px = r.size("px_kind")
    p.dx_classes = r.codes("dx", &p.dx, p.n_dx, normalise)
    p.px_classes = r.codes("px", &p.px, p.n_px, normalise)
    p.dx_flags = r.u8("dx_flags", p.n_dx)
    p.dx_scopes = r.u32("dx_scopes", p.n_dx * SCOPES, p.n_scopes)
    p.dx_failed = r.u32("dx_failed", p.n_dx, n_leaves)
    p.dx_category = r.u16("dx_category", p.n_dx)
    p.dx_holds = r.u64("dx_holds", p.n_dx)
    p.dx_other = r.u64("dx_other", p.n_dx)
    p.dx_comorbid = r.u64("dx_comorbid", p.n_dx)
    p.px_kind = r.u8("px_kind", p.n_px, MAX_KINDS)


cdef int _groups(CombinationData *p, ArrayReader r, Py_ssize_t n_leaves) except -1:
    cdef Py_ssize_t n = r.size("group_tier"), subtypes = r.size("sub_leaf")
    cdef Py_ssize_t types = r.size("type_start") - 1, classes = r.size("class_subtype")
    p.n_groups = n
    p.group_tier = r.u8("group_tier", n)
    p.group_rank = r.u16("group_rank", n)
    p.group_terms = r.u8("group_terms", n, MAX_TERMS + 1)
    p.group_quiet = r.u8("group_quiet", n)
    p.group_kinds = r.u32("group_kinds", n)
    p.group_conditions = r.u64("group_conditions", n)
    p.group_score = r.i64("group_score", n)
    p.group_mean = r.i64("group_mean", n)
    p.group_leaf = r.u32("group_leaf", n, n_leaves)
    p.group_note = r.u16("group_note", n)
    p.group_subtypes = r.ranges("group_subtypes", n + 1, subtypes)
    check(0 <= types <= MAX_TYPES, "auxiliary types")
    p.sub_type = r.u8("sub_type", subtypes, types)
    p.sub_class = r.u16("sub_class", subtypes, NO_SUBTYPE)
    p.sub_leaf = r.u32("sub_leaf", subtypes, n_leaves)
    p.type_start = r.ranges("type_start", types + 1, classes)
    p.class_conditions = r.u64("class_conditions", classes)
    p.class_subtype = r.u16("class_subtype", classes, NO_SUBTYPE)


cdef int _scopes(CombinationData *p, ArrayReader r) except -1:
    cdef Py_ssize_t candidates = r.size("cand_group"), bits
    p.n_scopes = r.size("scope_bare")
    p.scope_start = r.ranges("scope_start", p.n_scopes + 1, candidates)
    p.scope_bare = r.u32("scope_bare", p.n_scopes)
    p.cand_group = r.u32("cand_group", candidates, p.n_groups)
    start, bare = r.arrays["scope_start"].astype("i8"), r.arrays["scope_bare"].astype("i8")
    termed, rest = bare - start[:-1], start[1:] - bare
    check(p.n_scopes > 0 and start[1] == 0, "scope 0 is empty")
    check((termed >= 0).all() and (rest >= 0).all(), "scope_bare lies outside its scope")
    p.max_termed = termed.max()
    p.max_bare = rest.max()
    check(p.max_termed < MAX_LOCAL and p.max_bare < MAX_LOCAL, "candidates")
    bits = r.size("keys").bit_length() - 1
    check(1 <= bits <= MAX_BITS and r.size("keys") == 1 << bits, "keys are no power of two")
    p.key_mask = (1 << bits) - 1
    p.key_shift = 64 - bits
    p.keys = r.u64("keys", 1 << bits)
    p.key_start = r.ranges("key_start", (1 << bits) + 1, r.size("entries"))
    p.entries = r.u32("entries", r.size("entries"))
    _entries(p, r, start, termed)


cdef int _entries(CombinationData *p, ArrayReader r, start, termed) except -1:
    """An entry names a candidate of its key's scope and terms of that candidate."""
    keys, entries = r.arrays["keys"], r.arrays["entries"].astype("i8")
    check((keys == 0).any(), "no key is empty")
    scope = (keys >> CLASS_BITS).astype("i8")
    check((scope >= 0).all() and (scope < p.n_scopes).all(), "a key's scope")
    of = scope.repeat(r.arrays["key_start"][1:].astype("i8") - r.arrays["key_start"][:-1].astype("i8"))
    local = entries >> LOCAL_SHIFT
    check((local < termed[of]).all(), "an entry beyond its scope")
    terms = r.arrays["group_terms"][r.arrays["cand_group"][start[of] + local]]
    last = ((entries >> 1) & (MAX_TERMS - 1)) + ((entries >> MORE_SHIFT) & (MAX_TERMS - 1))
    check((last < terms).all(), "an entry beyond its terms")


cdef int _conditions(CombinationData *p, ArrayReader r, dict settings) except -1:
    cdef Py_ssize_t i
    p.n_comorbidities = r.size("weights")
    check(p.n_comorbidities <= MAX_CONDITIONS, "comorbidities")
    p.weights = r.i32("weights", p.n_comorbidities)
    p.replaced = r.u64("replaced", p.n_comorbidities)
    used = int(r.arrays["dx_comorbid"].max()) >> p.n_comorbidities
    check(used == 0, "a comorbidity beyond the last")
    p.n_cci = r.size("cci_bit")
    p.cci_bit = r.u8("cci_bit", p.n_cci, MAX_CONDITIONS)
    p.cci_bounds = r.i64("cci_bounds", 2 * p.n_cci)
    p.n_costs = r.size("cost_bit")
    p.cost_bit = r.u8("cost_bit", p.n_costs, MAX_CONDITIONS)
    p.cost_least = r.i64("cost_least", p.n_costs * p.n_groups)
    for i in range(p.n_costs):
        p.costs |= <uint64_t>1 << p.cost_bit[i]
    p.outer = settings["outer"]
    p.n_comparators = r.size("comparators")
    check(p.n_comparators < 255, "comparators")
    p.comparators = r.u8("comparators", p.n_comparators, N_COMPARATORS)


cdef class CombinationProgram:
    """One compiled catalogue.

    Parameters
    ----------
    arrays : dict of str to ndarray
        One-dimensional contiguous arrays by name, as ``drg.dip.compile`` makes them
        (grouper_core/combinations.pxd gives each one's meaning and shape); kept, not copied.
    settings : dict of str to int
        Switches and reason numbers, likewise.

    Raises
    ------
    ValueError
        An array has the wrong type, length or an offset that points outside another.
    KeyError
        An array or setting is missing.
    """

    def __init__(self, dict arrays not None, dict settings not None):
        cdef CombinationData *p = &self.data
        cdef ArrayReader r = ArrayReader(arrays)
        cdef Py_ssize_t n_leaves = r.size("leaf_reason")
        if self.ready:
            raise ValueError("a program is built once")
        memset(p, 0, sizeof(CombinationData))
        self.arrays = arrays
        self.n_leaves = n_leaves
        p.leaf_reason = r.u16("leaf_reason", n_leaves)
        _groups(p, r, n_leaves)
        _scopes(p, r)
        _codes(p, r, settings["normalise"], n_leaves)
        _conditions(p, r, settings)
        p.quiet = settings["quiet"]
        p.last_kind = settings["last_kind"]
        check(p.last_kind < MAX_KINDS, "last_kind")
        p.highest = settings["highest"]
        p.all_terms = settings["all_terms"]
        p.missing_leaf = settings["missing_leaf"]
        check(p.missing_leaf < <uint32_t>n_leaves, "missing_leaf")
        p.reason_cost = settings["reason_cost"]
        p.reason_untold = settings["reason_untold"]
        p.reason_costless = settings["reason_costless"]
        p.reason_open = settings["reason_open"]
        p.reason_unknown_dx = settings["reason_unknown_dx"]
        p.reason_unknown_px = settings["reason_unknown_px"]
        p.reason_category = settings["reason_category"]
        p.reason_normalised = settings["reason_normalised"]
        self.ready = True


cdef const CombinationData *checked(CombinationProgram program) except NULL:
    """The program's data, if it was built; every way into the loops asks here."""
    if not program.ready:
        raise ValueError("the program was not built")
    return &program.data
