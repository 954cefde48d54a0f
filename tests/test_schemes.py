"""Finding and loading schemes: what a broken folder is told."""

import shutil
from pathlib import Path

import pytest

from drg.errors import SchemeError, TableError
from drg.paths import tables_root
from drg.schemes.catalog import list_schemes, load_scheme
from drg.schemes.rules import parse
from drg.schemes.tables import file_digest
from drg.schemes.truth import terms


@pytest.fixture
def folder(tmp_path):
    """A copy of the demo scheme to be broken."""
    return Path(shutil.copytree(tables_root() / "schemes" / "demo", tmp_path / "mine"))


def edit(folder, table, old, new):
    """Change a table and register the change, as an author who means it would."""
    path = folder / f"{table}.csv"
    digest, rows = file_digest(path), path.read_text("utf-8").count("\n")
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    toml = folder / "scheme.toml"
    entry = toml.read_text("utf-8").replace(digest, file_digest(path))
    now = path.read_text("utf-8").count("\n")
    before, after = entry.split(f"[tables.{table}]")
    after = after.replace(f"rows = {rows - 1}", f"rows = {now - 1}", 1)
    toml.write_text(f"{before}[tables.{table}]{after}", "utf-8")


def refused(folder):
    with pytest.raises(TableError) as caught:
        load_scheme(folder)
    return caught.value


def first_row(folder, table):
    return (folder / f"{table}.csv").read_text("utf-8").splitlines()[1]


def test_shipped_schemes_are_listed_and_load():
    infos = {info.id: info for info in list_schemes()}
    assert {"chs-drg-1.0", "chs-drg-1.1", "chs-drg-2.0", "demo"} <= set(infos)
    assert infos["chs-drg-2.0"].groups == 634
    assert load_scheme("demo").id == "demo"


@pytest.mark.parametrize("name", ["chs-drg-9.9", "..", "../demo", "demo/../demo", "", "a b"])
def test_unknown_scheme_is_named_with_its_nearest(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SchemeError) as caught:
        load_scheme(name)
    assert caught.value.code in ("S101", "S104")


def test_unknown_overlay_is_refused():
    with pytest.raises(SchemeError, match="S102"):
        load_scheme("demo", "nobody")
    with pytest.raises(SchemeError, match="S103"):
        load_scheme("demo", "../opendrg")


@pytest.mark.parametrize(
    "value", ["[1]", '"x"', '["2025-01-01"]', '["2025-02-30", ""]', '["2026-01-01", "2025-01-01"]']
)
def test_interval_must_be_two_dates(folder, value):
    toml = folder / "scheme.toml"
    lines = [
        line for line in toml.read_text("utf-8").splitlines() if not line.startswith("in_force =")
    ]
    toml.write_text(f"in_force = {value}\n" + "\n".join(lines), "utf-8")
    assert refused(folder).code == "T125"


def test_flags_must_be_known(folder):
    toml = folder / "scheme.toml"
    text = toml.read_text("utf-8")
    toml.write_text(text.replace("[flags]", "[flags]\nfaster = true"), "utf-8")
    assert refused(folder).code == "T123"


def test_unknown_table_is_refused(folder):
    with (folder / "scheme.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[tables.extra]\nrows = 1\nsha256 = "{"0" * 64}"\n')
    assert refused(folder).code == "T114"


def test_changed_file_is_noticed(folder):
    path = folder / "severity.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    error = refused(folder)
    assert error.code == "T103"
    assert "severity.csv" in str(error)


def test_two_rows_of_one_order(folder):
    order, rest = first_row(folder, "mdc").split(",", 1)
    edit(folder, "mdc", f"{order},{rest}", f"2,{rest}")
    assert refused(folder).code == "T126"


def test_group_must_belong_to_an_mdc(folder):
    cells = first_row(folder, "drg").split(",")
    edit(folder, "drg", f",{cells[3]},", f",X{cells[3][1:]},")
    error = refused(folder)
    assert error.code == "T127"
    assert "MDCX" in str(error)


def test_group_of_a_rule_that_is_not_there(folder):
    row = first_row(folder, "drg")
    cells = row.split(",")
    edit(folder, "drg", row, ",".join([cells[0], "7", *cells[2:]]))
    assert refused(folder).code == "T116"


@pytest.mark.parametrize(("cell", "code"), [("A00.000 ", "T128"), ("A" * 25, "T117"), ("", "T106")])
def test_codes_are_plain(folder, cell, code):
    row = first_row(folder, "severity")
    edit(folder, "severity", row, ",".join([cell, *row.split(",")[1:]]))
    error = refused(folder)
    assert error.code == code
    assert "2" in str(error.params["row"])


def test_broken_rule_names_its_place(folder):
    row = first_row(folder, "check")
    edit(folder, "check", row, row + " or or")
    error = refused(folder)
    assert error.code == "T101"
    assert "check.csv" in str(error)


def test_rule_with_too_many_combinations_is_refused_at_once():
    wide = " and ".join(f"(age > {n} or los > {n})" for n in range(40))
    with pytest.raises(TableError, match="T119"):
        terms(parse(wide), "here")
