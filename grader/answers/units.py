"""Which units do answers carry, and what is one in terms of another?

Bytes and seconds convert; counted things ("parameters", "epochs") have names only. "MB" is 10**6 bytes to a disk
maker and 2**20 to a model summary: both are kept, and a comparison says which one it used.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

_PREFIXES = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
BYTES = frozenset({"B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"})
_SECONDS = {
    "s": Fraction(1), "sec": Fraction(1), "secs": Fraction(1), "second": Fraction(1), "seconds": Fraction(1),
    "ms": Fraction(1, 1000), "millisecond": Fraction(1, 1000), "milliseconds": Fraction(1, 1000),
    "min": Fraction(60), "mins": Fraction(60), "minute": Fraction(60), "minutes": Fraction(60),
    "h": Fraction(3600), "hr": Fraction(3600), "hour": Fraction(3600), "hours": Fraction(3600),
}  # fmt: skip
_COUNTED = {
    "parameter": ("parameters", "params", "param", "weights", "weight"),
    "epoch": ("epochs",),
    "step": ("steps", "iterations", "iteration", "updates", "mini-batches", "minibatches", "batches", "batch"),
    "image": ("images", "samples", "sample", "examples", "example"),
    "pixel": ("pixels", "px"),
    "channel": ("channels", "filters", "filter", "maps"),
    "layer": ("layers",),
    "flop": ("flops", "macs", "mac", "multiply-adds"),
    "dB": ("db", "decibel", "decibels"),
}
_NAME = {word: name for name, words in _COUNTED.items() for word in (name.casefold(), *words)}


def known(word: str) -> str | None:
    """The unit that `word` names, in one writing, or None.

    >>> known("MB"), known("MiB"), known("params"), known("seconds"), known("in")
    ('MB', 'MiB', 'parameter', 's', None)
    """
    folded = word.casefold().strip(".,;:")
    if folded in _SECONDS:
        return next(name for name in ("s", "ms", "min", "h") if _SECONDS[name] == _SECONDS[folded])
    if folded in _NAME:
        return _NAME[folded]
    prefix = _byte_prefix(folded)
    if prefix is None:
        return None
    letter, is_binary = prefix
    if not letter:
        return "B"
    return f"{letter.upper()}iB" if is_binary else f"{letter.upper() if letter != 'k' else 'k'}B"


def unit_in(words: str) -> str | None:
    """The first known unit among `words`, such as "MB" in "MB in all"; None where there is none."""
    return next((unit for unit in map(known, words.split()) if unit is not None), None)


def _byte_prefix(word: str) -> tuple[str, bool] | None:
    """("m", True) for "mib" or "mebibytes"; None where the word is no number of bytes."""
    long = {"kilobyte": "k", "megabyte": "m", "gigabyte": "g", "terabyte": "t", "byte": ""}
    binary = {"kibibyte": "k", "mebibyte": "m", "gibibyte": "g", "tebibyte": "t"}
    singular = word.removesuffix("s") if len(word) > 3 else word
    if singular in long:
        return long[singular], False
    if singular in binary:
        return binary[singular], True
    for ending, is_binary in (("ib", True), ("b", False)):
        letter = word.removesuffix(ending)
        if word.endswith(ending) and letter in _PREFIXES and (letter or not is_binary):
            return letter, is_binary
    return None


def ratios(written: str, asked: str) -> Iterator[tuple[Fraction, str]]:
    """Factors that turn a number of `written` into one of `asked` (both as `known` names them), each with a remark.

    Nothing for units that do not convert. Two factors where a byte prefix can be decimal or binary.

    >>> [(str(factor), remark) for factor, remark in ratios("kB", "MB")]
    [('1/1000', 'with 1 MB = 10**6 bytes'), ('1/1024', 'with 1 MB = 2**20 bytes')]
    >>> [str(factor) for factor, _ in ratios("MB", "MB")], list(ratios("s", "MB"))
    (['1'], [])
    """
    if written == asked:
        yield Fraction(1), ""
        return
    if written in _SECONDS and asked in _SECONDS:
        yield _SECONDS[written] / _SECONDS[asked], f"{written} converted to {asked}"
        return
    of, to = _byte_prefix(written.casefold()), _byte_prefix(asked.casefold())
    if of is None or to is None:
        return
    doubtful = [
        (unit, letter) for unit, (letter, is_binary) in ((asked, to), (written, of)) if letter and not is_binary
    ]
    for base in (1000, 1024) if doubtful else (1024,):
        factor = Fraction((1024 if of[1] else base) ** _PREFIXES[of[0]], (1024 if to[1] else base) ** _PREFIXES[to[0]])
        remark = f"{written} converted to {asked}"
        if doubtful:
            unit, letter = doubtful[0]
            power = _PREFIXES[letter]
            remark = f"with 1 {unit} = {f'10**{3 * power}' if base == 1000 else f'2**{10 * power}'} bytes"
        yield factor, remark
