"""Spellings of hospital levels as one key, and which levels a rule's level covers.

``三级甲等``, ``三甲`` and ``tertiary A`` are one; a rule for ``三级`` covers it as well. Other text
(``第1档``) is a level of its own, equal only to its own harmless spellings.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from drg.payment.weight_table import level_key

__all__ = ["LEVEL_CODE_COLUMNS", "UNGRADED", "best_level", "level_of", "wider_levels"]

#: Hospitals without a grade (未定级): no class of theirs.
UNGRADED = "0"
_IGNORED = re.compile(r"[\s_\-()]+")
_CLASS = {
    "三": "3", "3": "3", "iii": "3", "tertiary": "3",
    "二": "2", "2": "2", "ii": "2", "secondary": "2",
    "一": "1", "1": "1", "i": "1", "primary": "1",
}  # fmt: skip
_GRADE = {
    "特": "S", "s": "S", "special": "S", "甲": "A", "a": "A", "乙": "B", "b": "B",
    "丙": "C", "c": "C",
}  # fmt: skip
_SPELLED = re.compile(
    rf"({'|'.join(sorted(_CLASS, key=len, reverse=True))})级?"
    rf"(?:({'|'.join(sorted(_GRADE, key=len, reverse=True))})等?|未定等|未评等|其他)?"
    r"(?:医院|医疗机构|hospital)?"
)
_NONE = {"未定级", "未评级", "无等级", "无级别", "未定", "未评", "ungraded", "none", "0"}
#: Dictionary hosp_lv (spec J.3): 1-4 tertiary special/A/B/C, 5-7, 8-10 A/B/C, 11-14 none.
_CODES = (
    "3S", "3A", "3B", "3C", "2A", "2B", "2C", "1A", "1B", "1C",
    UNGRADED, UNGRADED, UNGRADED, UNGRADED,
)  # fmt: skip
#: A column of this name holds codes of that dictionary, where 2 is 三级甲等.
LEVEL_CODE_COLUMNS = frozenset({"hosp_lv", "hosplv", "medinslv", "medins_lv"})
_TWO_DIGITS = re.compile(r"0[1-9]|1[0-4]")
_ONE_DIGIT = re.compile(r"[1-9]")


def level_of(text: str, *, codes: bool = False) -> str:
    """Key of a hospital level.

    Parameters
    ----------
    text : str
        As a claim, a register of hospitals or a policy spells it.
    codes : bool, optional
        One digit is a code of the dictionary ``hosp_lv``, as in a column of that name: ``2`` is
        三级甲等. Otherwise 1, 2 and 3 are classes, and only two digits (``02``) are codes.

    Returns
    -------
    str
        Class and grade such as ``"3"``, ``"3A"``; ``UNGRADED``; text that is neither, folded;
        ``""`` for none.

    Examples
    --------
    >>> [level_of(text) for text in ("三级甲等", "Ⅱ级", "tertiary", "3", "02", "第1档", "")]
    ['3A', '2', '3', '3', '3A', '第1档', '']
    >>> level_of("3", codes=True)
    '3B'
    """
    clean = _IGNORED.sub("", unicodedata.normalize("NFKC", text)).casefold().removesuffix(".0")
    if _TWO_DIGITS.fullmatch(clean) or (codes and _ONE_DIGIT.fullmatch(clean)):
        return _CODES[int(clean) - 1]
    if clean in _NONE:
        return UNGRADED
    if found := _SPELLED.fullmatch(clean):
        return _CLASS[found[1]] + _GRADE.get(found[2] or "", "")
    return level_key(text)


def wider_levels(key: str) -> tuple[str, ...]:
    """A level and those that cover it, the narrowest first; without the one for everyone.

    Examples
    --------
    >>> wider_levels("3A"), wider_levels("第1档"), wider_levels("")
    (('3A', '3'), ('第1档',), ())
    """
    if not key:
        return ()
    if len(key) == 2 and key[0] in "123" and key[1] in "SABC":
        return key, key[0]
    return (key,)


def best_level(key: str, known: Iterable[str]) -> str | None:
    """Of the levels that a rule names, as it spells them, the narrowest that covers one.

    Examples
    --------
    >>> best_level("3A", ["二级", "三级"]), best_level("1", ["三级"])
    ('三级', None)
    """
    spelled = {level_of(text): text for text in known}
    return next((spelled[wide] for wide in wider_levels(key) if wide in spelled), None)
