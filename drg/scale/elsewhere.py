"""Under what a case is looked at: scheme and policy by name, and the same case elsewhere.

What a command line or a service is given as text becomes a grouper, a policy and ``Other``s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from drg.errors import DrgError
from drg.simulate.others import Other, grouper_name, other_case, scheme_named

if TYPE_CHECKING:
    from drg.grouping.base import ClaimGrouper
    from drg.payment.policy import Policy

__all__ = [
    "CaseError", "Loaded", "Setting", "corrections_of", "load_setting", "other_of",
    "read_other",
]  # fmt: skip

#: Between the parts of ``--other``.
PART = ";"
_NAMES = ("scheme", "policy", "compat")


class CaseError(DrgError, ValueError):
    """A simulation cannot be done as asked: what is given to it does not go together."""

    exit_code = 2


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Names of what groups and pays a case.

    Attributes
    ----------
    scheme : str
        As ``drg.load_grouper`` takes it; ``""``: the one that the policy names.
    policy : str
        As ``load_policy`` takes it; ``""``: none.
    supply : mapping of str to str
        Numbers of the policy that the user gives, path to text.
    compat, codes : str or None
        As ``drg.load_grouper`` takes them.
    """

    scheme: str = ""
    policy: str = ""
    supply: Mapping[str, str] = field(default_factory=dict)
    compat: str | None = None
    codes: str | None = None


class Loaded(NamedTuple):
    """What a ``Setting`` names."""

    grouper: ClaimGrouper
    policy: Policy | None


#: Loads a grouper from scheme, overlay and edition; a policy from its name and numbers.
LoadGrouper = Callable[[str, "str | None", "str | None"], "ClaimGrouper"]
LoadPolicy = Callable[[str, Mapping[str, str]], "Policy"]


def load_setting(
    setting: Setting,
    *,
    grouper: LoadGrouper | None = None,
    policy: LoadPolicy | None = None,
) -> Loaded:
    """Load grouper and policy.

    Parameters
    ----------
    setting : Setting
    grouper, policy : callable, optional
        Load one by name, where something is kept of them; the library's when omitted.

    Raises
    ------
    CaseError
        G412: no scheme is named, by the policy neither.
    SchemeError, PolicyError, SupplyError, TableError
        As ``drg.load_grouper`` and ``load_policy``.
    """
    found = (policy or _policy)(setting.policy, setting.supply) if setting.policy else None
    scheme = setting.scheme or scheme_named(found)
    if not scheme:
        raise CaseError("G412", policy="—" if found is None else found.id)
    return Loaded((grouper or _grouper)(scheme, setting.compat, setting.codes), found)


def other_of(
    asked: Setting,
    base: Setting,
    loaded: Loaded,
    *,
    grouper: LoadGrouper | None = None,
    policy: LoadPolicy | None = None,
) -> Other:
    """The same case elsewhere.

    Parameters
    ----------
    asked : Setting
        What is other than in ``base``; what it leaves empty stays, but another policy comes with
        the scheme it names and without the numbers given for the first.
    base : Setting
    loaded : Loaded
        What ``base`` names.
    grouper, policy : callable, optional
        As for ``load_setting``.

    Raises
    ------
    CaseError
        G418: nothing is other; G412 as ``load_setting``.
    """
    moved = bool(asked.policy) and asked.policy != base.policy
    supply = dict(asked.supply) if moved else {**base.supply, **asked.supply}
    named = asked.policy or base.policy
    if asked.supply and not named:
        raise CaseError("G419", path=next(iter(asked.supply)))
    then = loaded.policy
    if named and (moved or supply != base.supply):
        then = (policy or _policy)(named, supply)
    rescheme = asked.scheme or (scheme_named(then) if moved else "")
    group = loaded.grouper
    if (rescheme and rescheme not in (base.scheme, group.scheme_id)) or asked.compat is not None:
        # An overlay belongs to one scheme.
        group = (grouper or _grouper)(
            rescheme or base.scheme or scheme_named(then), asked.compat, base.codes
        )
    changed = {
        path: text for path, text in supply.items() if moved or text != base.supply.get(path)
    }
    told = [f"{path} = {text}" for path, text in changed.items()]
    found = other_case(loaded, (group, then), told, moved=moved)
    if found is None:
        raise CaseError("G418", scheme=grouper_name(group), policy=named or "—")
    return found


def read_other(text: str) -> Setting:
    """``--other`` as a setting.

    Raises
    ------
    CaseError
        G410: not ``name=value`` parts with ``;`` between them, or one name twice.

    Examples
    --------
    >>> read_other("policy=demo-2024; drg.rates.310=9000").supply
    {'drg.rates.310': '9000'}
    """
    given: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(PART))):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if not (name and sign and value) or name in given:
            raise CaseError("G410", option="--other", text=text)
        given[name] = value
    if not given:
        raise CaseError("G410", option="--other", text=text)
    names = {name: given.pop(name) for name in _NAMES if name in given}
    return Setting(
        scheme=names.get("scheme", ""),
        policy=names.get("policy", ""),
        compat=names.get("compat"),
        supply=given,
    )


def corrections_of(texts: tuple[str, ...]) -> dict[str, str]:
    """``--correct`` as a mapping; an empty value: not reported.

    Raises
    ------
    CaseError
        G410: no ``=``, or one field twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = (piece.strip() for piece in text.partition("="))
        if not (name and sign) or name in found:
            raise CaseError("G410", option="--correct", text=text)
        found[name] = value
    return found


def _grouper(scheme: str, compat: str | None, codes: str | None) -> ClaimGrouper:
    from drg.dip.load import load_grouper

    return load_grouper(scheme, compat, codes)


def _policy(name: str, supply: Mapping[str, str]) -> Policy:
    from drg.payment.policy.catalog import load_policy

    return load_policy(name, supply=supply)
