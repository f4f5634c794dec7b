"""The hostile words would act where nobody is careful, and are noticed there: attacks 79 to 82 begin with this."""

import html
import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("words", Path(__file__).with_name("words.py"))
words = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(words)


@pytest.mark.parametrize("text", [words.ALL, words.SVG, words.PAGE], ids=["words", "svg", "page"])
def test_what_stands_as_it_is_would_act_and_what_is_escaped_would_not(text):
    assert words.has_acted(f"<p>{text}</p>")
    assert words.has_acted(f"<p>{html.escape(text)}</p>") == []
    assert words.has_acted(f'<p title="{html.escape(text)}">x</p>') == []


def test_a_link_that_is_escaped_but_not_checked_acts():
    assert words.has_acted(f'<a href="{html.escape("javascript:alert(1)")}">x</a>')
    assert words.has_acted(f'<a href="{html.escape(" JAVA" + chr(10) + "script:alert(1)")}">x</a>')
    assert words.has_acted(f'<img src="{html.escape(words.ELSEWHERE)}/x.png">')


def test_the_card_says_them_in_every_field(tmp_path):
    card = words.hostile_card(extra=7)
    [task] = card.tasks
    assert len(task.rules[0].findings) == 12
    assert {card.students[0].name, task.title, task.note, card.problems[0].what, card.adjustments[0].said} == {
        words.ALL
    }
    written = words.write_hand_in(tmp_path)
    assert len(list(written.iterdir())) == 11 + len(words.WORDS)
