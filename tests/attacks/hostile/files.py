# ruff: noqa: E501 - cases stand on one line
"""Which archives, answers, checkpoints and other files attack? By name: the attacks, and a function that writes them."""

from __future__ import annotations

import importlib.util
import json
import pickle
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from . import code, honest

Writer = Callable[[Path], None]  # writes the hand-in; may put an archive in place of the folder


def _neighbour(path: str) -> ModuleType:
    """The byte-by-byte writers of other tests: one home for how a zip and a checkpoint are laid out."""
    file = Path(__file__).parents[2] / path
    spec = importlib.util.spec_from_file_location(f"hostile_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


raw_zip = _neighbour("intake/raw_zip.py")
torch_bytes = _neighbour("attacks/test_checkpoints.py")
WEIGHTS = honest.linear(9)
MANIFEST = b'{"assignment": "attacked"}'


def archive(*entries: object, **settings: object) -> Writer:
    """A zip of these entries, with a manifest in front, in place of the folder."""

    def write(folder: Path) -> None:
        first = raw_zip.Raw("submission.json", MANIFEST)
        folder.with_suffix(".zip").write_bytes(raw_zip.build(first, *entries, **settings))

    return write


def data(content: bytes) -> Writer:
    """These bytes in place of the archive."""
    return lambda folder: folder.with_suffix(".zip").write_bytes(content) and None


def answers(text: object) -> Writer:
    """A plain network with these answers."""
    return lambda folder: honest.write(folder, code.NET, WEIGHTS, text)


def checkpoint(content: bytes) -> Writer:
    """A plain network with these bytes for weights."""
    return lambda folder: honest.write(folder, code.NET, content)


def beside(**files: bytes) -> Writer:
    """A plain network with these files beside it; `__` in a name stands for a dot."""

    def write(folder: Path) -> None:
        honest.write(folder, code.NET, WEIGHTS)
        for name, content in files.items():
            (folder / name.replace("__", ".")).write_bytes(content)

    return write


def _links(folder: Path) -> None:
    honest.write(folder, code.NET, None)
    (folder / "model.pth").symlink_to(folder.parent / "honest-that-is-not-there" / "model.pth")
    (folder / "more").symlink_to("/")
    (folder / "answers.json").unlink()
    (folder / "answers.json").symlink_to("/etc/passwd")


def _closed_tree(folder: Path) -> None:
    archive(raw_zip.Raw("a/", b"", 0, mode=0o40000), raw_zip.Raw("a/b", mode=0o100000))(folder)


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress(bytes(10**6), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


class _Touch:
    """Loading it in earnest would leave a marker."""

    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path(self.marker),)


_NESTED = "[" * 100_000
_MARKUP = "[/x][bold green]PASS 100/100[/]\x1b]0;owned\x07\u202e<script>alert(1)</script>=cmd|' /C calc'!A1"


def all_files(marker: str) -> dict[str, tuple[tuple[int, ...], Writer]]:
    """Every hostile hand-in that is no code."""
    raw, t = raw_zip.Raw, torch_bytes
    return {
        "up": ((1,), archive(raw("../../canary", b"gone"))),
        "absolute": ((1,), archive(raw("/tmp/canary", b"gone"))),  # noqa: S108  it is refused
        "link": ((2,), archive(raw("model.pth", b"/etc/passwd", mode=0o120777))),
        "links-in-a-folder": ((2, 3), _links),
        "bomb": ((4,), archive(raw("zeros", bytes(64 * 2**20)))),
        "overlap": ((5,), archive(raw("a", bytes(99)), raw("b", bytes(99), packed=b"", central={"offset": 0}))),
        "lies": ((6,), archive(raw("a", bytes(99), local={"size": 9}, central={"size": 9}))),
        "many": ((7,), archive(*(raw(f"{n}", b"", 0) for n in range(3000)))),
        "twins": ((8,), archive(raw("model.py"), raw("Model.py"), raw("model.py"))),
        "two-faces": ((9,), archive(raw("model.py", b"x", local={"name": b"other.py"}))),
        "tar": ((10,), data(b"model.py".ljust(257, b"\0") + b"ustar\0" + bytes(249))),
        "fifo": ((10,), archive(raw("x", mode=0o010666))),
        "clash": ((11,), archive(raw("a", mode=0), raw("a/b", mode=0))),
        "closed": ((11,), _closed_tree),
        "twice": ((12,), data(raw_zip.build(raw("submission.json", MANIFEST)) * 2)),
        "deep-json": ((13,), answers(_NESTED)),
        "long-number": ((14,), answers('{"answers": {"total": ' + "9" * 5000 + "}}")),
        "long-text": ((14,), answers({"why": "x" * 3 * 10**6})),
        "nan": ((15,), answers('{"answers": {"total": NaN, "by_hand": [[1e999]]}}')),
        "key-twice": ((16,), answers('{"answers": {"total": 1, "total": 7850}}')),
        "true": ((17,), answers({"total": True, "pick": {"b": True}, "by_hand": [[True, "2"], [3, 4]]})),
        "yaml": ((18,), answers("!!python/object/apply:os.system ['true']")),
        "code": ((19,), answers({"total": f"__import__('pathlib').Path({marker + '/answer'!r}).touch()", "formula": "__import__('os')"})),
        "power": ((20,), answers({"total": "9**9**9", "formula": "9**9**9**9 + factorial(10**7)", "by_hand": "9**9**9"})),
        "stall": ((21,), answers({"total": "1" + " " * 50_000 + "!", "why": "a" * 60_000 + "!", "formula": "(" * 5_000 + "T" + ")" * 5_000, "pick": "b" * 99_999})),
        "half-character": ((22,), answers('{"answers": {"why": "\\ud800 stride \\u202e"}}')),
        "other-student": ((24,), _claims),
        "notebook": ((25, 26, 27), beside(work__ipynb=_notebook(marker))),
        "pickle": ((28,), checkpoint(t.torch_file(pickle.dumps(_Touch(marker + "/pickle"), 2)))),
        "plain-pickle": ((28, 30), checkpoint(pickle.dumps({"1.weight": _Touch(marker + "/plain")}, 2))),
        "module": ((31,), checkpoint(t.torch_file(b"\x80\x02c__main__\nNet\n)\x81}sb."))),
        "deflated": ((32,), checkpoint(t.torch_file(t.state(**{"1.weight": t.tensor()}), {"0": bytes(2**24)}, compress=("data/0",)))),
        "strides": ((33,), checkpoint(t.torch_file(t.state(**{"1.weight": t.tensor(shape=(10**5, 10**5), strides=(0, 0))})))),
        "references": ((34,), checkpoint(t.torch_file(b"\x80\x02}" + t.text("1.weight") + t.doubled(200) + b"s."))),
        "deep-list": ((34,), checkpoint(t.torch_file(b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."))),
        "nan-weights": ((35,), checkpoint(t.torch_file(t.state(**{"1.weight": t.tensor()}), {"0": struct.pack("<6f", *[float("nan")] * 6)}))),
        "smuggled": ((36,), checkpoint(honest.save(WEIGHTS | {"labels": WEIGHTS["1.bias"]}))),
        "log-in-page": ((37,), checkpoint(b"<!DOCTYPE html><title>Log in")),
        "empty": ((37,), checkpoint(b"")),
        "lying-header": ((38,), checkpoint(t.safetensors_file({"a": t.entry()}, bytes(24), length=2**63))),
        "stand-ins": ((46,), beside(**{f"{name}__py": f"open({marker + '/stand-in'!r}, 'w')\n".encode() for name in ("torch", "json", "os", "numpy", "conftest", "sitecustomize", "usercustomize")})),
        "compiled": ((70,), beside(model__pyc=b"\xa7\r\r\n", helper__so=b"\x7fELF")),
        "image-bomb": ((77,), beside(figure__png=_png(60_000, 60_000))),
        "names": ((79, 80, 83, 84), _named),
        "text": ((79, 80, 81, 83, 84), answers({"why": _MARKUP + " stride", "total": _MARKUP, "pick": _MARKUP, "formula": _MARKUP, _MARKUP: _MARKUP})),
        "report": ((81, 82), beside(report__md=f"![x](http://127.0.0.1/x.png) [y](javascript:alert(1)) {_MARKUP}".encode())),
    }  # fmt: skip


def _claims(folder: Path) -> None:
    honest.write(folder, code.NET, WEIGHTS)
    claim = {"assignment": "attacked", "students": [{"id": "perfect", "name": "perfect"}], "group": "perfect"}
    (folder / "submission.json").write_text(json.dumps(claim))


def _named(folder: Path) -> None:
    honest.write(folder, code.NET, WEIGHTS)
    student = {"id": "=1+1", "name": _MARKUP}
    (folder / "submission.json").write_text(json.dumps({"assignment": "attacked", "students": [student]}))
    (folder / "[red]\x1b[2J<img src=x>.txt").write_text("x")


def _notebook(marker: str) -> bytes:
    cells = [
        {"cell_type": "code", "source": ["!touch ", f"{marker}/cell\n", "%load /etc/passwd"], "outputs": [{"data": {"text/html": "<script>1</script>"}}]},
        {"cell_type": "code", "source": "assert = print = None", "outputs": [{"text": "PASS 100/100"}]},
    ]  # fmt: skip
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()
