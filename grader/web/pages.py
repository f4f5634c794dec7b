"""How does a value come into a page? Always escaped, always visible: whatever a student wrote stays text.

Autoescape is on for every template whatever its name, in text and in quoted attributes; a name that a template
misspells is an error, not an empty place; characters that do not print are shown as what they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from grader.reports.html.pages import TEMPLATES as REPORTS
from grader.reports.html.pages import add_to, exhibit_style, points
from grader.reports.plain import plain_lines

HERE = Path(__file__).parent
VEIL: ContextVar[Callable[[str], str] | None] = ContextVar("VEIL", default=None)  # what covers names, if anything does


def environment(folders: Sequence[Path] = ()) -> Environment:
    """Jinja with these folders of templates; behind them this package's, and the reports' with their macros.

    While `VEIL` is set, every text goes through it: no template can forget to hide a name.
    """
    made = Environment(
        loader=FileSystemLoader([*folders, HERE / "templates", REPORTS]),
        autoescape=True,  # not by the file's ending: there is no page of ours in which < is meant by a value
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    add_to(made)
    made.filters["points"] = points
    made.filters |= {"exact": exact, "in_points": in_points, "local": datetime.astimezone}
    made.globals["static"] = static_url
    return made


def _finalized(value: Any) -> Any:
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    veil = VEIL.get()
    return plain_lines(value if veil is None else veil(value))


def exact(value: object) -> Markup:
    """A value that a form sends back, or an address of ours: escaped, and no veil over it. Never a student's text.

    >>> exact('a"b')
    Markup('a&#34;b')
    """
    return escape(str(value))


def in_points(value: Fraction) -> str:
    """Points with their word.

    >>> in_points(Fraction(1)), in_points(Fraction(3, 2))
    ('1 point', '1.5 points')
    """
    return f"{points(value)} point{'' if abs(value) == 1 else 's'}"


# --- static files -----------------------------------------------------------------------------

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def static_files() -> dict[str, tuple[bytes, str, str]]:
    """The pages' own files by name: bytes, media type, digest (first 12 hex digits)."""
    found = {}
    for file in sorted((HERE / "static").iterdir()):
        if file.suffix in _TYPES:
            data = file.read_bytes()
            found[file.name] = (data, _TYPES[file.suffix], hashlib.sha256(data).hexdigest()[:12])
    style = exhibit_style().encode()
    found["exhibits.css"] = (style, _TYPES[".css"], hashlib.sha256(style).hexdigest()[:12])
    return found


_STATIC = static_files()


def static_file(name: str) -> tuple[bytes, str, str] | None:
    """A file of ours, as it was when this process started."""
    return _STATIC.get(name)


def static_url(name: str) -> str:
    """The address of a file of ours, with its digest: a browser may keep it until it changes. KeyError for no file."""
    return f"/static/{name}?v={_STATIC[name][2]}"
