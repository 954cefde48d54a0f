"""Which claims move between two schemes, and why: by hand, and held to the decision paths."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import made_schemes
import polars as pl
import pytest
from changed_schemes import add, all_of, changed, drop, put
from click.testing import CliRunner
from conftest import ROOT
from hypothesis import given, reject
from hypothesis import strategies as st
from test_differential import COLUMNS, tiny_root  # noqa: F401

import drg
from drg.claims.frame import schema
from drg.claims.readers import open_claims
from drg.cli import cli
from drg.errors import InputError, TableError
from drg.scale import RunError
from drg.scale.find import claim_of
from drg.scale.impact_file import MOVE_SCHEMA, impact_file
from drg.simulate.impact import COMPARED, KINDS, LEVELS, Impact, MoveTally

GOLDEN = Path(__file__).parent / "golden"
STROKE = {"sex": "M", "age": 60, "diagnoses": ["I63.905"]}
MONTH = ROOT / "examples" / "chs_drg_20_month.csv"


def moved(tmp_path, claim, changes=None, before=None, flags=None, flags_before=None, lang="zh"):
    """(from, to, kind, row, detail) of one claim between two copies of the demo."""
    one = changed(tmp_path, before, flags=flags_before, name="before")
    two = changed(tmp_path, changes, flags=flags, name="after")
    impact = Impact(drg.Grouper.load(one), drg.Grouper.load(two))
    made = drg.Claim(**claim)
    frame = pl.DataFrame([made.model_dump()], schema=schema())
    place = impact.compare(frame).row(0)
    assert place[0] != place[1], place
    reason = impact.why(made, lang)
    assert reason.kind in KINDS
    return place[0], place[1], *reason


# ---- each reason, by hand


def test_a_code_that_left_a_set(tmp_path):
    found = moved(tmp_path, STROKE, {"code_set": drop(set="BR1.dx", code="I63.905")})
    assert found == (
        "BR15", "UNGROUPABLE", "set", "adrg.csv BR1/1",
        "现方案的 BR1.dx 不含主要诊断 I63.905 多发性脑梗死",
    )  # fmt: skip


def test_a_code_that_came_into_an_earlier_set(tmp_path):
    claim = STROKE | {"procedures": ["88.4100"]}
    more = add(set="BL1.px", kind="px", code="88.4100")
    found = moved(tmp_path, claim, {"code_set": more})
    assert found == (
        "BQY", "BL19", "set", "adrg.csv BL1/1",
        "原方案的 BL1.px 不含主要手术操作 88.4100 脑动脉造影术",
    )  # fmt: skip


def test_a_procedure_that_is_valid_no_more(tmp_path):
    claim = STROKE | {"procedures": ["88.4100"]}
    found = moved(tmp_path, claim, {"valid_procedure": drop(code="88.4100")})
    assert found[:4] == ("BQY", "BR15", "set", "adrg.csv BQY/1")
    assert "有效手术操作（VALID）不含主要手术操作 88.4100" in found[4]


def test_a_diagnosis_that_left_its_mdc(tmp_path):
    found = moved(tmp_path, STROKE, {"mdc_diagnosis": drop(mdc="MDCB", code="I63.905")})
    assert found == (
        "BR15", "UNGROUPABLE", "door", "mdc.csv MDCB",
        "现方案的 MDCB 不含主要诊断 I63.905 多发性脑梗死",
    )  # fmt: skip


def test_a_door_with_another_rule(tmp_path):
    door = put({"mdc": "MDCB"}, rule="principal_dx in MDCB and sex = female")
    found = moved(tmp_path, STROKE, {"mdc": door}, lang="en")
    assert found[:4] == ("BR15", "UNGROUPABLE", "door", "mdc.csv MDCB")
    assert "'sex is female' fails" in found[4]


def test_a_rule_that_asks_for_more(tmp_path):
    stricter = put({"adrg": "BR1"}, rule="principal_dx in BR1.dx and age < 50")
    found = moved(tmp_path, STROKE, {"adrg": stricter})
    assert found[:4] == ("BR15", "UNGROUPABLE", "rule", "adrg.csv BR1/1")
    assert "不满足“年龄（岁） < 50”" in found[4]


def test_a_set_is_named_even_where_the_rule_changed_too(tmp_path):
    changes = {
        "adrg": put({"adrg": "BR1"}, rule="principal_dx in BR1.dx and age < 90"),
        "code_set": drop(set="BR1.dx", code="I63.905"),
    }
    assert moved(tmp_path, STROKE, changes)[2] == "set"


def test_severity(tmp_path):
    claim = STROKE | {"diagnoses": ["I63.905", "E87.600"]}
    found = moved(tmp_path, claim, {"severity": drop(code="E87.600")})
    assert found == (
        "BR13", "BR15", "severity", "severity.csv",
        "E87.600 低钾血症：原为 CC，计入，现不是 MCC 或 CC",
    )  # fmt: skip


def test_exclusion(tmp_path):
    claim = STROKE | {"diagnoses": ["I63.905", "I69.300"]}
    found = moved(tmp_path, claim, {"severity": put({"code": "I69.300"}, exclusion_table="48")})
    assert found[:4] == ("BR15", "BR13", "exclusion", "exclusion.csv")
    assert "原为 CC，因排除表 91 不计，现为 CC，计入" in found[4]


def test_split(tmp_path):
    undivided = all_of(drop(drg="BR11"), drop(drg="BR13"), put({"drg": "BR15"}, drg="BR19"))
    found = moved(tmp_path, STROKE, {"drg": undivided})
    assert found == (
        "BR15", "BR19", "split", "drg.csv BR1",
        "细分由 BR11 有 MCC（严重合并症或并发症）"
        " | BR13 有 MCC（严重合并症或并发症） 或 有 CC（合并症或并发症）"
        " | BR15 无条件 改为 BR19 无条件",
    )  # fmt: skip


def test_severity_that_changes_nothing_is_not_the_reason(tmp_path):
    """E87.600 counts no more, but the new split asks for an MCC: the split decides."""
    claim = STROKE | {"diagnoses": ["I63.905", "E87.600"]}
    changes = {
        "severity": drop(code="E87.600"),
        "drg": all_of(drop(drg="BR13"), put({"drg": "BR15"}, drg="BR16")),
    }
    assert moved(tmp_path, claim, changes)[1:3] == ("BR16", "split")


def test_a_code_set_of_a_drg_test(tmp_path):
    before = {
        "drg": put({"drg": "BR11"}, rule="any_dx in BR11.dx"),
        "code_set": add(set="BR11.dx", kind="dx", code="G93.600"),
    }
    after = before | {"code_set": add(set="BR11.dx", kind="dx", code="J96.000")}
    claim = STROKE | {"diagnoses": ["I63.905", "J96.000"]}
    found = moved(tmp_path, claim, after, before)
    assert found == (
        "BR13", "BR11", "set", "drg.csv BR11", "原方案的 BR11.dx 不含任一诊断 J96.000 急性呼吸衰竭"
    )  # fmt: skip


def test_order_of_adrgs_and_of_mdcs(tmp_path):
    claim = STROKE | {"procedures": ["99.1000"]}
    found = moved(tmp_path, claim, {"adrg": put({"adrg": "BQY"}, order="1")})
    assert found[:4] == ("BL19", "BQY", "order", "adrg.csv BQY")
    both = {"mdc_diagnosis": add(mdc="MDCG", code="I63.905"),
            "code_set": add(set="GZ1.dx", kind="dx", code="I63.905")}  # fmt: skip
    first = both | {"mdc": put({"mdc": "MDCG"}, order="0")}
    found = moved(tmp_path / "mdc", STROKE, first, both)
    assert found[:4] == ("BR15", "GZ19", "order", "mdc.csv MDCG")


def test_adrgs_that_are_gone_and_new(tmp_path):
    epilepsy = STROKE | {"diagnoses": ["G40.900"]}
    gone = {"adrg": drop(adrg="BV1"), "drg": drop(adrg="BV1")}
    found = moved(tmp_path, epilepsy, gone)
    assert found == (
        "BV15", "UNGROUPABLE", "adrg_removed", "adrg.csv BV1/1", "现方案的 MDCB 没有 BV1 癫痫"
    )  # fmt: skip
    found = moved(tmp_path / "back", epilepsy, None, gone)
    assert found[:4] == ("UNGROUPABLE", "BV15", "adrg_added", "adrg.csv BV1/1")


def test_what_takes_the_claim_of_an_adrg_that_is_gone(tmp_path):
    """BQY is gone, but the claim goes elsewhere because BL1 took its procedure before that."""
    claim = STROKE | {"procedures": ["88.4100"]}
    changes = {
        "adrg": drop(adrg="BQY"),
        "code_set": add(set="BL1.px", kind="px", code="88.4100"),
    }
    assert moved(tmp_path, claim, changes)[1:4] == ("BL19", "set", "adrg.csv BL1/1")


def test_an_adrg_under_another_code(tmp_path):
    changes = {
        "adrg": put({"adrg": "BV1"}, adrg="BV9"),
        "drg": lambda t: t.with_columns(pl.col("adrg", "drg").str.replace("^BV1", "BV9")),
    }
    epilepsy = STROKE | {"diagnoses": ["G40.900"]}
    assert moved(tmp_path, epilepsy, changes) == (
        "BV15", "BV95", "renumbered", "adrg.csv BV9", "BV1 现为 BV9 癫痫，名称未变"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop(check="E111"), "现方案没有这项检查"),
        (put({"check": "E111"}, level="note"), "现方案的这项检查只作提示"),
        (put({"check": "E111"}, rule="age > 200"), "现方案的这项检查为“age > 200”，未触发"),
    ],
)
def test_checks(tmp_path, change, words):
    old = STROKE | {"age": 160}
    found = moved(tmp_path, old, {"check": change})
    assert found[:4] == ("REJECTED", "BR15", "check", "check.csv E111")
    assert "原方案的检查 E111" in found[4]
    assert words in found[4]


def test_a_missing_value(tmp_path):
    needs = {"adrg": put({"adrg": "BR1"}, rule="principal_dx in BR1.dx and los < 60")}
    found = moved(tmp_path, STROKE, needs)
    assert found[:4] == ("BR15", "REJECTED", "missing", "adrg.csv BR1/1")
    assert "住院天数" in found[4]


def test_a_spelling(tmp_path):
    found = moved(tmp_path, STROKE | {"diagnoses": ["i63.905"]}, flags={"normalise_codes": False})
    assert found[:4] == ("BR15", "UNGROUPABLE", "reading", "mdc.csv MDCB")
    assert "现方案不识别 I63.905" in found[4]


def test_flags(tmp_path):
    claim = STROKE | {"diagnoses": ["K35.300"], "procedures": ["99.1000", "47.0100"]}
    no_medical = {"adrg": all_of(drop(adrg="GZ1"), drop(adrg="GQY")), "drg": drop(adrg="GZ1")}
    found = moved(tmp_path, claim, no_medical, no_medical, flags={"retry_other_procedures": True})
    assert found[:3] == ("UNGROUPABLE", "GE15", "flag")
    bare = {"drg": drop(adrg="BV1")}
    found = moved(
        tmp_path / "next", STROKE | {"diagnoses": ["G40.900"]}, bare, bare,
        flags={"unmatched_adrg": "next"},
    )  # fmt: skip
    assert found[:4] == ("BV1", "UNGROUPABLE", "split", "adrg.csv BV1/1")


def test_trauma_sites(tmp_path):
    def sites(first: str, second: str):
        return {
            "mdc": put({"mdc": "MDCG"}, rule="principal_dx in MDCG and trauma_sites >= 2"),
            "mdc_diagnosis": all_of(
                put({"code": "K35.300"}, site=first), put({"code": "K37.x00"}, site=second)
            ),
        }

    claim = STROKE | {"diagnoses": ["K35.300", "K37.x00"]}
    found = moved(tmp_path, claim, sites("腹", "腹"), sites("腹", "胸"))
    assert found[:4] == ("GZ19", "UNGROUPABLE", "door", "mdc.csv MDCG")
    assert found[4] == "创伤部位数：现方案 1，原方案 2"


# ---- whole files: what must hold for every pair of schemes


PAIRS = [
    ("chs-drg-1.0", None, "chs-drg-1.1", None, "chs_drg_10"),
    ("chs-drg-1.1", None, "chs-drg-2.0", None, "chs_drg_11"),
    ("chs-drg-2.0", None, "chs-drg-1.1", "opendrg", "chs_drg_20"),
    ("chs-drg-2.0", None, "chs-drg-2.0", "opendrg", "chs_drg_20"),
    ("chs-drg-1.1", None, "zhejiang-2022", None, "chs_drg_11"),
]


def check_reason(impact: Impact, claim: drg.Claim, place: tuple[str, ...]) -> str:
    """The reason of a move is borne out by the two decision paths; gives its kind."""
    reason = impact.why(claim, "zh")
    assert reason.kind in KINDS
    assert reason.detail
    paths = [grouper.trace(claim) for grouper in (impact.before, impact.after)]
    tried = []
    for _, steps in paths:
        doors = [s for s in steps if s.kind == "mdc"]
        rows = [*doors, *(a for d in doors for a in d.children)]
        rows += [d for a in rows for d in a.children if d.kind == "drg"]
        checks = [s for s in steps if s.kind == "check"]
        seen: dict[str, set[bool | None]] = {}
        for step in [*rows, *checks]:
            seen.setdefault(f"{step.table} {step.key}", set()).add(step.holds)
        tried.append(seen)
    held = [seen.get(reason.row, set()) for seen in tried]
    table = reason.row.split()[0]
    if reason.kind == "check":
        stops = [
            {s.subject.check for s in steps if s.kind == "check" and s.holds}
            & {row.check for row in grouper.scheme.checks if row.level == "stop"}
            for (_, steps), grouper in zip(paths, (impact.before, impact.after), strict=True)
        ]
        assert any(stop == {reason.row.split()[1]} for stop in stops)
        assert stops[0] != stops[1]
    elif reason.kind == "missing":
        assert "E130" in {result.reason for result, _ in paths}
    elif reason.kind == "door" or table == "mdc.csv":
        assert reason.kind == "order" or any(h & {False, None} for h in held)
    elif reason.kind in ("rule", "set", "reading") and table == "adrg.csv":
        # One side tried that row in vain, be it only before it tried other procedures.
        assert any(h & {False, None} for h in held)
    elif reason.kind in ("adrg_added", "adrg_removed"):
        side = reason.kind == "adrg_added"
        assert True in held[side]
        assert True not in held[not side]
    elif reason.kind in ("severity", "exclusion"):
        facts = [{s.subject for s in steps if s.kind == "severity"} for _, steps in paths]
        assert facts[0] != facts[1]
    elif reason.kind == "split" and table == "drg.csv":
        assert place[0][:3] == place[1][:3] or impact.before.scheme.id != impact.after.scheme.id
    return reason.kind


@pytest.mark.parametrize(("one", "compat", "two", "compat_two", "file"), PAIRS)
def test_every_move_has_a_reason_that_the_paths_bear_out(
    grouper_of, one, compat, two, compat_two, file
):
    impact = Impact(grouper_of(one, compat), grouper_of(two, compat_two))
    kinds: Counter[str] = Counter()
    with open_claims(GOLDEN / f"{file}.csv.gz") as source:
        frame = source.scan().collect()
        places = impact.compare(frame, source.columns)
        groups = [g.group_frame(frame, source.columns) for g in (impact.before, impact.after)]
        for n, (cells, place) in enumerate(
            zip(frame.iter_rows(named=True), places.iter_rows(), strict=True)
        ):
            found = [g[n, "outcome"] in ("GROUPED", "AMBIGUOUS") for g in groups]
            wanted = [
                g[n, "group"] if ok else g[n, "outcome"]
                for g, ok in zip(groups, found, strict=True)
            ]
            assert list(place[:2]) == wanted
            if place[0] != place[1]:
                kinds[check_reason(impact, claim_of(cells, source.columns), place)] += 1
    assert sum(kinds.values()) == places.filter(pl.col("from") != pl.col("to")).height
    assert sum(kinds.values()) > 20


@pytest.mark.long
@given(
    schemes=st.tuples(made_schemes.schemes(), made_schemes.schemes()),
    rows=st.lists(made_schemes.small_claims(), min_size=1, max_size=8),
)
def test_any_two_schemes(tiny_root, schemes, rows):  # noqa: F811
    """Any rule, any flag, nothing in common: a reason is found and borne out."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRG_TABLES", str(tiny_root))
        patch.setenv("DRG_CACHE", folder)
        try:
            impact = Impact(
                *(
                    drg.Grouper.load(scheme.write(Path(folder) / name))
                    for name, scheme in zip(("one", "two"), schemes, strict=True)
                )
            )
        except TableError as error:
            if error.code == "T119":
                reject()
            raise
        frame = pl.DataFrame(rows, schema=schema())
        for row, place in zip(rows, impact.compare(frame, COLUMNS).iter_rows(), strict=True):
            if place[0] != place[1]:
                check_reason(impact, drg.Claim.from_row(row), place)


