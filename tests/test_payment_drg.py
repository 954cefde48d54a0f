"""Payment by group and by points: worked cases, a plain oracle on fractions, what is refused."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from case_rules_drg import RULES
from conftest import ROOT
from hypothesis import example, given
from hypothesis import strategies as st

from drg.money import round_scaled
from drg.payment.history import HistoryError, weights_of_means
from drg.payment.mechanisms.exclusions import STAY_CLASSES, stay_class
from drg.payment.mechanisms.new_technology import add_on
from drg.payment.mechanisms.outliers import (
    CASE_CLASSES,
    UNCLASSED,
    classify,
    cost_ratio_e4,
    high_cap,
    keep_highest,
    keep_highest_each,
)
from drg.payment.mechanisms.points import (
    base_points_e4,
    case_points_e4,
    month_prepay_min,
    point_value,
    points_fen,
    points_fund_fen,
)
from drg.payment.mechanisms.procurement import NOT_PROCURED, lowest_kind, retained_fen
from drg.payment.mechanisms.quotients import quotient_array
from drg.payment.mechanisms.rates import elastic, rate_from_budget, total_weight_e4
from drg.payment.mechanisms.readmission import halve_previous, reduced
from drg.payment.mechanisms.review import NO_RULING, reviewed_fen
from drg.payment.mechanisms.shares import (
    fund_by_actual,
    fund_by_lower,
    fund_by_policy_ratio,
    fund_by_standard_share,
    hospital_fen,
    split_price,
)
from drg.payment.mechanisms.standard import PaymentError, standard_fen
from drg.payment.mechanisms.transfer import transfer_fen
from drg.payment.policy import (
    Exclusion,
    NewTechnology,
    Outliers,
    PatientShare,
    Procurement,
    Readmission,
)

CASES = json.loads((ROOT / "tests/cases/drg.json").read_text("utf-8"))

COSTS = st.integers(0, 10**10)
AMOUNTS = st.integers(1, 10**9)
WEIGHTS = st.integers(1, 1_000_000)
SHARES = st.fractions(0, 1, max_denominator=100).map(lambda f: Fraction(round(f * 10**4), 10**4))


def ints(*values):
    return np.array(values, np.int64)


def half_up(value: Fraction) -> int:
    """Rounded as a clerk would: to the nearest, halves away from zero."""
    with localcontext() as context:
        context.prec = 200
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


# ---- worked cases


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_worked_cases(case):
    found = RULES[case["rule"]](case["inputs"], case["params"])
    assert {key: found[key] for key in case["expected"]} == case["expected"]


CLASSES = {"high_multiple": {"三级": "3", "二级": "2"}, "low_ratio": "0.3"}


@pytest.mark.parametrize(
    ("cost", "level", "flags", "wanted"),
    [
        ("4199.99", "三级", {}, ("low", "0.3000", "FFS")),
        ("4200", "三级", {"low_inclusive": True}, ("low", "0.3000", "FFS")),
        ("4200", "二级", {}, ("normal", "0.3000", "standard")),
        ("28000", "二级", {}, ("normal", "2.0000", "standard")),
        ("28000", "二级", {"high_inclusive": True}, ("high", "2.0000", "FFS")),
        ("28000.01", "二级", {}, ("high", "2.0000", "FFS")),
        ("28000.01", "三级", {}, ("normal", "2.0000", "standard")),
        ("42000", "三级", {"high_inclusive": True}, ("high", "3.0000", "FFS")),
        ("70000", "三级", {"extreme_multiple": "5"}, ("high", "5.0000", "FFS")),
        ("70000.01", "三级", {"extreme_multiple": "5"}, ("extreme", "5.0000", "review")),
        (
            "70000", "三级", {"extreme_multiple": "5", "extreme_inclusive": True},
            ("extreme", "5.0000", "review"),
        ),
        ("28000.70", "三级", {}, ("normal", "2.0001", "standard")),
        ("28000.69", "三级", {}, ("normal", "2.0000", "standard")),
    ],
)  # fmt: skip
def test_classes_at_their_bounds(cost, level, flags, wanted):
    inputs = {"cost": cost, "standard": "14000", "level": level}
    found = RULES["drg.classify_case"](inputs, CLASSES | flags)
    assert (found["class"], found["ratio"], found["pay_mode"]) == wanted


@pytest.mark.parametrize(
    ("inputs", "params", "wanted"),
    [
        # The specification's text gives these numbers.
        (
            {"standard": "12850", "actual_cost": "11000", "patient_paid": "3200"},
            {"method": "minus_patient_paid"},
            {"fund_pay": "9650.00", "profit": "1850.00", "hospital_income": "12850.00"},
        ),
        (
            {
                "standard": "1000", "fully_self_paid": "900", "first_self_paid": "90",
                "deductible": "20",
            },
            {"method": "policy_ratio", "fund_ratio": "0.85"},
            {"fund_pay": "0.00", "patient_pay": "1000.00"},
        ),
        (
            {"standard": "10000.01"},
            {"method": "standard", "patient_ratio": "0.3"},
            {"fund_pay": "7000.01", "patient_pay": "3000.00"},
        ),
        (
            {"standard": "10000", "patient_paid": "2400"},
            {"method": "min", "patient_ratio": "0.3"},
            {"fund_pay": "7600.00", "patient_pay": "2400.00"},
        ),
        (
            {"standard": "10000", "patient_paid": "3600", "actual_cost": "12000"},
            {"method": "min", "patient_ratio": "0.3"},
            {"fund_pay": "7000.00", "patient_pay": "3000.00", "profit": "-2000.00"},
        ),
    ],
)  # fmt: skip
def test_shares_by_every_basis(inputs, params, wanted):
    found = RULES["drg.case_payment"](inputs, params)
    assert {key: found[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    ("variant", "cost", "complete", "own", "wanted"),
    [
        ("zhejiang", "7000", False, "9240", "73.3333"),
        ("zhejiang", "7000", True, "9240", "88.0000"),
        ("zhejiang", "7000", False, None, "66.6667"),
        ("jinhua", "7000", False, "9240", "66.6667"),
        ("jinhua", "7000", True, "7000", "66.6667"),
        ("jinhua", "1", True, None, "80.0000"),
    ],
)
def test_points_of_each_variant(variant, cost, complete, own, wanted):
    params = {
        "base_points": "80",
        "hospital_group_mean": own,
        "city_group_mean": "8400",
        "variant": variant,
    }
    found = RULES["points.case"]({"cost": cost, "complete": complete}, params)
    assert found["points"] == wanted


@pytest.mark.parametrize(
    ("back", "same", "exempt", "window", "wanted"),
    [
        ("2023-03-11", True, False, 10, (10, "44.0000")),
        ("2023-03-12", True, False, 10, (11, "88.0000")),
        ("2023-03-01", True, False, 10, (0, "44.0000")),
        ("2023-03-11", False, False, 10, (10, "88.0000")),
        ("2023-03-11", True, True, 10, (10, "88.0000")),
        ("2023-02-27", True, False, 10, (-2, "88.0000")),
    ],
)
def test_readmission_inside_and_outside_the_window(back, same, exempt, window, wanted):
    inputs = {
        "prev_points": "88", "prev_discharge": "2023-03-01", "next_admission": back,
        "same_group": same, "exempt": exempt,
    }  # fmt: skip
    params = {"window_days": window, "factor": "0.5"}
    found = RULES["points.readmission"](inputs, params)
    assert (found["gap_days"], found["prev_points_final"]) == wanted


NEW = {"total_multiple_gt": "2", "share_gt": "0.64"}


@pytest.mark.parametrize(
    ("total", "listed", "mean", "wanted"),
    [
        ("50000", "33000", "6000", ("2.5000", "0.6600", "27000.00", "48000.00")),
        ("50000", "33000", "40000", ("2.5000", "0.6600", "0.00", "21000.00")),
        ("40000.01", "33000", "6000", ("2.0000", "0.8250", "27000.00", "48000.00")),
        (
            "50000", {"drug": "20000", "consumable": "13000"},
            {"drug": "6000", "consumable": "15000"},
            ("2.5000", "0.6600", "14000.00", "35000.00"),
        ),
    ],
)  # fmt: skip
def test_new_technology_that_is_paid(total, listed, mean, wanted):
    inputs = {
        "standard": "21000", "group_mean_cost": "20000", "group_mean_category_cost": mean,
        "case_total": total, "newtech_cost": listed,
    }  # fmt: skip
    found = RULES["drg.newtech_beijing"](inputs, NEW)
    assert (found["cost_multiple"], found["share"], found["addon"], found["price"]) == wanted


def test_inclusive_bounds_of_new_technology():
    rule = NewTechnology(total_multiple=2, share="0.64", total_inclusive=True, share_inclusive=True)
    found = add_on(ints(4_000_000), ints(2_000_000), ints(2_560_000), ints(600_000), rule)
    assert (found.eligible.tolist(), found.fen.tolist()) == ([True], [1_960_000])


@pytest.mark.parametrize(
    ("budget", "cap", "wanted"),
    [
        ("130000000", "9000", ("9000.0000", "0.6923")),
        ("130000000", None, ("13333.3333", "0.6923")),
        ("80000000", "9000", ("0.0000", "1.1250")),
    ],
)
def test_the_cap_of_an_elastic_rate_binds(budget, cap, wanted):
    inputs = {"budget": budget, "base_weight": "10000", "increment_weight": "3000"}
    found = RULES["drg.rate_elastic"](inputs, {"fixed_rate": "9000", "float_cap": cap})
    assert (found["float_rate"], found["base_share"]) == wanted


def test_a_transfer_of_one_day_and_a_case_that_is_none():
    def pay(days, transferred=True):
        inputs = {"standard": "12000", "gmlos": "6.0", "los": days, "transferred": transferred}
        return RULES["drg.transfer_per_diem"](inputs, {"first_day_multiple": "2"})["pay"]

    assert [pay(n) for n in (0, 1, 4, 5, 6)] == [
        "2000.00", "4000.00", "10000.00", "12000.00", "12000.00",
    ]  # fmt: skip
    assert pay(1, transferred=False) == "12000.00"


def test_tied_excesses_are_ranked_by_id():
    tied = [{"id": name, "cost": "50000", "standard": "10000"} for name in ("c3", "c10", "c2")]
    found = RULES["drg.high_cost_cap"](
        {"discharges": 41, "candidates": tied}, {"cap_ratio": "0.05"}
    )
    assert found == {"cap": 2, "ffs_ids": ["c10", "c2"], "standard_ids": ["c3"]}


# ---- against plain fractions


@given(st.lists(st.tuples(WEIGHTS, AMOUNTS, st.integers(1, 30_000)), max_size=8))
@example([(5, 1000, 10_000)])
@example([(1_000_000, 10**9, 30_000)])
def test_standards(rows):
    weight, rate, coefficient = np.array(rows, np.int64).reshape(-1, 3).T
    wanted = [
        half_up(Fraction(w, 10**4) * Fraction(r, 100) * Fraction(c, 10**4) * 100)
        for w, r, c in rows
    ]
    assert standard_fen(weight, rate, coefficient).tolist() == wanted


HUGE = st.integers(-(2**63), 2**63 - 1)


@given(
    st.lists(
        st.tuples(
            st.integers(-(10**9), 10**9), st.integers(0, 10**9), st.integers(1, 10**9),
            st.integers(1, 10**9),
        ),
        max_size=6,
    )
)  # fmt: skip
@example([(-1, 1, 2, 1), (1, 1, 2, 1), (-3, 1, 2, 1), (-1, 1, 3, 1), (0, 0, 1, 1)])
def test_quotients_of_columns(rows):
    a, b, c, d = np.array(rows, np.int64).reshape(-1, 4).T
    wanted = [half_up(Fraction(w * x, y * z)) for w, x, y, z in rows]
    assert quotient_array([a, b], [c, d]).tolist() == wanted


@given(st.data(), st.integers(2, 45))
def test_halves_of_large_quotients(data, bits):
    # Exactly a half, and a hair below it: products that no double holds.
    divisor = data.draw(st.integers(1, 2 ** (60 - bits)))
    wholes = data.draw(st.lists(st.integers(0, 2**bits - 1), min_size=1, max_size=8))
    over = np.full(len(wholes), 2 * divisor, np.int64)
    product = np.array(wholes, np.int64) * over + divisor
    assert quotient_array([product], [over]).tolist() == [n + 1 for n in wholes]
    assert quotient_array([product - 1], [over]).tolist() == wholes
    assert quotient_array([-product], [over]).tolist() == [-n - 1 for n in wholes]


@given(st.integers(1, 2**46), st.integers(1, 2**28), st.integers(1, 2**28))
def test_quotients_whose_products_pass_int64(value, first, second):
    columns = [ints(value), ints(first), ints(second)]
    assert quotient_array(columns, columns[1:]).tolist() == [value]
    less = quotient_array(columns, [ints(first), ints(second + 1)]).item()
    assert less == half_up(Fraction(value * second, second + 1))


@given(HUGE, HUGE, st.integers(1, 2**63 - 1))
def test_quotients_of_any_size_or_an_overflow(a, b, c):
    wanted = half_up(Fraction(a * b, c))
    if -(2**63) <= wanted < 2**63:
        assert quotient_array([ints(a), ints(b)], [ints(c)]).tolist() == [wanted]
    else:
        with pytest.raises(OverflowError):
            quotient_array([ints(a), ints(b)], [ints(c)])


def _class(cost, reference, level, bounds):
    """The class by one case's fractions."""
    by_level = {"三级": bounds.high.get("三级"), "二级": bounds.high.get("二级")}
    high = by_level.get(level) or bounds.high.get("")
    if reference <= 0:
        return UNCLASSED
    ratio = Fraction(cost, reference)

    def above(bound, inclusive):
        return bound is not None and (ratio >= bound if inclusive else ratio > bound)

    if bounds.low is not None and (
        ratio <= bounds.low if bounds.low_inclusive else ratio < bounds.low
    ):
        return "ULTRA_LOW"
    if above(bounds.extreme, bounds.extreme_inclusive):
        return "EXTREME"
    if level is None and high is None and bounds.high:
        return UNCLASSED
    return "ULTRA_HIGH" if above(high, bounds.high_inclusive) else "NORMAL"


