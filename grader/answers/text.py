"""What does a written answer contain? Its length, and the words and phrases that are there; never what it is worth.

Words are compared without regard to case, Unicode form, hyphens and spaces: "Max-Pooling", "max pooling" and
"maxpooling" are one phrase. Only whole words count: "norm" is not in "normally".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cached_property

from grader.answers.answer_error import described, refuse
from grader.frozen import dataclass
from grader.model import Json, Place

MAX_LENGTH = 100_000
FIX = "write the answer as text"
_HYPHENS = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))


@dataclass(frozen=True)
class Text:
    """A written answer."""

    written: str

    @property
    def character_count(self) -> int:
        """Characters, without white space around and with white space between counted once."""
        return len(" ".join(self.written.split()))

    @property
    def word_count(self) -> int:
        """Runs between white space that hold a letter or a digit: "max-pooling" counts once."""
        return sum(1 for word in self.written.split() if any(char.isalnum() for char in word))

    @cached_property
    def _words(self) -> tuple[str, ...]:
        return words(self.written)

    def has(self, phrase: str) -> bool:
        """Does the phrase stand in the text, as whole words?

        >>> text = Text("Max-Pooling lowers the sensitivity to translation.")
        >>> text.has("max pooling"), text.has("maxpooling"), text.has("max"), text.has("trans")
        (True, True, True, False)
        """
        wanted = "".join(words(phrase))
        if not wanted:
            return True
        found = self._words
        for start in range(len(found)):
            run, at = found[start], start + 1
            while len(run) < len(wanted) and wanted.startswith(run) and at < len(found):
                run, at = run + found[at], at + 1
            if run == wanted:
                return True
        return False

    def missing(self, phrases: Iterable[str]) -> tuple[str, ...]:
        """Those of `phrases` that do not stand in the text.

        >>> Text("batch normalisation").missing(["dropout", "batch"])
        ('dropout',)
        """
        return tuple(phrase for phrase in phrases if not self.has(phrase))


def parse_text(value: Json, place: Place) -> Text:
    """Read text, or AnswerError. A list of texts counts as its parts on lines of their own.

    >>> parse_text(["first", "second"], Place("answers.json", "/answers/1b")).word_count
    2
    """
    if isinstance(value, dict) and isinstance(value.get("value"), (str, list)):
        return parse_text(value["value"], place.child("value"))
    if isinstance(value, list):
        for index, part in enumerate(value):
            if not isinstance(part, str):
                refuse(place.child(index), f"{described(part)} is not text", FIX, code="not-text")
        value = "\n".join(value)
    if not isinstance(value, str):
        refuse(place, f"{described(value)} is not text", FIX, code="not-text")
    if len(value) > MAX_LENGTH:
        what = f"a text of {len(value):,} characters"
        refuse(place, what, f"write at most {MAX_LENGTH:,} characters", code="too-long")
    return Text(value)


def words(text: str) -> tuple[str, ...]:
    """The words of a text in one form: folded case, composed Unicode, hyphens as spaces, no punctuation but in numbers.

    >>> words("The “Max-Pooling” layer’s ﬁlter: −1.5")
    ('the', 'max', 'pooling', 'layers', 'filter', '-1.5')
    """
    text = unicodedata.normalize("NFKC", text.translate(_ZERO_WIDTH)).casefold()
    text = unicodedata.normalize("NFKC", text).translate(_HYPHENS)  # folding can undo the composition
    return tuple("".join(_in_word(text, at) for at in range(len(text))).split())


def _in_word(text: str, at: int) -> str:
    """What the character at `at` is within a word: itself, nothing, or a space between words."""
    char = text[at]
    if char.isalnum() or unicodedata.category(char) == "Mn":
        return char
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    is_in_number = char in ".," and before.isdigit() and after.isdigit()
    is_sign = char == "-" and after.isdigit() and not before.isalnum()
    if is_in_number or is_sign:
        return char
    return "" if char in "'’`" else " "
