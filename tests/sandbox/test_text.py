import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.sandbox.text import Tail, harmless, one_line


@pytest.mark.parametrize("text", ["plain", "zwei Zeilen\nmit Umlaut ä", "日本語", ""])
def test_plain_text_is_left_alone(text):
    assert harmless(text) == text


@pytest.mark.attack(84)
@pytest.mark.parametrize(
    "bad",
    [
        pytest.param("\x1b[2J", id="escape sequence"),
        pytest.param("\x9b31m", id="C1 control"),
        pytest.param("\r", id="carriage return that overwrites a line"),
        pytest.param("\u202e", id="right-to-left override"),
        pytest.param("\x07", id="bell"),
        pytest.param("\ud800", id="half a character"),
    ],
)
def test_what_does_not_print_is_escaped(bad):
    shown = harmless(f"a{bad}b")
    assert bad[0] not in shown
    assert shown.startswith("a\\")


@pytest.mark.attack(84)
@settings(deadline=None)
@given(st.text(alphabet=st.characters(), max_size=300))
def test_nothing_but_printable_characters_and_line_ends_is_shown(text):
    assert all(char == "\n" or char.isprintable() for char in harmless(text))
    assert one_line(text).isprintable()


@settings(deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=30), st.integers(1, 60))
def test_the_tail_is_the_end_of_what_was_printed(blocks, most):
    tail = Tail(most)
    for block in blocks:
        tail.add(block)
    whole = b"".join(blocks)
    shown = tail.text()
    assert tail.is_cut == (len(whole) > most)
    assert shown == harmless(whole[-most:].decode("utf-8", "backslashreplace"), limit=10**6)
