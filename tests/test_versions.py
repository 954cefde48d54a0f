"""Versions in force: the day of discharge chooses, gaps are told, nothing is guessed."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

import drg
from drg.claims.frame import VERSION_COLUMNS
from drg.cli import cli
from drg.dates import Interval, Timeline
from drg.errors import SchemeError, TableError
from drg.grouping.versions import VersionedGrouper, load_grouper
from drg.paths import tables_root
from drg.schemes.catalog import list_schemes, load_scheme
from drg.schemes.tables import file_digest
from drg.schemes.versions import find_place, places_in

#: Three versions of a made-up city. Each is the demo scheme, but calls the stroke group by a code
#: of its own. 2023 is missing, and of one version no source tells the days.
MADE = {
    "made-2021": ("2021-01-01", "2022-01-01", "derived", "BR15"),
    "made-2022": ("2022-01-01", "2023-01-01", "official", "BR17"),
    "made-2024": ("2024-01-01", "2025-01-01", "derived", "BR19"),
    "made-old": ("", "", "unknown", "BR16"),
}
DAYS = {id_: f"{id_} [{start}, {end})" for id_, (start, end, *_) in MADE.items() if start}
#: Day of discharge -> version, group of the stroke claim, and the nearest version, by hand.
BY_HAND = [
    ("1999-12-31", None, None, DAYS["made-2021"]),
    ("2020-12-31", None, None, DAYS["made-2021"]),
    ("2021-01-01", "made-2021", "BR15", None),
    ("2021-12-31", "made-2021", "BR15", None),
    ("2022-01-01", "made-2022", "BR17", None),
    ("2022-12-31", "made-2022", "BR17", None),
    ("2023-01-01", None, None, DAYS["made-2022"]),
    # 183 days after the last day of 2022, 183 days before the first of 2024: the earlier one.
    ("2023-07-02", None, None, DAYS["made-2022"]),
    ("2023-07-03", None, None, DAYS["made-2024"]),
    ("2023-12-31", None, None, DAYS["made-2024"]),
    ("2024-01-01", "made-2024", "BR19", None),
    ("2024-12-31", "made-2024", "BR19", None),
    ("2025-01-01", None, None, DAYS["made-2024"]),
    (None, None, None, None),
]
NEW = ["scheme", "nearest_version"]
RESULTS = ["mdc", "adrg", "group", "severity", "outcome", "reason", "group_name", *NEW]


def make(
    folder: Path,
    dates: tuple[str, str],
    status: str = "derived",
    group: str = "BR15",
    place: str = "made",
    zh: str = "造城",
) -> Path:
    """A copy of the demo scheme as a version of a place."""
    shutil.copytree(ROOT / "tables" / "schemes" / "demo", folder)
    drgs, toml = folder / "drg.csv", folder / "scheme.toml"
    before = file_digest(drgs)
    drgs.write_text(drgs.read_text("utf-8").replace("BR15", group), "utf-8")
    header = toml.read_text("utf-8").replace(before, file_digest(drgs))
    kept = [
        line for line in header.splitlines() if not line.startswith(("id =", "in_force", "place"))
    ]
    own = [
        f'id = "{folder.name}"',
        f'place = "{place}"',
        f'place_zh = "{zh}"',
        f'in_force = ["{dates[0]}", "{dates[1]}"]',
        f'in_force_status = "{status}"',
    ]
    toml.write_text("\n".join(own + kept) + "\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tables with the made-up city and the demo scheme."""
    tables = tmp_path_factory.mktemp("made") / "tables"
    (tables / "schemes").mkdir(parents=True)
    for shared in ("codes", "headers"):
        (tables / shared).symlink_to(ROOT / "tables" / shared)
    shutil.copytree(ROOT / "tables" / "schemes" / "demo", tables / "schemes" / "demo")
    for id_, (start, end, status, group) in MADE.items():
        make(tables / "schemes" / id_, (start, end), status, group)
    return tables


