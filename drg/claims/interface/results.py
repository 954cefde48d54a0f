"""Results as nodes of a settlement list: 3605 (DRG), 3606 (DIP), and what was settled.

The interface names the fields; which codes some of them hold is not published. There, words of
this engine stand (``grp_rslt``, ``ccmcc``, ``grp_stas``: docs/interfaces.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drg.claims.interface.dictionaries import translate
from drg.claims.interface.json_text import Number
from drg.money import yuan
from drg.reasons import reason_title

__all__ = [
    "DIP_NODE",
    "DRG_NODE",
    "SETTLED_NODE",
    "dip_node",
    "drg_node",
    "pay_mode",
    "settled_node",
]

DRG_NODE, DIP_NODE, SETTLED_NODE = "drg_result", "dip_result", "settle_result"
#: Between diagnosis and procedure of a DIP group.
_PART = ":"
_NUMBERS = (
    "weight",
    "points",
    "coefficient",
    "group_score",
    "auxiliary_coefficient",
    "point_value",
)
_FEN = ("rate", "standard", "cost", "price", "patient", "fund", "hospital")
_WORDS = ("pay_mode", "case_class", "branch", "payment_note", "policy", "ref")


def pay_mode(row: Mapping[str, Any]) -> str | None:
    """``hi_paymtd`` of a settled claim; None for one that is not settled."""
    mode = row.get("pay_mode")
    return None if mode is None or "branch" not in row else translate(
        "settled_mode", str(mode), to="hi_paymtd"
    )  # fmt: skip


def drg_node(
    row: Mapping[str, Any],
    setlinfo: Mapping[str, Any],
    names: Mapping[str, str],
    version: str | None,
    grouped_at: str | None,
    lang: str | None = None,
) -> dict[str, Any]:
    """The result of grouping as interface 3605 names it.

    Parameters
    ----------
    row : mapping
        Row of a grouped file.
    setlinfo : mapping
        Of the list.
    names : mapping
        Codes of MDCs and ADRGs to their names; may be empty.
    version : str or None
        Scheme, where the row does not name it.
    grouped_at : str or None
        Time of grouping.
    lang : {"zh", "en"}, optional
        Language of ``err_info``; the context's when omitted.
    """
    group = _text(row.get("group"))
    adrg, mdc = _text(row.get("adrg")), _text(row.get("mdc"))
    standard = row.get("standard_fen")
    return {
        "setl_id": setlinfo.get("setl_id"),
        "drg_code": group,
        "drg_name": _text(row.get("group_name")),
        "adrg_code": adrg,
        "adrg_name": names.get(adrg or ""),
        "mdc_codg": mdc,
        "mdc_name": names.get(mdc or ""),
        "ccmcc": _text(row.get("severity")),
        "grp_rslt": _text(row.get("outcome")),
        "err_info": _reason(row, lang),
        "grp_ver": _text(row.get("scheme")) or version,
        "place_grp_pay_std": None if standard is None else Number(yuan(int(standard))),
        "place_drg_codg": None,
        "setl_list_sn": setlinfo.get("setl_list_id"),
        "setl_ym": _month(setlinfo),
        "grp_time": grouped_at,
    }


def dip_node(
    row: Mapping[str, Any],
    setlinfo: Mapping[str, Any],
    words: Mapping[str, str],
    grouped_at: str | None,
    lang: str | None = None,
) -> dict[str, Any]:
    """The result of matching as interface 3606 names it.

    Parameters
    ----------
    row, setlinfo, grouped_at, lang
        As for ``drg_node``.
    words : mapping
        Classes of groups to their names.
    """
    group, auxiliary = _text(row.get("group")), _text(row.get("auxiliary"))
    diagnosis, _, procedure = (group or "").partition(_PART)
    kind = _text(row.get("group_class"))
    return {
        "setl_id": setlinfo.get("setl_id"),
        "dip_dise_grp_code": group,
        "dip_dise_grp_name": _text(row.get("group_name")),
        "grp_diag_code": diagnosis or None,
        "oprn_grp_code": procedure or None,
        "dise_list_type": None if kind is None else words.get(kind, kind),
        "asst_list_flag": None if group is None else "0" if auxiliary is None else "1",
        "asst_list_detl": auxiliary,
        "grp_dise_sco": _number(row.get("score")),
        "nuld_flag": "0",
        "grp_stas": _text(row.get("outcome")),
        "err_info": _reason(row, lang),
        "setl_ym": _month(setlinfo),
        "grp_time": grouped_at,
    }


def settled_node(row: Mapping[str, Any]) -> dict[str, Any]:
    """How a claim was settled: mode, class, numbers used, money in yuan."""
    found: dict[str, Any] = {name: _text(row.get(name)) for name in _WORDS}
    found |= {name: _number(row[name]) for name in _NUMBERS if row.get(name) is not None}
    for name in _FEN:
        if (fen := row.get(f"{name}_fen")) is not None:
            found[name] = Number(yuan(int(fen)))
    return found


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def _number(value: object) -> Number | None:
    return None if value is None else Number(str(value))


def _reason(row: Mapping[str, Any], lang: str | None) -> str | None:
    code = _text(row.get("reason"))
    return None if code is None else f"{code} {reason_title(code, lang)}".strip()


def _month(setlinfo: Mapping[str, Any]) -> str | None:
    """``YYYYMM`` of the settlement, or of the discharge."""
    day = _text(setlinfo.get("setl_end_date")) or _text(setlinfo.get("dscg_time")) or ""
    digits = "".join(c for c in day[:7] if c.isdigit())
    return digits if len(digits) == 6 else None
