"""What stands against unpacking this zip? Every reason, before a byte is written.

One reason refuses the whole archive: half of a hand-in would be graded as if it were all of it.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence

from grader.intake.limits import IntakeLimits
from grader.intake.names import Flaw, Shelf, hostile_flaws, is_left_out, name_flaws
from grader.intake.zip_listing import ENCRYPTED, Entry

STORED, DEFLATED = 0, 8
_METHODS = {1: "shrink", 6: "implode", 9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz", 98: "ppmd"}
_DEEPEST = 64  # what lies deeper is kept here, and refused for its depth
_AES, _PATCHED = 99, 0x0020

_LINK = "put the file itself in its place; a link is not followed"
_KINDS = {
    stat.S_IFLNK: ("entry-link", "a symbolic link", _LINK),
    stat.S_IFIFO: ("entry-special", "a named pipe (FIFO)", "remove it"),
    stat.S_IFSOCK: ("entry-special", "a socket", "remove it"),
    stat.S_IFBLK: ("entry-special", "a block device", "remove it"),
    stat.S_IFCHR: ("entry-special", "a character device", "remove it"),
}


def kind_flaw(mode: int) -> Flaw | None:
    """Why something of this Unix mode is not taken: it is a link, a pipe, a device, or runs as another user.

    >>> kind_flaw(0o120777).what, kind_flaw(0o100644)
    ('it is a symbolic link', None)
    """
    kind = stat.S_IFMT(mode)
    if kind in _KINDS:
        code, what, fix = _KINDS[kind]
        return Flaw(code, f"it is {what}", fix)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return Flaw("entry-special", f"it is of an unknown kind (mode {mode:o})", "remove it")
    # Folders of a shared drive are setgid as a matter of course; no mode is ever taken over.
    if mode & (stat.S_ISUID | stat.S_ISGID) and kind != stat.S_IFDIR:
        return Flaw("entry-setuid", "it would run as another user (setuid or setgid)", "remove that permission")
    return None


def kept_entries(entries: Sequence[Entry]) -> tuple[list[Entry], int]:
    """(the entries that are taken, how many files and folders are left out; a folder with all in it counts once)."""
    kept: list[Entry] = []
    left_out: set[str] = set()
    for entry in entries:
        if entry.name == "./":  # the archive's own folder, which bsdtar lists
            continue
        parts = entry.path.split("/", 2 * _DEEPEST)[:_DEEPEST]
        level = next((level for level, part in enumerate(parts) if is_left_out(part)), None)
        if level is None:
            kept.append(entry)
        else:
            left_out.add("/".join(parts[: level + 1]))
    return kept, len(left_out)


def entry_flaws(
    entries: Sequence[Entry], kept: Sequence[Entry], limits: IntakeLimits
) -> Iterator[tuple[Entry | None, Flaw]]:
    """Everything that stands against the archive: (the entry, None for the whole, and what is wrong)."""
    count = len(kept) if len(kept) > limits.max_entries else _places(kept, limits)
    if count > limits.max_entries:
        said = f"it holds {count:,} files and folders, over the limit of {limits.max_entries:,}"
        yield None, Flaw("too-many-entries", said, "hand in only the files of the template")
        return  # enough said: looking at each of them is what such an archive wants
    total, packed = sum(entry.size for entry in kept), sum(entry.packed_size for entry in kept)
    if total > limits.max_total_bytes:
        said = f"unpacked it has {total:,} bytes, over the limit of {limits.max_total_bytes:,}"
        yield None, Flaw("too-many-bytes", said, "leave out data sets and all but the asked checkpoints")
    yield from ((None, flaw) for flaw in _ratio(total, packed, limits))
    taken = {id(entry) for entry in kept}
    shelf = Shelf()
    for entry in entries:
        yield from ((entry, flaw) for flaw in entry.flaws)
        if id(entry) not in taken:
            yield from ((entry, flaw) for flaw in hostile_flaws(entry.path, limits))
            continue
        flaws = list(name_flaws(entry.path, limits))
        if not flaws and (taken_flaw := shelf.put(entry.path, is_file=not entry.is_folder)):
            flaws = [taken_flaw]
        yield from ((entry, flaw) for flaw in flaws)
        yield from ((entry, flaw) for flaw in content_flaws(entry, limits))


def _places(kept: Sequence[Entry], limits: IntakeLimits) -> int:
    """How many files and folders would be made: those, too, that are only named as the place of others."""
    places: set[str] = set()
    for entry in kept:
        path = entry.path[: limits.max_path_bytes]
        while path and path not in places:
            places.add(path)
            path = path.rpartition("/")[0]
    return len(places)


def content_flaws(entry: Entry, limits: IntakeLimits) -> Iterator[Flaw]:
    """What stands against one entry but for its name and its records: its kind, its packing, its size."""
    kind = kind_flaw(entry.mode)
    if kind:
        yield kind
    elif entry.mode and stat.S_IFMT(entry.mode) and stat.S_ISDIR(entry.mode) != entry.is_folder:
        yield Flaw("name-clash", "its name and its mode disagree whether it is a file or a folder", "make the zip anew")
    if entry.flags & ENCRYPTED or entry.method == _AES:
        yield Flaw("entry-encrypted", "it is encrypted", "make the zip without a password")
    elif entry.method not in (STORED, DEFLATED) or entry.flags & _PATCHED:
        method = "patch" if entry.flags & _PATCHED else _METHODS.get(entry.method, f"number {entry.method}")
        yield Flaw(
            "entry-method",
            f"it is packed by the method {method}; only stored and deflated entries are read",
            "make a plain zip: the archive program's setting is Zip with Deflate",
        )
    if entry.is_folder and entry.size:
        yield Flaw("entry-damaged", f"a folder that holds {entry.size:,} bytes itself", "make the zip anew")
    if entry.method == STORED and entry.size != entry.packed_size and not entry.flags & ENCRYPTED:
        said = f"it is stored as it is, but {entry.size:,} bytes are said to be {entry.packed_size:,}"
        yield Flaw("entry-size", said, "make the zip anew")
    if entry.size > limits.max_file_bytes:
        said = f"unpacked it has {entry.size:,} bytes, over the limit of {limits.max_file_bytes:,} for a file"
        yield Flaw("file-too-large", said, "leave it out, or save it smaller")
    yield from _ratio(entry.size, entry.packed_size, limits)


def _ratio(size: int, packed: int, limits: IntakeLimits) -> Iterator[Flaw]:
    if size > limits.ratio_floor_bytes and size > limits.max_ratio * packed:
        said = f"{packed:,} bytes unpack to {size:,}, more than {limits.max_ratio} times as many"
        yield Flaw("archive-ratio", said, "leave out files that hold nearly nothing")


def only_folder(kept: Sequence[Entry]) -> str | None:
    """The only folder at the top of the archive that everything lies in, or None.

    Zipping the folder and zipping what is in it are the same hand-in.
    """
    tops = {entry.path.split("/", 1)[0] for entry in kept}
    is_flat = any("/" not in entry.path and not entry.is_folder for entry in kept)
    return tops.pop() if len(tops) == 1 and not is_flat else None
