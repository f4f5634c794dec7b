"""Two answers to one image: rounding is forgiven, whatever the scale; another answer is not, whatever hides it."""

import numpy as np
import pytest

from grader.sandbox.agreement import MOST_UNDECIDED, agreement


def scores(rows=400, classes=10, seed=5):
    """Logits as an honest network gives them."""
    dice = np.random.default_rng(seed)
    made = dice.normal(0, 2, (rows, classes))
    made[np.arange(rows), dice.integers(0, classes, rows)] += 8
    return made.astype(np.float32)


def compared(all_, second=None, count=64):
    return agreement(all_, all_[:count], all_[:count] if second is None else second)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6], ids=["tiny scores", "scores", "huge scores"])
@pytest.mark.parametrize(("noise", "is_good"), [(1e-6, True), (1e-3, True), (0.05, False)])
def test_differences_are_measured_in_the_usual_gap(scale, noise, is_good):
    all_ = scores()
    again = all_[:64] + np.random.default_rng(1).uniform(-1, 1, (64, 10)) * noise * 8
    assert compared(all_ * np.float32(scale), again * scale).is_good is is_good


def test_scores_of_half_precision_may_differ_by_their_last_digit_and_by_no_more():
    torch = pytest.importorskip("torch")
    all_ = torch.tensor(scores()).bfloat16().float().numpy()
    digit = np.abs(all_[:64]) * 2.0**-8
    for digits, is_good in ((1, True), (8, False)):
        again = all_[:64] + digits * digit * np.random.default_rng(1).choice([-1, 1], (64, 10))
        assert compared(all_, again.astype(np.float32)).is_good is is_good
    assert not compared(scores(), scores()[:64] + 2 * digit).is_good


def test_one_enormous_score_hides_nothing():
    """A cheat would make the scale as large as it likes: the usual gap is the median over all images."""
    all_, again = scores(), scores()[:64][:, ::-1].copy()
    all_[300] = 3e38
    all_[301, 0] = -3e38
    assert compared(all_, again).changed > 50


def test_a_constant_added_to_all_scores_hides_nothing():
    all_ = scores() + np.float32(1e4)
    assert compared(all_, all_[:64][::-1]).changed > 40


def test_the_logarithm_of_a_probability_of_0_is_no_disagreement():
    """A probability just above 0 and one that is rounded to 0 are one answer, though their logarithms are not."""
    all_ = scores()
    all_[:, 1] = np.finfo(np.float32).min
    all_[:, 0] += 30
    again = all_[:64].copy()
    again[:5, 1] = -103.0
    assert compared(all_, again).is_good


def test_a_tie_may_fall_either_way_and_a_clear_answer_may_not():
    all_ = scores()
    all_[0], all_[1] = 0, 0
    all_[0, :2] = (5.0, 5.0 - 1e-6)
    all_[1, :2] = (5.0, 0.0)
    all_[2] += np.float32(1e-5)
    again = all_[:64].copy()
    again[0, :2] = again[0, 1::-1]
    assert compared(all_, again).changed == 0
    again[1, :2] = again[1, 1::-1]
    assert compared(all_, again).changed == 1


def test_where_most_answers_are_ties_no_tie_is_excused():
    """Scores that are all near a tie, but for some huge ones that set the scale: every turn counts."""
    all_ = scores()
    near = int((MOST_UNDECIDED + 0.05) * len(all_))
    all_[:near] = 0
    all_[:near, 0] = 1e-3
    again = all_[:64].copy()
    again[:10, 1] = 2e-3
    assert compared(all_, again).changed == 10


def test_a_constant_network_agrees_with_itself_and_one_that_wavers_does_not():
    constant = np.zeros((100, 5), np.float32)
    assert compared(constant).is_good
    assert not compared(constant, np.eye(64, 5, k=1, dtype=np.float32)).is_good


def test_no_answer_is_neither_agreement_nor_disagreement():
    all_ = scores()
    again = all_[:64].copy()
    again[:10] = np.nan
    made = compared(all_, again)
    assert (made.compared, made.is_good) == (54, True)
    assert compared(all_, np.full((64, 10), np.nan)).compared == 0


def test_one_class_alone_is_compared_by_its_score():
    all_ = np.linspace(1, 2, 100, dtype=np.float32).reshape(-1, 1)
    assert compared(all_, all_[:64] * np.float32(1 + 1e-6)).is_good
    assert not compared(all_, all_[:64] * np.float32(1.5)).is_good