NAMES = ["三级", "二级", "一级"]
MULTIPLES = st.sampled_from(["1.5", "2", "2.5", "3"])


@st.composite
def bounds(draw):
    levels = draw(st.dictionaries(st.sampled_from(["三级", "二级", ""]), MULTIPLES))
    return Outliers(
        high=levels,
        high_inclusive=draw(st.booleans()),
        low=draw(st.sampled_from([None, "0.3", "0.4", "0.5"])),
        low_inclusive=draw(st.booleans()),
        extreme=draw(st.sampled_from([None, "5"])),
        extreme_inclusive=draw(st.booleans()),
    )


@given(
    bounds(),
    st.lists(
        st.tuples(
            st.one_of(COSTS, st.sampled_from([300, 400, 500, 1500, 2000, 2500, 3000, 5000])),
            st.one_of(st.just(1000), st.integers(0, 10**8)),
            st.integers(0, 3),
        ),
        max_size=20,
    ),
)
def test_classes(rule, rows):
    cost, reference, level = np.array(rows, np.int64).reshape(-1, 3).T
    found = classify(cost, reference, level, NAMES, rule)
    named = [UNCLASSED if n == UNCLASSED else CASE_CLASSES[n] for n in found.tolist()]
    assert named == [_class(c, r, [*NAMES, None][n], rule) for c, r, n in rows]


