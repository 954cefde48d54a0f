"""Simulate the cases of a file: one case for the terminal, or all of them into a workbook.

Cases go through a ``Simulator`` a few at a time; what is written streams, all or nothing. The work
runs beside the calling thread, as in ``group_file``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import polars as pl

import drg
from drg.claims.model import normalise_sex
from drg.claims.readers import ClaimSource, open_claims
from drg.scale.elsewhere import CaseError, Loaded, Setting, load_setting, other_of
from drg.scale.find import found_rows
from drg.scale.group_file import Progress, interruptible, refuse_same, stoppable
from drg.scale.means import known_means, read_means
from drg.scale.simulate_book import open_book, output_kind
from drg.scale.simulate_rows import FACTS, frames_of
from drg.settlement.inputs import read_hospitals
from drg.simulate.others import grouper_name
from drg.simulate.simulator import Simulator, Wanted
from drg.text import language, text

if TYPE_CHECKING:
    from drg.audit.model import RuleSet
    from drg.claims.profiles import ClaimColumns
    from drg.simulate.answer import Explanation, Simulation
    from drg.simulate.simulator import Other

__all__ = ["LIMIT", "Desk", "SimulateRun", "explain_rows", "open_desk", "simulate_case",
           "simulate_file"]  # fmt: skip

#: Cases of one file: a department's or a ward's, with room. Months go another way (G411).
LIMIT = 20_000
#: Cases simulated at once; each has some fifty alternatives.
_BATCH = 50
_REFUSED = ("REJECTED", "NOT_IN_FORCE")


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A simulator, and what it was made of.

    Attributes
    ----------
    simulator : Simulator
    loaded : Loaded
        Grouper and policy.
    others : tuple of Other
    rules : RuleSet or None
    means : str
        Name of the file of means; ``""``: none was given.
    """

    simulator: Simulator
    loaded: Loaded
    others: tuple[Other, ...] = ()
    rules: RuleSet | None = None
    means: str = ""

    @property
    def provenance(self) -> dict[str, str]:
        """What results say of how they came about: enough to make them again."""
        grouper, policy = self.loaded
        told = {"drg.version": drg.__version__, **grouper.provenance}
        if policy is not None:
            told |= {"drg.policy": policy.id, "drg.policy_digest": policy.digest}
            supplied = [p for p, s in policy.provenance.items() if s.status == "supplied"]
            if supplied:
                told["drg.policy_supplied"] = ", ".join(supplied)
        if self.rules is not None:
            told["drg.rules"] = self.rules.id
        if self.means:
            told["drg.means"] = self.means
        if self.others:
            told["drg.others"] = " | ".join(other.label for other in self.others)
        return told


@dataclass(frozen=True, kw_only=True)
class SimulateRun:
    """What came of a file.

    Attributes
    ----------
    source, output : Path
    seconds : float
    counts : mapping of str to int
        ``cases``, ``scenarios``, ``moved`` (scenarios in another group), ``findings`` of the cases
        as they stand, ``refused`` (cases rejected or without a version), ``unpaid`` (not payable
        as they stand).
    files : tuple of str
        Files written, by name.
    """

    source: Path
    output: Path
    seconds: float
    counts: Mapping[str, int] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    @property
    def refused(self) -> int:
        """Cases that were rejected or have no version in force: exit code 1 speaks of them."""
        return self.counts["refused"]