def test_nothing_moves_between_a_scheme_and_itself(national, tmp_path):
    out = tmp_path / "moves.csv"
    report = impact_file(Impact(national, national), MONTH, out)
    assert (report.tally.claims, report.tally.moved) == (200, 0)
    assert pl.read_csv(out).is_empty()
    assert pl.read_csv(out).columns == list(MOVE_SCHEMA)


def test_the_matrix_has_every_claim(grouper_of):
    impact = Impact(grouper_of("chs-drg-1.1"), grouper_of("chs-drg-2.0"))
    report = impact_file(impact, GOLDEN / "chs_drg_11.csv.gz")
    rows = pl.read_csv(GOLDEN / "chs_drg_11.csv.gz", infer_schema=False).height
    assert report.tally.claims == rows
    for level in LEVELS:
        matrix = report.tally.matrix(level)
        assert matrix["claims"].sum() == rows
        assert matrix["share"].sum() == pytest.approx(1)
    group = report.tally.matrix("group")
    assert group.filter(pl.col("from") != pl.col("to"))["claims"].sum() == report.tally.moved
    assert report.tally.reasons["claims"].sum() == report.tally.moved
    assert sum(report.by_kind.values()) == report.tally.moved
    # The same claims move back.
    back = impact_file(Impact(impact.after, impact.before), GOLDEN / "chs_drg_11.csv.gz")
    assert back.tally.moved == report.tally.moved
    mirrored = back.tally.matrix("group").select(pl.col("to"), pl.col("from"), "claims")
    assert sorted(mirrored.rows()) == sorted(group.select("from", "to", "claims").rows())


