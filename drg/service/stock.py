"""What requests name, loaded once: groupers, policies, rule sets, simulators; the last few stay.

Only what is shipped can be named, by its id: never a file. Loading takes up to seconds and belongs
off the event loop; what is at hand is given at once.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from difflib import get_close_matches
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from drg.claims.model import Claim
from drg.dip.load import load_grouper
from drg.service.errors import ServiceError
from drg.service.numbers import refuse_files
from drg.service.settings import Settings
from drg.service.shelf import Shelf
from drg.simulate.others import scheme_named
from drg.text import language

if TYPE_CHECKING:
    import polars as pl

    from drg.audit.model import RuleSet
    from drg.grouping.base import ClaimGrouper
    from drg.payment.policy import Policy
    from drg.simulate.placed import Placer
    from drg.simulate.simulator import Simulator

__all__ = ["NONE", "Named", "Stock"]

#: What a request says to go without a policy, or without audit rules.
NONE = "none"
_USUAL_RULES = "national"
#: Names suggested for one that is not there.
_NEAR = 4


class Named(NamedTuple):
    """What a request names; None: as the service was started."""

    scheme: str | None = None
    compat: str | None = None
    codes: str | None = None
    policy: str | None = None
    numbers: tuple[tuple[str, str], ...] = ()
    rules: str | None = None

    @property
    def changed(self) -> tuple[str, ...]:
        """The numbers as answers tell them: ``drg.rates.310 = 9000``."""
        return tuple(f"{path} = {value}" for path, value in dict(self.numbers).items())


class Stock:
    """What requests name, shared by all of them and by threads.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.means: pl.DataFrame | None = None
        self.hospitals: pl.DataFrame | None = None
        self._open = False
        self._placers: Shelf[Placer] = Shelf()
        self._policies: Shelf[Policy] = Shelf()
        self._rules: Shelf[RuleSet] = Shelf()
        self._simulators: Shelf[Simulator] = Shelf()

    def open(self) -> None:
        """Load what the service assumes: what is wrong is told at the start, and no coder waits.

        Once: before the server begins, or else when the application does.

        Raises
        ------
        DrgError
            No such scheme or policy, or a table cannot be read.
        """
        if self._open:
            return
        if self.settings.reference is not None:
            from drg.scale.means import read_means

            self.means = read_means(self.settings.reference)
        if self.settings.hospitals is not None:
            from drg.settlement.inputs import read_hospitals

            self.hospitals = read_hospitals(self.settings.hospitals)
        from drg.claims.case import Case

        self.placer(Named(policy=NONE))
        # Rules, lists, names and the reference grouper are read when a case first needs them.
        self.simulator(Named()).explain(Case())
        self._open = True

    def placer_at_hand(self, named: Named) -> Placer | None:
        """``placer``, if grouping by it reads nothing more: loaded, and of one version."""
        if named.scheme is None:
            named = named._replace(scheme=self.settings.scheme)
        found = self._placers.at_hand(_grouper_key(named))
        return None if found is None or found.grouper.versions else found

    def placer(self, named: Named) -> Placer:
        """The grouper of a request, and what words its results.

        Raises
        ------
        ServiceError
            H422: none of this id is shipped.
        SchemeError
            S103: no such overlay.
        """
        scheme = named.scheme or self._policy_scheme(named) or self.settings.scheme
        named = named._replace(scheme=scheme)
        make = partial(self._load, scheme, named.compat, named.codes)
        return self._placers.get(_grouper_key(named), make)

    def grouper(self, named: Named) -> ClaimGrouper:
        """The grouper of a request: its scheme, its policy's, or as the service was started.

        Raises
        ------
        DrgError
            As ``placer``.
        """
        return self.placer(named).grouper

    def policy(self, named: Named) -> Policy | None:
        """The policy of a request with its numbers; None: none is named.

        Raises
        ------
        ServiceError
            H423: none of this id is shipped; H420: a number names a file; H421: numbers, but no
            policy.
        PolicyError, SupplyError
            A number is impossible.
        """
        wanted = named.policy or self.settings.policy or NONE
        if wanted == NONE:
            if named.numbers:
                raise ServiceError("H421")
            return None
        refuse_files(dict(named.numbers))
        # A policy's notes are in the language it was loaded in.
        key = (wanted, named.numbers, language())
        return self._policies.get(key, partial(_policy, wanted, dict(named.numbers)))

    def rules(self, named: Named) -> RuleSet | None:
        """The audit rules of a request; None: none.

        Raises
        ------
        ServiceError
            H424: none of this id is shipped.
        """
        wanted = named.rules or _USUAL_RULES
        return None if wanted == NONE else self._rules.get(wanted, partial(_rule_set, wanted))

    def simulator(self, named: Named) -> Simulator:
        """The simulator of a request.

        Raises
        ------
        DrgError
            As ``grouper``, ``policy`` and ``rules``.
        """
        named = self._in_full(named)
        # Words of a policy are in the language it was loaded in.
        key = (named, language())
        return self._simulators.get(key, partial(self._simulator, named))

    def _in_full(self, named: Named) -> Named:
        """What is named, with what is assumed: one simulator, however it is asked for."""
        return named._replace(
            scheme=named.scheme or self._policy_scheme(named) or self.settings.scheme,
            compat=named.compat or None,
            policy=named.policy or self.settings.policy or NONE,
            rules=named.rules or _USUAL_RULES,
        )

    def _simulator(self, named: Named) -> Simulator:
        from drg.scale.means import known_means
        from drg.simulate.simulator import Simulator

        grouper, policy = self.grouper(named), self.policy(named)
        means = self.means if self.means is not None else known_means(grouper, policy)
        return Simulator(
            grouper,
            policy,
            rules=self.rules(named),
            means=means,
            hospitals=self.hospitals,
            changed=named.changed,
            edition_stated=named.codes is not None,
        )

    def _policy_scheme(self, named: Named) -> str:
        """The scheme whose groups the policy pays; ``""``: none is named, or it takes any."""
        if (named.policy or self.settings.policy or NONE) == NONE:
            return ""
        return scheme_named(self.policy(named))

    def _load(self, scheme: str, compat: str | None, codes: str | None) -> Placer:
        if scheme not in shipped_schemes():
            raise ServiceError("H422", id=scheme, near=_near(scheme, shipped_schemes()))
        from drg.simulate.placed import Placer

        placer = Placer(load_grouper(scheme, compat, codes))
        # Its tables and names are read now, not while others wait for the event loop.
        placer.answer(placer.grouper.group(Claim()))
        return placer