def test_spellings_of_a_level_are_one():
    rule = Outliers(high={"Ⅲ级": 3, "II级": 2})
    names = ["三级甲等", "Ⅱ 级", "一级"]
    found = classify(np.full(3, 250), np.full(3, 100), ints(0, 1, 2), names, rule)
    assert [CASE_CLASSES[n] for n in found] == ["NORMAL", "ULTRA_HIGH", "NORMAL"]


@given(st.lists(st.tuples(COSTS, AMOUNTS), max_size=8))
def test_ratios_that_are_shown(rows):
    cost, reference = np.array(rows, np.int64).reshape(-1, 2).T
    wanted = [half_up(Fraction(c, r) * 10**4) for c, r in rows]
    assert cost_ratio_e4(cost, reference).tolist() == wanted


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5), st.integers(0, 99)), max_size=30),
    st.lists(st.integers(0, 4), min_size=4, max_size=4),
)
def test_caps_by_unit(rows, caps):
    unit, excess = (np.array([row[n] for row in rows], np.int64) for n in (0, 1))
    ids = np.array([f"c{row[2]}/{n}" for n, row in enumerate(rows)], dtype=object)
    found = keep_highest_each(excess, ids, unit, np.array(caps, np.int64))
    for n, cap in enumerate(caps):
        here = np.flatnonzero(unit == n)
        ranked = sorted(here.tolist(), key=lambda row: (-rows[row][1], ids[row]))
        assert set(np.flatnonzero(found & (unit == n)).tolist()) == set(ranked[:cap])
        alone = keep_highest(excess[here], ids[here], cap)
        assert alone.tolist() == found[here].tolist()


