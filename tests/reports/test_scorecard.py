import json

from grader.documents import schema, validator
from grader.model import Problem
from grader.reports.scorecard import scorecard_json


def test_every_card_fits_the_published_schema(card):
    for made in (card(), card(problems=(Problem("c", "w", "what", "fix"),)), card(said="\x1b\u202e[/x]")):
        for for_staff in (True, False):
            document = json.loads(json.dumps(scorecard_json(made, for_staff=for_staff)))
            assert list(validator(schema("scorecard")).iter_errors(document)) == []


def test_the_students_view_hides_staff_findings_and_keeps_the_points(card):
    view = scorecard_json(card(), for_staff=False)
    notes = view["tasks"][0]["rules"][1]
    assert notes["findings"] == []
    assert notes["max_points"] == 1


def test_open_points_are_in_the_document(card):
    document = scorecard_json(card())
    assert (document["points"], document["open_points"], document["max_points"]) == (1.5, 2, 5)


def test_the_same_card_gives_the_same_bytes(card):
    assert json.dumps(scorecard_json(card())) == json.dumps(scorecard_json(card()))
