"""How does a value come into a page? Always escaped, always visible: whatever a student wrote stays text.

Autoescape is on for every template whatever its name, in text and in quoted attributes; a name that a template
misspells is an error, not an empty place; characters that do not print are shown as what they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

from grader.scoring import rounded

HERE = Path(__file__).parent
# C0, DEL, C1, lines of Unicode, direction marks, tags and other invisible ones; not the joiners that names need
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    r"""`text` with every character that hides something as its escape. Lines and tabs stay.

    >>> print(visible("a\x1b[2Jb\u202ec\r\n"))
    a\x1b[2Jb\u202ec
    <BLANKLINE>
    """
    text = text.replace("\r\n", "\n")
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def environment(templates: Sequence[Path], prefixed: Mapping[str, Path] | None = None) -> Environment:
    """Jinja with the folders of templates, those of this package last; `prefixed` ones by "prefix/name"."""
    loaders = [FileSystemLoader([*templates, HERE / "templates"])]
    others = PrefixLoader({prefix: FileSystemLoader(folder) for prefix, folder in (prefixed or {}).items()})
    made = Environment(
        loader=ChoiceLoader([*loaders, others]),
        autoescape=True,  # not by the file's ending: there is no page of ours in which < is meant by a value
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["points"] = points
    made.filters["visible"] = visible
    made.globals["static"] = static_url
    return made


def _finalized(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def points(value: Fraction | None, places: int = 2) -> str:
    """Points for the eye; a dash where there are none.

    >>> points(Fraction(7, 2)), points(Fraction(1, 3)), points(None)
    ('3.5', '0.33', '–')
    """
    return "–" if value is None else str(rounded(value, places))


# --- static files -----------------------------------------------------------------------------

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def static_files() -> dict[str, tuple[bytes, str, str]]:
    """The pages' own files by name: bytes, media type, digest (first 12 hex digits)."""
    found = {}
    for file in sorted((HERE / "static").iterdir()):
        if file.suffix in _TYPES:
            data = file.read_bytes()
            found[file.name] = (data, _TYPES[file.suffix], hashlib.sha256(data).hexdigest()[:12])
    return found


_STATIC = static_files()


def static_file(name: str) -> tuple[bytes, str, str] | None:
    """A file of ours, as it was when this process started."""
    return _STATIC.get(name)


def static_url(name: str) -> str:
    """The address of a file of ours, with its digest: a browser may keep it until it changes. KeyError for no file."""
    return f"/static/{name}?v={_STATIC[name][2]}"
