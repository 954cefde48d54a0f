"""Headers under which a pasted row may have the columns of a case, as files of claims are read."""

from __future__ import annotations

from functools import cache

from drg.claims.profiles import CodeHeaders, load_profiles

__all__ = ["accepted_headers"]


@cache
def accepted_headers() -> dict[str, tuple[str, ...]]:
    """Headers of each column by its name, in order of preference.

    Returns
    -------
    dict of str to tuple of str
        From the profiles whose headers are used beside those of others: canonical names and common
        Chinese ones. ``{n}`` in the headers of codes stands for a number; a principal's come first.
    """
    found: dict[str, list[str]] = {}
    for profile in load_profiles():
        if not profile.lends:
            continue
        for name, headers in profile.scalars.items():
            found.setdefault(name, []).extend(headers)
        for name, codes in (("diagnoses", profile.diagnoses), ("procedures", profile.procedures)):
            found.setdefault(name, []).extend(_of_codes(codes))
    return {name: tuple(dict.fromkeys(headers)) for name, headers in found.items()}


def _of_codes(codes: CodeHeaders) -> tuple[str, ...]:
    others = (*codes.others_joined, *codes.others_wide)
    return (*codes.joined, *codes.principal, *codes.wide, *others)
