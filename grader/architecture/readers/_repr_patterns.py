"""What do the pieces of a printed model look like? Patterns of torch.nn.Module.__repr__, each linear in its line."""

from __future__ import annotations

import re

from grader.architecture.readers._repr_tree import Piece

LONGEST_LINE = 20_000  # characters of a repr on one line
PATIENCE = 4  # lines of something else that may stand between two lines of a repr
WRAPPED = 5  # lines that one module's settings may be wrapped over

DAMAGED = "it looks like a module of the print and cannot be read as one"
DEEPEST = 100  # levels of modules in modules

KEY = r"[(\[{]([^()\[\]{}\n]{1,120})[)\]}] ?: ?"
TYPE = r"([A-Za-z_]\w{0,99}(?:\.[A-Za-z_]\w{0,99}){0,6}(?: [1-3]d)?)"
MODULE = re.compile(KEY + r"(?:(\d{1,9}) ?x ?)?" + TYPE + r" ?\(")
WHOLE = re.compile(KEY + TYPE + r" ?\(([^()]*(?:\([^()]*\)[^()]*)*)\)[,;]?\s*$")
NOTHING = re.compile(KEY + r"None\b[,;]?")
TENSOR = re.compile(KEY + r"(Parameter|Tensor) containing: \[[\w.]{1,60} of size ([\dx]{0,100})[^\]]{0,60}\]")
OBJECT = re.compile(KEY + r"Object of type: \w+")
ROOT_END = re.compile(r"(?:^|(?<=[\s\"'`=:,\[(>|*]))" + TYPE + r" ?\($")
WORDS = re.compile(r"\w+ ?= ?\S|\(?\d+(?:,|$)")
ALONE = re.compile(r"([A-Z]\w{1,40})\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
ALONE_FIRST = re.compile(
    r"Linear\(in_features=\d+, out_features=\d+, bias="
    r"|Conv(?:Transpose)?[123]d\(\d+, \d+, kernel_size=\([\d, ]+\), stride=\("
)
BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
BRACKET = re.compile(r"[()]")
FRONT = " \t>#|*`\"'%"
DAMAGE = re.compile(r"\b[A-Z]\w{1,60} ?\(|kernel_size|_features=|inplace=|\w\): ")
COUNT = re.compile(r", ?(\d[\d,]{0,40}) params$", re.ASCII)  # pytorch_model_summary, behind every module
FENCE = re.compile(r"[`~]{3,}\w*|\\(?:begin|end)\{\w+\*?\}")


def is_table_row(text: str) -> bool:
    """True for a row of a Markdown table with several cells."""
    return sum(bool(cell.strip()) for cell in text.split("|")) > 1


def set_copies(piece: Piece, copies: str | None) -> None:
    """`(0-5): 6 x Block`: how many, where the key is a range of numbers."""
    first, dash, last = piece.key.partition("-")
    if copies and dash and first.isdecimal() and last.isdecimal() and len(piece.key) < 20:
        piece.copies = max(int(copies), 1)


def class_name(name: str) -> str:
    """A class without its modules: "nn.Linear" is "Linear"."""
    return name.rpartition(".")[2]


def size_words(text: str) -> str:
    """The size of a parameter, "3x4", as a setting."""
    return f"size=[{', '.join(text.split('x'))}]"


def closing_at(body: str, begin: int) -> int:
    """Where the bracket that was opened before `begin` closes, -1 if not on this line."""
    depth = 1
    for one in BRACKET.finditer(body, begin):
        depth += 1 if one[0] == "(" else -1
        if depth == 0:
            return one.start()
    return -1
