"""House rules of every folder under tables/: digests, order, sources, overlays that bite."""

from __future__ import annotations

import csv
import hashlib
import itertools
import tomllib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import ROOT

import drg
from drg.reasons import reason_codes
from drg.schemes.amend import amendments
from drg.schemes.rules import code_tests
from drg.schemes.scheme import Scheme
from drg.schemes.tables import SCHEME_TABLES

TABLES = ROOT / "tables"
STATUSES = {"official", "transcribed", "derived", "recalled", "synthetic"}
HEADERS = sorted(
    p for p in TABLES.rglob("*.toml") if p.name in ("scheme.toml", "overlay.toml", "codes.toml")
)
SCHEMES = sorted(p.parent for p in (TABLES / "schemes").glob("*/scheme.toml"))
OVERLAYS = sorted((TABLES / "schemes").glob("*/compat/*/overlay.toml"))
CSV_FILES = sorted(TABLES.rglob("*.csv"))


def name_of(path: Path) -> str:
    return path.relative_to(TABLES).as_posix()


@cache
def toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


SOURCES = toml(TABLES / "sources.toml")
#: Schemes that stand alone, and regional ones that are told as what they change of a base.
ALONE = [p for p in SCHEMES if not toml(p / "scheme.toml").get("extends")]
REGIONS = [p for p in SCHEMES if p not in ALONE]
#: The tables that no region may give whole.
BIG = {"mdc_diagnosis", "code_set", "severity", "exclusion", "valid_procedure", "grey_code"}


@lru_cache(maxsize=2)
def resolved(scheme: str) -> Scheme:
    """A scheme with its base's tables; only the last two are kept, for there are many."""
    return drg.load_scheme(scheme)


class Facts(NamedTuple):
    """What little of a resolved scheme most tests look at: kept for all of them."""

    rows: dict[str, list[dict[str, str]]]
    named: set[str]
    known: set[str]
    listed: set[str]


@cache
def facts(scheme: str) -> Facts:
    made = resolved(scheme)
    ruled = [r.rule for table in (made.mdcs, made.adrgs, made.drgs, made.checks) for r in table]
    return Facts(
        {name: made.table(name).to_dicts() for name in ("mdc", "adrg", "drg")},
        {test.name for rule in ruled for test in code_tests(rule)} - {""},
        set(made.code_sets),
        set(made.table("code_set")["set"]),
    )


def test_nothing_is_overlooked():
    assert [p.name for p in ALONE] == ["chs-drg-1.0", "chs-drg-1.1", "chs-drg-2.0", "demo"]
    assert len(REGIONS) == 28
    assert len(OVERLAYS) == len(REGIONS) + 3
    assert len(CSV_FILES) > 40


@pytest.mark.parametrize("folder", REGIONS, ids=name_of)
def test_a_region_is_a_diff(folder):
    """It holds the fewest rows that turn its base into it, sorted; no big table whole."""
    header = toml(folder / "scheme.toml")
    base, region = drg.load_scheme(header["extends"]), resolved(folder.name)
    for name, table in SCHEME_TABLES.items():
        entry = header["tables"].get(name)
        if table.optional or entry is None:
            continue
        assert entry.get("amends") or name not in BIG, name
        if entry.get("amends"):
            found = rows(folder / f"{name}.csv")
            wanted = amendments(base.table(name), region.table(name), table)
            assert [{k: v for k, v in r.items() if k != "amendment"} for r in found] == (
                wanted.to_dicts()
            ), name
            explained = {a["id"] for a in header["amendments"]}
            assert {row["amendment"] for row in found} <= explained, name


@pytest.mark.parametrize("folder", REGIONS, ids=name_of)
def test_a_region_says_how_sure_it_is(folder):
    header = toml(folder / "scheme.toml")
    assert header["confidence"] in ("high", "medium", "low")
    assert header["confidence_note"]
    assert header["place"]
    assert header["place_zh"] in header["title_zh"]
    assert folder.name == f"{header['place']}-{header['in_force'][0][:4]}"
    assert header["groups"] == len({row["drg"] for row in facts(folder.name).rows["drg"]})
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"# {header['place_zh']}")
    assert f"**{header['confidence']}**" in readme


@pytest.mark.parametrize("path", HEADERS, ids=name_of)
def test_declared_tables_are_the_files(path):
    """Each CSV of a folder is declared with its rows and digest, and nothing else is."""
    declared = toml(path)["tables"]
    assert {p.stem for p in path.parent.glob("*.csv")} == set(declared)
    for name, entry in declared.items():
        file = path.parent / f"{name}.csv"
        assert hashlib.sha256(file.read_bytes()).hexdigest() == entry["sha256"], file
        assert len(rows(file)) == entry["rows"], file


@pytest.mark.parametrize("path", CSV_FILES, ids=name_of)
def test_csv_form(path):
    """UTF-8 without BOM, LF, no blank around a cell, every row as wide as the header."""
    data = path.read_bytes()
    text = data.decode("utf-8")
    assert not text.startswith("\ufeff")
    assert "\r" not in text
    assert text.endswith("\n")
    assert "\ufffd" not in text
    for row in rows(path):
        assert None not in row
        for cell in row.values():
            assert cell is not None, row
            assert cell == cell.strip(), row


def _sort_key(table: str, row: dict[str, str]) -> tuple:
    key = SCHEME_TABLES[table].key
    return tuple(
        (0, int(v), "") if (v := row[k]).isdigit() and k in ("order", "rule_no") else (1, 0, v)
        for k in key
    )


