"""What of a stranger's text may be shown? What prints; the rest as escapes, and only the tail of a flood."""

from __future__ import annotations

from collections import deque

from grader.model import Json

TAB_WIDTH = 4


def harmless(text: str, *, limit: int = 2000) -> str:
    r"""`text` cut to `limit` characters, everything that does not print escaped; line ends stay.

    >>> harmless("a\x1b[31mb\u202ec\r\nd")
    'a\\x1b[31mb\\u202ec\nd'
    """
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    lines = cut.replace("\r\n", "\n").expandtabs(TAB_WIDTH).split("\n")
    return "\n".join(line if line.isprintable() else "".join(map(_escaped, line)) for line in lines)


def one_line(text: str, *, limit: int = 300) -> str:
    r"""`text` on one line, for a sentence.

    >>> one_line("Error:\n  shapes differ\n")
    'Error: shapes differ'
    """
    return harmless(" ".join(text[: 4 * limit].split()), limit=limit)


def _escaped(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")


def harmless_values(value: Json) -> Json:
    r"""Plain JSON with every string and key in it harmless.

    >>> harmless_values({"layers": [{"name": "a\x07", "depth": 1}]})
    {'layers': [{'name': 'a\\x07', 'depth': 1}]}
    """
    if isinstance(value, str):
        return value if value.isprintable() else harmless(value, limit=len(value))
    if isinstance(value, dict):
        return {harmless_values(key): harmless_values(item) for key, item in value.items()}
    if isinstance(value, list):
        return [harmless_values(item) for item in value]
    return value


class Tail:
    """The last `most` bytes of a stream, however long it is."""

    def __init__(self, most: int) -> None:
        self.is_cut = False
        self._most = most
        self._blocks: deque[bytes] = deque()
        self._size = 0

    def add(self, block: bytes) -> None:
        if not block:
            return
        self._blocks.append(block)
        self._size += len(block)
        while self._size - len(self._blocks[0]) >= self._most:
            self._size -= len(self._blocks.popleft())
            self.is_cut = True

    def text(self) -> str:
        kept = b"".join(self._blocks)
        if len(kept) > self._most:
            self.is_cut = True
            kept = kept[len(kept) - self._most :]
        text = kept.decode("utf-8", "backslashreplace")
        return harmless(text, limit=len(text))
