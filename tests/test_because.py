"""Why a changed case is elsewhere or stays, why its price differs, and what is found of it."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import drg.audit.engine
import drg.audit.evidence
import drg.audit.kind
import drg.audit.kinds_agree
import drg.audit.vocabulary
import drg.claims.days
import drg.grouping.editions
from drg.audit.engine import Audit
from drg.audit.kinds import KINDS
from drg.audit.model import Scope
from drg.audit.rules import load_rules
from drg.claims.model import Claim
from drg.claims.profiles import match_columns
from drg.claims.synth import synth
from drg.claims.synth_audit import with_lists
from drg.dip.grouper import DipGrouper
from drg.grouping.edition_findings import EditionCheck
from drg.grouping.finding_rows import grouping_findings
from drg.grouping.findings import GroupingFindings
from drg.grouping.grouper import Grouper
from drg.grouping.versions import load_grouper
from drg.schemes.catalog import load_scheme
from drg.simulate.answer import CaseFinding, Money
from drg.simulate.because import Because, because_money, because_scheme
from drg.simulate.findings import case_findings, raised_and_cleared

STROKE = {
    "claim_id": "1",
    "sex": "M",
    "age": 60,
    "diagnoses": ("I63.905", "J96.000", "I69.300", "E87.600", "K35.300", "G40.900"),
    "procedures": ("99.0500",),
}


def case(**changes) -> Claim:
    return Claim(**{**STROKE, **changes})


def why(demo: Grouper, changed: Claim, base: Claim | None = None, lang: str = "zh") -> list[str]:
    return [*Because(demo, base or case(), lang).of(changed)]


def without(code: str) -> Claim:
    return case(diagnoses=tuple(c for c in STROKE["diagnoses"] if c != code))


def first(code: str) -> Claim:
    return case(diagnoses=(code, *(c for c in STROKE["diagnoses"] if c != code)))


# ---- one change, one reason


def test_the_level_that_is_gone_names_the_code_and_both_groups(demo):
    gone, level, split = why(demo, without("J96.000"))
    assert gone == "J96.000 急性呼吸衰竭 原计为 MCC，改动后病例不再有此诊断 [severity.csv J96.000]"
    assert level == "合并症与并发症等级：原严重程度 MCC，现严重程度 CC"
    assert split.startswith("由 BR11 脑卒中，伴严重合并症或并发症 变为 BR13 ")
    assert split.endswith("[drg.csv BR1/*/2]")


def test_an_excluded_complication_and_one_beside_a_higher_one_leave_the_group(demo):
    (void,) = why(demo, without("I69.300"))
    assert "同属一个排除表，有无都不计入 [exclusion.csv I63.905→表 91]" in void
    (lower,) = why(demo, without("E87.600"))
    assert "计为 CC" in lower
    assert "严重程度 MCC" in lower
    (none,) = why(demo, without("K35.300"))
    assert "不是 MCC 或 CC" in none


def test_a_code_comes_back_when_another_of_its_level_is_there(demo):
    two = case(diagnoses=(*STROKE["diagnoses"], "G93.600"))
    (rest,) = why(demo, case(), two)
    assert rest.startswith("诊断 G93.600 脑水肿 计为 MCC，但另有 J96.000 ")


def test_another_principal_diagnosis_shuts_the_door_or_leaves_the_rule(demo):
    door, now = why(demo, first("K35.300"))[:2]
    assert door.startswith("不再符合 MDCB 神经系统疾病及功能障碍：主要诊断 K35.300 ")
    assert door.endswith("不属于 MDCB [mdc.csv MDCB]")
    assert now.startswith("改动后符合 GZ1 其他消化系统疾病：")
    rule, now, test, counting = why(demo, first("G40.900"))
    assert rule.startswith("不再符合 BR1 脑卒中：主要诊断 G40.900 ")
    assert rule.endswith("[adrg.csv BR1/1]")
    assert "BV1 癫痫" in now
    assert "BV13" in test
    assert counting == "计为 MCC 的有：J96.000 急性呼吸衰竭 [severity.csv]"


def test_what_takes_the_case_before_says_that_it_is_tried_before(demo):
    new, order = why(demo, case(procedures=("99.1000",)))
    assert new.startswith("现符合 BL1 神经系统血管病溶栓治疗：主要手术操作 99.1000 ")
    assert new.endswith("[adrg.csv BL1/1]")
    assert order.startswith("BL1 神经系统血管病溶栓治疗 在次序上先于 BR1 脑卒中")
    back = why(demo, case(), case(procedures=("99.1000",)))
    assert back[0].startswith("不再符合 BL1 ")


def test_a_level_that_exclusion_gives_back_or_takes(demo, national):
    # As the principal diagnosis of the abdomen, which has another table, the old stroke counts.
    base = case(diagnoses=("I63.905", "I69.300"))
    freed = why(demo, case(diagnoses=("G40.900", "I69.300")), base)
    assert "BR1" in freed[0]
    stays = case(diagnoses=("I61.001", "I69.300"))
    (still,) = why(demo, stays, base)
    assert still.startswith("主要诊断改为 I61.001 ")
    scheme = national.scheme
    principal, table = next(
        (p, t)
        for p, t in scheme.exclusion.items()
        if p in scheme.code_sets["BR2.dx"] and any(x[1] == t for x in scheme.severity.values())
    )
    code = next(c for c, (_, t) in scheme.severity.items() if t == table and c != principal)
    plain = next(c for c in scheme.code_sets["BR2.dx"] if scheme.exclusion.get(c) != table)
    free = Because(national, case(diagnoses=(principal, code), procedures=()), "en")
    told = free.of(case(diagnoses=(plain, code), procedures=()))
    assert any("was void by exclusion table" in one for one in told)
    void = Because(national, case(diagnoses=(plain, code), procedures=()), "en")
    told = void.of(case(diagnoses=(principal, code), procedures=()))
    assert any(f"[exclusion.csv {principal}→table {table}]" in one for one in told)


def test_a_check_that_fires_or_no_longer_does(demo):
    (fires,) = why(demo, case(age=None))
    assert fires.startswith("触发检查 E110 ")
    assert fires.endswith("[check.csv E110]")
    freed = why(demo, case(), case(age=None))
    assert freed[0].startswith("不再触发检查 E110 ")
    assert freed[1].startswith("改动后符合 BR1 脑卒中")
    (still,) = why(demo, without("J96.000").model_copy(update={"age": None}), case(age=None))
    assert still.startswith("仍不予分组：触发检查 E110")


def test_a_value_that_turns_a_rule_and_one_that_a_rule_needs(demo):
    born = case(diagnoses=("P07.300",), procedures=(), age=0, age_days=5, birth_weight_g=1400)
    weight, now, _ = why(demo, born.model_copy(update={"birth_weight_g": 1600}), born)
    assert weight.startswith(
        "不再符合 PS1 早产儿（出生体重＜1500g）：出生体重（克）由 1400 变为 1600"
    )
    assert "PS2" in now
    lacking = why(demo, born.model_copy(update={"birth_weight_g": None}), born)
    assert "出生体重" in "".join(lacking)
    (same,) = why(demo, case(age=61))
    assert same == "年龄（岁）由 60 变为 61，不改变决定入组的判定"


def test_unknown_codes_and_what_grouping_does_not_read(demo):
    told = why(demo, case(diagnoses=(*STROKE["diagnoses"], "XXX")))
    assert told == ["XXX 不在编码库中，不参与分组", "现有提示 N401 有诊断编码未知"]
    assert why(demo, case(total_cost="99")) == ["分组不用所改的内容，决策路径不变"]
    nothing = why(demo, case(diagnoses=("Z99.900",)))
    assert nothing[0].startswith("不再符合 MDCB ")
    assert nothing[1].startswith("改动后没有可入的组：U20")


# ---- every alternative of made-up cases has a reason


def alternatives(claim: Claim) -> Iterator[Claim]:
    for name in ("diagnoses", "procedures"):
        codes = [*getattr(claim, name)]
        for n, code in enumerate(codes):
            rest = [*codes[:n], *codes[n + 1 :]]
            yield claim.model_copy(update={name: tuple(rest)})
            yield claim.model_copy(update={name: (code, *rest)})
    for age in (None, 0, 30):
        yield claim.model_copy(update={"age": age})
    yield claim.model_copy(update={"birth_weight_g": 900, "age_days": 3})


def claims_under(grouper: Grouper, count: int) -> Iterator[Claim]:
    """Claims of ADRGs drawn from a scheme, with the diagnoses and procedures of others behind."""
    sets = grouper.scheme.code_sets
    rows = [row for row in grouper.scheme.adrgs if sets.get(f"{row.adrg}.dx")]
    drawn = random.Random(11).sample(rows, min(count, len(rows)))
    levelled = sorted(grouper.scheme.severity)
    for n, row in enumerate(drawn):
        codes = [min(sets[f"{one.adrg}.dx"]) for one in (row, drawn[n - 1])]
        procedures = [min(sets.get(f"{one.adrg}.px") or ["88.7700"]) for one in (row, drawn[n - 1])]
        places = (n % len(levelled), -1 - n % len(levelled))
        diagnoses = (*codes, *(levelled[place] for place in places), "I10.x00x002")
        yield case(claim_id=str(n), diagnoses=diagnoses, procedures=tuple(procedures))


@pytest.mark.parametrize(("scheme", "count"), [("demo", 40), ("chs-drg-2.0", 20)])
def test_every_alternative_has_reasons_that_rest_on_rows(scheme, count, grouper_of):
    grouper = grouper_of(scheme)
    moved = 0
    for claim in claims_under(grouper, count):
        because, english = Because(grouper, claim, "zh"), Because(grouper, claim, "en")
        was = grouper.group(claim)
        for changed in alternatives(claim):
            told, now = because.of(changed), grouper.group(changed)
            assert told
            assert all(one and "{" not in one.replace("{P07.*}", "") for one in told), told
            assert len(english.of(changed)) == len(told)
            if (was.group, was.outcome) != (now.group, now.outcome):
                moved += 1
                assert "[" in "".join(told), (was, now, told)
    assert moved > 5


def claims_of(grouper: DipGrouper, count: int) -> Iterator[Claim]:
    """Claims of groups drawn from a catalogue, with diagnoses of other groups behind."""
    reference = grouper.reference
    codes: dict[str, str] = {}
    for code, place in reference.places.items():
        codes.setdefault(place.subcategory or place.category, code)
        codes.setdefault(place.category, code)
    groups = [g for g in grouper.catalogue.groups if set(g.diagnosis) & codes.keys()]
    drawn = random.Random(11).sample(groups, count)
    listed = [next(codes[d] for d in g.diagnosis if d in codes) for g in drawn]
    for n, group in enumerate(drawn):
        procedures = (*(term[0] for term in group.terms), "88.7700x002")
        diagnoses = (listed[n], listed[n - 1], "I10.x00x002")
        yield case(claim_id=str(n), diagnoses=diagnoses, procedures=procedures, total_cost="9000")


def test_every_alternative_of_a_catalogue_has_reasons():
    grouper = DipGrouper.load("taian-2025")
    kinds = set()
    for claim in claims_of(grouper, 6):
        because, was = Because(grouper, claim, "zh"), grouper.group(claim)
        for changed in alternatives(claim):
            told, now = because.of(changed), grouper.group(changed)
            assert told
            same = (was.group, was.outcome) == (now.group, now.outcome)
            kinds.add((same, told[0][:4]))
            if now.group is None:
                assert now.reason in told[-1]
            elif same:
                assert any("不变" in one for one in told)
    assert {(False, "主要诊断"), (False, "原病种改"), (True, "其他诊断")} <= kinds


# ---- other schemes


def test_what_a_catalogue_says_of_values_types_and_unknown_codes():
    base = case(diagnoses=("I49.900", "K31.103"), procedures=(), los_days=6)
    because = Because(DipGrouper.load("taian-2025"), base, "zh")
    aged = because.of(base.model_copy(update={"age": 70}))
    assert aged[0] == "年龄（岁）由 60 变为 70，不改变决定入组的判定"
    unknown = because.of(base.model_copy(update={"diagnoses": ("XXX", "I49.900")}))
    assert unknown[0].endswith(" 变为 XXX")
    typed = case(diagnoses=("N36.201", "K76.000"), procedures=(), los_days=4)
    told = Because(DipGrouper.load("taian-2025"), typed, "zh").of(
        typed.model_copy(update={"los_days": 1})
    )
    assert told[0].startswith("辅助分型：原 dis1 ")
    assert "，现 dis0 " in told[0]


def test_another_scheme_parts_at_a_row_and_a_catalogue_has_none_in_common(demo, national):
    (told,) = because_scheme(demo, national, case(diagnoses=("I63.905", "E04.101")), "zh")
    assert told.endswith("计入 [severity.csv]")
    assert because_scheme(demo, national, case(), "zh")[0].startswith("两个方案都入 BR11 ")
    (dip,) = because_scheme(demo, DipGrouper.load("taian-2025"), case(), "zh")
    assert dip.startswith("DRG 与 DIP 的分组方法不同，组与组之间没有对应：原为 BR11 ")
    neither = because_scheme(demo, national, case(sex=None), "zh")
    assert neither == ("两个方案都未入组：E101 性别未填",)
    (none,) = because_scheme(demo, load_grouper("chongqing"), case(), "zh")
    assert none.startswith("chongqing 没有适用的版本：V502 ")


def test_versions_of_a_place():
    place = load_grouper("chongqing")
    days = [v.interval.start for v in place.versions if v.interval and v.interval.start]
    dated = case(discharged_on=days[-1])
    because = Because(place, dated, "zh")
    assert because.of(dated)[0].startswith("分组不用所改的内容")
    (gone,) = because.of(case())
    assert gone.startswith("改动后没有适用的版本：V502 ")
    (found,) = Because(place, case(), "zh").of(dated)
    assert found.startswith("原没有适用的版本")
    (both,) = Because(place, case(), "zh").of(case(age=61))
    assert both.startswith("改动前后都没有适用的版本")
    if len(days) > 1:
        before = case(discharged_on=days[-1] - datetime.timedelta(days=1))
        assert "版本" in because.of(before)[0]


# ---- money


def money(**changes) -> Money:
    usual = {
        "policy": "demo-2024", "digest": "0", "pay_mode": "drg", "pay_mode_title": "按病组付费",
        "route": "drg", "route_title": "病组", "case_class": "normal",
        "case_class_title": "正常费用病例", "weight": "1.2", "rate_fen": 900_000,
        "standard_fen": 1_080_000, "fund_fen": 800_000, "cost_fen": 1_000_000,
    }  # fmt: skip
    return Money(**(usual | changes))


def test_terms_of_the_price_that_differ():
    told = because_money(money(), money(weight="0.9", standard_fen=810_000, fund_fen=530_000), "zh")
    assert told == (
        "权重 1.2 → 0.9",
        "支付标准 10,800.00 元 → 8,100.00 元；预计基金支付 8,000.00 元 → 5,300.00 元",
    )
    classes = {"case_class": "high", "case_class_title": "高倍率病例"}
    assert because_money(money(), money(**classes), "zh") == (
        "费用类别由“正常费用病例”变为“高倍率病例”",
    )
    assert because_money(money(), money(), "zh") == (
        "权重或分值、费率、系数、费用类别都不变，支付不变",
    )
    assert because_money(None, money()) == ()
    noted = {"note": "P101", "note_title": "没有权重", "weight": None}
    assert because_money(money(), money(**noted), "zh") == (
        "改动后不能支付：P101 没有权重（原预计基金支付 8,000.00 元）",
    )
    assert because_money(money(**noted), money(**noted), "zh") == (
        "改动前后都不能支付：P101 没有权重",
    )
    # A case that becomes payable has no term it comes from; the standard is told once.
    unpaid = {"pay_mode": "UNPAID", "standard_fen": None, "fund_fen": None, "rate_fen": None}
    paid = money(price_fen=1_080_000, reference_fen=1_080_000, branch_title="按标准")
    assert because_money(money(**noted, **unpaid), paid, "zh") == (
        "原不能支付（P101 没有权重），改动后可以支付：按病组付费；按标准",
        "权重 1.2；费率 9,000.00 元",
        "支付标准 10,800.00 元；预计基金支付 8,000.00 元",
    )


# ---- findings


@pytest.fixture(scope="module")
def lists() -> pl.DataFrame:
    return with_lists(synth(load_scheme("demo"), 50, 3), 3, defects=0.6).claims


def test_findings_of_cases_are_those_of_a_check(lists, demo):
    columns = match_columns(lists.columns, dict(lists.schema))
    results = demo.results_frame(lists, columns)
    rules = load_rules("national")
    found = case_findings(demo, rules, lists, columns, results, lang="zh")
    assert len(found) == lists.height
    alone = tuple(r for r in rules.rules if KINDS[r.kind].scope is Scope.CLAIM)
    audit = Audit(rules, lang="zh")
    audit.add(lists, columns, results)
    told = audit.finish().findings.filter(pl.col("rule").is_in([r.id for r in alone]))
    expected = [*zip(told["row"], told["rule"], told["evidence"], strict=True)]
    none = pl.Series([None] * lists.height, dtype=pl.String)
    of_grouping = GroupingFindings(demo, EditionCheck(demo, stated=False), "zh")
    rows = grouping_findings(of_grouping.find(lists, columns, results), none, none, "", 0, "zh")
    expected += [*zip(rows["row"], rows["code"], rows["concerns"], strict=True)]
    got = [(n, f.code, f.concerns) for n, findings in enumerate(found, 1) for f in findings]
    assert sorted(got) == sorted(expected)
    assert len(told) > 10
    assert all(f.title and f.mend and f.level for findings in found for f in findings)
    # Whatever stands beside it, a case is judged by itself.
    again = pl.concat([lists[7:9], lists[7:8]])
    beside = case_findings(demo, rules, again, columns, demo.results_frame(again, columns))
    assert beside == [found[7], found[8], found[7]]
    assert case_findings(demo, None, lists, columns, results) == [
        tuple(f for f in findings if not f.code.startswith("A")) for findings in found
    ]
    assert case_findings(demo, rules, lists[:0], columns, results[:0]) == []


def test_few_claims_are_judged_as_many_are(lists, demo, monkeypatch):
    columns = match_columns(lists.columns, dict(lists.schema))
    results = demo.results_frame(lists, columns)
    rules = load_rules("national")
    rules = replace(rules, rules=tuple(r for r in rules.rules if KINDS[r.kind].scope != "whole"))

    def audited() -> pl.DataFrame:
        audit = Audit(rules, lang="zh", every=True)
        audit.add(lists, columns, results)
        return audit.finish().findings

    few, cases = audited(), case_findings(demo, None, lists, columns, results)
    for module, name in (
        (drg.audit.kind, "FEW"),
        (drg.audit.evidence, "FEW"),
        (drg.audit.kinds_agree, "FEW"),
        (drg.audit.engine, "_FEW"),
        (drg.audit.vocabulary, "_FEW"),
        (drg.claims.days, "_FEW"),
        (drg.grouping.editions, "_FEW"),
    ):
        assert getattr(module, name) > 0
        monkeypatch.setattr(module, name, -1)
    assert_frame_equal(audited(), few)
    assert case_findings(demo, None, lists, columns, results) == cases


def finding(code: str, concerns: str = "") -> CaseFinding:
    return CaseFinding(code=code, level="review", title=code, concerns=concerns)


def test_raised_and_cleared_count_what_stands_twice():
    one, two, three = finding("A101"), finding("A102", "x"), finding("A102", "y")
    raised, cleared = raised_and_cleared([one, two, two], [two, three])
    assert raised == (three,)
    assert cleared == (one, two)
    assert raised_and_cleared([one], [one]) == ((), ())
    # The reason for having no group is one, whatever of the case is spelt out beside it.
    assert raised_and_cleared([finding("E120", "x|y")], [finding("E120", "x")]) == ((), ())
    assert raised_and_cleared([finding("N401", "x")], [finding("N401", "y")])[0]