def test_batches_change_nothing(grouper_of, monkeypatch):
    impact = Impact(grouper_of("chs-drg-1.1"), grouper_of("chs-drg-2.0"))
    seen = []
    monkeypatch.setattr("drg.scale.impact_file._BATCH", 7)
    small = impact_file(impact, MONTH, progress=lambda done, total: seen.append((done, total)))
    monkeypatch.undo()
    whole = impact_file(impact, MONTH)
    assert small.tally.reasons.equals(whole.tally.reasons)
    assert small.tally.matrix("group").equals(whole.tally.matrix("group"))
    assert seen[-1] == (200, 200)
    assert len(seen) > 20


def test_reasons_are_remembered_by_content(demo, tmp_path, monkeypatch):
    after = drg.Grouper.load(changed(tmp_path, {"code_set": drop(set="BR1.dx", code="I63.905")}))
    impact = Impact(demo, after)
    calls = []
    from drg.simulate import impact as module

    plain = module.why
    monkeypatch.setattr(module, "why", lambda *a: calls.append(1) or plain(*a))
    for n in range(5):
        assert impact.why(drg.Claim(claim_id=str(n), **STROKE)).kind == "set"
    assert len(calls) == 1
    impact.why(drg.Claim(**STROKE | {"age": 61}))
    assert len(calls) == 2
    details = {impact.why(drg.Claim(**STROKE), lang).detail for lang in ("zh", "en")}
    assert len(details) == 2


