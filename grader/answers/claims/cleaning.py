r"""What does a line of a report say once its typography is gone? Markdown, HTML and LaTeX marks become plain text.

`<br>` becomes a line break inside the text. Nothing here looks at what the words mean. Each step is one pass.
"""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote

_SPACED_MARK = re.compile(r"(?<=\d) ?_([.,])_ ?(?=\d)")
_LOOSE_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_+|_+(?![A-Za-z0-9])")
_BADGE = re.compile(r"/badge/([^)\s>\"'?#]+)|[?&]label=([^&)\s\"']+)&(?:amp;)?message=([^&)\s\"']+)")
_LINK = re.compile(
    r"!?\[([^\[\]]{0,400})\]\(([^()\s]{0,2000}(?:\([^()\s]{0,200}\)[^()\s]{0,500})?)(?: \"[^\"]{0,200}\")?\)"
)
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s)>\]]+")
_PRIME = re.compile(r"(?<=\d)\s?<sup>\s*[_*]*[′'’´`]+[_*]*\s*</sup>\s?(?=\d{3})")
_BREAK = re.compile(r"<br\s*/?>|</p>|</div>|</li>|</h[1-6]>", re.IGNORECASE)
_RAISED = re.compile(r"<su[pb]>\s*([^<]{0,40})</su[pb]>")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>|<!--[^<>]{0,400}-->")
_LATEX = {
    "sim": "~", "approx": "≈", "simeq": "≈", "geq": "≥", "ge": "≥", "leq": "≤", "le": "≤", "gt": ">", "lt": "<",
    "times": "×", "cdot": "·", "pm": "±", "to": "→", "rightarrow": "→", "Rightarrow": "→", "item": "- ",
    "quad": "  ", "qquad": "  ", "percent": "%", "newline": "\n",
}  # fmt: skip
_COMMAND = re.compile(r"\\([A-Za-z]+)\*?|\\([%#&_$ ,;:!{}\\])")
_SIGNS = str.maketrans(
    {"−": "-", "‐": "-", "‑": "-", "﹣": "-", "∼": "~", "˜": "~", "≃": "≈", "≅": "≈", "⩾": "≥", "⩽": "≤", "≧": "≥",
     "≦": "≤", "’": "'", "′": "'", "´": "'", "ʼ": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "➜": "→", "➔": "→",
     "⇒": "→", "∗": "*", "％": "%", "：": ":", "，": ", ", "＝": "=", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
     "\u2007": " ", "\u200b": "", "\u00ad": "", "\ufeff": "", "\u2060": "", "\x0c": ""}
)  # fmt: skip
_MARKS = re.compile(r"\*\*+|~~|`+|(?<![A-Za-z0-9 ])\*(?=\S)|(?<=\S)\*(?![A-Za-z0-9 ])")


def clean(text: str) -> str:
    r"""`text` without emphasis, links, tags and LaTeX commands; badges become "label: message".

    >>> clean("- Train Loss: 0 _._ 8677"), clean("Therefore **131<sup>_′_</sup> 136** parameters")
    ('- Train Loss: 0.8677', "Therefore 131'136 parameters")
    >>> clean(r"I achieved  $\sim 97\%$ test_accuracy"), clean("a<br>b")
    ('I achieved  ~ 97% test_accuracy', 'a\nb')
    >>> clean("![Accuracy](https://example/badge/accuracy-99.65%25-brightgreen.svg)").strip()
    'accuracy: 99.65%'
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.replace("´", "'")) if any(c in text for c in "ﬁﬂﬀﬃﬄ") else text
        text = text.translate(_SIGNS)
    if "](" in text:
        text = _LINK.sub(_of_link, text)
    if "<" in text:
        text = _PRIME.sub("'", text)
        text = _BREAK.sub("\n", text)
        if "/badge/" in text:
            text = _TAG.sub(lambda tag: _badge(tag[0]), text)
        text = _RAISED.sub(lambda found: f"^{found[1].strip(' _')} ", text)
        text = _TAG.sub("", text)
    if "//" in text or "www." in text:
        text = _ADDRESS.sub(" ", text)
    if "&" in text:
        text = html.unescape(text)
    if "\\" in text:
        text = _COMMAND.sub(_of_command, text)
    if "$" in text or "{" in text:
        text = text.replace("{,}", ",").replace("$", "").replace("{", " ").replace("}", " ")
    if "_" in text:
        text = _SPACED_MARK.sub(r"\1", text)
        text = _LOOSE_UNDERSCORE.sub("", text)
    return _MARKS.sub("", text) if "*" in text or "`" in text or "~~" in text else text


def _of_link(found: re.Match[str]) -> str:
    return _badge(found[2]) or f" {found[1]} "


def _badge(address: str) -> str:
    """What a badge's address says, such as "accuracy: 99.65%", or nothing."""
    found = _BADGE.search(address)
    if not found:
        return ""
    if found[2]:
        return f" {unquote(found[2])}: {unquote(found[3])} ".replace("+", " ")
    parts = found[1].replace("--", "\0").rsplit("-", 2)
    if len(parts) < 3:
        return ""
    label, message, _ = (unquote(part).replace("\0", "-").replace("_", " ") for part in parts)
    return f" {label}: {message} "


def _of_command(found: re.Match[str]) -> str:
    name, symbol = found[1], found[2]
    if name is None:
        return {" ": " ", ",": " ", "!": "", ";": " ", ":": " ", "\\": "\n"}.get(symbol, symbol)
    return _LATEX.get(name, " ")
