"""How is an element of HTML or SVG written so that nothing in it can be more than text? Every value is escaped here.

Names of elements and attributes are the program's; values and children may be anybody's.
"""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from grader.reports.plain import plain_lines

_VOID = ("img", "br")  # elements without an end
MOST_TEXT = 10_000  # characters of one text on a page; the rest is counted


def tag(name: str, *children: object, **attributes: object) -> Markup:
    r"""One element. `class_` and `for_` lose their underscore, others turn theirs into hyphens; None is left out.

    >>> tag("text", "<b>\x1b", class_="label", x=1.50)
    Markup('<text class="label" x="1.5">&lt;b&gt;\\x1b</text>')
    """
    said = "".join(f' {_named(key)}="{_escaped(value)}"' for key, value in attributes.items() if value is not None)
    if name in _VOID:
        return Markup(f"<{name}{said}>")  # noqa: S704  names are ours, all the rest is escaped
    return Markup(f"<{name}{said}>{joined(map(_escaped, children))}</{name}>")  # noqa: S704


def _escaped(value: object) -> Markup:
    return value if isinstance(value, Markup) else escape(text(value))


def joined(parts: Iterable[Markup]) -> Markup:
    """One after the other."""
    return Markup("").join(parts)


def text(value: object) -> str:
    r"""Any value as text that shows all that it holds, and no more than fits a page.

    >>> text(0.10), text(None), text("a\u202eb")
    ('0.1', '', 'a\\u202eb')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return plain_lines(str(value), limit=MOST_TEXT)


def _named(key: str) -> str:
    if key in ("viewBox", "preserveAspectRatio"):
        return key
    return key.rstrip("_").replace("_", "-")
