"""Words of a case that comes from no file: labels, findings, amounts."""

from __future__ import annotations

from drg import Case, Simulator, load_policy


def case(**given: object) -> Case:
    """A stroke as it is entered by hand."""
    entered = {"claim_id": "1", "sex": "M", "age": 67, "diagnoses": ("I63.900",)}
    return Case.model_validate(entered | given)


def test_the_only_code_has_no_successor(demo):
    one = case(procedures=("87.0301",))
    labels = [s.label for s in Simulator(demo).simulate(one, lang="zh").scenarios]
    assert [label.partition(" ")[0] for label in labels] == ["去掉唯一的诊断", "去掉唯一的手术操作"]
    two = case(diagnoses=("I63.900", "I10.x00"))
    labels = [s.label for s in Simulator(demo).simulate(two, lang="zh").scenarios]
    assert labels[1].startswith("去掉主要诊断 I63.900")
    assert labels[1].endswith("由其后的诊断作主要诊断")


def test_findings_name_fields_not_columns(grouper_of):
    simulator = Simulator(grouper_of("haerbin-2022"))
    found = simulator.explain(case(sex=None), lang="zh").findings
    assert [(f.code, f.concerns) for f in found] == [("E101", "“性别”未填")]
    found = simulator.explain(case(sex=None), lang="en").findings
    assert found[0].concerns == "sex is not reported"


def test_terms_that_are_money_say_so(grouper_of):
    paid = case(
        insurance="310", discharged_on="2024-06-14", total_cost="16850.40", patient_paid="4120",
        hospital_id="H0001", hospital_level="三级",
    )  # fmt: skip
    simulator = Simulator(grouper_of("haerbin-2022"), load_policy("demo-2024"))
    money = simulator.explain(paid, lang="zh").money
    assert money is not None
    assert money.fund_fen is not None
    amounts = {term.name: term.amount_fen for term in money.terms}
    assert amounts["费率（元）"] == 1_225_270
    assert amounts["基金支付（元）"] == money.fund_fen
    assert amounts["权重"] is None
