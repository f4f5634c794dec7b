"""Which names may a handed-in file have, which are left out, and what is a hand-in called?

A name is stored as it came and shown escaped (`shown`). It is refused where two systems would take it for
different files: the teacher and the grader must see the same bytes under the same name.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from grader.documents import shown
from grader.documents.wording import clean
from grader.intake.limits import IntakeLimits
from grader.model import Problem

SHOWN_LENGTH = 120

# Made by tools, never by hand. Left out without a word, and counted.
LEFT_OUT = frozenset({
    ".git", ".svn", ".hg", "__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".mypy_cache", ".ruff_cache",
    ".venv", ".idea", ".vscode", ".DS_Store", "__MACOSX", ".Spotlight-V100", ".Trashes", "Thumbs.db", "desktop.ini",
    "Icon\r",  # a Mac's picture for a folder: the line end is part of the name
})  # fmt: skip
LEFT_OUT_PATTERNS = (
    "._*",
    "?*~",
    ".*.sw[op]",
    ".#*",
    "#*#",
    "~$*",
)  # Mac resource forks; editors' and Office's backups

_EDGES = ".#~"

# What a machine runs without anybody having read it. Source is handed in, not this.
COMPILED = frozenset({
    ".pyc", ".pyo", ".pyd", ".so", ".dll", ".dylib", ".exe", ".o", ".obj", ".a", ".lib", ".class", ".jar", ".egg",
    ".whl",
})  # fmt: skip

_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"}
    | {f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"}
)

# What leads out of the folder or hides what it is: refused even in what is left out anyway.
_HOSTILE = frozenset({"name-parent", "name-absolute", "name-drive", "name-backslash", "name-control"})


class Flaw(NamedTuple):
    """A problem that does not yet know where it is."""

    code: str
    what: str
    fix: str

    def at(self, where: str) -> Problem:
        return Problem(self.code, where, self.what, self.fix)


def place_of(source: str, entry: str) -> str:
    r"""Where an entry stands, for a message: what was handed in and the entry, quoted and escaped.

    >>> print(place_of("hw.zip", "a\x1b[2Jb"))
    hw.zip "a\u001b[2Jb"
    """
    return f"{clean(source, 60)} {shown(entry, SHOWN_LENGTH)}"


def first_few(problems: Iterable[Problem], source: str, most: int) -> tuple[Problem, ...]:
    """The first `most` problems, and one that counts the others."""
    found = tuple(dict.fromkeys(problems))
    if len(found) <= most:
        return found
    left = len(found) - most
    said = f"{left:,} more {'entry has a problem' if left == 1 else 'entries have problems'}"
    return (*found[:most], Problem("more-problems", clean(source, 60), said, "mend those above first"))


def is_left_out(part: str) -> bool:
    """Whether a file or folder of this name is left out.

    >>> [is_left_out(part) for part in (".git", "model.py~", "._model.py", "model.py", ".gitignore")]
    [True, True, True, False, False]
    """
    if part in LEFT_OUT:
        return True
    # Every pattern starts with one of these or ends with a tilde; most names do neither.
    may_match = part[:1] in _EDGES or part[-1:] == "~"
    return may_match and any(fnmatchcase(part, pattern) for pattern in LEFT_OUT_PATTERNS)


def hostile_flaws(path: str, limits: IntakeLimits) -> Iterator[Flaw]:
    """What is wrong with the path of an entry that is left out, and never unpacked, whatever it is called."""
    rest = "/".join("x" if part in LEFT_OUT else part for part in path.split("/"))
    return (flaw for flaw in name_flaws(rest, limits) if flaw.code in _HOSTILE)


def compiled_flaw(path: str) -> Flaw | None:
    """Why this file is not taken although it is harmless to store: it is compiled.

    >>> compiled_flaw("model.cpython-311-x86_64-linux-gnu.so").what, compiled_flaw("model.pth")
    ('a compiled file, which nobody can read; it was left out', None)
    """
    name = path.rsplit("/", 1)[-1].casefold()
    suffixes = name.split(".")[1:]
    while suffixes and suffixes[-1].isdecimal():  # libm.so.6
        suffixes.pop()
    if not suffixes or f".{suffixes[-1]}" not in COMPILED:
        return None
    return Flaw(
        "compiled-file",
        "a compiled file, which nobody can read; it was left out",
        "hand in the source it was made from",
    )


def name_flaws(path: str, limits: IntakeLimits) -> Iterator[Flaw]:
    """Everything that is wrong with a path whose parts are divided by `/`.

    >>> [flaw.code for flaw in name_flaws("../labels.npy", IntakeLimits())]
    ['name-parent']
    """
    if path.startswith("/"):
        yield Flaw(
            "name-absolute", "the name starts at the top of the disk", "zip the folder itself, not its full path"
        )
    if len(path) > 1 and path[1] == ":" and path[0].isascii() and path[0].isalpha():
        yield Flaw("name-drive", f"the name starts with the drive letter {path[:2]}", "zip the folder itself")
    if "\\" in path:
        yield Flaw(
            "name-backslash",
            "the name has a backslash, which some systems take for a folder",
            "rename it; if Compress-Archive of an old PowerShell made the zip, make it in the Explorer instead",
        )
    control = next((char for char in path if unicodedata.category(char) == "Cc"), "") if not path.isprintable() else ""
    if control:
        yield Flaw("name-control", f"the name has the control character U+{ord(control):04X}", "rename it")
    if not path.isprintable() and any("\ud800" <= char <= "\udfff" for char in path):
        yield Flaw("name-not-utf8", "the name is not UTF-8", "rename it")
    if len(path.encode("utf-8", "surrogatepass")) > limits.max_path_bytes:
        yield Flaw("name-too-long", f"the path is longer than {limits.max_path_bytes:,} bytes", "shorten its names")
    levels = path.removeprefix("/").count("/") + 1
    if levels > limits.max_depth:
        yield Flaw(
            "name-too-deep", f"it lies {levels:,} levels deep, over {limits.max_depth}", "nest folders less deeply"
        )
    # A name may be 64 kB long and all slashes: of what is too long anyway, only whole parts of the start are looked at.
    parts = path.removeprefix("/")[: limits.max_path_bytes + 1].split("/")
    if len(path) > limits.max_path_bytes:
        parts.pop()
    yield from dict.fromkeys(flaw for part in parts for flaw in _part_flaws(part, limits))


def _part_flaws(part: str, limits: IntakeLimits) -> Iterator[Flaw]:
    if part == "..":
        yield Flaw("name-parent", "the name leads out of the folder by ..", "zip the folder itself")
    elif part in ("", "."):
        yield Flaw("name-empty", "a part of the name is empty or a single dot", "zip the folder itself")
    elif part[-1] in ". ":
        yield Flaw(
            "name-trailing", f"{shown(part, 40)} ends with a {'dot' if part[-1] == '.' else 'space'}", "rename it"
        )
    if len(part.encode("utf-8", "surrogatepass")) > limits.max_part_bytes:
        yield Flaw("name-too-long", f"a name is longer than {limits.max_part_bytes} bytes", "shorten it")
    if _is_device(part):
        yield Flaw("name-device", f"{shown(part, 40)} is the name of a device on Windows", "rename it")


def _is_device(part: str) -> bool:
    return part.split(".", 1)[0].rstrip(" ").casefold() in _DEVICES


def same_key(name: str) -> str:
    r"""Equal for names that some file system takes for one: another case, another way to write an accent.

    >>> same_key("Model.py") == same_key("model.PY"), same_key("\u00fc") == same_key("u\u0308")
    (True, True)
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def twin_flaw(other: str) -> Flaw:
    """The flaw of a name that some systems take for `other`."""
    return Flaw(
        "name-twin",
        f"many systems take it for {shown(other, SHOWN_LENGTH)}: only case or the spelling of an accent differs",
        "rename or remove one of the two",
    )


