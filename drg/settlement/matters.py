"""Matters of claims: disputes, holds and deductions, from the decision that opens them to the end.

A decision table says what was decided on which claim; a *matter* is what that leaves standing when
the month is paid. An open one of an earlier month is closed by a later month's decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

__all__ = [
    "DECISION_SCHEMA", "MATTERS", "MATTER_SCHEMA", "Closing", "Notice", "closings", "open_matters",
    "standing",
]  # fmt: skip

#: Matters of the month's payment; those of pricing belong to ``drg.payment``.
MATTERS = ("dispute", "hold", "deduction")
_MATTER = pl.Enum(MATTERS)
#: One row a decision, in the order they were made; amount in fen, null: all of it.
DECISION_SCHEMA = pl.Schema(
    {
        "claim_id": pl.String(),
        "matter": pl.String(),
        "decision": pl.String(),
        "amount_fen": pl.Int64(),
        "on": pl.Date(),
        "reason": pl.String(),
        "document": pl.String(),
        "row": pl.Int64(),
    }
)
#: One row a matter. ``amount_fen``: the part of the claim's fund it is about; ``kept_fen``: what of
#: that is not paid because of it; ``accepted_fen``: what a closed one left the hospital;
#: ``period``: the month the claim was settled in.
MATTER_SCHEMA = pl.Schema(
    {
        "period": pl.String(),
        "hospital": pl.String(),
        "insurance": pl.String(),
        "ref": pl.String(),
        "version": pl.Int32(),
        "matter": _MATTER,
        "amount_fen": pl.Int64(),
        "kept_fen": pl.Int64(),
        "accepted_fen": pl.Int64(),
        "since": pl.Date(),
        "state": pl.Enum(["open", "closed"]),
        "reason": pl.String(),
        "document": pl.String(),
    }
)
_OPEN, _CLOSED = "open", "closed"
_REFUSED = ("refused", "rejected")
#: Decisions that end a hold or a dispute.
_ENDS = ("accepted", "released", *_REFUSED)
Row = Mapping[str, Any]


class Notice(NamedTuple):
    """A finding about a decision: code, claim, hospital (``""``: not known), row of its table."""

    code: str
    ref: str
    hospital: str
    row: int | None


class Closing(NamedTuple):
    """The end of a matter of an earlier month.

    Attributes
    ----------
    matter : mapping
        As it was.
    accepted : int
        What of its amount is due to the hospital, fen.
    document : str
    """

    matter: Row
    accepted: int
    document: str


def standing(
    funds: Iterable[Row], decisions: pl.DataFrame, period: str
) -> tuple[pl.DataFrame, list[Notice]]:
    """Matters of a month's claims after the decisions on them.

    Parameters
    ----------
    funds : iterable of mapping
        Claims with decisions: ``ref``, ``version``, ``hospital``, ``insurance``, ``fen`` (the
        fund's part).
    decisions : DataFrame
        ``DECISION_SCHEMA``.
    period : str

    Returns
    -------
    matters : DataFrame
        ``MATTER_SCHEMA``; together never about more than the fund's part of a claim: what is
        held comes first, then what is disputed, then what is deducted. ``kept_fen`` of a dispute
        is still 0.
    notices : list of Notice
        P661 where more was said.
    """
    by_claim = _by_claim(decisions)
    found: list[dict[str, Any]] = []
    notices: list[Notice] = []
    for claim in funds:
        left = int(claim["fen"])
        refused: list[tuple[Row, int]] = []
        rows = by_claim.get(claim["ref"], {})
        for matter in ("hold", "dispute"):
            if matter not in rows:
                continue
            size, accepted, last = _sized(rows[matter], left)
            if (rows[matter][0]["amount_fen"] or 0) > left or accepted > size:
                notices.append(Notice("P661", claim["ref"], claim["hospital"], last["row"]))
            accepted = min(accepted, size)
            if last["decision"] not in _ENDS:
                found.append(_matter(claim, matter, size, last, period))
                left -= size
            elif accepted < size:
                refused.append((last, size - accepted))
        refused += [
            (row, left if row["amount_fen"] is None else row["amount_fen"])
            for row in rows.get("deduction", [])[-1:]
            if row["decision"] not in _REFUSED
        ]
        for row, said in refused:
            if said > left:
                notices.append(Notice("P661", claim["ref"], claim["hospital"], row["row"]))
            found.append(_matter(claim, "deduction", min(said, left), row, period))
            left -= min(said, left)
    return pl.DataFrame(found, schema=MATTER_SCHEMA, orient="row"), notices


def open_matters(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Matters that no frame says are closed, from the frames of several months."""
    if not frames:
        return pl.DataFrame(schema=MATTER_SCHEMA)
    every = pl.concat(frames)
    keys = ["period", "ref", "version", "matter"]
    closed = every.filter(pl.col("state") == _CLOSED)
    return (
        every.filter(pl.col("state") == _OPEN)
        .join(closed, on=keys, how="anti")
        .unique(keys, keep="first", maintain_order=True)
    )


def closings(
    matters: pl.DataFrame, decisions: pl.DataFrame
) -> tuple[list[Closing], pl.DataFrame, list[Notice]]:
    """What decisions end of the open matters of earlier months.

    Returns
    -------
    ends : list of Closing
        In the order of the matters.
    closed : DataFrame
        The matters ended, as they stand now.
    notices : list of Notice
        P661: more was accepted than the matter is about; it was taken for all of it.
    """
    by_claim = _by_claim(decisions)
    ends: list[Closing] = []
    now: list[dict[str, Any]] = []
    notices: list[Notice] = []
    for matter in matters.iter_rows(named=True):
        rows = by_claim.get(matter["ref"], {}).get(matter["matter"], [])
        last = rows[-1] if rows else None
        if last is None or last["decision"] not in _ENDS:
            continue
        size = matter["amount_fen"]
        accepted = _accepted(last, size)
        if accepted > size:
            notices.append(Notice("P661", matter["ref"], matter["hospital"], last["row"]))
            accepted = size
        ends.append(Closing(matter, accepted, last["document"]))
        told = {"reason": last["reason"] or matter["reason"], "document": last["document"]}
        now.append({**matter, "state": _CLOSED, "accepted_fen": accepted, **told})
    return ends, pl.DataFrame(now, schema=MATTER_SCHEMA, orient="row"), notices


def _accepted(last: Row, size: int) -> int:
    if last["decision"] in _REFUSED:
        return 0
    return size if last["amount_fen"] is None else int(last["amount_fen"])


def _sized(rows: Sequence[Row], left: int) -> tuple[int, int, Row]:
    """What a matter is about, what was accepted of it, and its last decision."""
    last = rows[-1]
    opened = rows[0] if rows[0]["decision"] not in _ENDS else None
    said = opened["amount_fen"] if opened is not None else None
    size = left if said is None else min(int(said), left)
    return size, _accepted(last, size), last


def _matter(claim: Row, matter: str, size: int, row: Row, period: str) -> dict[str, Any]:
    open_ = matter != "deduction"
    return {
        "period": period,
        "hospital": claim["hospital"],
        "insurance": claim["insurance"],
        "ref": claim["ref"],
        "version": claim["version"],
        "matter": matter,
        "amount_fen": size,
        "kept_fen": 0 if matter == "dispute" else size,
        "accepted_fen": None if open_ else 0,
        "since": row["on"],
        "state": _OPEN if open_ else _CLOSED,
        "reason": row["reason"],
        "document": row["document"],
    }


def _by_claim(decisions: pl.DataFrame) -> dict[str, dict[str, list[Row]]]:
    found: dict[str, dict[str, list[Row]]] = {}
    for row in decisions.iter_rows(named=True):
        if row["matter"] in MATTERS:
            found.setdefault(row["claim_id"], {}).setdefault(row["matter"], []).append(row)
    for matters in found.values():
        for rows in matters.values():
            if all(row["on"] is not None for row in rows):
                rows.sort(key=lambda row: row["on"])
    return found
