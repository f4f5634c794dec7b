"""What a class is told: the same pairs in every order, pictures and files too, and what makes a pair plainer."""

import base64
import random

import numpy as np
import pytest

from grader.originality import compared
from grader.reports.originality import originality_table
from tests.originality.conftest import marked, network

PLOT = np.full((32, 32), 250, dtype=np.uint8)
LINES = np.random.RandomState(1).randint(0, 32, (40, 32))


def plot(number, *, noise=0):
    """Axes and a curve of its own, as thirty-two by thirty-two means."""
    picture = PLOT.copy()
    picture[:, 2] = picture[29] = 120
    picture[LINES[number], np.arange(32)] = 90
    return (picture.astype(int) + noise).clip(0, 255).astype(np.uint8)


def shown(picture, digest, path="loss.png"):
    small = base64.b64encode(picture.tobytes()).decode()
    return [{"path": path, "digest": digest, "small": small}]


def pairs(found):
    return [(pair.one, pair.other, [clue.kind for clue in pair.clues]) for pair in found.pairs]


@pytest.fixture(scope="module")
def a_class():
    words = " ".join(f"word{number}" for number in range(40))
    strangers = [
        marked(f"s{seed:02}", net=network(seed), text=words.replace("word", f"w{seed}x")) for seed in range(20)
    ]
    copies = [marked("x", net=network(3), text=words.replace("word", "w5x")), marked("y", net=network(3))]
    return [*strangers, *copies]


def test_the_order_in_which_they_came_does_not_matter(a_class):
    first = compared(a_class)
    assert pairs(first) == [
        ("s03", "x", ["weights"]),
        ("s03", "y", ["weights"]),
        ("s05", "x", ["text"]),
        ("x", "y", ["weights"]),
    ]
    for seed in range(3):
        shuffled = random.Random(seed).sample(a_class, len(a_class))  # noqa: S311
        assert compared(shuffled) == first


def test_the_pair_with_more_kinds_of_clues_comes_first(a_class):
    more = marked("z", net=network(7), text=" ".join(f"w7x{number}" for number in range(40)))
    assert pairs(compared([*a_class, more]))[0] == ("s07", "z", ["weights", "text"])


def test_earlier_years_are_compared_with_this_one_only():
    net = network(1)
    old = [marked(f"2025: {name}", net=net, is_earlier=True) for name in ("ada", "ben")]
    assert pairs(compared([marked("cleo", net=network(2)), *old])) == []
    found = compared([marked("cleo", net=net), *old])
    assert [(pair.one, pair.other) for pair in found.pairs] == [("cleo", "2025: ada"), ("cleo", "2025: ben")]
    assert (found.hand_ins, found.earlier) == (1, 2)


def test_a_copy_with_the_others_own_name_in_it_is_a_pair_all_the_same():
    [pair] = compared(
        [marked("a", net=network(1), students=["s1"]), marked("b", net=network(1), students=["s1"])]
    ).pairs
    assert "both name the student s1: one hand-in twice, or a copy with its submission.json" in pair.remarks


def test_plots_of_one_kind_are_no_pair_and_one_plot_twice_is():
    strangers = [marked(f"s{n:02}", pictures=shown(plot(n), f"{n:032}")) for n in range(40)]
    assert pairs(compared(strangers)) == []
    noise = np.random.RandomState(0).randint(-3, 4, (32, 32))
    other_size = marked("t", pictures=shown(plot(4, noise=noise), "f" * 32, "figures/curve.jpg"))
    [pair] = compared([*strangers, other_size]).pairs
    assert (pair.one, pair.other, pair.clues[0].said) == ("s04", "t", "the same but for size, format or retouching")
    same = marked("t", pictures=shown(plot(4), f"{4:032}"))
    [pair] = compared([*strangers, same]).pairs
    assert pair.clues[0].said == "the same pixels"


def test_files_of_the_same_bytes_are_told_with_how_many_have_them():
    file = {"path": "report.pdf", "digest": "0" * 64}
    some = [marked(f"s{n}", documents=[file]) for n in range(3)]
    found = compared([*some, *(marked(f"t{n}") for n in range(9))])
    assert pairs(found) == [("s0", "s1", ["file"]), ("s0", "s2", ["file"]), ("s1", "s2", ["file"])]
    assert {clue.held_by for pair in found.pairs for clue in pair.clues} == {3}


def test_names_with_escape_codes_are_shown_harmless():
    from rich.console import Console

    from grader.originality.classes import LookedAt
    from grader.reports.originality import originality_json

    hostile = "\x1b[2Jada[bold]"
    found = compared([marked(hostile, net=network(1)), marked("ben", net=network(1))])
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(originality_table(originality_json([LookedAt("nets", "originality", found, ())])))
    text = console.export_text()
    assert "\x1b" not in text
    assert "ada[bold]" in text


def test_nobody_alone_is_a_pair():
    assert compared([]).pairs == compared([marked("ada", net=network(1))]).pairs == ()
