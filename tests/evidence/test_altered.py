"""Which test images go in again, mildly changed, and what is counted of them."""

from pathlib import Path

import numpy as np
import pytest

from grader.datasets import load
from grader.datasets.image_set import ImageSet
from grader.evidence.altered import MOST, altered_counts, altered_images, altered_rows


def images(rows=400):
    dice = np.random.default_rng(2)
    return ImageSet(
        "test",
        "test",
        dice.integers(0, 256, (rows, 1, 6, 6), dtype=np.uint8),
        dice.integers(0, 3, rows),
        ("a", "b", "c"),
        "digest",
    )


def one_hot(classes):
    return np.eye(3, dtype=np.float32)[np.asarray(classes)]


@pytest.mark.parametrize("count", [1, 40, 360, 10_000])
def test_the_rows_follow_from_the_seed_and_each_stands_once(count):
    rows = altered_rows(count, "a")
    assert rows == altered_rows(count, "a")
    assert set(rows) == {"light", "moved"}
    for chosen in rows.values():
        assert len(set(chosen)) == len(chosen) == min(MOST, count)
        assert set(chosen) <= set(range(count))
    if count > MOST:
        assert rows != altered_rows(count, "b")


def test_each_changed_image_is_near_its_own():
    given = images()
    rows = altered_rows(len(given), "a")
    made = altered_images(given.images, rows, "a")
    assert made.shape == (500, 1, 6, 6)
    lit = made[:250].astype(int) - given.images[rows["light"]]
    assert 2 < np.abs(lit).mean() < 20
    assert np.abs(lit).reshape(250, -1).max(axis=1).min() > 0, "an image went in as it is"


@pytest.mark.parametrize("knows", ["everything", "nothing", "only the images as they are"])
def test_right_before_and_after_is_counted_image_by_image(knows):
    given = images()
    rows = altered_rows(len(given), "a")
    own = [given.labels[row] for chosen in rows.values() for row in chosen]
    right, wrong = list(given.labels), [(label + 1) % 3 for label in given.labels]
    answers = {
        "everything": (right, own),
        "nothing": (wrong, [(label + 1) % 3 for label in own]),
        "only the images as they are": (right, [(label + 1) % 3 for label in own]),
    }[knows]
    counts = altered_counts(*map(one_hot, answers), given.labels, rows)
    before, after = {"everything": (250, 250), "nothing": (0, 0)}.get(knows, (250, 0))
    wanted = {"n": 250, "before": before, "after": after, "lost": before - after, "gained": 0}
    assert counts == {"light": wanted, "moved": wanted}


def test_no_answer_is_a_wrong_one():
    given = images()
    rows = altered_rows(len(given), "a")
    counts = altered_counts(one_hot(given.labels), np.full((500, 3), np.nan, np.float32), given.labels, rows)
    assert {(one["before"], one["after"]) for one in counts.values()} == {(250, 0)}


@pytest.mark.torch
def test_the_reference_loses_no_more_than_the_rubric_says():
    """What the rubric of the quick start states of its reference, counted again on all test images, ten times."""
    torch = pytest.importorskip("torch")
    from grader.checks import all_checks
    from grader.course import load_rubric
    from grader.datasets.mild import mildly_changed
    from grader.training.reference import load_reference

    root = Path(__file__).parents[2]
    rubric = load_rubric(
        root / "rubrics" / "digits.yaml", all_checks(), reference_solutions=root / "reference_solutions"
    )
    rule = next(rule for rule in rubric.rules() if rule.check == "accuracy")
    folder = root / "reference_solutions" / "digits"
    network = load_reference(folder).build_model()
    network.load_state_dict(torch.load(folder / "weights" / "reference.pth", weights_only=True))
    test = load("digits", "test")

    def right(given):
        with torch.inference_mode():
            return (network.eval()(torch.tensor(given).float() / 255).argmax(1).numpy() == test.labels).mean()

    for kind, is_shifted in (("light", False), ("moved", True)):
        after = [right(mildly_changed(test.images, f"draw {draw}", is_shifted=is_shifted)) for draw in range(10)]
        assert right(test.images) - np.mean(after) == pytest.approx(rule.settings["reference_drop"][kind], abs=0.002)
