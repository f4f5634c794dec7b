"""How is a download laid out? What several readers ask of a tree before they read a name in it."""

from __future__ import annotations

from collections.abc import Mapping

from grader.intake.lms.tree import Stored, Tree


def unwrapped(tree: Tree) -> Tree:
    """What lies in the only folder at the top, as zipping a folder makes it; `tree` itself where there is more.

    Only one level: what is below may be a student's, who can give it any name.
    """
    top = tree.top()
    return tree.below(top[0]) if len(top) == 1 and top[0] in tree.folders else tree


def by_top(tree: Tree) -> dict[str, Mapping[str, Stored]]:
    """The files of each folder at the top, with their paths in it, in the order of the names; empty ones, too.

    A file at the top stands by itself, under its own name.
    """
    made: dict[str, dict[str, Stored]] = {top: {} for top in tree.top()}
    for path, file in tree.files.items():
        top, _, rest = path.partition("/")
        made[top][rest or top] = file
    return dict(made)


def paths_of(files: Mapping[str, Stored]) -> tuple[str, ...]:
    """Where these files lie in the download."""
    return tuple(sorted(file.path for file in files.values()))