@pytest.fixture
def made(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of schemes, shipped as it were."""
    monkeypatch.setenv("DRG_TABLES", str(root))
    monkeypatch.delenv("DRG_LANG", raising=False)
    return root / "schemes"


@pytest.fixture(scope="module")
def city(root: Path) -> VersionedGrouper:
    return VersionedGrouper.load(root / "schemes")


def claim(day: str | date | None, **more: object) -> drg.Claim:
    values = {"claim_id": "A", "sex": "M", "age": 60, "diagnoses": ["I63.905"], **more}
    return drg.Claim.model_validate(values | {"discharged_on": day})


def strokes(days: list[object]) -> pl.DataFrame:
    n = len(days)
    return pl.DataFrame(
        {
            "claim_id": [str(i) for i in range(n)],
            "sex": ["M"] * n,
            "age": [60] * n,
            "discharged_on": days,
            "diagnoses": [["I63.905"]] * n,
        }
    )


def run(*args: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, (result.output, result.exception)
    return result


# ---- intervals


def test_an_interval_holds_its_start_and_not_its_end():
    year = Interval.parse(("2022-01-01", "2023-01-01"))
    assert date(2021, 12, 31) not in year
    assert date(2022, 1, 1) in year
    assert date(2022, 12, 31) in year
    assert date(2023, 1, 1) not in year
    assert str(year) == "[2022-01-01, 2023-01-01)"
    assert year.texts == ("2022-01-01", "2023-01-01")
    assert date.min in Interval()
    assert str(Interval.parse(("", "2023-01-01"))) == "[…, 2023-01-01)"


@pytest.mark.parametrize("texts", [("2022-01-01", "2022-01-01"), ("2023", ""), ("", "", ""), ("",)])
def test_an_interval_is_two_dates_with_a_day_between(texts: tuple[str, ...]):
    with pytest.raises(ValueError, match=r"."):
        Interval.parse(texts)


def test_overlap():
    first, second = (Interval.parse(d) for d in (("2022-01-01", "2023-01-01"), ("2023-01-01", "")))
    assert not first.overlaps(second)
    assert not second.overlaps(first)
    assert first.overlaps(Interval.parse(("2022-12-31", "2024-01-01")))
    assert Interval().overlaps(first)
    with pytest.raises(ValueError, match="overlap"):
        Timeline([second, first])
    with pytest.raises(ValueError, match="needs"):
        Timeline([])


@given(st.data())
def test_a_timeline_is_what_looking_at_every_interval_says(data: st.DataObject):
    cuts = sorted(data.draw(st.lists(st.integers(1, 60), min_size=2, max_size=8, unique=True)))
    first = date(2022, 1, 1)
    days = [first + timedelta(cut) for cut in cuts]
    pairs = [p for p in pairwise(days) if data.draw(st.booleans())]
    intervals: list[tuple[date | None, date | None]] = list(pairs or [(days[0], days[1])])
    if data.draw(st.booleans()):
        intervals[0] = (None, intervals[0][1])
    if data.draw(st.booleans()):
        intervals[-1] = (intervals[-1][0], None)
    line = Timeline([Interval(*pair) for pair in intervals])
    for offset in range(-3, 65):
        day = first + timedelta(offset)

        def distance(pair: tuple[date | None, date | None], day: date = day) -> int:
            if pair[0] and day < pair[0]:
                return (pair[0] - day).days
            return (day - pair[1]).days + 1 if pair[1] and day >= pair[1] else 0

        distances = [distance(pair) for pair in intervals]
        nearest = distances.index(min(distances))
        assert line.at(day) == (nearest, distances[nearest] == 0)


# ---- the day chooses


@pytest.mark.parametrize(("day", "scheme", "group", "nearest"), BY_HAND)
def test_boundary_days_of_one_claim(city, day, scheme, group, nearest):
    result = city.group(claim(day))
    assert (result.scheme, result.group, result.nearest_version) == (scheme, group, nearest)
    if scheme:
        assert (result.outcome, result.reason) == ("GROUPED", None)
        assert result == city.at(date.fromisoformat(day)).group(claim(day))
    else:
        assert result.outcome == "NOT_IN_FORCE"
        assert result.reason == ("V501" if day else "V502")
        assert (result.mdc, result.adrg, result.group_name, result.severity) == (None,) * 4
        assert result.digest == city.digest


def test_boundary_days_of_a_frame(city):
    frame = city.group_frame(strokes([day for day, *_ in BY_HAND]))
    assert frame.columns == [*strokes([]).columns, *RESULTS]
    found = frame.select("discharged_on", "scheme", "group", "nearest_version").rows()
    assert found == BY_HAND
    reasons = [None if scheme else "V501" if day else "V502" for day, scheme, *_ in BY_HAND]
    assert frame["reason"].to_list() == reasons


def test_the_docs_and_the_column_list_name_what_is_added():
    assert [column.name for column in VERSION_COLUMNS] == NEW
    docs = (ROOT / "docs" / "claims.md").read_text("utf-8")
    for column in VERSION_COLUMNS:
        assert (
            f"| `{column.name}` | {column.title_zh} |  | {column.meaning} | {column.null} |" in docs
        )


def test_a_frame_of_no_rows_and_one_without_the_column(city):
    empty = city.group_frame(strokes([]))
    assert empty.columns[-9:] == RESULTS
    assert dict(empty.schema).items() >= city.result_schema.items()
    blind = city.group_frame(strokes(["2021-05-01"] * 2).drop("discharged_on"))
    assert blind["reason"].to_list() == ["V502", "V502"]
    assert blind["nearest_version"].to_list() == [None, None]


@given(st.lists(st.dates(date(2020, 6, 1), date(2025, 6, 1)) | st.none(), max_size=40), st.data())
def test_any_mix_is_each_claim_under_its_own_version(city, days, data):
    kinds = [["I63.905"], ["I63.905", "J96.000"], ["G40.900"], ["XYZ"], []]
    codes = [data.draw(st.sampled_from(kinds)) for _ in days]
    frame = strokes(days).with_columns(
        diagnoses=pl.Series(codes, dtype=pl.List(pl.String)),
        discharged_on=pl.Series(days, dtype=pl.Date),
    )
    found = city.results_frame(frame, threads=data.draw(st.sampled_from([1, 2])))
    wanted = [city.group(claim(day, diagnoses=dx)) for day, dx in zip(days, codes, strict=True)]
    assert found.rows() == [tuple(getattr(result, name) for name in RESULTS) for result in wanted]
    for day, dx, result in zip(days, codes, wanted, strict=True):
        if result.scheme:
            alone = city.at(day)
            assert alone.scheme_id == result.scheme
            assert result == alone.group(claim(day, diagnoses=dx))
            assert day in Interval.parse(MADE[result.scheme][:2])


def test_rows_keep_their_order_in_threads_and_batches(city):
    days = [date(2021, 1, 1) + timedelta(7 * n % 1500) for n in range(50_000)]
    frame = strokes(days)
    whole = city.group_frame(frame, threads=1)
    assert whole["claim_id"].equals(frame["claim_id"])
    assert whole["scheme"].n_unique() == 4
    assert city.group_frame(frame, threads=3).equals(whole)
    assert city.group_frame(frame.lazy()).collect().equals(whole)
    assert city.group_frame(frame.lazy()).collect_schema() == whole.schema
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(city.group_frame, frame.iter_slices(10_000)))
    assert pl.concat(parts).equals(whole)


def test_clinical_codes_are_told_row_by_row(root):
    clinical = load_grouper(root / "schemes", None, "clinical")
    days = ["2021-05-01", "2023-05-01", "2022-05-01", None, "2021-06-01"]
    frame = strokes(days).with_columns(diagnoses=pl.lit("I63.905|J96.000x001")).with_columns(
        pl.col("diagnoses").str.split("|")
    )  # fmt: skip
    found = clinical.group_frame(frame)
    assert found.columns[-10:] == [*RESULTS, "mapped_codes"]
    pinned = clinical.at(date(2021, 5, 1)).group_frame(frame)["mapped_codes"]
    assert pinned.to_list() == ["J96.000x001→J96.000"] * 5
    assert found["mapped_codes"].to_list() == [pinned[0], None, pinned[2], None, pinned[4]]


def test_columns_of_the_input_with_a_result_name_are_kept(city):
    frame = strokes(["2021-05-01"]).with_columns(scheme=pl.lit("old"), group=pl.lit("old"))
    table = city.group_frame(frame)
    assert table.select("scheme_input", "group_input", "scheme", "group").row(0) == (
        "old", "old", "made-2021", "BR15"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("column", "schemes"),
    [
        (["2021-5-1", "2022/12/31 23:59", "2023年1月1日", "44621"], ["2021", "2022", None, None]),
        (["20210501", "202212312359", "20240101000000", "240230"], ["2021", "2022", "2024", None]),
        ([20210501, 20221231, None, 7], ["2021", "2022", None, None]),
        (pl.Series(["2021-05-01 10:00", None]).str.to_datetime("%Y-%m-%d %H:%M"), ["2021", None]),
    ],
)  # fmt: skip
def test_days_as_files_write_them(city, column, schemes):
    found = city.group_frame(strokes([*column]).with_columns(discharged_on=pl.Series(column)))
    assert found["scheme"].to_list() == [f"made-{year}" if year else None for year in schemes]


# ---- loading


def test_a_place_is_found_by_id_name_and_folder(made):
    for name in ("made", "造城", made, str(made)):
        grouper = load_grouper(name)
        assert isinstance(grouper, VersionedGrouper)
        assert grouper.scheme_id == "made"
        assert [version.id for version in grouper.versions] == [*MADE]
        assert grouper.versions[-1].interval is None
    pinned = load_grouper("made-2022")
    assert isinstance(pinned, drg.Grouper)
    assert pinned.group(claim("1999-01-01")).group == "BR17"
    assert load_grouper(made / "made-2021").scheme_id == "made-2021"


def test_a_folder_may_hold_a_base_beside_the_versions(tmp_path):
    shutil.copytree(ROOT / "tables" / "schemes" / "demo", tmp_path / "demo")
    make(tmp_path / "mine-2021", ("2021-01-01", ""), place="mine", zh="")
    assert load_grouper(tmp_path).group(claim("2030-01-01")).scheme == "mine-2021"


def refused(code: str, *args: object) -> str:
    with pytest.raises(SchemeError) as caught:
        load_grouper(*args)
    assert caught.value.code == code
    return str(caught.value)


def test_overlapping_versions_are_refused_by_name(tmp_path):
    make(tmp_path / "a-2021", ("2021-01-01", ""))
    make(tmp_path / "a-2022", ("2022-01-01", "2023-01-01"))
    told = refused("S107", tmp_path)
    assert "a-2021 [2021-01-01, …)" in told
    assert "a-2022 [2022-01-01, 2023-01-01)" in told
    assert load_grouper(tmp_path / "a-2021").scheme_id == "a-2021"


def test_a_place_without_dates_is_refused(tmp_path):
    make(tmp_path / "a-x", ("", ""))
    make(tmp_path / "a-y", ("", ""))
    assert "a-x, a-y" in refused("S108", tmp_path)


def test_a_folder_of_several_places_is_refused(tmp_path):
    make(tmp_path / "a-2021", ("2021-01-01", "2022-01-01"), place="a")
    make(tmp_path / "b-2021", ("2021-01-01", "2022-01-01"), place="b")
    assert "a, b" in refused("S109", tmp_path)


def test_a_place_is_no_scheme(made):
    with pytest.raises(SchemeError, match=r"S110.*made-2021, made-2022, made-2024, made-old"):
        load_scheme("made")
    with pytest.raises(SchemeError, match="S110"):
        drg.Grouper.load("造城")


def test_the_nearest_places_and_schemes_are_named(made):
    assert "made, " in refused("S101", "mades")
    assert "造城" in refused("S101", "造城市")
    with pytest.raises(SchemeError, match=r"S101.*demo"):
        VersionedGrouper.load("dem")


def test_every_version_needs_the_overlay(tmp_path):
    make(tmp_path / "a-2021", ("2021-01-01", "2022-01-01"))
    second = make(tmp_path / "a-2022", ("2022-01-01", "2023-01-01"))
    overlay = second / "compat" / "plain"
    overlay.mkdir(parents=True)
    (overlay / "overlay.toml").write_text('name = "plain"\n[flags]\nnormalise_codes = false\n')
    assert "a-2021" in refused("S102", tmp_path, "plain")


def test_the_status_of_dates_is_one_of_six(tmp_path):
    make(tmp_path / "a-2021", ("2021-01-01", "2022-01-01"), status="sure")
    assert "sure" in refused("S111", tmp_path)


def test_dates_must_be_dates(tmp_path):
    make(tmp_path / "a-2021", ("2021-02-30", ""))
    with pytest.raises(TableError, match="T125"):
        load_grouper(tmp_path)


def test_a_single_claim_loads_its_own_version_only(tmp_path):
    make(tmp_path / "a-2021", ("2021-01-01", "2022-01-01"))
    broken = make(tmp_path / "a-2022", ("2022-01-01", "2023-01-01"))
    (broken / "severity.csv").write_text("code,level,exclusion_table\n")
    grouper = load_grouper(tmp_path)
    assert grouper.group(claim("2021-05-01")).group == "BR15"
    with pytest.raises(TableError, match="T103"):
        grouper.group(claim("2022-05-01"))


def test_it_travels_to_another_process(made, city):
    again = pickle.loads(pickle.dumps(city))
    assert again.digest == city.digest
    assert again.group(claim("2022-05-01")) == city.group(claim("2022-05-01"))
    assert repr(again) == "VersionedGrouper.load('made')"


def test_other_days_are_another_digest(made, tmp_path, monkeypatch):
    for id_ in MADE:
        shutil.copytree(made / id_, tmp_path / "schemes" / id_)
    for shared in ("codes", "headers"):
        (tmp_path / shared).symlink_to(ROOT / "tables" / shared)
    packed = pickle.dumps(load_grouper("made"))
    toml = tmp_path / "schemes" / "made-2024" / "scheme.toml"
    toml.write_text(toml.read_text("utf-8").replace("2025-01-01", "2025-07-01"), "utf-8")
    assert load_grouper(tmp_path / "schemes").digest != load_grouper("made").digest
    moved = made.parent.rename(made.parent.with_name("gone"))
    try:
        monkeypatch.setenv("DRG_TABLES", str(tmp_path))
        with pytest.raises(SchemeError, match="S105"):
            pickle.loads(packed)
    finally:
        moved.rename(made.parent)


def test_one_claim_needs_no_frame_library(made):
    code = (
        "import drg, sys; g = drg.load_grouper('made'); r = g.group(drg.Claim("
        "sex='M', age=60, discharged_on='2022-05-01', diagnoses=['I63.905']));"
        "assert r.group == 'BR17'; sys.exit('polars' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)  # fills the cache
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


# ---- the shipped tables


def test_the_national_series_by_date():
    place = find_place("国家")
    assert place is not None
    assert place.id == "chs-drg"
    assert [v.id for v in place.versions] == ["chs-drg-1.0", "chs-drg-2.0", "chs-drg-1.1"]
    grouper = load_grouper("chs-drg")
    assert grouper.group(claim("2020-07-01")).scheme == "chs-drg-1.0"
    assert grouper.group(claim("2025-07-01")).scheme == "chs-drg-2.0"
    between = grouper.group(claim("2022-07-01"))
    assert (between.scheme, between.reason) == (None, "V501")


def test_no_shipped_place_has_two_versions_on_a_day():
    places = places_in(tables_root() / "schemes")
    assert places
    for place in places:
        assert place.timeline().at(date(2022, 7, 1)).number < len(place.dated)
        assert all(v.note for v in place.versions if v.assumed), place.id
    names = [name for place in places for name in (place.id, place.name_zh)]
    assert len(names) == len(set(names))
    assert not set(names) & {info.id for info in list_schemes()}


# ---- the command line


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    """Seven strokes: three versions, two gaps, no day, and one that is no day."""
    path = tmp_path / "claims.csv"
    days = ["2024-05-01", "2021-05-01", "2023-02-01", "2022-05-01", "", "2026-01-01", "5月"]
    rows = [f"{n},M,60,{day},I63.905" for n, day in enumerate(days)]
    path.write_text("\n".join(["结算ID,性别,年龄,出院日期,主要诊断", *rows]) + "\n", "utf-8")
    return path


def test_group_chooses_claim_by_claim(made, claims, tmp_path):
    out = tmp_path / "out.csv"
    words = run("group", claims, "-s", "made", "-o", out, code=1).stdout
    table = pl.read_csv(out, infer_schema=False)
    assert table.select("结算ID", "group", "outcome", "reason", *NEW).rows() == [
        ("0", "BR19", "GROUPED", None, "made-2024", None),
        ("1", "BR15", "GROUPED", None, "made-2021", None),
        ("2", None, "NOT_IN_FORCE", "V501", None, DAYS["made-2022"]),
        ("3", "BR17", "GROUPED", None, "made-2022", None),
        ("4", None, "NOT_IN_FORCE", "V502", None, None),
        ("5", None, "NOT_IN_FORCE", "V501", None, DAYS["made-2024"]),
        ("6", None, "NOT_IN_FORCE", "V502", None, None),
    ]  # fmt: skip
    lines = [line.split() for line in words.splitlines()]
    assert ["made-2021", "[2021-01-01,", "2022-01-01)", "1", "例，施行期系推定"] in lines
    assert ["made-2022", "[2022-01-01,", "2023-01-01)", "1", "例，施行期见于官方文件"] in lines
    assert ["made-old", "施行期不详，不按日期选用"] in lines
    assert ["无适用版本", "4", "(57.14%)"] in lines
    assert ["V501", "2", "出院日期没有生效的方案版本"] in lines
    assert words.count("没有文件给出这些日期") == 1


def test_the_summary_in_english(made, claims, tmp_path):
    words = run("group", claims, "-s", "造城", "-o", tmp_path / "o.csv", "--lang", "en", code=1)
    assert "[2024-01-01, 2025-01-01) 1 claims, dates assumed" in words.stdout
    assert "dates not known, never chosen by date" in words.stdout
    assert words.stdout.count("no document gives them") == 1


def test_a_pinned_version_adds_nothing(made, claims, tmp_path):
    out = tmp_path / "out.csv"
    words = run("group", claims, "-s", "made-2022", "-o", out).stdout
    table = pl.read_csv(out, infer_schema=False)
    assert table["group"].to_list() == ["BR17"] * 7
    assert not set(NEW) & set(table.columns)
    assert "没有文件" not in words


def test_exit_code_is_0_when_every_day_has_its_version(made, tmp_path):
    strokes([date(2021, 5, 1), date(2022, 5, 1)]).write_parquet(tmp_path / "in.parquet")
    run("group", tmp_path / "in.parquet", "-s", made, "-o", tmp_path / "out.parquet")
    told = pl.read_parquet_metadata(tmp_path / "out.parquet")
    assert told["drg.scheme"] == "made"
    assert told["drg.in_force.made-2021"] == "[2021-01-01, 2022-01-01) derived"
    assert told["drg.in_force.made-2022"] == "[2022-01-01, 2023-01-01) official"
    assert told["drg.in_force.made-old"] == "— unknown"
    run("group", tmp_path / "in.parquet", "-s", made, "-o", tmp_path / "out.xlsx")
    assert pl.read_excel(tmp_path / "out.xlsx")["scheme"].to_list() == ["made-2021", "made-2022"]


def test_no_name_is_not_the_current_folder(made, root, monkeypatch):
    monkeypatch.chdir(root / "schemes" / "made-2022")
    with pytest.raises(SchemeError) as error:
        load_grouper("")
    assert error.value.code == "S101"


def test_explain_tells_the_choice(made, claims):
    told = run("explain", claims, "--id", "1", "-s", "made").stdout.splitlines()
    assert told[1] == (
        "出院日期 2021-05-01，适用版本 made-2021 [2021-01-01, 2022-01-01)（施行期系推定） "
        "[scheme.toml in_force]"
    )
    assert "BR15" in told[-1]
    told = run("explain", claims, "--id", "2", "-s", "made", "--lang", "en").stdout.splitlines()
    assert len(told) == 3
    assert "the nearest is made-2022 [2022-01-01, 2023-01-01)" in told[1]
    assert "NOT_IN_FORCE" in told[2]
    # Dates from no document may be why there is none: told with the nearest version too.
    told = run("explain", claims, "--id", "5", "-s", "made").stdout.splitlines()
    assert told[1].endswith(
        "made-2024 [2024-01-01, 2025-01-01)（施行期系推定） [scheme.toml in_force]"
    )
    told = run("explain", claims, "--id", "6", "-s", "made").stdout
    assert "造城" in told
    assert "出院日期未填或无法识别" in told


def test_check_names_cell_and_nearest_version(made, claims, tmp_path):
    out = tmp_path / "findings.csv"
    run("check", claims, "-s", "made", "-o", out, code=1)
    found = pl.read_csv(out, infer_schema=False).select("claim_id", "outcome", "code", "concerns")
    assert found.rows() == [
        ("2", "NOT_IN_FORCE", "V501", f"出院日期=2023-02-01；最近的版本：{DAYS['made-2022']}"),
        ("4", "NOT_IN_FORCE", "V502", "出院日期=（空）"),
        ("5", "NOT_IN_FORCE", "V501", f"出院日期=2026-01-01；最近的版本：{DAYS['made-2024']}"),
        ("6", "NOT_IN_FORCE", "V502", "出院日期=5月"),
    ]
    blind = tmp_path / "blind.csv"
    blind.write_text("sex,age,diagnoses\nM,60,I63.905\n", "utf-8")
    words = run("check", blind, "-s", "made", code=1).stdout
    assert "文件中没有“出院日期”列" in words


def test_synth_asks_for_a_version(made, tmp_path):
    result = run("synth", "-s", "made", "-n", 3, "-o", tmp_path / "out.csv", code=3)
    assert "[S110]" in result.stderr
    assert "made-2024" in result.stderr
    assert not (tmp_path / "out.csv").exists()


def test_schemes_are_listed_with_place_and_status(made):
    lines = run("schemes").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["demo", *MADE]
    assert "[2021-01-01, 2022-01-01) 系推定" in lines[2]
    assert "made 造城" in lines[2]
    assert "[2022-01-01, 2023-01-01) 见于官方文件" in lines[3]
    info = {i.id: i for i in list_schemes()}["made-2021"]
    assert (info.place, info.place_zh, info.in_force) == ("made", "造城", MADE["made-2021"][:2])
