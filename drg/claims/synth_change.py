"""How defects are put into made-up settlement lists: one small function an action of the table.

An action gets the frame, the claims it is for and the table's argument (``column=value``,
``column:+9``, codes). Stays are changed before their list is filled in, lists and charges after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl

from drg.claims.typed import read_yuan
from drg.fen_column import yuan_texts
from drg.money import fen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags: TypeAlias = NDArray[np.bool_]
    Frame: TypeAlias = pl.DataFrame

__all__ = ["CHARGE_ACTIONS", "LIST_ACTIONS", "STAY_ACTIONS", "fitting"]

_GROWN, _OLD = 18, 70


def fitting(claims: Frame, whom: str, newborn: Mapping[str, Any]) -> Flags:
    """Which claims a defect fits.

    Parameters
    ----------
    claims : DataFrame
    whom : str
        ``any``, or one of the words below, several joined by ``+``; ``stay>=5``, ``stay<=9``: a
        stay of that many days at least, at most; ``cost>=900``: yuan.
    newborn : mapping
        Settings of newborns and deliveries.
    """
    return (
        claims.select(
            pl.all_horizontal(*(_fits(word, newborn).fill_null(False) for word in whom.split("+")))
        )
        .to_series()
        .to_numpy()
    )


def _fits(word: str, newborn: Mapping[str, Any]) -> pl.Expr:
    days: pl.Expr = (pl.col("discharged_on") - pl.col("admitted_on")).dt.total_days()
    yuan = pl.col("total_cost").cast(pl.Decimal(18, 2))
    for sign, value, negative in (("stay>=", days, False), ("stay<=", days, True),
                                  ("cost>=", yuan, False)):  # fmt: skip
        if word.startswith(sign):
            bound = pl.lit(int(word.removeprefix(sign)))
            fits: pl.Expr = value <= bound if negative else value >= bound
            return fits
    births = pl.any_horizontal(*(pl.element().str.starts_with(b) for b in newborn["births"]))
    delivery = births & ~pl.element().is_in(newborn["unless"])
    young = (pl.col("age") == 0) & (pl.col("age_days") <= newborn["days"])
    words: dict[str, pl.Expr] = {
        "any": pl.lit(True),
        "male": pl.col("sex") == "M",
        "female": pl.col("sex") == "F",
        "grown": pl.col("age") >= _GROWN,
        "old": pl.col("age") >= _OLD,
        "newborn": young,
        "delivery": pl.col("diagnoses").list.eval(delivery).list.any() & (pl.col("age") > 0),
        "operated": pl.col("procedures").list.len() > 0,
        "ventilated": pl.col("ventilation_hours") > 0,
        "intensive": pl.col("icu_hours") > 0,
    }
    return words[word]


# ---- facts of the stay


def _append_diagnosis(claims: Frame, at: Flags, argument: str) -> tuple[Frame, Flags]:
    return _appended(claims, at, "diagnoses", argument.split("|")), at


def _append_procedure(claims: Frame, at: Flags, argument: str) -> tuple[Frame, Flags]:
    return _appended(claims, at, "procedures", argument.split("|")), at


def _principal(claims: Frame, at: Flags, argument: str) -> tuple[Frame, Flags]:
    rest = pl.col("diagnoses").list.slice(1)
    first = pl.lit(pl.Series([[argument]], dtype=pl.List(pl.String)))
    return _where(claims, at, "diagnoses", first.list.concat(rest)), at


def _repeat_diagnosis(claims: Frame, at: Flags, argument: str) -> tuple[Frame, Flags]:
    codes = pl.col("diagnoses")
    return _where(claims, at, "diagnoses", codes.list.concat(codes.list.slice(0, 1))), at


def _appended(claims: Frame, at: Flags, column: str, codes: list[str]) -> Frame:
    more = pl.lit(pl.Series([codes], dtype=pl.List(pl.String)))
    return _where(claims, at, column, pl.col(column).list.concat(more))


def _longer(claims: Frame, at: Flags, argument: str) -> tuple[Frame, Flags]:
    """A stay of so many days: admitted that long before the discharge."""
    days = int(argument)
    earlier = pl.col("discharged_on") - pl.duration(days=days)
    claims = _where(claims, at, "admitted_on", earlier)
    return _where(claims, at, "los_days", pl.lit(days, pl.Int64)), at


def _shortest(claims: Frame, at: Flags, argument: str) -> tuple[Frame, Flags]:
    """One day for one diagnosis without a procedure: ``code,yuan``."""
    code, cost = argument.split(",")
    claims = _plain(claims, at, code)
    claims = _where(claims, at, "admitted_on", pl.col("discharged_on") - pl.duration(days=1))
    claims = _where(claims, at, "los_days", pl.lit(1, pl.Int64))
    claims = _where(claims, at, "total_cost", pl.lit(cost))
    return _where(claims, at, "patient_paid", pl.lit("0.00")), at


def _pair_split(claims: Frame, at: Flags, argument: str) -> tuple[Frame, Flags]:
    """One stay for one diagnosis told as two: ``code,days between``.

    The later half is the next claim's.
    """
    code, gap = argument.split(",")
    claims, later = _doubled(_plain(claims, at, code), at)
    half, early = pl.col("los_days") // 2, pl.col("los_days") // 2 - int(gap)
    resumed = pl.col("admitted_on") + pl.duration(days=half)
    claims = _where(claims, later, "admitted_on", resumed)
    claims = _where(claims, later, "los_days", pl.col("los_days") - half)
    split = pl.col("admitted_on") + pl.duration(days=early)
    claims = _where(claims, at, "discharged_on", split)
    return _where(claims, at, "los_days", early), later


def _plain(claims: Frame, at: Flags, code: str) -> Frame:
    """One diagnosis, no procedure, discharged home."""
    only = pl.lit(pl.Series([[code]], dtype=pl.List(pl.String)))
    none = pl.lit(pl.Series([[]], dtype=pl.List(pl.String)))
    claims = _where(_where(claims, at, "diagnoses", only), at, "procedures", none)
    return _where(claims, at, "disposition", pl.lit("1"))


def _pair_overlap(claims: Frame, at: Flags, argument: str) -> tuple[Frame, Flags]:
    """The same person at once in another hospital, or (``same``) in the same one."""
    own = claims["hospital_id"]
    claims, later = _doubled(claims, at)
    if argument != "same":
        first, second = "H0001", "H0002"
        elsewhere = (
            pl.when(pl.lit(own) == pl.col("hospital_id"))
            .then(pl.when(pl.lit(own) == first).then(pl.lit(second)).otherwise(pl.lit(first)))
            .otherwise(pl.lit(own))
        )
        claims = _where(claims, later, "hospital_id", elsewhere)
    claims = _where(claims, later, "admitted_on", pl.col("admitted_on") + pl.duration(days=1))
    return _where(claims, later, "los_days", pl.col("los_days") - 1), later


def _pair_copy(claims: Frame, at: Flags, argument: str) -> tuple[Frame, Flags]:
    """One stay told twice under two ids."""
    return _doubled(claims, at)


def _doubled(claims: Frame, at: Flags) -> tuple[Frame, Flags]:
    """The claims behind those at hand become copies of them, their ids kept."""
    later = np.concatenate([[False], at[:-1]])
    place = np.arange(len(at))
    place[later] -= 1
    copied = claims[place].with_columns(claims["claim_id"])
    return copied, later


# ---- what the list says


def _set(lists: Frame, at: Flags, argument: str) -> Frame:
    column, _, value = argument.partition("=")
    return _where(lists, at, column, pl.lit(value).cast(lists.schema[column]))


def _blank(lists: Frame, at: Flags, argument: str) -> Frame:
    return _where(lists, at, argument, pl.lit(None, lists.schema[argument]))


def _set_first(lists: Frame, at: Flags, argument: str) -> Frame:
    """Set the first of several values joined by ``|``."""
    column, _, value = argument.partition("=")
    return _where(lists, at, column, pl.col(column).str.replace(r"^[^|]*", value))


def _add_days(lists: Frame, at: Flags, argument: str) -> Frame:
    column, days = _added(argument)
    return _where(lists, at, column, pl.col(column) + pl.duration(days=int(days)))


def _add_hours(lists: Frame, at: Flags, argument: str) -> Frame:
    column, hours = _added(argument)
    shape = "%Y-%m-%d %H:%M:%S"
    time = pl.col(column).str.to_datetime(shape) + pl.duration(hours=int(hours))
    return _where(lists, at, column, time.dt.strftime(shape))


def _add_joined_days(lists: Frame, at: Flags, argument: str) -> Frame:
    column, days = _added(argument)
    day = pl.element().str.to_date("%Y-%m-%d") + pl.duration(days=int(days))
    moved = pl.col(column).str.split("|").list.eval(day.cast(pl.String)).list.join("|")
    return _where(lists, at, column, moved)


def _add_number(lists: Frame, at: Flags, argument: str) -> Frame:
    column, number = _added(argument)
    return _where(lists, at, column, pl.col(column) + int(number))


def _add_yuan(lists: Frame, at: Flags, argument: str) -> Frame:
    column, amount = _added(argument)
    more = yuan_texts(read_yuan(lists[column]) + fen(amount))
    return _where(lists, at, column, pl.lit(more))


def _added(argument: str) -> tuple[str, str]:
    column, _, value = argument.partition(":")
    return column, value.removeprefix("+")


# ---- what is charged


def _relabel(charges: Frame, at: Flags, argument: str) -> tuple[Frame, Flags]:
    """Charges become others: ``code>other,name,quantity``, several joined by ``;``.

    Each turn takes the first charge of that code of every stay; amounts stay, so that all sums
    still hold. Stays without such a charge are not told.
    """
    for part in argument.split(";"):
        old, _, new = part.partition(">")
        code, name, quantity = new.split(",")
        place = pl.int_range(pl.len(), dtype=pl.Int64)
        wanted = pl.lit(pl.Series(at)).gather(pl.col("row")) & (pl.col("item_code") == old)
        first = charges.with_columns(place=place).filter(wanted).unique("row", keep="first")
        marks = np.zeros(charges.height, np.bool_)
        marks[first["place"].to_numpy()] = True
        reached = np.zeros(len(at), np.bool_)
        reached[first["row"].to_numpy()] = True
        at = at & reached
        for column, value in (("item_code", code), ("item_name", name), ("quantity", quantity)):
            charges = _where(charges, marks, column, pl.lit(value))
    return charges, at


def _idle_days(charges: Frame, at: Flags, argument: str) -> tuple[Frame, Flags]:
    """Everything but charges of these classes moves to the first day of the stay."""
    kept = argument.split("|") if argument else []
    moved = pl.lit(pl.Series(at)).gather(pl.col("row")) & ~pl.col("fee_class").is_in(kept)
    day = pl.col("charged_on").min().over("row")
    return charges.with_columns(
        charged_on=pl.when(moved).then(day).otherwise(pl.col("charged_on"))
    ), at


def _where(frame: Frame, at: Flags, column: str, value: pl.Expr) -> Frame:
    if not at.any():
        return frame
    chosen = pl.when(pl.lit(pl.Series(at))).then(value).otherwise(pl.col(column))
    return frame.with_columns(chosen.alias(column))


StayAction: TypeAlias = Callable[[pl.DataFrame, "Flags", str], tuple[pl.DataFrame, "Flags"]]
ListAction: TypeAlias = Callable[[pl.DataFrame, "Flags", str], pl.DataFrame]

#: Each gives the frame and the claims whose rule is to speak.
STAY_ACTIONS: Mapping[str, StayAction] = {
    "append_diagnosis": _append_diagnosis,
    "append_procedure": _append_procedure,
    "principal": _principal,
    "repeat_diagnosis": _repeat_diagnosis,
    "longer": _longer,
    "shortest": _shortest,
    "pair_split": _pair_split,
    "pair_overlap": _pair_overlap,
    "pair_copy": _pair_copy,
}
LIST_ACTIONS: Mapping[str, ListAction] = {
    "set": _set,
    "blank": _blank,
    "set_first": _set_first,
    "add_days": _add_days,
    "add_hours": _add_hours,
    "add_joined_days": _add_joined_days,
    "add_number": _add_number,
    "add_yuan": _add_yuan,
}
CHARGE_ACTIONS: Mapping[str, StayAction] = {"relabel": _relabel, "idle_days": _idle_days}