@pytest.mark.parametrize("folder", SCHEMES, ids=name_of)
def test_tables_are_sorted_and_unique(folder):
    """Lists by code; ordered tables by the order in which they are tried; amendments elsewhere."""
    for name, entry in toml(folder / "scheme.toml")["tables"].items():
        if entry.get("amends"):
            continue
        table, found = SCHEME_TABLES[name], rows(folder / f"{name}.csv")
        keys = [tuple(row[k] for k in table.key) for row in found]
        assert len(set(keys)) == len(keys), name
        if name in ("mdc", "check"):
            orders = [int(row["order"]) for row in found]
            assert orders == sorted(set(orders)), name
        elif name == "adrg":
            place = {r["mdc"]: int(r["order"]) for r in facts(folder.name).rows["mdc"]}
            orders = [(place[row["mdc"]], int(row["order"])) for row in found]
            assert orders == sorted(set(orders)), name
        elif name == "drg":
            for adrg, part in itertools.groupby(found, lambda row: (row["adrg"], row["rule_no"])):
                orders = [int(row["order"]) for row in part]
                assert orders == sorted(set(orders)), adrg
        else:
            assert keys == sorted(keys), name


@pytest.mark.parametrize("path", HEADERS, ids=name_of)
def test_sources_and_statuses(path):
    header = toml(path)
    used = [*header.get("sources", [])]
    parts = [*header["tables"].values(), *header.get("notes", []), *header.get("amendments", [])]
    if path.name == "overlay.toml":
        parts = header["amendments"]
    for part in parts:
        assert part["status"] in STATUSES, part
        used.append(part["source"])
    assert used
    assert set(used) <= set(SOURCES), set(used) - set(SOURCES)
    if "in_force_status" in header:
        assert header["in_force_status"] in STATUSES


@pytest.mark.parametrize("source", SOURCES)
def test_source_register(source):
    entry = SOURCES[source]
    assert entry["title_zh"]
    assert entry["issuer"]
    assert entry["status"] in STATUSES


@pytest.mark.parametrize("path", HEADERS, ids=name_of)
def test_notes_speak_of_tables_that_exist(path):
    known = SCHEME_TABLES if toml(path).get("extends") else toml(path)["tables"]
    for note in toml(path).get("notes", []):
        assert note["table"] in known, note
        assert note["text"], note


@pytest.mark.parametrize("folder", SCHEMES, ids=name_of)
def test_groups_start_with_the_letter_of_their_mdc(folder):
    found = facts(folder.name).rows
    for row in found["adrg"]:
        assert row["adrg"][0] == row["mdc"][3], row
        if row["kind"] == "ambiguous":
            assert row["adrg"] == f"{row['mdc'][3]}QY", row
            assert row["reason"], row
        else:
            assert row["reason"] == "", row
    for row in found["drg"]:
        assert row["drg"].startswith(row["adrg"]), row


@pytest.mark.parametrize("folder", ALONE, ids=name_of)
def test_every_adrg_ends_in_a_group(folder):
    """Each ADRG that is no ambiguous row has DRG tests, and the last of them always holds.

    Of the regions, lint says the same (L120 to L123); their exceptions are accepted by name.
    """
    drgs: dict[str, list[str]] = {}
    for row in rows(folder / "drg.csv"):
        drgs.setdefault(row["adrg"], []).append(row["rule"])
    adrgs = {row["adrg"] for row in rows(folder / "adrg.csv") if row["kind"] != "ambiguous"}
    assert set(drgs) == adrgs
    without = sorted(adrg for adrg, tests in drgs.items() if tests[-1] != "always")
    assert without == sorted(toml(folder / "scheme.toml").get("groups_without_rest", [])), without


def _reasons_used(folder: Path) -> set[str]:
    found = {row["check"] for path in folder.rglob("check.csv") for row in rows(path)}
    return found | {
        row["reason"] for path in folder.rglob("adrg.csv") for row in rows(path) if row["reason"]
    }


@pytest.mark.parametrize("folder", SCHEMES, ids=name_of)
def test_reasons_stand_in_the_register(folder):
    used = _reasons_used(folder)
    assert used or folder in REGIONS
    assert used <= set(reason_codes())


@pytest.mark.parametrize("scheme", [p.name for p in SCHEMES])
def test_every_named_set_is_used_and_known(scheme):
    """A set that no rule names is a row nobody reads."""
    found = facts(scheme)
    assert found.named <= found.known
    assert found.listed <= found.named, sorted(found.listed - found.named)[:10]


@pytest.mark.parametrize("path", OVERLAYS, ids=name_of)
def test_overlays_bite(path):
    """Loading refuses an amendment that changes nothing; each one explained is also used."""
    header = toml(path)
    scheme, name = path.parents[2].name, path.parent.name
    assert header["name"] == name
    plain, amended = resolved(scheme), drg.load_scheme(scheme, name)
    assert plain.digest != amended.digest
    used = {row["amendment"] for file in path.parent.glob("*.csv") for row in rows(file)}
    explained = {a["id"] for a in header["amendments"]}
    assert used <= explained
    for amendment in header["amendments"]:
        assert amendment["reason_zh"], amendment
        assert amendment["reason_en"], amendment
    for table in header["tables"]:
        assert not plain.table(table).equals(amended.table(table))
    for flag, value in header.get("flags", {}).items():
        said = tuple(value) if isinstance(value, list) else value
        assert getattr(plain.flags, flag) != said, flag


@pytest.mark.parametrize("folder", SCHEMES, ids=name_of)
def test_titles_in_both_languages(folder):
    header = toml(folder / "scheme.toml")
    assert header["id"] == folder.name
    assert header["title_zh"]
    assert header["title_en"]
    start, end = (str(d) for d in header["in_force"])
    assert not (start and end) or start < end