@given(st.lists(st.tuples(AMOUNTS, COSTS, AMOUNTS, AMOUNTS, AMOUNTS), max_size=8), SHARES)
def test_shares_never_take_from_the_fund_and_add_up(rows, ratio):
    price, paid, own, first, start = np.array(rows, np.int64).reshape(-1, 5).T
    actual = fund_by_actual(price, paid)
    assert actual.fund.tolist() == [max(0, p - q) for p, q, *_ in rows]
    assert actual.patient.tolist() == paid.tolist()
    within = [Fraction(max(0, p - o - f - s)) for p, _, o, f, s in rows]
    by_ratio = fund_by_policy_ratio(price, own, first, start, ratio)
    assert by_ratio.fund.tolist() == [half_up(w * ratio) for w in within]
    of_standard = fund_by_standard_share(price, ratio)
    assert of_standard.patient.tolist() == [half_up(p * ratio) for p, *_ in rows]
    lower = fund_by_lower(price, paid, ratio)
    assert lower.patient.tolist() == [min(q, half_up(p * ratio)) for p, q, *_ in rows]
    for parts in (by_ratio, of_standard, lower):
        assert (parts.fund + parts.patient).tolist() == price.tolist()
        assert (parts.fund >= 0).all()
        assert (parts.patient >= 0).all()
        cost = paid + own
        assert hospital_fen(cost, parts).tolist() == (price - cost).tolist()


