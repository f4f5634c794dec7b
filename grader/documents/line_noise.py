"""What of a row is not its content? Terminal codes, logger prefixes, prompts, odd characters, HTML that only styles.

The state of a terminal is kept, not its history: of a progress bar the last state that shows anything.
"""

from __future__ import annotations

import html
import re

_CODES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b]*(?:\x1b\\)?|\x1b[ -/]*[0-~]"
)
_BARE_CODES = re.compile(r"\[\d{0,3}(?:;\d{1,3})*m(?!\])")  # what is left of a code whose escape character got lost
_BACKSPACES = re.compile(r"\x08+")
_BREAKS = re.compile(r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_WIDE = re.compile("[\uff01-\uff5e\u2212]")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_ODD: dict[int, str | int | None] = dict.fromkeys([*range(9), *range(14, 32), 0x7F, *range(0x80, 0xA0)])
_ODD |= dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF])
_ODD |= dict.fromkeys([0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
_ODD |= _FULL_WIDTH
_ODD[0x2212] = "-"  # the minus sign

_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}\d{0,2}|#\d{1,7}|#x[0-9A-Fa-f]{1,6});")
_STYLE = re.compile(r"</?(?:span|pre|code|font|tt|samp)(?:\s[^<>]*)?>", re.IGNORECASE)
_LINE_END = re.compile(r"<br\s*/?>", re.IGNORECASE)
_CELL = re.compile(r"<t[dhr][\s>]|\|", re.IGNORECASE)

_LEVEL = r"(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL|NOTICE|TRACE)"
_TIME = re.compile(
    r"\[?(?:\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{2,4})[ T]\d\d?:\d\d(?::\d\d)?(?:[.,]\d{1,9})?"
    r"(?:Z|[+-]\d\d:?\d\d)?(?: ?[AP]M)?\]?(?![\d.,%])"
)
_CLOCK = re.compile(rf"\[?\d\d:\d\d:\d\d(?:[.,]\d{{1,9}})?\]?(?=[ \t]*[-|:]?[ \t]*\[?{_LEVEL}\b)")
_UP_TO_LEVEL = re.compile(
    rf"[ \t]{{0,20}}+[-|:]?[ \t]{{0,20}}+(?:[\[(]?[\w./<>-]{{1,60}}+[\])]?[ \t]{{0,20}}+[-|:]?[ \t]{{0,20}}+){{0,2}}?"
    rf"[\[(]?{_LEVEL}(?![\w.])(?:[ \t]{{0,20}}+[\])])?"
)
_AFTER_LEVEL = re.compile(
    r"[ \t]*(?:[-|:](?=[ \t]|$))?(?:[ \t]?\[?[A-Za-z_<][\w<>]*[.:_][\w.:<>]*\]?[ \t][-|:](?=[ \t]))?[ \t]?"
)
_DASH = re.compile(r"[ \t]{0,20}[-|:](?=[ \t])[ \t]?|[ \t]?")
_LEVEL_FIRST = re.compile(
    rf"{_LEVEL}:[A-Za-z_][\w.-]*:|\[{_LEVEL}[ \t]*\](?:[ \t]?[-:|])?[ \t]?|"
    r"(?:INFO|DEBUG|WARNING)[ \t]*(?:[:|][ \t]|-[ \t])"
)
_LINE_OF_ABSL = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{1,6}[ \t]+\d+ [\w./-]+:\d+\] ?")
_LINE_OF_KAGGLE = re.compile(r"\d{1,6}\.\d+s\t\d+\t")
_PROCESS = re.compile(r"\((?:\w+ )?pid=\d+(?:, ip=[\d.]+)?\) ?")
_PROMPT = re.compile(r">>> ?|In ?\[ ?\d* ?\]: ?|Out ?\[ ?\d* ?\]: ?")
_SHELL = re.compile(r"\$ (?=[a-z./][^$]*$)")
_INDENTED = re.compile(
    rf"[ \t]{{1,40}}+(?:\[?\d\d(?:\d\d)?[-/.:]\d\d|\[?{_LEVEL}\b|>>> |(?:In|Out) ?\[)"
)  # as in Markdown
_QUOTES = re.compile(r"[ \t]*[rfb]?(?:\"\"\"|''')")
_FIRST = frozenset("DIWEFCNT[(0123456789>$Orfb\"' \t")


