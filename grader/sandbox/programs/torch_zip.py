"""How is a file of torch.save read without torch? As a zip of raw records and one pickle, each part checked.

The records must be stored (not compressed), apart from each other, whole, and each one used; a tensor must lie
within its record and have no more elements than that. The file is parsed once, here, and what is later put into a
model comes from this reading: no second reader can see something else in it.
"""

from __future__ import annotations

import mmap
import struct
import sys
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

from . import pickled
from .channel import Fault
from .pickled import Call, Name, Persistent
from .tensors import ITEM_BYTES, MOST_DIMENSIONS, MOST_TENSORS, SAVE, Tensor

MOST_RECORDS = 3 * MOST_TENSORS
MOST_TABLE = 16 * 2**20  # bytes: 60,000 rows of some 100, with room
_STORAGES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool",
}  # fmt: skip
_TENSORS = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor")
_HARMLESS = (
    "collections.OrderedDict",
    "builtins.set",
    "__builtin__.set",
    "builtins.frozenset",
    "__builtin__.frozenset",
)
# torch's own ways to make a tensor that is not a plain one, and what their arguments are.
_SPECIAL = ("torch._utils._rebuild_", "torch._tensor._rebuild_", "torch.serialization._get_layout", "torch.per_")
_ELEMENTS = ("complex", "float", "bfloat", "uint", "int", "quint", "qint", "bits")
_MODULES = sys.stdlib_module_names | {"torch", "copyreg"}  # whose functions act, unlike a student's own class
_AGAIN = "save and upload the file again"
# What torch writes beside the pickle and the data: a few bytes each. More than that is nobody's.
_BESIDE = 4096


@dataclass(frozen=True)
class _Record:
    start: int
    size: int


def read(data: mmap.mmap, name: str) -> list[Tensor]:
    """The tensors of a torch zip file, in its order. Raises Fault."""
    entries = _listing(data, name)
    folder = _folder([entry.filename for entry in entries], name)
    records = _records(data, entries, name)
    order = records.get(f"{folder}byteorder")
    if order is not None and data[order.start : order.start + order.size] not in (b"", sys.byteorder.encode()):
        raise Fault("byte-order", name, f"was written on a machine that is not {sys.byteorder}-endian", _AGAIN)
    script = records[f"{folder}data.pkl"]
    _refuse_strays(records, folder, name)
    if script.size > pickled.MOST_BYTES:
        raise Fault("too-large", name, f"has a list of tensors of {script.size:,} bytes", SAVE)
    listed = pickled.read(data[script.start : script.start + script.size])
    fault = code_fault(listed.names, name)
    if fault is not None:
        raise fault
    if listed.broken:
        raise Fault("corrupt", name, f"has a broken list of tensors: {listed.broken}", _AGAIN)
    return _tensors(listed.value, records, f"{folder}data/", name)


# --- the zip ----------------------------------------------------------------------------------


def _listing(data: mmap.mmap, name: str) -> list[zipfile.ZipInfo]:
    """The table of contents, which stands at the end of the file."""
    try:
        _refuse_long_table(data, name)
        data.seek(0)
        mapped: Any = data  # reads and seeks as a file does
        with zipfile.ZipFile(mapped) as archive:
            entries: list[zipfile.ZipInfo] = archive.infolist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, struct.error, ValueError, OSError, NotImplementedError) as error:
        what = f"is a torch file that is cut off or damaged ({len(data):,} bytes: {error})"
        raise Fault("truncated", name, what, _AGAIN) from error
    if len(entries) > MOST_RECORDS:
        raise Fault("too-large", name, f"has {len(entries):,} records, more than {MOST_RECORDS:,}", SAVE)
    return entries


