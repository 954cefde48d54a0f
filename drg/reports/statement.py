"""A month's statement for every hospital, as an agency could send it: one workbook each.

Cover with amounts, payment and deadlines; all claims; every amount not paid with its reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from drg.claims.writers import write_workbook
from drg.reports.cover import Cover, policy_of, write_cover
from drg.reports.documents import document_titles
from drg.reports.figures import MONEY_SUMS, batches, by_mode, claim_lines, payable
from drg.reports.unpaid import NOT_SETTLED, unpaid_lines
from drg.reports.words import count, money, say, worded
from drg.text import language

if TYPE_CHECKING:
    from drg.claims.workbook import Workbook
    from drg.payment.policy import Policy
    from drg.settlement.settled import Settlement

__all__ = ["STATEMENTS", "statement_files", "write_statements"]

STATEMENTS = "statements"

#: Columns of the sheet of claims, as far as a settlement has them.
_CLAIMS = (
    "ref", "settled_version", "department", "insurance", "discharged_on", "los_days", "group",
    "group_name", "pay_mode", "case_class", "branch", "weight", "group_score",
    "auxiliary_coefficient", "points", "rate_fen", "point_value", "coefficient", "standard_fen",
    "price_fen", "cost_fen", "patient_fen", "fund_fen", "hospital_fen", "payment_note",
)  # fmt: skip
#: Columns that no claim of the month fills are left out.
_OPTIONAL = (
    "department",
    "points",
    "discharged_on",
    "los_days",
    "auxiliary_coefficient",
    "point_value",
)
#: Columns of payment by weight, which no claim of a month paid by score has.
_BY_WEIGHT = ("weight", "rate_fen")
_UNPAID = (
    "kind", "ref", "settled_version", "insurance", "discharged_on", "cost_fen", "amount_fen",
    "code", "reason", "mend", "rule", "document", "until",
)  # fmt: skip
_WORDS = {"insurance": "insurance", "pay_mode": "mode", "case_class": "class", "branch": "branch"}
_FEN = ("rate_fen", "standard_fen", "price_fen", "amount_fen", *MONEY_SUMS)
_FORMATS = dict.fromkeys(
    ("weight", "points", "coefficient", "group_score", "auxiliary_coefficient", "point_value"),
    "0.0000",
)
#: Column whose heading goes under another's name.
_HEADS = {"payment_note": "code"}
_WIDTH = 14
_WIDTHS = {
    "ref": 22, "settled_version": 8, "insurance": 12, "discharged_on": 12, "los_days": 10,
    "group": 10, "group_name": 40, "pay_mode": 16, "branch": 24, "case_class": 12, "weight": 10,
    "points": 10, "coefficient": 10, "payment_note": 10, "reason": 60, "mend": 50, "document": 40,
    "rule": 22, "code": 14,
}  # fmt: skip
_WORKERS = 2
#: What a file name cannot hold on some system, what would hide it or turn how it reads.
_UNSAFE = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]'
    r"|^\.|[. ]$"
)
#: Devices of Windows: a file of such a name, whatever its suffix, is none.
_DEVICE = re.compile(r"(?i)(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)")
#: Most bytes of a name: systems have room for 255, with a number, suffix and the draft's own.
_LONGEST = 180


def statement_files(hospitals: Sequence[str], suffix: str = ".xlsx") -> dict[str, str]:
    """File name of each hospital's statement; ids that would share one get a number.

    Examples
    --------
    >>> statement_files(["H1", "h1", "a/b"])
    {'H1': 'H1.xlsx', 'h1': 'h1_2.xlsx', 'a/b': 'a_b.xlsx'}
    """
    taken: set[str] = set()
    names: dict[str, str] = {}
    for hospital in hospitals:
        stem = _UNSAFE.sub("_", hospital)[:80].encode()[:_LONGEST].decode(errors="ignore")
        # Cut to length it may end in a dot again.
        stem = _UNSAFE.sub("_", stem) or "_"
        stem = f"_{stem}" if _DEVICE.match(stem) else stem
        number, name = 1, stem
        # Some systems take H1 and h1 for one file, or two spellings of one character.
        while (key := unicodedata.normalize("NFKC", name).casefold()) in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(key)
        names[hospital] = f"{name}{suffix}"
    return names


def write_statements(
    folder: str | Path,
    settlement: Settlement,
    policy: Policy | None = None,
    *,
    lang: str | None = None,
    look: Callable[[], None] | None = None,
) -> list[Path]:
    """Write ``statements/<hospital>.xlsx`` for every hospital; same settlement, same bytes.

    Parameters
    ----------
    folder : str or Path
        The month's folder; made if it does not exist, and what else lies in it stays.
    settlement : Settlement
    policy : Policy, optional
        For a settlement that was read from its folder, which does not hold its policy.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.
    look : callable, optional
        Called before each hospital; may raise to end the work.

    Returns
    -------
    list of Path
        The files, by hospital id.

    Raises
    ------
    InputError
        F205 xlsxwriter is missing; F204, F209, F210 the system refuses to write.
    ReportError
        P450: no policy, or another one than the month was settled under.
    """
    target = Path(folder) / STATEMENTS
    target.mkdir(parents=True, exist_ok=True)
    month = _Month(settlement, policy_of(settlement, policy), lang or language())
    # Compression and the making of rows run outside the interpreter's lock.
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[Future[Path]] = deque()
        written: list[Path] = []
        for one in month.hospitals():
            if look is not None:
                look()
            waiting.append(pool.submit(month.write, target, one))
            if len(waiting) > _WORKERS:
                written.append(waiting.popleft().result())
        written += [future.result() for future in waiting]
    return written


class _Hospital(NamedTuple):
    """What stands in one statement."""

    file: str
    cover: Cover
    lines: pl.DataFrame


class _Month:
    """A settled month, in words, and where each hospital's rows lie in it."""

    def __init__(self, settlement: Settlement, policy: Policy, lang: str) -> None:
        self.settlement, self.policy, self.lang = settlement, policy, lang
        self.titles = document_titles(policy.folder, lang)
        lines = claim_lines(settlement.claims)
        self.kept, self.fund = batches(settlement.ledger), payable(settlement.ledger)
        self.unpaid = unpaid_lines(
            lines, settlement.ledger, self.kept, settlement.matters,
            documents=self.titles, hold_days=policy.month.hold_days, lang=lang,
        )  # fmt: skip
        self.modes = by_mode(lines, "insurance", "hospital_id")
        optional = (*_OPTIONAL, *(_BY_WEIGHT if policy.dip is not None else ()))
        self.columns = [
            name for name in _CLAIMS
            if name in lines.columns and (name not in optional or lines[name].count())
        ]  # fmt: skip
        #: Points are called scores where they are.
        self.heads = _HEADS | ({"points": "score"} if policy.dip is not None else {})
        self.lines = lines.select("hospital_id", *self.columns).with_columns(
            worded(lines[name], kind, lang) for name, kind in _WORDS.items() if name in self.columns
        )

    def hospitals(self) -> Iterator[_Hospital]:
        """Statements to write, by hospital id."""
        numbered = self.lines.lazy().select("hospital_id").with_row_index("at")
        rows = dict(numbered.group_by("hospital_id").agg("at").collect().iter_rows())
        modes, left = _parts(self.modes, "hospital_id"), _parts(self.unpaid, "hospital_id")
        funds, keeps = _parts(self.fund, "hospital"), _parts(self.kept, "hospital")
        table = self.settlement.hospitals
        names = dict(table.select("hospital", pl.col("name").fill_null("")).iter_rows())
        hospitals = sorted({*rows, *funds, *keeps})
        files = statement_files(hospitals)
        for hospital in hospitals:
            cover = Cover(
                hospital=hospital,
                name=names.get(hospital, ""),
                month=self.settlement.month,
                policy=self.policy,
                runs=self.settlement.run,
                modes=_one(modes, hospital, self.modes),
                payable=_one(funds, hospital, self.fund),
                batches=_one(keeps, hospital, self.kept),
                unpaid=_one(left, hospital, self.unpaid),
                documents=self.titles,
            )
            at = pl.Series("at", rows.get(hospital, []), pl.UInt32)
            yield _Hospital(files[hospital], cover, self.lines.select(self.columns)[at])

    def write(self, folder: Path, one: _Hospital) -> Path:
        """One workbook."""
        path = folder / one.file
        metadata = {
            "drg.policy": self.policy.id,
            "drg.policy_digest": self.policy.digest,
            "drg.period": self.settlement.period,
            "drg.hospital": one.cover.hospital,
        }
        with write_workbook(path, metadata, created=self.settlement.month.last) as book:
            write_cover(book, one.cover, self.lang)
            self._claims(book, one)
            self._unpaid(book, one.cover)
        return path

    def _claims(self, book: Workbook, one: _Hospital) -> None:
        sums = {name: int(one.cover.modes[name].sum()) for name in MONEY_SUMS}
        totals = say(
            "claims_total", self.lang, claims=count(one.lines.height),
            **{name.removesuffix("_fen"): money(fen) for name, fen in sums.items()},
        )  # fmt: skip
        title = say("claims_title", self.lang, **one.cover.told(self.lang))
        self._sheet(book, "sheet_claims", one.lines, [title, totals])

    def _unpaid(self, book: Workbook, cover: Cover) -> None:
        unpaid = cover.unpaid
        claims = unpaid.filter(pl.col("kind").is_in(NOT_SETTLED))
        totals = say(
            "unpaid_total", self.lang, claims=count(claims.height),
            cost=money(int(claims["amount_fen"].sum())), kept=money(cover.kept),
        )  # fmt: skip
        title = say("unpaid_title", self.lang, **cover.told(self.lang))
        columns = [c for c in _UNPAID if c != "until" or unpaid[c].count()]
        shown = unpaid.select(columns).with_columns(
            worded(unpaid[name], kind, self.lang)
            for name, kind in (("kind", "kind"), ("insurance", "insurance"), ("code", "account"))
        )
        totals = totals if unpaid.height else say("nothing_unpaid", self.lang)
        self._sheet(book, "sheet_unpaid", shown, [title, totals])

    def _sheet(self, book: Workbook, name: str, frame: pl.DataFrame, lines: list[str]) -> None:
        columns = frame.columns
        sheet = book.sheet(
            say(name, self.lang),
            columns,
            heads={c: say(f"column_{self.heads.get(c, c)}", self.lang) for c in columns},
            widths={c: _WIDTHS.get(c, _WIDTH) for c in columns},
            fen=_FEN,
            formats=_FORMATS,
            lines=lines,
            printed=True,
        )
        sheet.append(frame)


def _parts(frame: pl.DataFrame, key: str) -> dict[str, pl.DataFrame]:
    parts = frame.partition_by(key, maintain_order=True, include_key=False, as_dict=True)
    return {str(name[0]): part for name, part in parts.items()}


def _one(parts: dict[str, pl.DataFrame], hospital: str, whole: pl.DataFrame) -> pl.DataFrame:
    return parts.get(hospital, whole.clear())