def open_desk(
    setting: Setting,
    *,
    rules: RuleSet | None = None,
    reference: str | Path | None = None,
    hospitals: str | Path | None = None,
    others: Sequence[Setting] = (),
) -> Desk:
    """A simulator of what is named.

    Parameters
    ----------
    setting : Setting
    rules : RuleSet, optional
    reference : str or Path, optional
        Means of groups, as ``read_means`` takes them; those that the catalogue or the policy
        publishes when omitted.
    hospitals : str or Path, optional
        Register, as for ``drg settle``.
    others : sequence of Setting, optional
        The same cases elsewhere.

    Raises
    ------
    CaseError
        As ``load_setting`` and ``other_of``.
    SchemeError, PolicyError, SupplyError, TableError, InputError, KpiError, SettlementError
        What is named cannot be loaded or read.
    """
    loaded = load_setting(setting)
    means = known_means(*loaded) if reference is None else read_means(reference)
    return Desk(
        simulator=Simulator(
            loaded.grouper,
            loaded.policy,
            rules=rules,
            means=means,
            hospitals=None if hospitals is None else read_hospitals(hospitals),
            changed=[f"{path} = {number}" for path, number in setting.supply.items()],
            edition_stated=setting.codes is not None,
        ),
        loaded=loaded,
        others=tuple(other_of(asked, setting, loaded) for asked in others),
        rules=rules,
        means="" if reference is None else Path(reference).name,
    )


def explain_rows(
    desk: Desk,
    frame: pl.DataFrame,
    rows: Sequence[int],
    columns: ClaimColumns,
    *,
    lang: str | None = None,
) -> list[Explanation]:
    """The cases that ``drg.scale.find.found_rows`` finds, as they stand."""
    found = desk.simulator.explain_frame(frame, columns, lang=lang)
    return [_placed(one, row) for one, row in zip(found, rows, strict=True)]


def simulate_case(
    desk: Desk,
    source_path: str | Path,
    claim_id: str | None = None,
    *,
    wanted: Wanted | None = None,
    sheet: str | int | None = None,
    lang: str | None = None,
) -> list[Simulation]:
    """The cases with an id and their scenarios; without an id the only case of the file.

    Raises
    ------
    CaseError
        G416: no id, and the file has not one row; what ``Simulator.simulate_frame`` raises.
    InputError, RunError
        The file cannot be read; C202, C203: no such case.
    """
    with open_claims(source_path, sheet=sheet) as source:
        frame, rows = _chosen(source, claim_id)
        found = desk.simulator.simulate_frame(frame, source.columns, wanted, desk.others, lang=lang)
    return [_numbered(one, row) for one, row in zip(found, rows, strict=True)]


def simulate_file(
    desk: Desk,
    source_path: str | Path,
    out_path: str | Path,
    *,
    wanted: Wanted | None = None,
    sheet: str | int | None = None,
    limit: int = LIMIT,
    progress: Progress | None = None,
    lang: str | None = None,
) -> SimulateRun:
    """Every case of a file with its scenarios.

    Parameters
    ----------
    desk : Desk
    source_path : str or Path
        Claims, as for ``group_file``.
    out_path : str or Path
        ``.xlsx``, or a folder that gets ``cases.csv``, ``scenarios.csv``, ``findings.csv`` and
        ``about.txt``. Written whole or not at all.
    wanted : Wanted, optional
    sheet : str or int, optional
        XLSX input: sheet by name or by position from 0.
    limit : int, optional
        Most cases.
    progress : callable, optional
        Called after each batch, from another thread, with the cases done and in all.
    lang : {"zh", "en"}, optional
        Language of headings and words; the context's when omitted.

    Raises
    ------
    CaseError
        G411: more cases than ``limit``; G414: no output of this kind.
    InputError, RunError
        The file cannot be read, the output not be written; C201: the output is the input.
    """
    lang = lang or language()  # other threads do not see the context's
    source_path, out_path = Path(source_path), Path(out_path)
    kind = output_kind(out_path)
    refuse_same(source_path, out_path)
    started = time.perf_counter()
    with open_claims(source_path, sheet=sheet) as source:
        if source.rows > limit:
            where = str(source_path)
            raise CaseError("G411", where=where, found=f"{source.rows:,}", limit=f"{limit:,}")

        def work(stop: Event) -> tuple[Counter[str], tuple[str, ...]]:
            counts: Counter[str] = Counter()
            about = about_lines(desk, source_path.name, source.rows, lang)
            metadata = {**desk.provenance, "drg.input": source_path.name}
            with open_book(out_path, kind, about, metadata, lang) as book:
                for batch in stoppable(_small(source), stop):
                    found = desk.simulator.simulate_frame(
                        batch, source.columns, wanted, desk.others, lang=lang
                    )
                    told = [
                        _numbered(one, counts["cases"] + place)
                        for place, one in enumerate(found, start=1)
                    ]
                    for name, frame in frames_of(told, _facts(batch, source, lang), lang).items():
                        book.append(name, frame)
                    _count(counts, told)
                    if progress is not None:
                        progress(counts["cases"], source.rows)
            return counts, book.files

        counts, files = interruptible(work)
    return SimulateRun(
        source=source_path, output=out_path, seconds=time.perf_counter() - started,
        counts={name: counts[name] for name in _COUNTED}, files=files,
    )  # fmt: skip


