"""Rule sets: ``tables/audit/rules/*.toml`` hold the rules, ``tables/audit/sets/*.toml`` choose.

A set selects rules by id (``"A101"``, ``"A1*"``), may extend another set, change level and
parameters of a rule, and add rules of its own. A user's set is a TOML file of the same form.
Everything is checked when a set is loaded (T200-T219).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from drg.audit.errors import SuppliedRuleError, near, refuse
from drg.audit.kind import Kind
from drg.audit.kinds import KINDS
from drg.audit.lists import RuleList, rule_file
from drg.audit.model import Level, Rule, RuleSet
from drg.audit.toml import read_toml
from drg.errors import TableError
from drg.paths import beside, tables_root
from drg.text import text
from drg.toml_file import TomlError, parse_toml

__all__ = ["all_rules", "list_rule_sets", "load_rules"]

_WORDS = tuple(f"{part}_{lang}" for part in ("title", "what", "why", "mend", "example")
               for lang in ("zh", "en"))  # fmt: skip
_RULE = ("kind", "level", "type", "params", "source", "status", *_WORDS)
_SET = ("id", "extends", "title_zh", "title_en", "select", "without", "change", "rule", "documents")
_CHANGE = ("level", "params", "source", "status", "note_zh", "note_en")
STATUSES = ("official", "transcribed", "derived", "recalled", "synthetic", "supplied")
_SUFFIX = ".toml"
_DEEPEST = 4


def load_rules(
    wanted: str | Path = "national", *, supply: Mapping[str, str] | None = None
) -> RuleSet:
    """Load one rule set, whole and checked.

    Parameters
    ----------
    wanted : str or Path
        Id of a set of ``tables/audit/sets``, or the path of a TOML file.
    supply : mapping of str to str, optional
        ``"A301.window_days"`` to its text: parameters (or ``level``) other than the set's own.

    Returns
    -------
    RuleSet
        In order of the rules' ids.

    Raises
    ------
    TableError
        T200-T214, T216-T219: no such set, or it cannot be used; T120, T102: a file of it cannot.
    SuppliedRuleError
        T215: a supplied parameter that no rule of the set has.
    """
    file = _file(wanted)
    draft = _draft(file, ())
    for path, value in (supply or {}).items():
        _supply(draft, path, value)
    rules = tuple(_rule(name, draft.rules[name], draft) for name in sorted(draft.rules))
    if not rules:
        raise refuse("T219", file)
    lists = {v.source for r in rules for v in r.params.values() if isinstance(v, RuleList)}
    return RuleSet(
        id=str(draft.header["id"]),
        title_zh=str(draft.header["title_zh"]),
        title_en=str(draft.header["title_en"]),
        rules=rules,
        sources=tuple(sorted({r.source for r in rules} | (lists - {""}))),
        digest=_digest(rules),
    )


def list_rule_sets() -> tuple[RuleSet, ...]:
    """Every set of ``tables/audit/sets``, by id.

    Raises
    ------
    TableError
        As ``load_rules``.
    """
    return tuple(load_rules(path.stem) for path in sorted(_sets().glob(f"*{_SUFFIX}")))


@cache
def _register(folder: Path) -> Mapping[str, tuple[Path, Mapping[str, Any]]]:
    found: dict[str, tuple[Path, Mapping[str, Any]]] = {}
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        for name, entry in read_toml(path).items():
            if name in found:
                raise refuse("T210", path, rule=name, first=found[name][0])
            found[name] = (path, _table(entry, name, path))
    return found


def all_rules() -> tuple[str, ...]:
    """Ids of all shipped rules, in order."""
    return tuple(sorted(_register(tables_root() / "audit" / "rules")))


# ---- reading


class _Draft:
    """A set before its rules are checked: per rule its table, and the file each part stands in."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.header: dict[str, Any] = {}
        self.rules: dict[str, dict[str, Any]] = {}
        self.files: dict[str, Path] = {}
        self.documents: frozenset[str] = frozenset()


def _sets() -> Path:
    return tables_root() / "audit" / "sets"


def _file(wanted: str | Path) -> Path:
    name = str(wanted)
    if name.lower().endswith(_SUFFIX):
        return Path(wanted)
    file = _sets() / f"{name}{_SUFFIX}"
    known = sorted(path.stem for path in _sets().glob(f"*{_SUFFIX}"))
    if name not in known:
        raise refuse("T200", _sets(), id=name, near=near(name, known))
    return file


