"""How is YAML from a stranger read? As plain values with their lines, by the core schema of YAML 1.2.

What a teacher does not mean is refused or not there: no tags, anchors, aliases or second documents; `yes`, `on`,
`12:30` and `2024-05-01` are text, as they look; `1e-4` is a number, which YAML 1.1 takes for text.
"""

from __future__ import annotations

import math
import re
from dataclasses import field
from typing import Any

from grader.documents.text import MAX_DEPTH, MAX_DIGITS, MAX_PROBLEMS, Document, DocumentError, Path_, broken
from grader.documents.wording import clean, shown
from grader.frozen import dataclass
from grader.model import Json, Place, Problem


def parse_yaml(text: str, *, name: str) -> Document:
    r"""Parse YAML of plain values only, with the line of each, or raise DocumentError with every flaw.

    >>> document = parse_yaml("tasks:\n- id: a\n- id: b\n", name="rubric.yaml")
    >>> document.value, str(document.place(["tasks", 1, "id"]))
    ({'tasks': [{'id': 'a'}, {'id': 'b'}]}, 'rubric.yaml:3 /tasks/1/id')
    """
    import yaml

    loader_class: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder(name)
    handlers = {
        yaml.ScalarEvent: builder.scalar,
        yaml.MappingStartEvent: builder.mapping,
        yaml.SequenceStartEvent: builder.sequence,
        yaml.MappingEndEvent: builder.end,
        yaml.SequenceEndEvent: builder.end,
        yaml.AliasEvent: builder.alias,
        yaml.DocumentStartEvent: builder.document,
    }
    try:
        for event in yaml.parse(text, Loader=loader_class):
            handle = handlers.get(type(event))
            if handle is not None:
                handle(event)
    except yaml.YAMLError as error:
        raise DocumentError((*builder.problems, _not_yaml(text, error, name))) from error
    except (RecursionError, ValueError) as error:  # the parser written in Python, on odd text
        raise broken(
            "bad-yaml", name, f"not valid YAML: {clean(str(error), 80)}", "check for odd characters and deep nesting"
        ) from error
    if builder.problems:
        raise DocumentError(builder.problems)
    builder.lines.setdefault((), 1)  # a file without a value still has a place
    return Document(name, builder.value, builder.lines)


@dataclass
class _Open:
    """A mapping or list that is being read. `key` is the next value's, None where a key is expected."""

    made: Any
    path: Path_
    key: str | None = None
    is_key: bool = False  # a list or mapping in the place of a key: read over, not kept