# ---- files, lines, the command


def test_files_hold_the_moves_in_order(grouper_of, tmp_path):
    impact = Impact(grouper_of("chs-drg-1.1"), grouper_of("chs-drg-2.0"))
    frames = []
    for suffix in ("csv", "parquet"):
        out = tmp_path / f"moves.{suffix}"
        report = impact_file(impact, MONTH, out, lang="zh")
        frame = pl.read_parquet(out) if suffix == "parquet" else pl.read_csv(out)
        assert frame.columns == ["row", "claim_id", *COMPARED, "reason", "table_row", "detail"]
        assert frame.height == report.tally.moved
        assert frame["row"].is_sorted()
        frames.append(frame.select("row", "from", "to", "reason", "detail").rows())
    assert frames[0] == frames[1]
    before = impact.before.group_frame(pl.read_csv(MONTH, infer_schema=False))
    for row, one, *_ in frames[0]:
        cell = before.row(row - 1, named=True)
        assert one in (cell["group"], cell["outcome"])
    assert pl.read_parquet_metadata(tmp_path / "moves.parquet")["drg.after"] == "chs-drg-2.0"


def test_workbook(grouper_of, tmp_path):
    fastexcel = pytest.importorskip("fastexcel")
    out = tmp_path / "moves.xlsx"
    impact = Impact(grouper_of("chs-drg-1.1"), grouper_of("chs-drg-2.0"))
    report = impact_file(impact, MONTH, out, lang="zh")
    book = fastexcel.read_excel(out)
    assert book.sheet_names == [
        "概况", "变组原因", "入组结果去向", "ADRG 去向", "DRG 去向", "变组病例"
    ]  # fmt: skip
    moves = book.load_sheet("变组病例").to_polars()
    assert moves.height == report.tally.moved
    matrix = book.load_sheet("DRG 去向").to_polars()
    assert matrix["病例数"].sum() == 200
    reasons = book.load_sheet("变组原因").to_polars()
    assert reasons["病例数"].sum() == report.tally.moved
    assert set(reasons["原因"]) == set(moves["原因"])
    facts = dict(book.load_sheet("概况").to_polars().iter_rows())
    assert facts["变组"].startswith(str(report.tally.moved))


