"""Where the numbers of a policy stand, in words; each path looked up once."""

from __future__ import annotations

from drg.payment.policy import Policy
from drg.payment.policy.catalog import origin_of
from drg.text import text

__all__ = ["Origins"]


class Origins:
    """Documents of a policy's numbers.

    Parameters
    ----------
    policy : Policy
    lang : str, optional
    """

    def __init__(self, policy: Policy, lang: str | None = None) -> None:
        self._policy = policy
        self._lang = lang
        self._known: dict[str, str] = {}

    def words(self, path: str) -> str:
        """Document and status of the number at a path; ``""``: the policy does not say."""
        found = self._known.get(path)
        if found is None:
            found = self._known[path] = self._found(path)
        return found

    def _found(self, path: str) -> str:
        origin = origin_of(self._policy, path)
        if origin is None:
            return ""
        status = text(f"policies.status_{origin.status}", self._lang)
        if not origin.source:
            return status
        return text("simulate.origin", self._lang, source=origin.source, status=status)
