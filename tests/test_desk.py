"""The desk that other tests work at holds real cards: what is made from a hand-in alone is that hand-in's own card."""

import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def desk():
    if "desk" not in sys.modules:
        spec = importlib.util.spec_from_file_location("desk", HERE / "desk.py")
        sys.modules["desk"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["desk"]


def test_a_card_made_of_one_hand_in_is_the_card_that_a_person_approved(desk):
    [who] = desk.class_of(1)
    for name, approved in desk.golden().items():
        made = desk.card_like(who, dict.fromkeys(("1", "2", "3"), name))
        for key in ("points", "max_points", "open_points"):
            assert float(getattr(made, key)) == pytest.approx(approved[key], abs=5e-5), (name, key)


def test_a_class_is_the_same_for_the_same_seed_and_has_every_kind_of_case(desk):
    made = desk.cards(200)
    assert made == desk.cards(200)
    assert made != desk.cards(200, seed=1)
    assert len({card.submission for card in made}) == 200
    assert any(card.open_points for card in made)
    assert any(card.points == card.max_points for card in made)
    assert any(card.points < card.pass_points for card in made)
    outcomes = {one.outcome for card in made for task in card.tasks for rule in task.rules for one in rule.findings}
    assert len(outcomes) == 5


def test_the_gradebook_of_a_desk_has_everybody_once_and_the_cards_as_they_were_scored(desk, tmp_path):
    made = desk.desk(tmp_path / "course", 40, files=2)
    with made.gradebook() as book:
        grades = book.grades("digits")
        rows = book.rows("digits").rows
    assert [grade.id for grade in grades] == [who.id for who in desk.class_of(40)]
    assert [grade.id for grade in grades if grade.points is None] == ["s0020", "s0040"]
    cards = {card.submission: card for card in desk.cards(40)}
    assert len(rows) == 38
    for row in rows:
        card = cards[row.submission]
        assert (row.points, row.open_points) == (card.points, card.open_points)
    assert sorted(path.name for path in made.submissions.iterdir()) == [".class", "s0001", "s0002"]
