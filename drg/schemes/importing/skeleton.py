"""The skeleton of a city's scheme: extends a base, changes nothing yet, loads at once."""

from __future__ import annotations

from pathlib import Path

from drg.schemes.catalog import load_scheme
from drg.schemes.folder import SCHEME_FILE
from drg.schemes.importing.write import SOURCE, Identity, checked_id, find_base
from drg.schemes.save import new_folder
from drg.text import text

_STATUS = "synthetic"


def new_scheme(out: Path, base: str, identity: Identity) -> list[str]:
    """Write the skeleton of a scheme.

    Parameters
    ----------
    out : Path
        The scheme's folder; must not exist, or be empty.
    base : str
        Id of the scheme it extends: a shipped one, or a folder beside ``out``.
    identity : Identity
        Id, and what is known of title, place and dates.

    Returns
    -------
    list of str
        What to tell on a terminal.

    Raises
    ------
    TableError
        T131: the folder holds something already.
    InputError
        F204, F209, F210: the folder cannot be written.
    SchemeError
        S101, S103, S106: the base or the id.
    """
    import tomli_w

    below = find_base(base, out)
    made = checked_id(identity.id)
    known = bool(identity.start or identity.end)
    title = identity.title or made
    header = {
        "id": made,
        "kind": below.kind,
        "title_zh": title,
        "title_en": made,
        "place": identity.place,
        "place_zh": identity.place_zh,
        "extends": below.id,
        "in_force": [identity.start, identity.end],
        "in_force_status": _STATUS if known else "unknown",
        "in_force_note": text("skeleton.in_force_note"),
        "groups": len({row.drg for row in below.drgs}),
        "sources": [SOURCE],
    }
    words = {"id": made, "title": title, "base": below.id, "source": SOURCE}
    comments = text("skeleton.comments", None, **words)
    with new_folder(out) as draft:
        _write(
            draft / SCHEME_FILE, tomli_w.dumps({k: v for k, v in header.items() if v}) + comments
        )
        _write(draft / "README.md", text("skeleton.readme", None, **words).lstrip())
        load_scheme(draft)
    return text("skeleton.made", id=made, base=below.id, out=out).splitlines()


def _write(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8", newline="\n")