def _refuse_long_table(data: mmap.mmap, name: str) -> None:
    """Look at the length of the table before it is read: each of its rows becomes an object of Python's."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    if end < 0 or end + 20 > len(data):
        return  # the reader says it
    (size,) = struct.unpack_from("<L", data, end + 12)
    if size == 0xFFFF_FFFF:  # the true number stands in the ZIP64 record before it
        wide = data.rfind(b"PK\x06\x06", max(0, end - 4096), end)
        size = struct.unpack_from("<Q", data, wide + 40)[0] if 0 <= wide <= len(data) - 48 else size
    if size > MOST_TABLE:
        raise Fault("too-large", name, f"has a table of records of {size:,} bytes, more than {MOST_TABLE:,}", SAVE)


def _records(data: mmap.mmap, entries: list[zipfile.ZipInfo], name: str) -> dict[str, _Record]:
    """Every record with where its bytes stand, checked: stored, whole, once, none within another."""
    made: dict[str, _Record] = {}
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise Fault("compressed-record", name, f"the record {entry.filename!r} is compressed", SAVE)
        if entry.filename in made:
            raise Fault("corrupt", name, f"the record {entry.filename!r} stands twice", _AGAIN)
        start = _start(data, entry, name)
        if entry.header_offset < end or (not made and entry.header_offset != 0):
            raise Fault("overlap", name, f"the record {entry.filename!r} lies within another one", SAVE)
        end = start + entry.file_size
        if end > len(data):
            raise Fault("truncated", name, f"the record {entry.filename!r} is cut off", _AGAIN)
        with memoryview(data) as view:
            if zlib.crc32(view[start:end]) != entry.CRC:
                raise Fault("corrupt", name, f"the record {entry.filename!r} has a wrong check sum", _AGAIN)
        made[entry.filename] = _Record(start, entry.file_size)
    return made


def _refuse_strays(records: dict[str, _Record], folder: str, name: str) -> None:
    """Bytes that no loader looks at: a place for what a model must not bring along."""
    own = (f"{folder}data.pkl", f"{folder}data/")
    beside = {record: one.size for record, one in records.items() if not record.startswith(own)}
    if sum(beside.values()) > _BESIDE:
        largest = max(beside, key=lambda record: beside[record])
        what = f"holds {sum(beside.values()):,} bytes that belong to no tensor ({largest[:100]!r})"
        raise Fault("stray-record", name, what, SAVE)


def _start(data: mmap.mmap, entry: zipfile.ZipInfo, name: str) -> int:
    """Where the record's bytes begin, by its own header, which must agree with the table at the end of the file."""
    header = data[entry.header_offset : entry.header_offset + 30]
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise Fault("truncated", name, f"the record {entry.filename!r} is not where it should be", _AGAIN)
    flags, method = struct.unpack_from("<HH", header, 6)
    names: int
    extra: int
    names, extra = struct.unpack_from("<HH", header, 26)
    own = data[entry.header_offset + 30 : entry.header_offset + 30 + names]
    if method != 0 or flags & 1 or own != entry.orig_filename.encode("utf-8" if flags & 0x800 else "cp437", "replace"):
        raise Fault("corrupt", name, f"two entries for the record {entry.filename!r} disagree", _AGAIN)
    return entry.header_offset + 30 + names + extra


def _folder(records: list[str], name: str) -> str:
    """The folder in which everything stands. Other archives that torch and others write are named and refused."""
    tops = {record.partition("/")[0] for record in records}
    inner = {record.partition("/")[2] for record in records}
    if any(record.startswith("code/") or record == "constants.pkl" for record in inner):
        what = "is a TorchScript archive (torch.jit.save): it holds code"
        raise Fault("torchscript", name, what, SAVE)
    if "archive_format" in inner or any(record.startswith("models/") for record in inner):
        raise Fault("exported-program", name, "is an exported program (torch.export.save): it holds code", SAVE)
    scripts = [record for record in records if record == "data.pkl" or record.endswith("/data.pkl")]
    if not scripts:
        kind = "a NumPy archive" if any(record.endswith(".npy") for record in records) else "a zip archive"
        raise Fault("not-weights", name, f"is {kind} with {len(records):,} files, but no weights of torch.save", SAVE)
    if len(scripts) > 1 or len(tops) > 1 or scripts[0].count("/") != 1:
        raise Fault("corrupt", name, "holds more than one set of weights", SAVE)
    return scripts[0].removesuffix("data.pkl")


# --- the pickle -------------------------------------------------------------------------------


def code_fault(names: list[str], file: str) -> Fault | None:
    """Why a pickle is refused that names anything but tensors of plain types, or None."""
    foreign = [name for name in dict.fromkeys(names) if not _is_plain(name)]
    if not foreign:
        return None
    modules = [name for name in foreign if name.startswith("torch.nn.")]
    special = [name for name in foreign if name.startswith(_SPECIAL)]
    kinds = [name for name in foreign if _is_kind(name)]
    known = {*modules, *special, *kinds}
    others = [name for name in foreign if name not in known]
    suspicious = [name for name in others if name.partition(".")[0] in _MODULES]
    if modules and not suspicious:
        own = next((name for name in others if name.partition(".")[0] not in ("numpy", "torchvision")), modules[0])
        return Fault("whole-module", file, f"holds a whole model ({own}), not its weights alone", SAVE)
    if others:
        return Fault("pickled-code", file, f"contains pickled code: {(suspicious or others)[0][:120]}", SAVE)
    if special:
        what = f"holds a special tensor ({special[0][:120]}): sparse, quantised, or of another type"
        return Fault("unsupported-tensor", file, what, "convert it: tensor.to_dense().float()")
    return Fault("bad-dtype", file, f"holds numbers of the type {kinds[0][:120]}", "convert the model: model.float()")


def _is_kind(name: str) -> bool:
    """Whether it is the name of a storage or of an element type of torch's, such as torch.ComplexFloatStorage."""
    first, _, last = name.rpartition(".")
    return first == "torch" and (last.endswith("Storage") or last.startswith(_ELEMENTS))


def _is_plain(name: str) -> bool:
    if name in _HARMLESS or name in _TENSORS:
        return True
    if name in ("torch._utils._rebuild_parameter", "torch.Size", "torch.storage.UntypedStorage", "torch.device"):
        return True
    return name.startswith("torch.") and (name[6:] in _STORAGES or name[6:] in ITEM_BYTES)


