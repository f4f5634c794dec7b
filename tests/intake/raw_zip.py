"""Zips written byte by byte, so that every field of them can lie. Honest where nothing is said."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"


@dataclass
class Raw:
    """One entry. `local` and `central` override single fields of one of its two headers."""

    name: str | bytes
    data: bytes = b"x"
    method: int = 8
    flags: int = 0
    mode: int = 0o100644
    extra: bytes = b""
    packed: bytes | None = None
    local: dict = field(default_factory=dict)
    central: dict = field(default_factory=dict)
    is_hidden: bool = False  # its bytes are there, the directory does not list it

    def header(self, overrides, packed):
        raw = self.name if isinstance(self.name, bytes) else self.name.encode()
        return {
            "flags": self.flags,
            "method": self.method,
            "crc": zlib.crc32(self.data),
            "packed_size": len(packed),
            "size": len(self.data),
            "name": raw,
            "extra": self.extra,
            "mode": self.mode,
            "disk": 0,
        } | overrides


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def build(*entries, before=b"", behind=b"", comment=b"", end=None, tail=None):
    """The bytes of an archive. `end` overrides fields of the end record; `tail` replaces all behind the directory.

    `tail` is called with (number of entries, size of the directory, its offset).
    """
    body, directory = bytearray(before), bytearray()
    count = 0
    for entry in entries:
        packed = entry.packed
        if packed is None:
            packed = deflate(entry.data) if entry.method == 8 else entry.data
        here, there = entry.header(entry.local, packed), entry.header(entry.central, packed)
        offset = there.get("offset", len(body))
        body += struct.pack(
            "<4s5H3L2H", here.get("mark", LOCAL), 20, here["flags"], here["method"], 0, 33,
            here["crc"], here["packed_size"], here["size"], len(here["name"]), len(here["extra"]),
        )  # fmt: skip
        body += here["name"] + here["extra"] + packed
        if entry.is_hidden:
            continue
        count += 1
        directory += struct.pack(
            "<4s6H3L5H2L", CENTRAL, 3 << 8 | 20, 20, there["flags"], there["method"], 0, 33,
            there["crc"], there["packed_size"], there["size"],
            len(there["name"]), len(there["extra"]), 0, there["disk"], 0, there["mode"] << 16, offset,
        )  # fmt: skip
        directory += there["name"] + there["extra"]
    if tail is not None:
        return bytes(body + directory + tail(count, len(directory), len(body)))
    record = {"disk": 0, "start_disk": 0, "here": count, "all": count, "size": len(directory), "offset": len(body)}
    record |= {"comment": len(comment)} | (end or {})
    return bytes(body + directory + struct.pack("<4s4H2LH", END, *record.values()) + comment + behind)


def tail_64(count, size, offset, *, record=None, locator_offset=None, plain=None, locator=b"PK\6\7", gap=b""):
    """A ZIP64 end record, its locator and the plain end record."""
    values = {"disk": 0, "start": 0, "here": count, "all": count, "size": size, "offset": offset} | (record or {})
    wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, *values.values())
    place = offset + size if locator_offset is None else locator_offset
    located = struct.pack("<4sLQL", locator, 0, place, 1)
    fields = {"disk": 0, "start": 0, "here": 2**16 - 1, "all": 2**16 - 1, "size": 2**32 - 1, "offset": 2**32 - 1}
    return wide + gap + located + struct.pack("<4s4H2LH", END, *(fields | (plain or {})).values(), 0)
