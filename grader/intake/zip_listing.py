"""What does a zip say that it holds? Its directory, read once and strictly, and each entry's own header beside it.

One parser, this one: the names, offsets and sizes that are checked are the very values that are unpacked
by. A library's reader between the two would be a second opinion, which differs between Python versions and stops
at the first odd entry, where a student needs to hear of all of them. In the tests zipfile is the oracle.

Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 (records), 4.4 (fields), 4.5.3 (ZIP64), appendix D (names).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO

from grader.documents import shown
from grader.frozen import dataclass
from grader.intake.limits import IntakeLimits
from grader.intake.names import Flaw

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_END_MARK, _END_64_MARK, _LOCATOR_64_MARK = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_CENTRAL_MARK, LOCAL_MARK = b"PK\1\2", b"PK\3\4"
_MAX_COMMENT = 2**16 - 1
_MOST_PER_ENTRY = 512  # bytes of the directory, on average
_MOST_FIELDS = 64  # extra fields of an entry
_WIDE_16, _WIDE_32 = 2**16 - 1, 2**32 - 1  # "see the ZIP64 record"
_EXTRA_64, _EXTRA_NAME = 0x0001, 0x7075

ENCRYPTED = 0x0001 | 0x0040 | 0x2000  # by password, strongly, with a hidden directory
_HAS_SIZES_BEHIND = 0x0008
_IS_UTF8 = 0x0800

_ANEW = "make the zip anew"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the directory. `flaws` are those of its records; `data_at` is 0 until its header is read."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    mode: int  # the Unix mode, 0 where none is stored
    header_at: int  # from the start of the file
    data_at: int = 0
    flaws: tuple[Flaw, ...] = ()

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")

    @property
    def path(self) -> str:
        """The name without what says nothing: a `./` before it (bsdtar writes that), a slash behind it."""
        name = self.name.removeprefix("./")
        return name.removesuffix("/")


@dataclass(frozen=True, slots=True)
class Listing:
    """The directory of an archive. Bytes before and behind it belong to no entry and are never read."""

    entries: tuple[Entry, ...]
    bytes_before: int
    bytes_behind: int


class BrokenArchive(Exception):  # noqa: N818  a value on its way to a Problem
    """The archive as a whole cannot be read."""

    def __init__(self, flaw: Flaw) -> None:
        self.flaw = flaw
        super().__init__(flaw.what)


def _damaged(what: str) -> BrokenArchive:
    return BrokenArchive(Flaw("archive-damaged", what, f"{_ANEW}; an upload may have been cut off"))


def has_end_record(file: BinaryIO, size: int) -> bool:
    """Whether there is the record that every zip ends with."""
    return _find_end(file, size) is not None


def read_listing(file: BinaryIO, size: int, limits: IntakeLimits) -> Listing:
    """The directory of the zip in `file`, `size` bytes long, with each entry's own header checked against it.

    Raises BrokenArchive where there is no telling what the entries are.
    """
    end = _read_end(file, size)
    if end.entries > limits.max_listed:
        raise BrokenArchive(_too_many(end.entries, limits))
    # 46 bytes, a name and some fields each, of a hundred bytes as a rule: more is there to keep the reader busy.
    if end.directory_size > limits.max_listed * _MOST_PER_ENTRY:
        raise _damaged(f"its directory is {end.directory_size:,} bytes long")
    directory = _read_at(file, end.directory_at, end.directory_size)
    if len(directory) != end.directory_size:
        raise _damaged("its directory is cut off")
    entries = [_checked(file, entry, end.directory_at) for entry in _entries(directory, end, limits)]
    first_at = min((entry.header_at for entry in entries), default=end.directory_at)
    if first_at and _read_at(file, 0, 4) == LOCAL_MARK:
        raise BrokenArchive(
            Flaw(
                "archive-twice",
                "it starts with an entry that its directory does not list, as two zips in one file do",
                "hand in one zip",
            )
        )
    return Listing(_without_overlap(entries), first_at, end.bytes_behind)


def _too_many(count: int, limits: IntakeLimits) -> Flaw:
    return Flaw(
        "too-many-entries",
        f"it lists {count:,} entries, over the limit of {limits.max_listed:,}",
        "hand in only the files of the template",
    )


# --- the end of the archive, where reading starts ---------------------------------------------


@dataclass(frozen=True, slots=True)
class _End:
    entries: int
    directory_at: int
    directory_size: int
    bytes_before: int
    bytes_behind: int


def _read_at(file: BinaryIO, at: int, size: int) -> bytes:
    if size <= 0 or at < 0:
        return b""
    file.seek(at)
    return file.read(size)


def _find_end(file: BinaryIO, size: int) -> int | None:
    """Where the last end record is, as every reader that looks from behind finds it."""
    start = max(size - _END.size - _MAX_COMMENT, 0)
    tail = _read_at(file, start, size - start)
    at = tail.rfind(_END_MARK, 0, max(len(tail) - _END.size + len(_END_MARK), 0))
    return None if at < 0 else start + at


def _read_end(file: BinaryIO, size: int) -> _End:
    at = _find_end(file, size)
    if at is None:
        raise _damaged("its directory, which stands at the end, is missing")
    fields = _END.unpack(_read_at(file, at, _END.size))
    _, disk, directory_disk, entries_here, entries, directory_size, directory_offset, comment = fields
    behind = size - at - _END.size - comment
    if behind < 0:
        raise _damaged("its last record is cut off")
    directory_end = at
    small = (disk, directory_disk, entries_here, entries, directory_size, directory_offset)
    located = _read_at(file, at - _LOCATOR_64.size, _LOCATOR_64.size)
    if located.startswith(_LOCATOR_64_MARK) and len(located) == _LOCATOR_64.size:
        directory_end, (disk, directory_disk, entries_here, entries, directory_size, directory_offset) = _read_end_64(
            file, at, located, small
        )
    if disk or directory_disk or entries_here != entries:
        raise BrokenArchive(Flaw("archive-split", "it is one part of a split archive", "hand in one whole zip"))
    before = directory_end - directory_size - directory_offset
    if before < 0:
        raise _damaged("its directory is not where its last record says")
    return _End(entries, directory_end - directory_size, directory_size, before, behind)


def _read_end_64(
    file: BinaryIO, end_at: int, located: bytes, small: tuple[int, ...]
) -> tuple[int, tuple[int, int, int, int, int, int]]:
    """(where the directory ends, the six values) of a ZIP64 end record, which must agree with the plain one."""
    _, record_disk, record_offset, disks = _LOCATOR_64.unpack(located)
    # Right before its locator, and nowhere else: readers differ in whether they follow the offset.
    record_at = end_at - _LOCATOR_64.size - _END_64.size
    record = _read_at(file, record_at, _END_64.size)
    if len(record) != _END_64.size or not record.startswith(_END_64_MARK):
        raise _odd_64("its ZIP64 record is not where it must be")
    _, length, _made_by, _needs, *values = _END_64.unpack(record)
    disk, directory_disk, entries_here, entries, directory_size, directory_offset = values
    if length != _END_64.size - 12 or record_disk or disks > 1:
        raise _odd_64("its ZIP64 record has an odd form")
    if record_at - directory_size - directory_offset != record_at - record_offset:
        raise _odd_64("its ZIP64 records disagree about where the directory is")
    for plain, wide, sentinel in zip(small, values, [_WIDE_16] * 4 + [_WIDE_32] * 2, strict=True):
        if plain not in (wide, sentinel):
            raise _odd_64("its last record and its ZIP64 record disagree")
    return record_at, (disk, directory_disk, entries_here, entries, directory_size, directory_offset)


def _odd_64(what: str) -> BrokenArchive:
    return BrokenArchive(Flaw("archive-zip64", what, _ANEW))


# --- the directory ----------------------------------------------------------------------------


def _entries(directory: bytes, end: _End, limits: IntakeLimits) -> Iterator[Entry]:
    at = count = 0
    while at < len(directory):
        count += 1
        if count > limits.max_listed:
            raise BrokenArchive(_too_many(count, limits))
        if directory[at : at + 4] != _CENTRAL_MARK or len(directory) - at < _CENTRAL.size:
            raise _damaged(f"entry {count:,} of its directory is damaged")
        fields = _CENTRAL.unpack_from(directory, at)
        _, _made_by, _needs, flags, method, _time, _date, crc, packed, size, *rest = fields
        name_length, extra_length, comment_length, disk, _internal, external, offset = rest
        at += _CENTRAL.size
        raw_name = directory[at : at + name_length]
        extra = directory[at + name_length : at + name_length + extra_length]
        at += name_length + extra_length + comment_length
        if at > len(directory):
            raise _damaged(f"entry {count:,} of its directory is cut off")
        flaws = [Flaw("archive-split", "it lies in another part of a split archive", _ANEW)] if disk else []
        fields_of, extra_flaws = _extra_fields(extra)
        (size, packed, offset), wide_flaws = _widened(fields_of, (size, packed, offset))
        name, name_flaws = _name(raw_name, flags, fields_of)
        flaws += [*extra_flaws, *wide_flaws, *name_flaws]
        mode = external >> 16
        yield Entry(
            name, raw_name, flags, method, crc, packed, size, mode, end.bytes_before + offset, flaws=tuple(flaws)
        )
    if count != end.entries:
        raise _damaged(f"its directory has {count:,} entries, its last record says {end.entries:,}")


def _extra_fields(extra: bytes) -> tuple[Mapping[int, bytes], list[Flaw]]:
    """The extra fields by their id. Up to three bytes of padding behind them do no harm."""
    fields: dict[int, bytes] = {}
    flaws = []
    at = 0
    count = 0
    while len(extra) - at >= 4:
        count += 1
        if count > _MOST_FIELDS:
            flaws.append(Flaw("entry-damaged", f"it has more than {_MOST_FIELDS} extra fields", _ANEW))
            break
        kind, length = struct.unpack_from("<2H", extra, at)
        if len(extra) - at - 4 < length:
            flaws.append(Flaw("entry-damaged", "its extra fields are cut off", _ANEW))
            break
        if kind in fields and kind in (_EXTRA_64, _EXTRA_NAME):
            flaws.append(Flaw("entry-damaged", "the same extra field stands twice", _ANEW))
        fields.setdefault(kind, extra[at + 4 : at + 4 + length])
        at += 4 + length
    return fields, flaws


def _widened(fields: Mapping[int, bytes], values: Sequence[int]) -> tuple[list[int], list[Flaw]]:
    """`values` (size, packed size, offset) with those of the ZIP64 field in place of the ones that point to it."""
    wide = fields.get(_EXTRA_64)
    count = sum(value == _WIDE_32 for value in values)
    if wide is None or len(wide) < 8 * count:
        lacking = [Flaw("entry-zip64", "its size or place is missing: there is no ZIP64 field for it", _ANEW)]
        return list(values), lacking if count else []
    there = iter(struct.unpack_from(f"<{count}Q", wide))
    made = [next(there) if value == _WIDE_32 else value for value in values]
    # Nothing points to the field, and yet it says something else: readers differ in whom they believe.
    if count == 0 and len(wide) >= 16 and list(struct.unpack_from("<2Q", wide)) not in (made[:2], [0, 0]):
        return made, [Flaw("entry-zip64", "its ZIP64 field gives another size than its plain one", _ANEW)]
    return made, []


def _name(raw: bytes, flags: int, fields: Mapping[int, bytes]) -> tuple[str, list[Flaw]]:
    """The name as text. Most zips of a Mac or of Linux hold UTF-8 without saying so."""
    given = fields.get(_EXTRA_NAME, b"")
    try:
        if flags & _IS_UTF8:
            name = raw.decode("utf-8")
        else:
            try:
                name = raw.decode("utf-8")
            except UnicodeDecodeError:
                name = raw.decode("cp437")
        # A Unicode name counts only for the very bytes that it was made for (its CRC).
        if len(given) > 5 and given[0] == 1 and struct.unpack_from("<L", given, 1)[0] == zlib.crc32(raw):
            meant = given[5:].decode("utf-8")
            if meant != name and (raw.isascii() or flags & _IS_UTF8):
                return name, [Flaw("entry-mismatch", "it has two different names", _ANEW)]
            name = meant
    except UnicodeDecodeError:
        return raw.decode("utf-8", "surrogateescape"), [Flaw("name-not-utf8", "the name is not UTF-8", "rename it")]
    return name, []


# --- each entry's own header ------------------------------------------------------------------


def _checked(file: BinaryIO, entry: Entry, directory_at: int) -> Entry:
    """`entry` with the place of its data, and a flaw where its own header tells another story than the directory."""
    header = _read_at(file, entry.header_at, _LOCAL.size) if entry.header_at < directory_at else b""
    if len(header) != _LOCAL.size or not header.startswith(LOCAL_MARK):
        flaw = Flaw("entry-damaged", "it has no header at the place that the directory gives", _ANEW)
        return replace(entry, flaws=(*entry.flaws, flaw))
    _, _needs, flags, method, _time, _date, crc, packed, size, name_length, extra_length = _LOCAL.unpack(header)
    variable = file.read(name_length + extra_length)
    raw_name, extra = variable[:name_length], variable[name_length:]
    data_at = entry.header_at + _LOCAL.size + name_length + extra_length
    differing = []
    fields, flaws = _extra_fields(extra)
    are_sizes_behind = bool(flags & _HAS_SIZES_BEHIND)  # then zeros stand here, as they were not known yet
    if are_sizes_behind:
        fields = {_EXTRA_64: bytes(16), **fields}
    (size, packed), wide_flaws = _widened(fields, (size, packed))
    is_other_name = raw_name != entry.raw_name or (not raw_name.isascii() and (flags ^ entry.flags) & _IS_UTF8)
    if is_other_name or (_EXTRA_NAME in fields and _name(raw_name, flags, fields)[0] != entry.name):
        differing.append("name")
    if method != entry.method:
        differing.append("method")
    if (flags ^ entry.flags) & ENCRYPTED:
        differing.append("encryption")
    for what, here, there in (
        ("size", size, entry.size),
        ("packed size", packed, entry.packed_size),
        ("checksum", crc, entry.crc),
    ):
        if here != there and not (are_sizes_behind and here == 0):
            differing.append(what)
    flaws += wide_flaws
    if differing:
        flaws.append(
            Flaw("entry-mismatch", f"its own header and the directory disagree about its {', '.join(differing)}", _ANEW)
        )
    if data_at + entry.packed_size > directory_at:
        flaws.append(Flaw("entry-overlap", "its data runs into the directory", _ANEW))
    return replace(entry, data_at=data_at, flaws=(*entry.flaws, *flaws))


def _without_overlap(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries, with a flaw on each whose bytes belong to another one, too."""
    flawed: dict[int, Flaw] = {}
    order = sorted((i for i, entry in enumerate(entries) if entry.data_at), key=lambda i: entries[i].header_at)
    last: int | None = None
    for index in order:
        entry = entries[index]
        if last is not None and entry.header_at < entries[last].data_at + entries[last].packed_size:
            other = shown(entries[last].name, 60)
            flawed[index] = Flaw("entry-overlap", f"its bytes are those of {other}, too", _ANEW)
        if last is None or entry.data_at + entry.packed_size > entries[last].data_at + entries[last].packed_size:
            last = index
    return tuple(replace(e, flaws=(*e.flaws, flawed[i])) if i in flawed else e for i, e in enumerate(entries))