@dataclass
class _Builder:
    """Turns the parser's events into values, without recursion, and gathers what is not allowed."""

    name: str
    value: Json = None
    lines: dict[Path_, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    documents: int = 0

    def scalar(self, event: Any) -> None:
        top = self.stack[-1] if self.stack else None
        if top is not None and top.key is None and isinstance(top.made, dict):
            self._refuse_marks(event, (*top.path, event.value))
            self._key(top, event)
            return
        path = self._path(top)
        self._refuse_marks(event, path)
        is_plain = event.tag is None and event.implicit[0]
        self._add(top, path, event, self._plain(event.value, path, event) if is_plain else event.value)

    def mapping(self, event: Any) -> None:
        self._open({}, event)

    def sequence(self, event: Any) -> None:
        self._open([], event)

    def alias(self, event: Any) -> None:
        top = self.stack[-1] if self.stack else None
        path = self._path(top)
        self._flaw("yaml-alias", path, event, "an alias (*) is not read", "write the value out")
        if top is not None and top.key is None and isinstance(top.made, dict):
            top.key = ""
        else:
            self._add(top, path, event, None)

    def end(self, _event: Any) -> None:
        closed = self.stack.pop()
        if closed.is_key and self.stack:
            self.stack[-1].key = ""

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            line = event.start_mark.line + 1
            raise broken(
                "bad-yaml", f"{self.name}:{line}", "a second document starts here (---)", "keep one document in a file"
            )

    def _open(self, made: Json, event: Any) -> None:
        top = self.stack[-1] if self.stack else None
        is_key = top is not None and top.key is None and isinstance(top.made, dict)
        path = self._path(top)
        if len(self.stack) >= MAX_DEPTH:
            raise broken(
                "too-deep",
                f"{self.name}:{event.start_mark.line + 1}",
                f"nested deeper than {MAX_DEPTH} levels",
                f"nest at most {MAX_DEPTH} levels",
            )
        self._refuse_marks(event, path)
        if is_key:
            self._flaw("bad-key", path, event, "a key that is not a plain word", "use a word or a number as the key")
        else:
            self._add(top, path, event, made)
        self.stack.append(_Open(made, path, is_key=is_key))

    def _path(self, top: _Open | None) -> Path_:
        if top is None:
            return ()
        if isinstance(top.made, list):
            return (*top.path, len(top.made))
        return top.path if top.key is None else (*top.path, top.key)

    def _key(self, top: _Open, event: Any) -> None:
        top.key = event.value
        path = (*top.path, event.value)
        if event.value in top.made:
            self._flaw(
                "duplicate-key", path, event, f"the key {shown(event.value)} stands twice", "keep one of the two"
            )
        else:
            self.lines[path] = event.start_mark.line + 1

    def _add(self, top: _Open | None, path: Path_, event: Any, value: Json) -> None:
        self.lines.setdefault(path, event.start_mark.line + 1)
        if top is None:
            self.value = value
        elif isinstance(top.made, list):
            top.made.append(value)
        else:
            top.made[top.key] = value
            top.key = None

    def _refuse_marks(self, event: Any, path: Path_) -> None:
        if event.anchor is not None:
            self._flaw("yaml-alias", path, event, "an anchor (&) is not read", "write the value out where it is needed")
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._flaw("yaml-tag", path, event, f"the tag {clean(tag, 60)} is not read", "write a plain value")

    def _plain(self, word: str, path: Path_, event: Any) -> Json:
        """A word without quotes: null, true, false, a number, or else text."""
        if word in _WORDS:
            return _WORDS[word]
        if word[0] not in "+-.0123456789":
            return word
        if re.fullmatch(r"[-+]?0[0-9]+", word):
            self._flaw(
                "leading-zero",
                path,
                event,
                f"{clean(word, 40)} starts with a zero",
                f'put it in quotes if it is text ("{clean(word, 40)}"), or drop the zero',
            )
            return word
        if not re.fullmatch(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", word):
            if re.fullmatch(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", word):
                self._flaw("not-finite", path, event, f"{word} is not a finite number", "write a finite number")
            return word
        if len(word) > MAX_DIGITS:
            self._flaw(
                "too-long", path, event, f"a number of {len(word):,} characters", f"write at most {MAX_DIGITS} digits"
            )
            return word
        if re.fullmatch(r"[-+]?[0-9]+", word):
            return int(word)
        value = float(word)
        if not math.isfinite(value):
            self._flaw("not-finite", path, event, f"{word} is not a finite number", "write a finite number")
        return value

    def _flaw(self, code: str, path: Path_, event: Any, what: str, fix: str) -> None:
        where = Place(self.name, line=event.start_mark.line + 1).child(*path)
        self.problems.append(Problem(code, clean(str(where)), what, fix))
        if len(self.problems) >= MAX_PROBLEMS:
            raise DocumentError(self.problems)


_WORDS: dict[str, Json] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


def _not_yaml(text: str, error: Any, name: str) -> Problem:
    """The parser's complaint in our words, at the line where a person has to look."""
    mark, context = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    if mark is None:
        position = getattr(error, "position", None)
        where = f"{name}:{text.count(chr(10), 0, position) + 1}" if isinstance(position, int) else name
        character = getattr(error, "character", None)
        odd = f" (character U+{character:04X})" if isinstance(character, int) else ""
        return Problem("bad-yaml", where, f"not valid YAML: {clean(said, 100)}{odd}", "remove the odd character")
    line, column = mark.line, mark.column
    rows = text.split("\n")
    if "',' or" in said and context is not None:
        among = range(context.line, min(mark.line + 1, len(rows)))
        at = next((at for at in among if re.search(r"[{\[,:]\s*\$\{", rows[at])), None)
        if at is not None:
            what, fix = "not valid YAML: ${name} without quotes within brackets", 'put it in quotes: "${name}"'
            return Problem("bad-yaml", f"{name}:{at + 1}", what, fix)
    if "end of stream" in said or "',' or" in said:
        # The text ran on from a quote or bracket that was never closed: that is where to look.
        line = context.line if context is not None else line
        about = "a quote that is never closed" if "end of stream" in said else "a bracket that is never closed"
        fix = "close it" if "end of stream" in said else "close it, or add the missing comma"
        return Problem("bad-yaml", f"{name}:{line + 1}", f"not valid YAML: {about}", fix)
    char = rows[line][column : column + 1] if line < len(rows) else ""
    where = f"{name}:{line + 1}"
    if char == "\t":
        return Problem("bad-yaml", where, "not valid YAML: a tab in the indentation", "indent with spaces")
    if "cannot start any token" in said and char:
        return Problem("bad-yaml", where, f"not valid YAML: text that starts with {char}", "put the text in quotes")
    if "mapping values are not allowed" in said:
        fix = "put text with a colon in quotes; check the indentation, and the line above"
        return Problem("bad-yaml", where, "not valid YAML: a colon where no key can stand", fix)
    if "could not find expected ':'" in said:
        fix = "write `key: value`, with a space after the colon"
        return Problem("bad-yaml", where, "not valid YAML: a line without a colon among keys", fix)
    if "expected node content" in said:
        line = min(line, text.rstrip().count("\n"))  # at the end of the file: the last line that has something
        fix = "write the value, or close the bracket"
        return Problem("bad-yaml", f"{name}:{line + 1}", "not valid YAML: a value is missing", fix)
    if "did not find expected key" in said or "'-' indicator" in said:
        fix = "indent it like its neighbours; put text with quotes inside it in quotes"
        return Problem("bad-yaml", where, "not valid YAML: a line that does not fit its neighbours", fix)
    return Problem(
        "bad-yaml", where, f"not valid YAML: {clean(said, 100)}", "check the quotes and the indentation here"
    )
