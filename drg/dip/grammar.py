"""Group codes of a DIP catalogue: ``dx4[:op[_op+op…]][_aux]`` and back.

``K80.1:51.2300_51.8800+51.8700_dis1``: diagnosis, principal procedure, related procedures, then the
auxiliary subtype. ``/`` (or ``|``) stands between procedures of which any will do, ``+`` (and the
first ``_``) between those that all have to be there. A comprehensive group has an attribute
instead: ``K80:SS``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["ATTRIBUTES", "GroupCode", "Terms", "parse_group_code", "parse_terms", "terms_text"]

#: Alternatives of every term; all terms have to be met.
Terms = tuple[tuple[str, ...], ...]

#: Attributes of comprehensive groups: operation, therapeutic, diagnostic, conservative.
ATTRIBUTES = ("SS", "ZLXCZ", "ZDXCZ", "BSZL")
_AUXILIARY = re.compile(r"_([a-z]+(?:_[a-z]+)*\d+)$")
_ALTERNATIVE = re.compile(r"[/|]")
_TERM = re.compile(r"[_+]")


class GroupCode(NamedTuple):
    """A group code taken apart.

    Attributes
    ----------
    diagnosis : str
        Subcategory, category or whatever stands before the colon.
    terms : Terms
        The principal procedure's term first; empty for a conservative or comprehensive group.
    attribute : str
        One of ``ATTRIBUTES``, else ``""``.
    auxiliary : str
        Subtype such as ``dis1`` or ``care_unit_time0``, else ``""``.
    """

    diagnosis: str
    terms: Terms
    attribute: str
    auxiliary: str


def parse_group_code(text: str) -> GroupCode:
    """Take a group code apart.

    Raises
    ------
    ValueError
        Nothing stands before the colon, or a term is empty.

    Examples
    --------
    >>> parse_group_code("K80.1:51.2300_51.8800+51.8700_dis1")[1:]
    ((('51.2300',), ('51.8800',), ('51.8700',)), '', 'dis1')
    >>> parse_group_code("K80:SS").attribute
    'SS'
    """
    found = _AUXILIARY.search(text)
    body = text[: found.start()] if found else text
    diagnosis, colon, rest = body.partition(":")
    if not diagnosis or (colon and not rest):
        raise ValueError(f"not a group code: {text!r}")
    auxiliary = found.group(1) if found else ""
    if rest in ATTRIBUTES:
        return GroupCode(diagnosis, (), rest, auxiliary)
    return GroupCode(diagnosis, parse_terms(rest), "", auxiliary)


def parse_terms(text: str) -> Terms:
    """Read procedures: ``a+b/c`` is ``a`` and any of ``b`` and ``c``; ``""`` is none at all.

    Raises
    ------
    ValueError
        A term or an alternative is empty.
    """
    if not text:
        return ()
    terms = tuple(
        tuple(part.strip() for part in _ALTERNATIVE.split(term)) for term in _TERM.split(text)
    )
    if not all(part for term in terms for part in term):
        raise ValueError(f"an empty procedure in {text!r}")
    return terms


def terms_text(terms: Terms) -> str:
    """Terms as ``parse_terms`` reads them."""
    return "+".join("/".join(term) for term in terms)
