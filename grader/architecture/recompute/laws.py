"""What does a class do to a shape, and which settings explain input, output and count of one row?

`fit` answers for a layer whose input is known. Prices: 0 for the usual, about 1 for the seldom.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from grader.architecture.readers.printed import PrintedShape
from grader.architecture.recompute.counts import allowed_counts
from grader.architecture.recompute.keras_laws import EXACT, KERAS_LAWS, LAWFUL, convolved_exactly, usual_count
from grader.architecture.recompute.layouts import channels_of, same_shape, spatial_of, volume
from grader.architecture.recompute.operations import Operation
from grader.architecture.recompute.windowed import convolved, pooled
from grader.architecture.recompute.windows import Asked, Fit


@lru_cache(maxsize=1 << 17)
def fit(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, kernel: PrintedShape | None = None
) -> Fit | None:
    """The most usual explanation of a row that gets `source`, or None if there is none.

    >>> fit(Operation("conv", 2), (None, 1, 28, 28), (None, 32, 28, 28), 320).settings[1:5]
    (('kernel', (3, 3)), ('stride', (1, 1)), ('padding', (1, 1)), ('dilation', (1, 1)))
    """
    if operation.printed is not None:
        one = operation.printed.making(source, out, count)
        return None if one is None else Fit(0.0, one.settings)
    law = (KERAS_LAWS.get(operation.family) if operation.is_keras else None) or _LAWS.get(operation.family)
    if law is None or not source or not out:
        return None
    asked = Asked(operation, source, out, count, kernel)
    found = law(asked)
    if found is None and operation.is_keras and operation.family in EXACT:
        return convolved_exactly(asked)
    return found


def _same(asked: Asked) -> Fit | None:
    operation, source, out, count = asked.operation, asked.source, asked.out, asked.parameters
    allowed = allowed_counts(operation, out)
    if not same_shape(source, out) or (count is not None and allowed is not None and count not in allowed):
        return None
    if operation.is_keras and operation.family == "batch_norm" and count is not None:
        usual = usual_count(operation, out) or 0
        return Fit(0.0 if count == usual else 0.5 if 2 * count in {usual, 3 * usual // 2} else LAWFUL)
    is_plain = count is None or not allowed or count == max(allowed) or operation.family != "batch_norm"
    return Fit(0.0 if is_plain else 0.5)


def _linear(asked: Asked) -> Fit | None:
    source, out, count = asked.source, asked.out, asked.parameters
    features, made = source[-1], out[-1]
    if not features or not made or len(source) != len(out) or not same_shape((*source[:-1], 1), (*out[:-1], 1)):
        return None
    if count is None or count == made * (features + 1):
        return Fit(0.0, (("out_features", made), ("bias", True)))
    if count == made * features:
        return Fit(0.1, (("out_features", made), ("bias", False)))
    return None


def _adaptive(asked: Asked) -> Fit | None:
    operation, source, out, count = asked.operation, asked.source, asked.out, asked.parameters
    dims = operation.dims
    if count or len(source) != len(out) or not same_shape(source[:-dims], out[:-dims]):
        return None
    before, after = source[-dims:], out[-dims:]
    price = 0.0
    if any(size is not None and made is not None and made > size for size, made in zip(before, after, strict=True)):
        price += 0.3
    if len(set(after)) > 1 and len(set(before)) == 1:
        price += 0.8
    return Fit(price, (("output_size", after),))


def _global_pool(asked: Asked) -> Fit | None:
    operation, source, out, count = asked.operation, asked.source, asked.out, asked.parameters
    channels = channels_of(operation, source)
    kept = (source[0], *(1 for _axis in source[1:-1]), channels)
    if not count and len(source) > 2 and out in {(source[0], channels), kept}:
        return Fit(0.0)
    return None


def _flatten(asked: Asked) -> Fit | None:
    source, out, count = asked.source, asked.out, asked.parameters
    size = volume(source)
    if count or (size is None and out != source):
        return None
    if len(out) == 2 and out[1] == size and same_shape(source[:1], out[:1]):
        return Fit(0.0)
    if size == volume(out) and len(out) < len(source):
        return Fit(0.3)
    if len(out) == 1 and size is not None and out[0] in {size, size * (source[0] or 1)}:
        return Fit(0.6)
    return Fit(0.1) if same_shape(source, out) else None


def _reshape(asked: Asked) -> Fit | None:
    source, out, count = asked.source, asked.out, asked.parameters
    if count:
        return None
    size, made = volume(source), volume(out)
    return Fit(0.0) if size is None or made is None or size == made else None


def _permute(asked: Asked) -> Fit | None:
    source, out, count = asked.source, asked.out, asked.parameters
    return Fit(0.0) if not count and sorted(map(str, source[1:])) == sorted(map(str, out[1:])) else None


def _repeat(asked: Asked) -> Fit | None:
    source, out, count = asked.source, asked.out, asked.parameters
    return Fit(0.0) if not count and len(out) == 3 and len(source) == 2 and out[2] == source[1] else None


def _upsample(asked: Asked) -> Fit | None:
    operation, source, out, count = asked.operation, asked.source, asked.out, asked.parameters
    if count or len(source) != len(out) or channels_of(operation, source) != channels_of(operation, out):
        return None
    before, after = spatial_of(operation, source), spatial_of(operation, out)
    pairs = [(size, made) for size, made in zip(before, after, strict=True) if size and made]
    ratios = {made / size for size, made in pairs}
    if len(ratios) <= 1:
        [ratio] = ratios or {1.0}
        return Fit(0.0 if ratio.is_integer() else 0.5, (("scale_factor", ratio),))
    whole = all(made % size == 0 for size, made in pairs)
    return Fit(0.5 if whole else 0.6 if len(set(after)) == 1 else 1.0, (("size", after),))


def _pad(asked: Asked) -> Fit | None:
    operation, source, out, count = asked.operation, asked.source, asked.out, asked.parameters
    if count or len(source) != len(out) or channels_of(operation, source) != channels_of(operation, out):
        return None
    before, after = spatial_of(operation, source), spatial_of(operation, out)
    added = [made - size for size, made in zip(before, after, strict=True) if size is not None and made is not None]
    if len(set(added)) <= 1:
        return Fit(0.0 if not added or 0 <= abs(added[0]) <= 12 else 0.5)
    return Fit(0.5)


def _pixel_shuffle(asked: Asked) -> Fit | None:
    operation, source, out, count = asked.operation, asked.source, asked.out, asked.parameters
    first, second = (source, out) if operation.family == "pixel_shuffle" else (out, source)
    if count or len(source) != len(out) or len(out) < 4 or not first[-1] or not second[-1] or second[-1] % first[-1]:
        return None
    factor = second[-1] // first[-1]
    is_so = second[-2] == (first[-2] or 0) * factor and first[-3] == (second[-3] or 0) * factor**2
    return Fit(0.0, (("upscale_factor", factor),)) if is_so else None


def _embedding(asked: Asked) -> Fit | None:
    source, out, count = asked.source, asked.out, asked.parameters
    if len(out) < 2 or not same_shape(source, out[:-1]) or (count is not None and count % (out[-1] or 1)):
        return None
    return Fit(0.0, (("num_embeddings", (count or 0) // (out[-1] or 1)), ("embedding_dim", out[-1])))


def _recurrent(asked: Asked) -> Fit | None:
    operation, source, out, count = asked.operation, asked.source, asked.out, asked.parameters
    features, made = source[-1], out[-1]
    if not features or not made or len(source) < 2:
        return None
    if not same_shape(source[:-1], out[:-1]):
        return None
    if not count:
        return Fit(0.1)
    found = next(_recurrent_settings(operation, features, made, count), None)
    return None if found is None else Fit(0.0, found)


def _recurrent_settings(
    operation: Operation, features: int, made: int, count: int
) -> Iterator[tuple[tuple[str, object], ...]]:
    all_gates = {"rnn": (1,), "gru": (3,), "lstm": (4,)}.get(operation.word) or (1, 3, 4)
    for directions in (1, 2):
        if made % directions:
            continue
        units = made // directions
        for gate in all_gates:
            for bias in (2, 0):
                for layers in range(1, 13):
                    first = gate * units * (features + units + bias)
                    later = gate * units * (made + units + bias)
                    if count == directions * (first + (layers - 1) * later):
                        yield (
                            ("hidden_size", units),
                            ("num_layers", layers),
                            ("bias", bias > 0),
                            ("bidirectional", directions == 2),
                        )


def _attention(asked: Asked) -> Fit | None:
    source, out = asked.source, asked.out
    return Fit(0.0 if same_shape(source, out) else 1.5)


def _resize(asked: Asked) -> Fit | None:
    source, out, count = asked.source, asked.out, asked.parameters
    return Fit(0.2) if not count and len(source) == len(out) and source[-1] == out[-1] else None


_LAWS = {
    "same": _same, "batch_norm": _same, "channel_norm": _same, "instance_norm": _same, "layer_norm": _same,
    "rms_norm": _same, "prelu": _same, "normalization": _same,
    "conv": convolved, "conv_transpose": convolved, "depthwise": convolved,
    "separable": convolved, "linear": _linear, "pool": pooled, "adaptive_pool": _adaptive, "global_pool": _global_pool,
    "flatten": _flatten, "reshape": _reshape, "permute": _permute, "repeat": _repeat, "upsample": _upsample,
    "pad": _pad, "pixel_shuffle": _pixel_shuffle, "pixel_unshuffle": _pixel_shuffle, "embedding": _embedding,
    "recurrent": _recurrent, "attention": _attention, "resize": _resize,
}  # fmt: skip