_COUNTED = ("cases", "scenarios", "moved", "findings", "refused", "unpaid")


def about_lines(desk: Desk, name: str, rows: int, lang: str | None) -> list[str]:
    """What stands above the first sheet: title, source, scheme, policy, what this is not."""

    def say(key: str, **params: object) -> str:
        return text(f"simulate.{key}", lang, **params)

    grouper, policy = desk.loaded
    lines = [
        say("about_title"),
        say("about_input", name=name, rows=f"{rows:,}"),
        say("about_scheme", scheme=grouper_name(grouper), digest=grouper.digest[:12]),
    ]
    if policy is None:
        lines.append(say("about_no_policy"))
    else:
        title = policy.title_zh if (lang or language()) == "zh" else policy.title_en
        lines.append(say("about_policy", policy=policy.id, title=title, digest=policy.digest[:12]))
    lines += [say("about_other", label=other.label) for other in desk.others]
    if desk.means:
        lines.append(say("about_means", file=desk.means))
    return [*lines, say("notice"), say("about_amounts")]


# ---- rows of a file


def _chosen(source: ClaimSource, claim_id: str | None) -> tuple[pl.DataFrame, list[int]]:
    """Rows with the id, as the file's own columns, and their numbers from 1."""
    if claim_id is not None:
        return found_rows(source, claim_id)
    if source.rows != 1:
        raise CaseError("G416", where=str(source.path), rows=f"{source.rows:,}")
    return pl.concat(source.batches()), [1]


def _small(source: ClaimSource) -> Iterator[pl.DataFrame]:
    for batch in source.batches():
        yield from batch.iter_slices(_BATCH)


def _placed(one: Explanation, row: int) -> Explanation:
    """With its row, which names it where the file has no ids."""
    return one.model_copy(update={"row": row, "claim_id": one.claim_id or str(row)})


def _numbered(one: Simulation, row: int) -> Simulation:
    return one.model_copy(update={"base": _placed(one.base, row)})


def _facts(batch: pl.DataFrame, source: ClaimSource, lang: str) -> list[dict[str, str]]:
    """What is shown of each row as the file has it."""
    given = {name: column for name in FACTS if (column := source.columns.scalars.get(name))}
    cells = {name: batch[column].cast(pl.String).to_list() for name, column in given.items()}
    found = []
    for place in range(batch.height):
        own = {name: (values[place] or "").strip() for name, values in cells.items()}
        if sex := own.get("sex"):
            code = normalise_sex(sex)
            own["sex"] = text(f"simulate.sex_{code}", lang) if code in ("M", "F") else sex
        found.append(own)
    return found


def _count(counts: Counter[str], told: Sequence[Simulation]) -> None:
    for one in told:
        money = one.base.money
        counts["cases"] += 1
        counts["scenarios"] += len(one.scenarios)
        counts["moved"] += sum(not scenario.same_group for scenario in one.scenarios)
        counts["findings"] += len(one.base.findings)
        counts["refused"] += one.base.grouping.outcome in _REFUSED
        counts["unpaid"] += money is not None and money.fund_fen is None
