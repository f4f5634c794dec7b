import pytest

from grader.model import Problem
from grader.reports.terminal import card_report, class_table, summary_line


def test_a_report_says_the_points_and_what_waits(card, printed):
    assert "1.5 of 5 points, 2 wait for a person" in printed(card_report(card()))


def test_a_lost_point_comes_with_claim_recomputation_place_and_fix(card, printed):
    text = printed(card_report(card()))
    for part in (
        "row 1 has 6 channels, not 16",
        "claimed     (16, 6, 24, 24)",
        "recomputed  (16, 16, 24, 24)",
        "see         answers.json /answers/layers/0/output",
        "fix         use out_channels of the sheet",
    ):
        assert part in text


def test_outcomes_are_told_apart_without_colour(card, printed):
    text = printed(card_report(card()))
    assert all(sign in text for sign in "✓✗◐?")
    assert "unknown: no data" in text


def test_a_staff_finding_is_hidden_from_the_student_and_its_points_are_not(card, printed):
    text = printed(card_report(card(staff="secret remark")))
    assert "secret remark" not in text
    assert "/ 5" in text
    assert "secret remark" in printed(card_report(card(staff="secret remark"), for_staff=True))


def test_what_only_staff_sees_is_not_counted_for_the_student(card, printed):
    assert "1 review" not in printed(card_report(card()))
    assert "1 review" in printed(card_report(card(), for_staff=True))


@pytest.mark.attack(83, 84)
@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("[/x]", id="a closing tag that opens nothing"),
        pytest.param("[bold green]PASS 100/100[/]", id="markup"),
        pytest.param("\x1b]0;owned\x07\x1b[2J", id="terminal escape codes"),
        pytest.param("\u202e001/001", id="right-to-left override"),
        pytest.param("\x9b31m", id="an eight-bit control sequence"),
        pytest.param("\ud800", id="half a character"),
    ],
)
def test_student_text_is_only_ever_text(card, printed, hostile):
    made = card(said=hostile, submission=hostile, student=hostile, problems=(Problem("c", hostile, hostile, hostile),))
    text = printed(card_report(made), class_table([made]), summary_line(made), colour=True)
    assert "\x1b]" not in text
    assert "\x1b[2J" not in text
    assert "\u202e" not in text
    assert "\x9b" not in text
    assert text.encode("utf-8")
    if hostile.startswith("["):
        assert hostile.split("]")[0] in text


def test_the_class_table_gives_the_reason_of_every_lost_point_in_a_line(card, printed):
    text = printed(class_table([card(), card(submission="ben", said="another slip")]))
    assert "row 1 has 6 channels" in text
    assert "another slip" in text


def test_the_quiet_line_is_one_line(card, printed):
    assert printed(summary_line(card())) == "ada: 1.5 of 5 points, 2 open\n"


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_window_breaks_lines_and_drops_nothing(card, printed, width):
    long = "features.0.weight_of_a_layer_with_a_name_that_no_window_holds"
    made = card(said=long, submission="ada-lovelace-and-mary-somerville")
    for text in (printed(card_report(made), width=width), printed(class_table([made]), width=width)):
        assert "…" not in text
        assert all(len(line) <= width for line in text.splitlines())
    assert "1.5 / 5" in printed(class_table([made]), width=width)