def test_a_failed_run_leaves_nothing(demo, tmp_path):
    claims = tmp_path / "claims.csv"
    claims.write_text("claim_id,sex,age,diagnoses\n1,M,60,I63.905\n", "utf-8")
    impact = Impact(demo, demo)
    with pytest.raises(RunError, match="C201"):
        impact_file(impact, claims, claims)
    with pytest.raises(InputError, match="F201"):
        impact_file(impact, claims, tmp_path / "x.doc")
    with pytest.raises(InputError, match="F101"):
        impact_file(impact, tmp_path / "none.csv", tmp_path / "x.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["claims.csv"]


def test_a_tally_of_nothing():
    tally = MoveTally()
    assert tally.matrix("group").is_empty()
    assert tally.reasons.is_empty()


def run(*args: object, code: int = 0) -> str:
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout if code == 0 else result.stderr


def test_command(tmp_path):
    mine = changed(tmp_path, {"severity": drop(code="E87.600")})
    claims = ROOT / "examples" / "demo_claims.csv"
    words = run("tables", "impact", "demo", mine, claims)
    assert "MCC 或 CC 不同" in words
    assert "BR13 → BR15" in words
    assert "E87.600 低钾血症：原为 CC，计入，现不是 MCC 或 CC" in words
    out = tmp_path / "moves.csv"
    assert str(out) in run("tables", "impact", "demo", mine, claims, "-o", out, "--lang", "en")
    assert set(pl.read_csv(out)["reason"]) == {"severity"}
    words = run(
        "tables", "impact", "chs-drg-2.0", "chs-drg-2.0", MONTH, "--compat-b", "opendrg",
        "--codes", "insurance",
    )  # fmt: skip
    assert "chs-drg-2.0 + opendrg" in words