def is_clean(row: str) -> bool:
    """True if nothing in a row needs a closer look: the answer for most rows of most reports."""
    return (
        row.isprintable()
        and (row.isascii() or not _WIDE.search(row))
        and "<" not in row
        and "&" not in row
        and "[0m" not in row
        and (
            row[:1] not in _FIRST
            or (row[:1] in " -=|" and '"""' not in row and "'''" not in row and not _INDENTED.match(row))
        )
    )


def clean_rows(row: str, *, is_code: bool = False) -> list[str]:
    r"""The row as a person sees it; several where it holds form feeds or HTML line ends.

    >>> clean_rows("2021-03-04 12:00:00,123 - INFO -   Conv2d-1")
    ['  Conv2d-1']
    >>> clean_rows("INFO:root:done\x00"), clean_rows("a&nbsp;b<br/>c"), clean_rows("１２\u200b８")
    (['done'], ['a b', 'c'], ['128'])
    """
    if is_clean(row):
        return [row.rstrip()]
    rows = [row]
    if not row.isprintable():
        rows = [_without_controls(one) for one in _BREAKS.split(row)]
    else:
        if "[0m" in row:
            rows = [_BARE_CODES.sub("", row)]
        if not row.isascii() and _WIDE.search(row):
            rows = [one.translate(_ODD) for one in rows]
    if not is_code and ("<" in row or "&" in row):
        rows = [inner for one in rows for inner in _without_styles(one)]
    return [without_prefix(one).rstrip() for one in rows]


def shows_something(text: str) -> bool:
    """True if a terminal would show anything of it: not of colour codes and blanks alone."""
    return bool(_CODES.sub("", text).strip())


def _without_controls(row: str) -> str:
    if "\u241b" in row:
        row = row.replace("\u241b", "\x1b")
    has_codes = "\x1b" in row or "\x9b" in row
    if has_codes:
        row = _CODES.sub("", row)
    if "\r" in row:
        row = next((state for state in reversed(row.split("\r")) if state.strip()), "")
    if "\x08" in row:
        row = _after_backspaces(row)
    if "[0m" in row or "[m" in row:
        row = _BARE_CODES.sub("", row)
    return row.translate(_ODD)


def _after_backspaces(row: str) -> str:
    kept: list[str] = []
    last = 0
    for found in _BACKSPACES.finditer(row):
        kept += row[last : found.start()]
        del kept[max(0, len(kept) - len(found[0])) :]
        last = found.end()
    return "".join(kept) + row[last:]


def _without_styles(row: str) -> list[str]:
    if "<" in row:
        row = _STYLE.sub("", row)
    rows = [row] if "<" not in row or _CELL.search(row) else _LINE_END.split(row)
    return [
        _ENTITY.sub(lambda found: html.unescape(found[0]), one).translate(_ODD) if "&" in one else one for one in rows
    ]


def without_prefix(row: str) -> str:
    """`row` behind the prefix of a logger or a prompt; one blank behind it goes too, an indentation stays."""
    if row[:1] not in _FIRST:
        return row
    if found := _QUOTES.match(row):
        rest = row[found.end() :].removesuffix(found[0].lstrip(" \trfb"))
        return rest if rest.strip() else ""
    end = 0
    if row[0] in " \t":
        if not _INDENTED.match(row):
            return row
        end = len(row) - len(row.lstrip())
    if found := _PROCESS.match(row):
        end = found.end()
    if found := (_TIME.match(row, end) or _CLOCK.match(row, end)):
        end = _behind_level(row, found.end())
    elif found := (_LEVEL_FIRST.match(row, end) or _LINE_OF_ABSL.match(row, end) or _LINE_OF_KAGGLE.match(row, end)):
        end = found.end()
    if found := (_PROMPT.match(row, end) or _SHELL.match(row, end)):
        end = found.end()
    return row[end:] if end and row[:end].strip() else row


def _behind_level(row: str, end: int) -> int:
    if found := _UP_TO_LEVEL.match(row, end):
        after = _AFTER_LEVEL.match(row, found.end())
        return after.end() if after else found.end()
    found = _DASH.match(row, end)
    return found.end() if found else end