class Shelf:
    """The paths of an archive so far. Tells of the one that takes the place of another."""

    def __init__(self) -> None:
        self._spelled: dict[str, str] = {}  # by same_key: how each file and folder is spelled
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._told: set[str] = set()

    def put(self, path: str, *, is_file: bool) -> Flaw | None:
        """Put a path (without a slash at its end) beside the others; the flaw, if its place is taken."""
        ends = [at for at, char in enumerate(path) if char == "/"]
        above = [path[:end] for end in ends]
        for here in (*above, path):
            other = self._spelled.setdefault(same_key(here), here)
            if other != here:
                is_told = here in self._told  # once for a folder, not for everything in it
                self._told.add(here)
                return None if is_told else twin_flaw(other)
        file_above = next((here for here in above if here in self._files), None)
        if file_above is not None:
            said = f"{shown(file_above, 60)} is a file, so nothing can lie in it"
            return Flaw("name-clash", said, "rename one of the two")
        self._folders.update(above)
        if path in (self._folders if is_file else self._files):
            return Flaw("name-clash", "the same name is a file and a folder", "rename one of the two")
        if is_file and path in self._files:
            return Flaw("name-twice", "the same name stands twice in the archive", "make the zip anew")
        (self._files if is_file else self._folders).add(path)
        return None


def submission_id(source: Path) -> str:
    r"""What a hand-in is called: the name of its folder or archive, safe to show and to name a file with.

    Everything that is not plain is percent-escaped, so that different names stay different.

    >>> submission_id(Path("in/Ada Lovelace_17.zip")), submission_id(Path("in/week.1")), submission_id(Path("/"))
    ('Ada Lovelace_17', 'week.1', 'submission')
    >>> submission_id(Path("a\x1b\u202eb")), submission_id(Path(".." + chr(92) + "x")), submission_id(Path("nul"))
    ('a%1B%E2%80%AEb', '%2E.%5Cx', '%6Eul')
    """
    name = source.name
    stem = name[:-4] if name.casefold().endswith(".zip") and len(name) > 4 else name
    if not stem:
        return "submission"
    last = len(stem) - 1
    made = "".join(
        _percent(char)
        if char in '<>:"/\\|?*%'
        or not char.isprintable()
        or (at == 0 and (char in ".- " or _is_device(stem)))
        or (at == last and char in ". ")
        else char
        for at, char in enumerate(stem)
    )
    if len(made.encode()) <= _MAX_ID_BYTES:
        return made
    mark = hashlib.sha256(made.encode()).hexdigest()[:12]
    return made.encode()[: _MAX_ID_BYTES - 13].decode(errors="ignore").rstrip(". ") + "~" + mark


_MAX_ID_BYTES = 150  # leaves room for a suffix within the 255 bytes of a file name


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