@cache
def shipped_schemes() -> frozenset[str]:
    """Ids of schemes and catalogues, ids and Chinese names of places."""
    from drg.dip.catalogue import list_catalogues
    from drg.schemes.catalog import list_schemes
    from drg.schemes.versions import place_names

    return frozenset([s.id for s in (*list_schemes(), *list_catalogues())]) | {*place_names()}


@cache
def shipped_policies() -> tuple[str, ...]:
    """Ids of the shipped policies."""
    from drg.payment.policy.catalog import list_policies

    return tuple(policy.id for policy in list_policies())


def _grouper_key(named: Named) -> Hashable:
    return (named.scheme, named.compat or "", named.codes or "insurance")


def _policy(wanted: str, numbers: Mapping[str, str]) -> Policy:
    from drg.payment.policy.catalog import load_policy

    if wanted not in shipped_policies():
        raise ServiceError("H423", id=wanted, near=_near(wanted, shipped_policies()))
    return load_policy(wanted, supply=numbers)


def _rule_set(wanted: str) -> RuleSet:
    from drg.audit.rules import list_rule_sets, load_rules

    known = frozenset(rules.id for rules in list_rule_sets())
    if wanted not in known:
        raise ServiceError("H424", id=wanted, near=_near(wanted, known))
    return load_rules(wanted)


def _near(wanted: str, known: Collection[str]) -> str:
    """Names like the one asked for, or some of those there are."""
    ordered = sorted(known)
    return ", ".join(get_close_matches(wanted, ordered, n=_NEAR) or ordered[:_NEAR])