def _draft(file: Path, below: tuple[Path, ...]) -> _Draft:
    raw = read_toml(file)
    for key in raw:
        if key not in _SET:
            raise refuse("T202", file, path=key, near=near(key, _SET))
    for key in ("id", "title_zh", "title_en"):
        _text(raw, key, key, file)
    shipped = file.parent.resolve() == _sets().resolve()
    if shipped and raw["id"] != file.stem:
        raise refuse("T204", file, path="id", value=raw["id"], wanted=file.stem)
    draft = _Draft(file)
    if "extends" in raw:
        base = _file(_text(raw, "extends", "extends", file))
        base = base if base.is_absolute() else file.parent / base
        if base.resolve() in [path.resolve() for path in (file, *below)] or len(below) > _DEEPEST:
            raise refuse("T214", file, id=raw["extends"])
        under = _draft(base, (*below, file))
        draft.rules, draft.files, draft.documents = under.rules, under.files, under.documents
    draft.header = raw
    draft.documents |= frozenset(_part(raw, "documents", file))
    register = _register(tables_root() / "audit" / "rules")
    for name in _chosen(raw, "select", [*register], file):
        path, entry = register[name]
        draft.rules[name] = {**entry}
        draft.files[name] = path
    for name in _chosen(raw, "without", [*draft.rules], file):
        del draft.rules[name]
    for name, entry in _part(raw, "rule", file).items():
        if name in register or name in draft.rules:
            raise refuse("T210", file, rule=name, first=draft.files.get(name, "tables/audit/rules"))
        own = _table(entry, f"rule.{name}", file)
        params = _table(own.get("params", {}), f"rule.{name}.params", file)
        draft.rules[name] = {**own, "params": _located(params, file)}
        draft.files[name] = file
    for name, entry in _part(raw, "change", file).items():
        _change(draft, name, _table(entry, f"change.{name}", file), file)
    return draft


def _change(draft: _Draft, name: str, entry: Mapping[str, Any], file: Path) -> None:
    """A set's own words on a rule: level, parameters one by one, document and status."""
    if name not in draft.rules:
        raise refuse("T209", file, path="change", rule=name, near=near(name, [*draft.rules]))
    for key in entry:
        if key not in _CHANGE:
            raise refuse("T202", file, path=f"change.{name}.{key}", near=near(key, _CHANGE))
    rule = dict(draft.rules[name])
    params = _table(entry.get("params", {}), f"change.{name}.params", file)
    rule["params"] = {**rule.get("params", {}), **_located(params, file)}
    rule.update({key: entry[key] for key in ("level", "source", "status") if key in entry})
    for lang in ("zh", "en"):
        if note := entry.get(f"note_{lang}"):
            rule[f"why_{lang}"] = f"{rule.get(f'why_{lang}', '')} {note}".strip()
    draft.rules[name], draft.files[name] = rule, file


def _located(params: Mapping[str, Any], file: Path | None) -> dict[str, Any]:
    """Parameters with names of CSV files as seen from the file that gives them.

    Files name what lies beside them; who names one on the command line (``file`` is None) may
    name any.
    """

    def located(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: located(part) for key, part in value.items()}
        if isinstance(value, str) and value.lower().endswith(".csv"):
            path = Path(value) if file is None else beside(file.parent, value)
            return str(path.absolute())
        return value

    return {key: located(value) for key, value in params.items()}


def _supply(draft: _Draft, path: str, value: str) -> None:
    name, _, key = path.partition(".")
    name = name.upper() if name.upper() in draft.rules else name
    if name not in draft.rules:
        known = [f"{rule}.level" for rule in draft.rules]
        raise SuppliedRuleError("T215", where=path, path=path, near=near(path, known))
    rule = dict(draft.rules[name])
    kind = KINDS.get(str(rule.get("kind")))
    known = ["level", *(kind.params.model_fields if kind else ())]
    if key not in known:
        wanted = ", ".join(f"{name}.{k}" for k in known)
        raise SuppliedRuleError("T215", where=path, path=path, near=wanted)
    try:
        read: Any = parse_toml(f"x = {value}", exactly=True)["x"]
    except TomlError:
        read = value
    if key == "level":
        rule["level"] = read
    else:
        rule["params"] = {**rule.get("params", {}), **_located({key: read}, None)}
    rule["status"] = "supplied"
    draft.rules[name] = rule


# ---- checking


def _rule(name: str, entry: Mapping[str, Any], draft: _Draft) -> Rule:
    file = draft.files[name]
    for key in entry:
        if key not in _RULE:
            raise refuse("T202", file, path=f"{name}.{key}", near=near(key, _RULE))
    words = {key: _text(entry, key, f"{name}.{key}", file) for key in _WORDS}
    kind = KINDS.get(_text(entry, "kind", f"{name}.kind", file))
    if kind is None:
        raise refuse("T205", file, rule=name, kind=entry["kind"],
                     near=near(entry["kind"], sorted(KINDS)))  # fmt: skip
    level = _text(entry, "level", f"{name}.level", file)
    if level not in [known.value for known in Level]:
        choices = ", ".join(known.value for known in Level)
        raise refuse("T216", file, rule=name, value=level, wanted=choices)
    if level == Level.AUTO_DEDUCT and not kind.amount:
        raise refuse("T217", file, rule=name, kind=kind.name)
    number = entry.get("type", 0)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= 13:
        raise refuse("T204", file, path=f"{name}.type", value=number, wanted="0-13")
    source = _text(entry, "source", f"{name}.source", file)
    status = _text(entry, "status", f"{name}.status", file)
    if source not in draft.documents and source not in _documents(tables_root()):
        raise refuse("T213", file, rule=name, source=source)
    if status not in STATUSES:
        raise refuse("T204", file, path=f"{name}.status", value=status, wanted=", ".join(STATUSES))
    return Rule(
        id=name, kind=kind.name, level=Level(level), type=number, source=source, status=status,
        params=_params(name, entry.get("params", {}), draft), **words,
    )  # fmt: skip


