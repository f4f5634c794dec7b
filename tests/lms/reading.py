"""A made download, read by its reader as `grader import` does it, and compared with the truth."""

from __future__ import annotations

import io
import zipfile
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path

from grader.intake.lms.base import Download, Options, reader_of
from grader.intake.lms.roster import roster_from
from grader.intake.lms.tables import read_table_file
from grader.intake.lms.tree import Stored, Tree, opened_tree


@dataclass
class Read:
    """What a reader made of a download, with the bytes of every file while its tree was open."""

    kind: str
    download: Download
    tree: Tree
    bytes_of: dict[str, bytes]

    @property
    def quarantined(self):
        return {path for one in self.download.quarantined for path in one.files}

    def by_folder(self):
        return {one.lms_folder: one for one in self.download.found}


def tree_of(name, files):
    """A folder of that name as it would be listed, without a disk: a property test makes hundreds."""
    stored = {path: Stored(path, len(data), lambda data=data: iter([data])) for path, data in files.items()}
    folders = {"/".join(path.split("/")[:depth]) for path in files for depth in range(1, path.count("/") + 1)}
    return Tree(Path("/nowhere") / name, name, "folder", dict(sorted(stored.items())), frozenset(folders))


def options_for(made, *, has_roster=True, has_worksheet=True, assignment="digits"):
    """What `--roster` and `--worksheet` would give."""
    options = Options(assignment=assignment, zone=UTC)
    if has_roster and made.roster:
        table, _ = read_table_file(made.roster)
        options = replace(options, roster=roster_from(table, assignment=assignment).entries)
    if has_worksheet and made.worksheet:
        table, _ = read_table_file(made.worksheet)
        options = replace(options, worksheet=table)
        if not options.roster:
            options = replace(options, roster=roster_from(table, assignment=assignment).entries)
    return options


def read_made(source, options, kind=None):
    """What `grader import` makes of a source, or of a tree that is open already."""
    with nullcontext(source) if isinstance(source, Tree) else opened_tree(source) as tree:
        reader = reader_of(tree, kind)
        download = reader.read(tree, options)
        bytes_of = {file.path: b"".join(file.blocks()) for file in tree.files.values()}
        return Read(reader.kind, download, tree, bytes_of)


def contents(read, found):
    """The files of a hand-in by their paths; those of its only zip in its place, without a folder around them."""
    files = {path: read.bytes_of[file.path] for path, file in found.files.items()}
    if len(files) != 1 or not next(iter(files)).lower().endswith(".zip"):
        return files
    with zipfile.ZipFile(io.BytesIO(next(iter(files.values())))) as archive:
        inner = {name: archive.read(name) for name in archive.namelist()}
    tops = {name.split("/")[0] for name in inner}
    if len(tops) == 1 and all("/" in name for name in inner):
        return {name.split("/", 1)[1]: data for name, data in inner.items()}
    return inner


def assert_nothing_lost(read, known=()):
    """Every file of the download is somebody's, kept apart, or one of the LMS's own (`known`)."""
    taken = {file.path for one in read.download.found for file in one.files.values()}
    assert set(read.bytes_of) - taken - read.quarantined - set(known) == set()
    assert not taken & read.quarantined
