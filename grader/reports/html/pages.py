"""How is a page of a report made? From templates that escape whatever they are given, into one file with its style.

A page holds no script and asks for nothing from anywhere: a Content-Security-Policy in it forbids both.
"""

from __future__ import annotations

import base64
import hashlib
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grader.course import is_warning
from grader.reports.html.drawn import drawn
from grader.reports.html.elements import text
from grader.reports.plain import points_text
from grader.reports.words import REMARK_SIGNS, SIGNS, details, taken

TEMPLATES = Path(__file__).parent / "templates"


def environment(*folders: Path) -> Environment:
    r"""Jinja for the templates in `folders` and, behind these, our own: `macros.html` has findings, tasks, decisions.

    Everything is escaped, whatever the template is called; a value that is not there is an error; a text is shown
    with what is invisible in it written out, and cut at 10,000 characters, the rest counted.

    >>> made = environment().from_string('<p title="{{ name }}">{{ name }}</p>')
    >>> print(made.render(name='<b onclick="x">\x1b'))
    <p title="&lt;b onclick=&#34;x&#34;&gt;\x1b">&lt;b onclick=&#34;x&#34;&gt;\x1b</p>
    """
    made = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,  # not by a file's ending: no page of ours means < by a value
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    add_to(made)
    return made


def add_to(made: Environment) -> None:
    """What the macros need, for an environment that was made elsewhere: filters, functions, the test `warning`."""
    made.filters.setdefault("points", points)
    made.filters["percent"] = percent
    made.tests["warning"] = is_warning
    made.globals |= {
        "drawn": drawn, "details_of": details, "signs": SIGNS, "remark_signs": REMARK_SIGNS, "taken": taken,
    }  # fmt: skip


def _shown(value: Any) -> Any:
    return value if isinstance(value, Markup | bool) or not isinstance(value, str | float | None) else text(value)


def points(value: Fraction | None) -> str:
    """Points for the eye; a dash where there are none.

    >>> points(Fraction(7, 2)), points(None)
    ('3.5', '–')
    """
    return "–" if value is None else points_text(value)


def percent(value: Fraction | float | None) -> str:
    """A share of 1 in whole percents.

    >>> percent(Fraction(2, 3)), percent(None)
    ('67%', '–')
    """
    return "–" if value is None else f"{100 * float(value):.0f}%"


@cache
def exhibit_style() -> str:
    """The style sheet of charts, exhibits and findings. Its colours are custom properties that the page's own sets."""
    return (TEMPLATES / "exhibits.css").read_text(encoding="utf-8")


@cache
def page_style() -> str:
    """The whole style of a page that stands alone."""
    return (TEMPLATES / "page.css").read_text(encoding="utf-8") + exhibit_style()


def policy(style: str) -> str:
    """What a page may do: show pictures that it holds, and be styled by exactly this style. Nothing else.

    >>> policy("p {}").split("; ")[:2]
    ["default-src 'none'", 'img-src data:']
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _own() -> Environment:
    return environment()


def rendered(template: str, **values: Any) -> str:
    """A page of our own, whole, with style and policy."""
    style = page_style()
    return _own().get_template(template).render(style=Markup(style), policy=policy(style), **values)  # noqa: S704