@given(
    st.lists(
        st.tuples(
            WEIGHTS,
            st.integers(0, 10**9),
            st.booleans(),
            st.integers(0, 10**8),
            st.integers(10**4, 10**9),
        ),
        max_size=8,
    ),
    st.sampled_from(["jinhua", "zhejiang"]),
)
@example([(10**6, 10**9, False, 10**8, 10**6)], "zhejiang")
def test_points(rows, variant):
    columns = [np.array([row[n] for row in rows], np.int64) for n in (0, 1, 3, 4)]
    complete = np.array([row[2] for row in rows], np.bool_)
    found = case_points_e4(columns[0], columns[1], complete, *columns[2:], variant)
    wanted = []
    for base, cost, whole, own, city in rows:
        k = Fraction(own or city, city)
        part = Fraction(cost, city) * (k if variant == "zhejiang" else 1)
        wanted.append(half_up(base * k if whole else min(Fraction(base), base * part)))
    assert found.tolist() == wanted


@given(st.lists(AMOUNTS, max_size=6), AMOUNTS, st.sampled_from([100, 1000]))
def test_base_points(means, city, scale):
    found = base_points_e4(np.array(means, np.int64), city, scale)
    assert found.tolist() == [half_up(Fraction(m * scale, city) * 10**4) for m in means]


