r"""How do the many ways of writing the same mathematics become one? Typography and LaTeX become plain text.

What comes out is written with ASCII digits, letters and operators, and of the rest only these:
`×` (any multiplication cross), `≈`, `→`, `≥`, `≤`, `√`, `⌊ ⌋ ⌈ ⌉`. Everything here is one pass over the text.
"""

from __future__ import annotations

from fractions import Fraction

from grader.answers.answer_error import quoted, refuse
from grader.model import Place

_SAME = {
    "-": "−‒–—―‐‑﹣⁃",
    "'": "’‘ʼ′´`",
    '"': "“”„",
    " ": "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t",
    "*": "·⋅∙∗•",
    "×": "✕✖⨯╳⨉",
    "/": "÷∕⁄",
    "~": "∼˜",
    "≈": "≃≅≐≒",
    "≥": "≧⩾",
    "≤": "≦⩽",
    "→": "⇒⟹⟶➝➞➔↦⟼",
    "": "\u200b\u2060\ufeff\u00ad",  # zero width: left behind by copying from a web page
}
_CHARACTERS = {ord(char): plain for plain, chars in _SAME.items() for char in chars}
_CHARACTERS |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}  # full-width forms of ASCII
_SUPERSCRIPTS = {ord(char): plain for char, plain in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺⁽⁾", "0123456789-+()", strict=True)}

_COMMANDS = {
    "cdot": "*", "times": "×", "div": "/", "ast": "*",
    "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉",
    "approx": "≈", "simeq": "≈", "sim": "~", "geq": "≥", "ge": "≥", "leq": "≤", "le": "≤", "gt": ">", "lt": "<",
    "Rightarrow": "→", "rightarrow": "→", "to": "→", "implies": "→", "longrightarrow": "→", "mapsto": "→",
    "quad": " ", "qquad": " ", "left": "", "right": "", "big": "", "Big": "", "bigl": "", "bigr": "",
    "displaystyle": "", "limits": "", "hline": "", "dfrac": " frac", "tfrac": " frac", "cfrac": " frac",
    "lbrack": "[", "rbrack": "]", "lbrace": "(", "rbrace": ")",
}  # fmt: skip
_TEXT_COMMANDS = {"text", "mathrm", "mathbf", "textbf", "textit", "mbox", "operatorname", "mathit", "emph", "boxed"}
_SYMBOLS = {",": " ", ";": " ", ":": " ", " ": " ", "!": "", "%": "%", "#": "#", "_": "_", "&": "&", "$": "",
            "{": "(", "}": ")", "(": " ", ")": " ", "[": " ", "]": " ", "\\": "\n"}  # fmt: skip
_ARROWS = ("-->", "==>", "->", "=>")


def plain(text: str, place: Place, *, limit: int) -> str:
    r"""`text` in plain writing, or AnswerError where it is longer than `limit` characters.

    >>> plain(r"$2,\!359,\!808$", Place("answers.json"), limit=100)
    '2,359,808'
    >>> plain(r"$\left\lfloor\frac{28−3}{2}\right\rfloor + 1 ⇒ 5² \cdot 3$", Place("answers.json"), limit=100)
    '⌊frac{28-3}{2}⌋ + 1 → 5^(2) * 3'
    """
    if len(text) > limit:
        refuse(
            place,
            f"{quoted(text, 30)} has {len(text):,} characters",
            f"write at most {limit:,} characters",
            code="too-long",
        )
    text = _superscripts(text).translate(_CHARACTERS)
    text = _latex(text)
    for arrow in _ARROWS:
        text = text.replace(arrow, "→")
    return _unwrapped(text.strip())


def _superscripts(text: str) -> str:
    if not any(ord(char) in _SUPERSCRIPTS for char in text):
        return text
    parts: list[str] = []
    is_raised = False
    for char in text:
        raised = _SUPERSCRIPTS.get(ord(char))
        if raised is not None and not is_raised:
            parts.append("^(")
        elif raised is None and is_raised:
            parts.append(")")
        is_raised = raised is not None
        parts.append(raised or char)
    return "".join(parts) + (")" if is_raised else "")


def _latex(text: str) -> str:
    """Replace LaTeX commands. An unknown command stays as its name: it is then read as a symbol."""
    parts: list[str] = []
    braces: list[bool] = []  # is this brace kept?
    at, end = 0, len(text)
    is_text_next = False
    while at < end:
        char = text[at]
        at += 1
        if char == "\\" and at < end:
            stop = at
            while stop < end and text[stop].isascii() and text[stop].isalpha():
                stop += 1
            if stop == at:
                parts.append(_SYMBOLS.get(text[at], text[at]))
                at += 1
                continue
            name = text[at:stop]
            at = stop
            is_text_next = name in _TEXT_COMMANDS
            parts.append(" " if is_text_next else _COMMANDS.get(name, name))
            if name in ("left", "right") and text[at : at + 1] == ".":
                at += 1  # \right. is an invisible bracket
            continue
        if char == "$":
            continue
        if char == "{" and text[at : at + 2] in (",}", ".}"):
            parts.append(text[at])  # {,} is a comma without the space that LaTeX sets after it
            at += 2
        elif char == "{":
            braces.append(not is_text_next)
            parts.append("" if is_text_next else char)
        elif char == "}":
            parts.append(char if not braces or braces.pop() else "")
        else:
            parts.append(char)
        if not char.isspace():
            is_text_next = False
    return "".join(parts)


def _unwrapped(text: str) -> str:
    """Without Markdown emphasis, code marks or quotes around the whole of it."""
    for _ in range(4):
        for mark in ("**", "__", '"', "'"):
            inner = text[len(mark) : -len(mark)]
            if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark) and mark not in inner:
                text = inner.strip()
                break
        else:
            return text
    return text


def spoken(value: Fraction | int) -> str:
    """A value for a message: a decimal where it ends within 12 places, else a fraction or a rounded decimal.

    >>> spoken(Fraction(2432)), spoken(Fraction(27, 2)), spoken(Fraction(1, 3)), spoken(Fraction(-390410))
    ('2,432', '13.5', '1/3', '-390,410')
    """
    value = Fraction(value)
    digits = max(value.numerator.bit_length(), value.denominator.bit_length()) * 3 // 10
    if digits > 40:
        return f"a number of about {digits} digits"
    if value.denominator == 1:
        return f"{value.numerator:,}"
    scaled = value * 10**12
    if scaled.denominator == 1:
        return rounded(value, 12).rstrip("0")
    return str(value) if value.denominator < 1000 else "about " + rounded(value, 6)


def rounded(value: Fraction, decimals: int) -> str:
    """`value` with so many decimals, halves away from zero, without thousands separators.

    >>> rounded(Fraction(343, 360) * 100, 1), rounded(Fraction(-1, 2), 0), rounded(Fraction(1, 200), 2)
    ('95.3', '-1', '0.01')
    """
    scale = 10**decimals
    units, rest = divmod(abs(value.numerator) * scale, value.denominator)
    units += 2 * rest >= value.denominator
    sign = "-" if value < 0 and units else ""
    whole, part = divmod(units, scale)
    return f"{sign}{whole}" + (f".{part:0{decimals}d}" if decimals else "")
