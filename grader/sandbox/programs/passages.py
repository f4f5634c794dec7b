"""Which passages does a text or a program have, so that a copy is known by them though names and layout are new?

Words or tokens in a row of `k` are hashed; of every `window` neighbours the smallest hash is kept, with its line: any
passage of window + k - 1 tokens that two texts share leaves a mark in both (Schleimer, Wilkerson and Aiken, Winnowing:
local algorithms for document fingerprinting, 2003). Nothing is parsed, so that a program that does not run has its
marks too, and next year's Python finds the same ones.
"""

from __future__ import annotations

import builtins
import hashlib
import keyword
import re
from collections.abc import Sequence

Token = tuple[str, int]  # what it is, and its line, from 1
Mark = tuple[int, int]  # hash, and the line where its passage begins

CODE = (14, 6)  # tokens in a row, neighbours of which one is kept
TEXT = (5, 3)  # words
LEAST_WORDS = 3  # different names and keywords in a passage of code: a list of numbers is like any other
MOST_MARKS = 4_000  # of one file
_LEXICAL = re.compile(
    r"(?P<comment>#[^\n]*+)"
    r"|(?P<string>[rRbBuUfF]{0,2}+(?:'''(?:[^\\']|\\.|'(?!''))*+(?:'''|\Z)|\"\"\"(?:[^\\\"]|\\.|\"(?!\"\"))*+(?:\"\"\"|\Z)"
    r"|'(?:[^\\'\n]|\\.)*+'?|\"(?:[^\\\"\n]|\\.)*+\"?))"
    r"|(?P<number>\.?\d(?:[eE][+-]|[\w.])*+)"
    r"|(?P<name>[^\W\d]\w*+)"
    r"|(?P<newline>\n)"
    r"|(?P<joined>\\\n)"
    r"|(?P<sign>[-+*/%@&|^<>=!:]=|//|\*\*|->|[^\s\w])",
    re.DOTALL,
)
_KNOWN = frozenset((*keyword.kwlist, *dir(builtins), "self"))
_SEEDED = re.compile(
    r"(?:manual_seed(?:_all)?|seed|set_seed|seed_everything|RandomState|default_rng)\(\s*(\d{1,12})\s*\)"
)
_MOST_SEEDS = 20


def code_marks(source: str) -> list[Mark]:
    """The marks of a program in Python."""
    return winnowed(code_tokens(source), *CODE, least_words=LEAST_WORDS)


def text_marks(text: str) -> list[Mark]:
    """The marks of prose: case, punctuation and line ends do not matter."""
    return winnowed(text_tokens(text), *TEXT)


def text_tokens(text: str) -> list[Token]:
    r"""The words of a text with their lines.

    >>> text_tokens("It depends.\nOn what?")
    [('it', 1), ('depends', 1), ('on', 2), ('what', 2)]
    """
    lines = enumerate(text.split("\n"), 1)
    return [(word, number) for number, line in lines for word in re.findall(r"\w+", line.casefold())]


def seeds_in(source: str) -> list[int]:
    """The numbers that a program sets as seeds of chance, each once.

    >>> seeds_in("torch.manual_seed(42); np.random.seed( 7 )")
    [7, 42]
    """
    return sorted({int(number) for number in _SEEDED.findall(source)})[:_MOST_SEEDS]


def code_tokens(source: str) -> list[Token]:
    r"""The tokens of a program with their lines, without what a copy can change at no cost.

    Left out are comments, docstrings, imports, commas before a closing bracket and layout. A name that the program
    gives itself is `v`, a number `0`, a text `s`; names of libraries stay, under an alias too.

    >>> one = code_tokens("import torch.nn as nn\ndef net(width):  # mine\n    return nn.Linear(width, 10)")
    >>> other = code_tokens("from torch import nn as x\ndef f(\n a,\n):\n  'Doc.'\n  return x.Linear(a,\n 5)")
    >>> [word for word, _ in one] == [word for word, _ in other]
    True
    >>> " ".join(word for word, _ in one)
    'def v ( v ) : return nn . Linear ( v , 0 )'
    """
    kept, aliases = _without_imports(_lexed(source))
    own = _own_names(kept)
    made: list[Token] = []
    depth = 0
    for at, (kind, word, line) in enumerate(kept):
        if kind == "newline":
            continue
        before = kept[at - 1][1] if at else "\n"
        after = kept[at + 1][1] if at + 1 < len(kept) else "\n"
        depth += (word in "([{") - (word in ")]}") if kind == "sign" else 0
        if kind == "string":
            if before == "\n" and after == "\n":
                continue
            made.append(("s", line))
        elif kind == "number":
            made.append(("0", line))
        elif kind == "sign":
            if word in ")]}" and made and made[-1][0] == ",":
                made.pop()
            if word != ";":
                made.append((word, line))
        elif word in aliases and before != ".":
            made.append((aliases[word], line))
        elif (word in _KNOWN and before != ".") or (word not in own and (before == "." or (depth and after == "="))):
            made.append((word, line))
        else:
            made.append(("v", line))
    return made


