"""What the service can be asked about: schemes, policies, rule sets, codes, columns, words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal

from drg.claims.case import CASE_COLUMNS
from drg.claims.frame import COLUMNS, PRICING_COLUMNS
from drg.schemes.codebook import CodeEntry, search_codes
from drg.schemes.crosswalk import Kind, shipped_crosswalks
from drg.service.headers import accepted_headers
from drg.service.models import CodeHit, FieldInfo, PolicyLine, RulesLine, SchemeLine
from drg.simulate.others import scheme_named
from drg.text import catalogue, text

if TYPE_CHECKING:
    from drg.grouping.base import ClaimGrouper
    from drg.schemes.scheme import Scheme

__all__ = ["code_hits", "field_list", "page_texts", "policy_list", "rules_list", "scheme_list"]

_AREA = "service"


@cache
def scheme_list(lang: str) -> tuple[SchemeLine, ...]:
    """Schemes, then DIP catalogues, then places whose version the day of discharge chooses."""
    from drg.dip.catalogue import list_catalogues
    from drg.paths import tables_root
    from drg.schemes.catalog import list_schemes
    from drg.schemes.versions import places_in

    lines = [
        SchemeLine(
            id=s.id,
            kind="dip" if s.kind == "dip" else "drg",
            title=s.title_zh if lang == "zh" else s.title_en,
            place=s.place,
            place_zh=s.place_zh,
            groups=s.groups,
            in_force=s.in_force,
            in_force_status=s.in_force_status,
            base=s.base,
            compat=s.compat,
        )
        for s in (*list_schemes(), *list_catalogues())
    ]
    for place in places_in(tables_root() / "schemes"):
        if not place.dated:  # without days its versions can only be named one by one
            continue
        name = place.name_zh if lang == "zh" and place.name_zh else place.id
        lines.append(
            SchemeLine(
                id=place.id,
                kind="place",
                title=text("service.place_title", lang, place=name),
                place=place.id,
                place_zh=place.name_zh,
                in_force=("", ""),
                versions=tuple(version.id for version in place.dated),
            )
        )
    return tuple(lines)


@cache
def policy_list(lang: str) -> tuple[PolicyLine, ...]:
    """The shipped policies by place and date.

    What a policy wants is worded when it is loaded: ``lang`` is to be the context's language.
    """
    from drg.payment.policy.catalog import list_policies

    return tuple(
        PolicyLine(
            id=policy.id,
            place=policy.place,
            place_zh=policy.place_zh,
            title=policy.title_zh if lang == "zh" else policy.title_en,
            in_force=policy.in_force.texts,
            in_force_status=policy.in_force_status,
            scheme=scheme_named(policy),
            kind="drg" if policy.drg else "dip" if policy.dip else "other",
            insurances=policy.insurances,
            wanted=dict(policy.wanted),
            synthetic=policy.synthetic,
            digest=policy.digest,
        )
        for policy in list_policies()
    )


@cache
def rules_list(lang: str) -> tuple[RulesLine, ...]:
    """The shipped sets of audit rules."""
    from drg.audit.rules import list_rule_sets

    return tuple(
        RulesLine(
            id=rules.id,
            title=rules.title_zh if lang == "zh" else rules.title_en,
            rules=len(rules.rules),
            digest=rules.digest,
        )
        for rules in list_rule_sets()
    )


def code_hits(
    asked: str, kinds: Sequence[Kind], limit: int, grouper: ClaimGrouper | None = None
) -> list[CodeHit]:
    """Codes that a text means, the likeliest first.

    Parameters
    ----------
    asked : str
        Beginning of a code, or words of a name.
    kinds : sequence of {"dx", "px"}
    limit : int
        Most codes.
    grouper : ClaimGrouper, optional
        Of a single DRG scheme: tells whether it knows each code and the level there.
    """
    scheme = getattr(grouper, "scheme", None)
    return [_hit(entry, scheme) for entry in search_codes(asked, kinds)[:limit]]


def _hit(entry: CodeEntry, scheme: Scheme | None) -> CodeHit:
    insurance = entry.insurance_code
    known, level = None, ""
    if scheme is not None:
        known = insurance in (scheme.known_dx if entry.kind == "dx" else scheme.known_px)
        level = scheme.severity.get(insurance, ("", ""))[0] if entry.kind == "dx" else ""
    return CodeHit(
        kind=entry.kind,
        code=entry.code,
        name=entry.name,
        insurance=entry.insurance,
        insurance_code=insurance,
        insurance_name=shipped_crosswalks()[entry.kind].national.get(insurance, ""),
        match=entry.match,
        known=known,
        level=level,
    )


@cache
def field_list(lang: str) -> tuple[FieldInfo, ...]:
    """The columns of a case in order; Chinese titles, in English their names."""
    headers = accepted_headers()
    grouping = {column.name for column in COLUMNS}
    payment = {column.name for column in PRICING_COLUMNS}

    def group(name: str) -> Literal["grouping", "payment", "list"]:
        return "grouping" if name in grouping else "payment" if name in payment else "list"

    return tuple(
        FieldInfo(
            name=column.name,
            title=column.title_zh if lang == "zh" else column.name.replace("_", " "),
            kind=column.kind,
            group=group(column.name),
            unit=column.unit,
            meaning=column.meaning,
            null=column.null,
            headers=headers.get(column.name, ()),
        )
        for column in CASE_COLUMNS
    )


@cache
def page_texts(lang: str) -> dict[str, str]:
    """Every word of the page: key to wording, parameters in braces left as they are."""
    return {
        key: str(entry[lang])
        for key, entry in catalogue(_AREA).items()
        if lang in entry and f"mend_{lang}" not in entry
    }
