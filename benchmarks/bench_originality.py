"""How does comparing a class grow with it, and what of planted copies is found among strangers?

    python benchmarks/bench_originality.py [--quick] [HAND_INS]          # 10,000 by default, and a tenth of it before

O1  comparing ten times the class, to comparing a tenth of it, by CPU time: 10 is where each hand-in costs the same
O2  the planted pairs that were found, of all; and pairs of strangers that were told as one

Strangers are networks, logs, programs and texts of chance; programs and texts share what many write. One in fifty is
copied with a disguise.
"""

from __future__ import annotations

import base64
import random
import resource
import sys
import time

import numpy as np
from figures import Figure, tell, versions_of

from grader.originality import Marked, compared
from grader.sandbox.programs.weight_marks import marks

SHAPES = {"conv1": (8, 1, 5, 5), "conv2": (16, 8, 3, 3), "fc1": (32, 400), "fc2": (10, 32)}
COMMON = 3_000  # passages that many may write


def network(seed):
    chance = np.random.RandomState(seed)
    made = {}
    for name, shape in SHAPES.items():
        bound = 1 / np.sqrt(np.prod(shape[1:]))
        begun = chance.uniform(-bound, bound, shape) + 0.5 * bound * chance.standard_normal(shape)
        made[name] = begun.astype(np.float32)
    return made


def permuted(net, chance):
    first, second, hidden = (chance.permutation(size) for size in (8, 16, 32))
    return {
        "conv1": net["conv1"][first],
        "conv2": net["conv2"][second][:, first],
        "fc1": net["fc1"].reshape(32, 16, 25)[hidden][:, second].reshape(32, 400),
        "fc2": net["fc2"][:, hidden],
    }


def hand_in(name, net, seed, *, own=None):
    """Weights of `net`; a log, a program, a text and a picture of `seed`, or of `own` where it is copied."""
    chance = random.Random(seed if own is None else own)  # noqa: S311
    rows = [{"name": key, "shape": list(a.shape), "dtype": "float32", **marks(a)} for key, a in net.items()]
    losses = [round(1e4 * (2 * 0.8**epoch + chance.gauss(0, 0.02))) for epoch in range(20)]
    accuracy = [round(1e4 * min(360, round(350 - 180 * 0.6**epoch + chance.gauss(0, 2))) / 360) for epoch in range(20)]

    def passages(count, kind):
        usual = [int(COMMON * chance.random() ** 3) + kind for _ in range(count // 2)]
        return [
            [mark, line] for line, mark in enumerate({*usual, *(chance.getrandbits(48) for _ in range(count // 2))})
        ]

    curves = [
        {"name": "train loss", "unit": "1/10000", "values": losses},
        {"name": "test accuracy", "unit": "1/100", "values": accuracy},
    ]
    picture = np.random.RandomState(chance.getrandbits(31)).randint(0, 256, (32, 32)).astype(np.uint8)
    picture[8:] = 255  # most of a plot is white
    return Marked(
        name,
        {
            "students": [name],
            "weights": [{"path": "model.pth", "tensors": rows}],
            "code": [{"path": "train.py", "marks": passages(150, 0), "seeds": []}],
            "logs": [{"path": "log.csv", "curves": curves}],
            "texts": [{"path": "answers.json /answers/why", "marks": passages(40, COMMON)}],
            "pictures": [
                {"path": "loss.png", "digest": f"{seed:032x}", "small": base64.b64encode(picture.tobytes()).decode()}
            ],
            "documents": [],
        },
    )


def a_class(count):
    """Strangers, and copies: of each fiftieth, in turn its weights (as they are, trained on, permuted) or its rest."""
    made = [hand_in(f"s{seed:05}", network(seed), seed) for seed in range(count)]
    planted = {}
    for turn, source in enumerate(range(0, count, 50)):
        chance = np.random.RandomState(source)
        name, copy, own = f"x{source:05}", network(source), None
        if turn % 4 == 1:
            copy = {
                key: (a + 0.1 * a.std() * chance.standard_normal(a.shape)).astype(np.float32) for key, a in copy.items()
            }
        elif turn % 4 == 2:
            copy = permuted(copy, chance)
        elif turn % 4 == 3:
            copy, own = network(10**6 + source), source
        made.append(hand_in(name, copy, 10**6 + source, own=own))
        planted[f"s{source:05}", name] = turn % 4
    return made, planted


def measured(count):
    began = time.process_time()
    hand_ins, planted = a_class(count)
    made_in = time.process_time() - began
    began = time.process_time()
    found = compared(hand_ins)
    seconds = time.process_time() - began
    pairs = {(pair.one, pair.other) for pair in found.pairs}
    missed = [
        f"{pair} ({('equal', 'trained on', 'permuted', 'log and texts')[planted[pair]]})"
        for pair in planted.keys() - pairs
    ]
    false = sorted(pairs - planted.keys())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(hand_ins):,} hand-ins: fingerprints made in {made_in:.1f} s of CPU, compared in {seconds:.1f} s; "
        f"{len(planted)} planted, {len(pairs & planted.keys())} found, {len(missed)} missed, {len(false)} false; "
        f"{peak:,.0f} MB at most",
        flush=True,
    )
    for line in missed[:5] + [f"false: {pair}" for pair in false[:5]]:
        print(" ", line)
    for pair in found.pairs:
        if (pair.one, pair.other) in false[:5]:
            print("   ", pair.clues[0].said)
    return {
        "n": len(hand_ins), "seconds": seconds, "planted": len(planted), "found": len(pairs & planted.keys()),
        "false": len(false), "peak": peak,
    }  # fmt: skip


if __name__ == "__main__":
    said = [word for word in sys.argv[1:] if not word.startswith("--")]
    most = int(said[0]) if said else 1000 if "--quick" in sys.argv else 10_000
    few, many = measured(most // 10), measured(most)
    parts = {f"{one['n']:,} hand-ins, s": one["seconds"] for one in (few, many)} | {"memory, MiB": many["peak"]}
    found = {name: many[name] for name in ("planted", "found", "false")}
    ratio = many["seconds"] / few["seconds"]
    tell(
        [
            Figure("O1", "comparing ten times the class, CPU", ratio, None, parts=parts, n=many["n"]),
            Figure("O2", "planted copies that are found", many["found"] / many["planted"], None, unit="", parts=found,
                   n=many["n"]),
        ],
        versions=versions_of("numpy"),
    )  # fmt: skip