@given(COSTS, COSTS, st.integers(1, 10**12), st.integers(0, 10**10), COSTS)
def test_point_values_are_applied_unrounded(budget, patients, points, own, paid):
    value = point_value(budget, patients, points)
    assert value * points == (budget + patients) * 10**4
    worth = half_up(Fraction((budget + patients) * own, points))
    assert points_fund_fen(own, value, paid) == worth - paid
    if worth < 2**63:
        assert points_fen(ints(own), value).tolist() == [worth]


STAY = st.tuples(
    st.integers(-1, 3), st.integers(-1, 2), st.integers(0, 40), st.integers(0, 20), st.booleans()
)


@given(st.lists(STAY, max_size=25), st.integers(1, 15), st.booleans())
def test_readmissions(stays, window, inclusive):
    rule = Readmission(window_days=window, window_inclusive=inclusive, factor="0.5")
    patient, group, admitted, length, exempt = np.array(stays, np.int64).reshape(-1, 5).T
    gone = admitted + length
    found = halve_previous(patient, group, admitted, gone, exempt.astype(bool), rule)
    for row, (who, kind, start, days, free) in enumerate(stays):
        after = [
            (a, a + n, other)
            for other, (w, k, a, n, _) in enumerate(stays)
            if min(who, kind) >= 0 and (w, k) == (who, kind)
            and (a, a + n, other) > (start, start + days, row)
        ]  # fmt: skip
        if not after:
            assert (found.next_row[row], found.halved[row]) == (-1, False)
            continue
        begin, _, other = min(after)
        gap = begin - (start + days)
        reasons = free or stays[other][4]
        inside = 0 <= gap <= (window if inclusive else window - 1)
        assert (found.next_row[row], found.gap_days[row]) == (other, gap)
        assert found.halved[row] == (inside and not reasons)


@given(st.lists(st.tuples(COSTS, st.booleans()), max_size=8), SHARES)
def test_reduced_points(rows, factor):
    rule = Readmission(window_days=15, factor=factor)
    values = np.array([row[0] for row in rows], np.int64)
    halved = np.array([row[1] for row in rows], np.bool_)
    wanted = [half_up(v * factor) if h else v for v, h in rows]
    assert reduced(values, halved, rule).tolist() == wanted


@given(
    st.lists(
        st.tuples(AMOUNTS, st.integers(0, 400), st.integers(1, 10**8), st.booleans()), max_size=8
    ),
    st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(2), Fraction("1.31")]),
)
def test_transfers(rows, multiple):
    columns = (np.array([row[n] for row in rows], np.int64) for n in range(3))
    moved = np.array([row[3] for row in rows], np.bool_)
    found = transfer_fen(*columns, moved, multiple)
    wanted = []
    for standard, days, gmlos, out in rows:
        paid = max(Fraction(0), days + multiple - 1)
        wanted.append(half_up(min(Fraction(standard), standard * paid * 10**6 / gmlos)))
        if not out:
            wanted[-1] = standard
    assert found.tolist() == wanted


