"""What is left of a text where nobody may know whose it is? All but names, ids and addresses of its students.

A veil covers every text that a page says of a hand-in, the names of its files and what stands in them: it is laid on
where values come into the page, so that no template can forget it. Pictures are not read, and what is downloaded is
as it was handed in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from grader.frozen import dataclass

COVER = "▮▮▮"
_SHORTEST = 3  # letters: shorter parts of names are words of many sentences
_SHORTEST_NUMBER = 5  # digits: shorter ids are numbers of many reports
# Words of every report on this subject, which tell nobody; "Adam Smith" is covered all the same.
_OF_THE_FIELD = frozenset(("adam", "max", "min", "mean", "ray", "norm", "art", "gauss", "bayes", "xavier", "nesterov"))
_JOINTS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Veil:
    """What is covered, as one pattern; None where there is nothing to cover."""

    pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, told: Iterable[str]) -> Veil:
        """A veil over these names, ids, addresses and names of folders, and over their parts.

        >>> veil = Veil.of(["Ada Lovelace", "s123456", "ada.l@example.org"])
        >>> veil.over("report_LOVELACE_s123456.md by ada: adapted from a@example.org")
        'report_▮▮▮_▮▮▮.md by ▮▮▮: adapted from a@example.org'
        """
        words = sorted({form for text in told for form in _forms(text)}, key=len, reverse=True)
        if not words:
            return cls(None)
        # Letters and digits on both sides belong to another word; _ and - join a name to a file's other words.
        return cls(re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, words))})(?![^\W_])", re.IGNORECASE))

    def over(self, text: str) -> str:
        """The text with all of it covered."""
        return self.pattern.sub(COVER, text) if self.pattern is not None else text


def _forms(text: str) -> Iterator[str]:
    """The text and its parts, composed and decomposed, with and without accents: as somebody writes their own name."""
    text = text.strip()
    if "@" in text:
        yield text
        text = text.partition("@")[0]  # what stands behind it is a school's
    for part in {text, _JOINTS.sub(" ", text).strip(), _JOINTS.sub("", text), *_JOINTS.split(text)}:
        if not _is_telling(part):
            continue
        yield from {unicodedata.normalize(form, part) for form in ("NFC", "NFD")}
        plain = "".join(char for char in unicodedata.normalize("NFD", part) if not unicodedata.combining(char))
        if _is_telling(plain):
            yield plain


def _is_telling(part: str) -> bool:
    if part.casefold() in _OF_THE_FIELD:
        return False
    if part.isdigit():
        return len(part) >= _SHORTEST_NUMBER
    is_script_of_words = all(ord(char) < 0x2E80 for char in part)  # 王 is a whole name
    return len(part) >= (_SHORTEST if is_script_of_words else 1) and bool(part.strip())