def _tensors(value: Any, records: dict[str, _Record], folder: str, name: str) -> list[Tensor]:
    entries = _entries(value, name)
    made = []
    used = set()
    for key, entry in entries.items():
        tensor, storage = _tensor(key, entry, records, folder, name)
        made.append(tensor)
        used.add(storage)
    stray = [record for record in records if record.startswith(folder) and record not in used]
    if stray:
        raise Fault("stray-record", name, f"holds data that belongs to no tensor ({stray[0]!r})", SAVE)
    return made


def _entries(value: Any, name: str) -> dict[str, Call]:
    """The state dict's entries, all of them tensors under names; anything else is said what it is."""
    found = as_dict(value)
    if found is None:
        kinds = {list: "a list", tuple: "a tuple", str: "a text", bytes: "bytes", Call: "a single tensor"}
        what = f"holds {kinds.get(type(value), 'a single value')}, not a state dict"
        raise Fault("not-a-state-dict", name, what, SAVE)
    if found and all(_is_tensor(entry) and isinstance(key, str) for key, entry in found.items()):
        if len(found) > MOST_TENSORS:
            raise Fault("too-large", name, f"holds {len(found):,} tensors, more than {MOST_TENSORS:,}", SAVE)
        return found
    keys = ", ".join(repr(key)[:40] for key in list(found)[:6]) or "nothing"
    for key, entry in found.items():
        inner = as_dict(entry)
        if inner and all(_is_tensor(part) for part in inner.values()):
            what = f"holds a dictionary ({keys}); the weights stand in it under {key!r}"
            raise Fault(
                "wrapper-dict", name, what, f'save that entry alone: torch.save(checkpoint[{key!r}], "model.pth")'
            )
    if "param_groups" in found:
        raise Fault("not-a-state-dict", name, "holds the state of an optimizer, not of a model", SAVE)
    odd = next((key for key, entry in found.items() if not _is_tensor(entry)), None)
    about = f": the entry {odd!r} is no tensor"[:100] if any(map(_is_tensor, found.values())) else ""
    raise Fault("not-a-state-dict", name, f"holds a dictionary of {keys}, not a state dict{about}", SAVE)


def as_dict(value: Any) -> dict[Any, Any] | None:
    if isinstance(value, Call) and value.name == "collections.OrderedDict":
        value = value.arguments
    return value if isinstance(value, dict) else None


def _is_tensor(value: Any) -> bool:
    if not isinstance(value, Call):
        return False
    if value.name == "torch._utils._rebuild_parameter" and isinstance(value.arguments, tuple) and value.arguments:
        value = value.arguments[0]
    return isinstance(value, Call) and value.name in _TENSORS


def _tensor(key: str, call: Call, records: dict[str, _Record], folder: str, file: str) -> tuple[Tensor, str]:
    if call.name == "torch._utils._rebuild_parameter":
        call = call.arguments[0]
    where = f"{file} {key}"[:200]
    try:
        storage, offset, shape, strides = call.arguments[:4]
        word, kind, number, _device, length = storage.id
        shape, strides = _whole_numbers(shape), _whole_numbers(strides)
        [offset, length] = _whole_numbers((offset, length))
        if not isinstance(storage, Persistent) or word != "storage" or not isinstance(kind, Name):
            raise TypeError("no storage")  # noqa: TRY301  one refusal for all
        if len(shape) != len(strides) or len(shape) > MOST_DIMENSIONS:
            raise ValueError("a shape without its strides")  # noqa: TRY301
    except (TypeError, ValueError, AttributeError) as error:
        raise Fault("corrupt", where, "a tensor is not described as torch.save does", _AGAIN) from error
    dtype = _STORAGES.get(kind.dotted.removeprefix("torch."))
    if dtype is None:
        raise Fault("bad-dtype", where, f"the tensor has the type {kind.dotted}", "convert it: model.float()")
    record = records.get(f"{folder}{number}")
    if record is None:
        raise Fault("truncated", where, "the tensor's data is not in the file", _AGAIN)
    if record.size != length * ITEM_BYTES[dtype]:
        what = f"the tensor's data has {record.size:,} bytes where {length * ITEM_BYTES[dtype]:,} are announced"
        raise Fault("truncated", where, what, _AGAIN)
    tensor = Tensor(key, shape, dtype, record.start + offset * ITEM_BYTES[dtype], strides)
    if tensor.elements > length:
        what = f"the tensor shows {tensor.elements:,} elements, but only {length:,} are stored"
        raise Fault("stride-trick", where, what, "save a copy of the tensor: tensor.clone()")
    if tensor.elements and offset + tensor.reach > length:
        raise Fault("out-of-bounds", where, "the tensor reaches past the end of its data", _AGAIN)
    return tensor, f"{folder}{number}"


def _whole_numbers(value: Any) -> tuple[int, ...]:
    if isinstance(value, Call) and value.name == "torch.Size":
        value = value.arguments[0]
    if not isinstance(value, tuple | list) or not all(type(item) is int and 0 <= item < 2**62 for item in value):
        raise TypeError("not a row of whole numbers")
    return tuple(value)