@given(
    st.lists(
        st.tuples(AMOUNTS, AMOUNTS, st.lists(st.tuples(COSTS, COSTS), min_size=3, max_size=3)),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
)
def test_new_technology(rows, inclusive):
    rule = NewTechnology(
        total_multiple=2, share="0.64", total_inclusive=inclusive, share_inclusive=inclusive
    )
    cost, mean = (np.array([row[n] for row in rows], np.int64) for n in (0, 1))
    listed, means = (np.array([[p[n] for p in row[2]] for row in rows]).T for n in (0, 1))
    found = add_on(cost, mean, listed, means, rule)
    for row, (case, group, parts) in enumerate(rows):
        spent = sum(part[0] for part in parts)
        if inclusive:
            both = case >= 2 * group and Fraction(spent, case) >= Fraction("0.64")
        else:
            both = case > 2 * group and Fraction(spent, case) > Fraction("0.64")
        assert found.eligible[row] == both
        assert found.fen[row] == (sum(max(0, a - b) for a, b in parts) if both else 0)


@given(
    st.lists(st.tuples(st.integers(-(10**9), 10**9), st.tuples(*[st.booleans()] * 3))),
    st.tuples(SHARES, SHARES, SHARES),
)
def test_retained_surpluses_follow_the_lowest_share(rows, ratios):
    rule = Procurement(within_task=ratios[0], beyond_task=ratios[1], non_selected=ratios[2])
    surplus = np.array([row[0] for row in rows], np.int64)
    used = np.array([row[1] for row in rows], np.bool_).reshape(-1, 3).T
    kind = lowest_kind(used, rule)
    wanted = []
    for value, kinds in rows:
        least = min((r for r, u in zip(ratios, kinds, strict=True) if u), default=Fraction(1))
        wanted.append(half_up(value * least) if value > 0 else value)
    assert retained_fen(surplus, kind, rule).tolist() == wanted
    assert (kind == NOT_PROCURED).tolist() == [not any(kinds) for _, kinds in rows]


@given(
    st.lists(st.tuples(st.integers(1, 90), st.booleans())),
    st.integers(1, 10), st.integers(11, 60), st.booleans(),
)  # fmt: skip
def test_lengths_of_stay(rows, short, long, bed_day):
    rule = Exclusion(short_days=short, long_days=long, bed_day=bed_day)
    days = np.array([row[0] for row in rows], np.int64)
    found = stay_class(days, np.array([row[1] for row in rows], np.bool_), rule)
    for code, (n, by_day) in zip(found, rows, strict=True):
        wanted = "SHORT" if n <= short else "LONG" if n >= long else "BY_GROUP"
        assert STAY_CLASSES[code] == ("BED_DAY" if by_day and bed_day else wanted)


@given(st.integers(0, 10**7), SHARES)
def test_caps_are_rounded_down(discharges, ratio):
    cap = high_cap(discharges, ratio)
    assert cap <= discharges * ratio < cap + 1


@given(
    st.dictionaries(
        st.sampled_from("ABCDEF"), st.tuples(AMOUNTS, st.integers(1, 10**5)), min_size=1
    )
)
def test_weights_of_means_add_up_to_the_cases(groups):
    means = {group: Fraction(mean) for group, (mean, _) in groups.items()}
    cases = {group: n for group, (_, n) in groups.items()}
    weights, mean = weights_of_means(means, cases)
    assert sum(weights[g] * n for g, n in cases.items()) == sum(cases.values())
    assert all(weights[g] * mean == means[g] for g in means)


@given(COSTS, st.integers(1, 10**12))
def test_rates_spend_the_budget(budget, weight):
    found = rate_from_budget(budget, weight)
    assert found.rate * weight == budget * 10**4
    assert found.rate_fen == half_up(found.rate)


@given(
    AMOUNTS,
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    AMOUNTS,
    st.none() | st.integers(0, 10**9),
)
def test_elastic_rates_stay_inside_budget_and_cap(budget, base, increment, fixed, cap):
    found = elastic(budget, Fraction(base), Fraction(increment), fixed, cap)
    assert found.base == base * fixed
    if not increment:
        assert found.rate is None
        return
    left = max(Fraction(0), Fraction(budget - base * fixed, increment))
    assert found.rate == (left if cap is None else min(left, cap))


# ---- what is refused


def test_numbers_that_divide_by_nothing_are_refused_with_the_mend():
    for code, call in {
        "P402": lambda: total_weight_e4({"A": 1}, {"A": 1, "B": 2, "C": 0}),
        "P403": lambda: rate_from_budget(100, 0),
        "P404": lambda: elastic(0, Fraction(1), Fraction(1), 1),
        "P405": lambda: base_points_e4(ints(1), 0),
        "P406": lambda: point_value(1, 1, 0),
    }.items():
        with pytest.raises(PaymentError, match=rf"\[{code}\]") as caught:
            call()
        assert caught.value.exit_code == 3
        assert "—" in caught.value.message("en")
        assert caught.value.message("zh") != caught.value.message("en")
    with pytest.raises(HistoryError, match="W406"):
        weights_of_means({"A": Fraction(1)}, {})


@pytest.mark.parametrize(
    ("share", "what"),
    [
        (PatientShare(basis="policy_ratio"), "drg.share.fund_ratio"),
        (PatientShare(basis="policy_ratio", fund_ratio="0.8"), "fully_self_paid"),
        (PatientShare(basis="standard"), "drg.share.patient_ratio"),
        (PatientShare(basis="min"), "drg.share.patient_ratio"),
    ],
)
def test_a_basis_without_its_number_is_refused(share, what):
    with pytest.raises(PaymentError, match=rf"\[P401\].*{what}"):
        split_price(share, ints(100), ints(10))


def test_what_callers_get_wrong():
    none = np.zeros(1, np.bool_)
    for call in (
        lambda: high_cap(-1, Fraction(1)),
        lambda: high_cap(1, Fraction(-1)),
        lambda: keep_highest(ints(1), ints(1), -1),
        lambda: keep_highest_each(ints(1), ints(1), ints(0), ints(-1)),
        lambda: cost_ratio_e4(ints(1), ints(0)),
        lambda: transfer_fen(ints(1), ints(1), ints(0), ~none, Fraction(2)),
    ):
        with pytest.raises(ValueError, match="zero"):
            call()
    assert transfer_fen(ints(7), ints(1), ints(0), none, Fraction(2)).tolist() == [7]


def test_nothing_comes_of_no_cases():
    none, off = ints(), np.zeros(0, np.bool_)
    assert len(classify(none, none, none, [], Outliers(high={"": 3}, low="0.3"))) == 0
    assert len(case_points_e4(none, none, off, none, none, "jinhua")) == 0
    rule = Readmission(window_days=1, factor="0.5")
    assert len(halve_previous(none, none, none, none, off, rule).halved) == 0
    assert len(keep_highest_each(none, none, none, ints(3))) == 0
    assert len(reviewed_fen(none, none, none, none)) == 0
    new = add_on(none, none, none, none, NewTechnology(total_multiple=2, share="0.64"))
    assert len(new.fen) == 0


def test_only_rulings_change_a_price():
    price, cost, adjusted = ints(1, 1, 1, 1), ints(2, 2, 2, 2), ints(3, 3, 3, 3)
    assert reviewed_fen(price, cost, adjusted, ints(0, 1, 2, NO_RULING)).tolist() == [2, 3, 1, 1]


def test_prepayments_round_half_up():
    assert month_prepay_min(1, Fraction(1, 2)) == 1
    assert round_scaled(Fraction(312_000_001, 1) * Fraction("0.85"), 0) == month_prepay_min(
        312_000_001, Fraction("0.85")
    )
