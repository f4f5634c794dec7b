"""Code that is not there, or does not run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from grader.mutants.kind import Kind, Spot, register, replaced
from grader.mutants.original import Built, Original

LIVE = ("architecture", "accuracy", "denoising")  # what cannot be told without a network that runs


class CodeKind(Kind):
    """A model whose code is broken. Its rules are charged, or wait for the one that they build on."""

    nothing: ClassVar[str] = "no rule runs any code"

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each file of code."""
        seen: set[str] = set()
        for name in original.built:
            code = name[0]
            names = [one for one in original.built if one[0] == code]
            must = tuple(rule.id for one in names for rule in original.rules_of(one, *LIVE))
            if must and code not in seen:
                seen.add(code)
                yield Spot(f"{code}: {self.slip}", must, {"code": code, "models": [list(one) for one in names]})

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Break the file."""
        del original
        path = folder / spot.data["code"]
        names = [(one[0], one[1]) for one in spot.data["models"]]
        broken = self.broken(path.read_text(encoding="utf-8"), names)
        if broken is None:
            path.unlink()
        else:
            replaced(path, broken)

    def broken(self, text: str, names: list[Built]) -> str | None:
        """The new text of the file; None where it is gone."""
        raise NotImplementedError


@register
class CodeMissing(CodeKind):
    name, slip = "code-missing", "the file was not handed in"

    def broken(self, text: str, names: list[Built]) -> str | None:
        """Nothing."""
        del text, names
        return None


@register
class CodeDoesNotParse(CodeKind):
    name, slip = "code-does-not-parse", "a bracket is not closed"

    def broken(self, text: str, names: list[Built]) -> str | None:
        """The bracket is the last thing in it."""
        del names
        return f"{text}\nlast = (\n"


@register
class CodeDoesNotImport(CodeKind):
    name, slip = "code-does-not-import", "it imports a module that only its author has"

    def broken(self, text: str, names: list[Built]) -> str | None:
        """Behind all else, so that no line of the file moves."""
        del names
        return f"{text}\nimport my_own_helpers_of_last_week\n"


@register
class CodeRaises(CodeKind):
    name, slip = "code-raises", "what builds the network raises"

    def broken(self, text: str, names: list[Built]) -> str | None:
        """Every function that builds one."""
        lines = [f"def {factory}(*given, **named):\n    raise RuntimeError('not finished')\n" for _, factory in names]
        return text + "\n\n" + "\n\n".join(lines)
