"""What requests name, loaded once: groupers, policies, rule sets, simulators; the last few stay.

Only what is shipped can be named, by its id: never a file. Loading takes up to seconds and belongs
off the event loop; what is at hand is given at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from difflib import get_close_matches
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from drg.dip.load import load_grouper
from drg.service.errors import ServiceError
from drg.service.numbers import refuse_files
from drg.service.settings import Settings
from drg.text import language

if TYPE_CHECKING:
    import polars as pl

    from drg.audit.model import RuleSet
    from drg.grouping.base import ClaimGrouper
    from drg.payment.policy import Policy
    from drg.simulate.simulator import Simulator

__all__ = ["NONE", "Named", "Shelf", "Stock"]

T = TypeVar("T")
#: What a request says to go without a policy, or without audit rules.
NONE = "none"
_USUAL_RULES = "national"
#: Things of one kind that stay loaded.
_KEPT = 16
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


class Shelf(Generic[T]):
    """The last few things made, by key; one key is made once, however many ask at a time."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._made: OrderedDict[Hashable, T] = OrderedDict()
        self._making: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._made)

    def at_hand(self, key: Hashable) -> T | None:
        """What is there already, or None; never waits for one that is being made."""
        with self._lock:
            if (found := self._made.get(key)) is not None:
                self._made.move_to_end(key)
            return found

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is there, or is made now; errors of ``make`` pass through, and nothing is kept."""
        if (found := self.at_hand(key)) is not None:
            return found
        with self._lock:
            making = self._making.setdefault(key, Lock())
        with making:
            try:
                if (found := self.at_hand(key)) is None:
                    found = make()
                    with self._lock:
                        self._made[key] = found
                        while len(self._made) > self._kept:
                            self._made.popitem(last=False)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return found


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
        self._groupers: Shelf[ClaimGrouper] = Shelf()
        self._policies: Shelf[Policy] = Shelf()
        self._rules: Shelf[RuleSet] = Shelf()
        self._simulators: Shelf[Simulator] = Shelf()

    def open(self) -> None:
        """Load what the service assumes, so that whatever is wrong is told at the start.

        Raises
        ------
        DrgError
            No such scheme or policy, or a table cannot be read.
        """
        self.grouper(Named())
        if self.settings.policy is not None:
            self.policy(Named())
        if self.settings.reference is not None and self.means is None:
            from drg.scale.means import read_means

            self.means = read_means(self.settings.reference)
        if self.settings.hospitals is not None and self.hospitals is None:
            from drg.settlement.inputs import read_hospitals

            self.hospitals = read_hospitals(self.settings.hospitals)

    def grouper_at_hand(self, named: Named) -> ClaimGrouper | None:
        """The grouper if it is loaded and no policy has to be asked which it is."""
        if named.scheme is None:
            named = named._replace(scheme=self.settings.scheme)
        return self._groupers.at_hand(_grouper_key(named))

    def grouper(self, named: Named) -> ClaimGrouper:
        """The grouper of a request: its scheme, its policy's, or as the service was started.

        Raises
        ------
        ServiceError
            H422: none of this id is shipped.
        SchemeError
            S102: no such overlay.
        """
        scheme = named.scheme or self._policy_scheme(named) or self.settings.scheme
        named = named._replace(scheme=scheme)
        make = partial(self._load, scheme, named.compat, named.codes)
        return self._groupers.get(_grouper_key(named), make)

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
        key = (named, language())
        return self._simulators.get(key, partial(self._simulator, named))

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
        )

    def _policy_scheme(self, named: Named) -> str:
        """The scheme whose groups the policy pays; ``""``: none is named, or it takes any."""
        if (named.policy or self.settings.policy or NONE) == NONE:
            return ""
        policy = self.policy(named)
        return "" if policy is None else paid_scheme(policy)

    def _load(self, scheme: str, compat: str | None, codes: str | None) -> ClaimGrouper:
        if scheme not in shipped_schemes():
            raise ServiceError("H422", id=scheme, near=_near(scheme, shipped_schemes()))
        return load_grouper(scheme, compat, codes)


def paid_scheme(policy: Policy) -> str:
    """Id of the scheme or catalogue whose groups a policy pays; ``""``: any, or none."""
    from drg.payment.pricing.dip_catalogue import catalogue_id

    if policy.drg is not None:
        return policy.drg.scheme
    return catalogue_id(policy.dip.catalogue) if policy.dip is not None else ""


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