_Lexeme = tuple[str, str, int]  # kind, text, line


def _lexed(source: str) -> list[_Lexeme]:
    """The lexemes; line ends within brackets and after a backslash are none, and several are one."""
    made: list[_Lexeme] = []
    line, depth = 1, 0
    for found in _LEXICAL.finditer(source.replace("\r\n", "\n").replace("\r", "\n")):
        kind, word = found.lastgroup or "", found[0]
        if kind == "sign":
            depth = max(0, depth + (word in "([{") - (word in ")]}"))
        is_kept = kind not in ("comment", "joined")
        if kind == "newline":
            is_kept = depth == 0 and (not made or made[-1][0] != "newline")
        if is_kept:
            made.append((kind, word, line))
        line += word.count("\n")
    return made


def _without_imports(lexemes: Sequence[_Lexeme]) -> tuple[list[_Lexeme], dict[str, str]]:
    """The lexemes without import statements, and what each imported name really is."""
    kept: list[_Lexeme] = []
    aliases: dict[str, str] = {}
    statement: list[_Lexeme] = []
    for lexeme in (*lexemes, ("newline", "\n", 0)):
        statement.append(lexeme)
        if lexeme[0] != "newline" and lexeme[1] != ";":
            continue
        words = [word for _, word, _ in statement]
        if words[0] in ("import", "from") and "import" in words:
            _note_imports(words[words.index("import") + 1 :], aliases)
        else:
            kept += statement
        statement = []
    return kept, aliases


def _note_imports(words: Sequence[str], aliases: dict[str, str]) -> None:
    real, name = "", ""
    is_alias = False
    for word in (*words, ","):
        if word in (",", "\n", ";"):
            if name:
                aliases[name] = real
            real, name, is_alias = "", "", False
        elif word == "as":
            is_alias = True
        elif word.isidentifier():
            name = word
            real = real if is_alias else word


def _own_names(lexemes: Sequence[_Lexeme]) -> set[str]:
    """Names of functions, classes, parameters and attributes of the program's own objects."""
    own: set[str] = set()
    depth_of_parameters = depth = 0
    for at, (kind, word, _) in enumerate(lexemes):
        before = lexemes[at - 1][1] if at else ""
        if kind == "sign" and word in "([{":
            depth += 1
            if at > 1 and lexemes[at - 2][1] == "def":
                depth_of_parameters = depth
        elif kind == "sign" and word in ")]}":
            if depth == depth_of_parameters:
                depth_of_parameters = 0
            depth = max(0, depth - 1)
        elif kind == "name":
            is_parameter = depth_of_parameters and depth == depth_of_parameters and before in ("(", ",", "*", "**")
            is_attribute = before == "." and at > 1 and lexemes[at - 2][1] == "self"
            if before in ("def", "class") or is_parameter or is_attribute:
                own.add(word)
    return own - {"self", "forward", "__init__"}


def winnowed(tokens: Sequence[Token], k: int, window: int, *, least_words: int = 1) -> list[Mark]:
    """Of every `window` hashes of `k` tokens the smallest, the last one of equals; each once, at its first line.

    Passages with fewer different words than `least_words` have no hash.
    """
    words = [word for word, _ in tokens]
    tells = [word.isidentifier() and word not in ("v", "s") for word in words]
    starts: Sequence[int] = range(len(words) - k + 1)
    if least_words > 1:
        starts = [at for at in starts if len({words[i] for i in range(at, at + k) if tells[i]}) >= least_words]
    hashes = [_hash("\0".join(words[at : at + k])) for at in starts]
    made: dict[int, int] = {}
    for start in range(max(1, len(hashes) - window + 1) if hashes else 0):
        part = hashes[start : start + window]
        smallest = min(part)
        at = start + len(part) - 1 - part[::-1].index(smallest)
        made.setdefault(smallest, tokens[starts[at]][1])
        if len(made) >= MOST_MARKS:
            break
    return list(made.items())


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big")