def _params(name: str, given: Any, draft: _Draft) -> dict[str, Any]:
    file = draft.files[name]
    kind = KINDS[draft.rules[name]["kind"]]
    table = _table(given, f"{name}.params", file)
    token = rule_file.set(file)
    try:
        checked = kind.params.model_validate(dict(table))
    except ValidationError as error:
        raise _worded(error, name, kind, file) from None
    finally:
        rule_file.reset(token)
    return dict(checked)


def _worded(error: ValidationError, name: str, kind: Kind, file: Path) -> TableError:
    """What pydantic found first; a key that is none explains one that is missing."""
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    path = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        known = ", ".join(kind.params.model_fields) or "—"
        return refuse("T206", file, rule=name, path=path, kind=kind.name, near=known)
    if first["type"] == "missing":
        return refuse("T207", file, rule=name, path=path, kind=kind.name)
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, TableError):
        # A list is at fault: say as well which rule asks for it.
        cause.where = " ".join(filter(None, (cause.where, f"({file}: {name})")))
        return cause
    why = str(cause) if isinstance(cause, ValueError) else _why(first)
    value = _shown(first.get("input"))
    return refuse("T208", file, rule=name, path=path, value=value, why=why)


def _why(error: ErrorDetails) -> str:
    """What pydantic found, in the words of the catalogue where those have it."""
    kind, told = error["type"], error.get("ctx", {})
    if kind.startswith("int_"):
        return text("audit.want_int")
    for start, key, name in (
        ("greater_than", "want_least", "ge"),
        ("less_than", "want_most", "le"),
        ("too_short", "want_some", "min_length"),
    ):
        if kind.startswith(start) and name in told:
            return text(f"audit.{key}", bound=told[name])
    if kind == "literal_error":
        return text("audit.want_choice", choices=told["expected"].replace(" or ", ", "))
    if kind.startswith("bool_"):
        return text("audit.want_bool")
    if kind in ("string_type", "tuple_type"):
        return text("audit.want_text" if kind == "string_type" else "audit.want_strings")
    return error["msg"]


def _chosen(raw: Mapping[str, Any], key: str, known: list[str], file: Path) -> list[str]:
    """Rules of a list of ids and beginnings of ids (``A1*``)."""
    wanted = raw.get(key, [])
    if not isinstance(wanted, list) or not all(isinstance(w, str) for w in wanted):
        raise refuse("T204", file, path=key, value=_shown(wanted), wanted='["A101", "A2*"]')
    found: dict[str, None] = {}
    for pattern in wanted:
        start = pattern.removesuffix("*")
        some = [n for n in known if n == pattern or (start != pattern and n.startswith(start))]
        if not some:
            raise refuse("T209", file, path=key, rule=pattern, near=near(pattern, known))
        found.update(dict.fromkeys(some))
    return sorted(found)


def _part(raw: Mapping[str, Any], key: str, file: Path) -> Mapping[str, Any]:
    return _table(raw.get(key, {}), key, file)


def _table(value: Any, path: str, file: Path) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise refuse("T204", file, path=path, value=_shown(value), wanted=text("audit.want_table"))
    return value


def _text(table: Mapping[str, Any], key: str, path: str, file: Path) -> str:
    if key not in table:
        raise refuse("T203", file, path=path)
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise refuse("T204", file, path=path, value=_shown(value), wanted=text("audit.want_text"))
    return value


def _shown(value: object) -> str:
    written = str(value)
    return written if len(written) <= 60 else f"{written[:57]}…"


@cache
def _documents(root: Path) -> frozenset[str]:
    return frozenset(read_toml(root / "sources.toml"))


def _digest(rules: tuple[Rule, ...]) -> str:
    told = [(r.id, r.kind, r.level.value, _plain(dict(r.params)), r.source) for r in rules]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Parameters as plain values whose text does not depend on the run."""
    if isinstance(value, RuleList):
        return value.digest
    if isinstance(value, Mapping):
        return [(key, _plain(value[key])) for key in sorted(value)]
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, Decimal | Fraction):
        return str(Fraction(value))
    if hasattr(type(value), "model_fields"):
        return _plain(dict(value))
    return value if value is None or isinstance(value, bool | int | str) else str(value)
