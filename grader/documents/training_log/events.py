"""Which scalars does a TensorBoard event file hold? Its framing and its few protobuf fields, read here.

TFRecord: length (8 bytes), masked CRC32C of them, the event, masked CRC32C of it. Event: step 2, summary 5. Value of a
summary: tag 1, simple_value 2, tensor 8. Sources: TensorFlow's record_writer.h, event.proto, summary.proto.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Final

from grader.documents.training_log.record import MAX_PAIRS, MAX_ROWS, Log, Pair, Row, kept

_HEADER: Final = 12
_FRAME: Final = 16
_MAX_EVENT: Final = 4096  # larger ones hold pictures, histograms and graphs, and are passed over
_MAX_RECORDS: Final = 2 * MAX_ROWS
_FLOAT, _DOUBLE = 1, 2  # types of a TensorProto
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT: Final = 10
_Field = tuple[int, int, int | bytes]


def _table() -> tuple[int, ...]:
    made = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        made.append(crc)
    return tuple(made)


_TABLE: Final = _table()


def masked_crc32c(data: bytes) -> int:
    """The checksum of a TFRecord: CRC32C, rotated and moved so that a checksum of checksums stays one.

    >>> hex(masked_crc32c(b"123456789"))  # CRC32C itself is 0xe3069283
    '0xc78ab0e5'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def looks_like_events(data: bytes) -> bool:
    """Whether the bytes begin with the length of a record and its right checksum."""
    return len(data) >= _FRAME and masked_crc32c(data[:8]) == int.from_bytes(data[8:_HEADER], "little")


def read_events(data: bytes) -> Log:
    """Every scalar with its step, one row an event. A damaged file is read up to the damage, and says so."""
    rows: list[Row] = []
    doubts: list[str] = []
    at = number = 0
    while at < len(data):
        number += 1
        end = at + _FRAME + int.from_bytes(data[at : at + 8], "little")
        if number > _MAX_RECORDS or len(rows) == MAX_ROWS:
            doubts.append(f"the events from {number:,} on")
            break
        if not looks_like_events(data[at : at + _FRAME]) or end > len(data):
            is_cut = end > len(data) or len(data) - at < _FRAME
            doubts.append(f"the events from {number:,} on: the file is {'cut off' if is_cut else 'damaged'} there")
            break
        event = data[at + _HEADER : end - 4] if end - at <= _MAX_EVENT + _FRAME else b""
        if event:
            if masked_crc32c(event) != int.from_bytes(data[end - 4 : end], "little"):
                doubts.append(f"the events from {number:,} on: the checksum there is wrong")
                break
            try:
                pairs = _scalars(event)
            except ValueError:
                doubts.append(f"event {number:,}, which is no event of TensorBoard")
                break
            if pairs:
                rows.append(Row(number, pairs))
        at = end
    return Log("tensorboard", "event", tuple(rows), tuple(doubts))


def _fields(message: bytes) -> Iterator[_Field]:
    """(field, wire type, value) of a protobuf message; ValueError for what is none."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, kind, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if at + size > len(message):
            raise ValueError("a field reaches beyond its message")
        yield key >> 3, kind, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(message[at : at + _MAX_VARINT]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise ValueError("a number does not end")


def _scalars(event: bytes) -> tuple[Pair, ...]:
    step = 0  # as protobuf has it: a step of 0 is not written
    found: list[Pair] = []
    for field, kind, value in _fields(event):
        if field == 2 and isinstance(value, int):
            step = value - 2**64 if value >= 2**63 else value
        elif field == 5 and kind == _BYTES and isinstance(value, bytes):
            found += [
                pair for one, way, inner in _fields(value) if (one, way) == (1, _BYTES) for pair in _scalar(inner)
            ]
    return (("step", str(step)), *found[: MAX_PAIRS - 1]) if found else ()


def _scalar(message: int | bytes) -> Iterator[Pair]:
    tag, written = "", ""
    for field, kind, value in _fields(message) if isinstance(message, bytes) else ():
        if not isinstance(value, bytes):
            continue
        if (field, kind) == (1, _BYTES):
            tag = value.decode("utf-8", errors="replace")
        elif (field, kind) == (2, _FIXED32):
            written = _shortest(value)
        elif (field, kind) == (8, _BYTES):
            written = _tensor(value)
    if kept(tag, written):
        yield tag, written


def _tensor(message: bytes) -> str:
    """The one float of a tensor, as TensorFlow 2 writes a scalar; "" for anything else."""
    dtype, raw = 0, b""
    for field, kind, value in _fields(message):
        if field == 1 and isinstance(value, int):
            dtype = value
        elif field in (4, 5, 6) and kind in (_BYTES, _FIXED32, _FIXED64) and isinstance(value, bytes):
            raw = value
    if dtype == _FLOAT and len(raw) == 4:
        return _shortest(raw)
    return repr(struct.unpack("<d", raw)[0]) if dtype == _DOUBLE and len(raw) == 8 else ""


def _shortest(raw: bytes) -> str:
    """The fewest digits that make the same float32 again.

    >>> _shortest(struct.pack("<f", 0.9108)), _shortest(struct.pack("<f", 2 / 3))
    ('0.9108', '0.6666667')
    """
    [value] = struct.unpack("<f", raw)
    if not math.isfinite(value):
        return str(value)
    for digits in range(1, 10):
        written = f"{value:.{digits}g}"
        try:
            if struct.pack("<f", float(written)) == raw:
                return written
        except OverflowError:  # rounded up beyond the largest float32
            continue
    return f"{value:.9g}"
