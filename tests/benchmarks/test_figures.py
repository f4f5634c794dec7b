"""A figure says whether its bar is met, and never that it is when nothing was measured."""

import json
import math
import sys

import pytest


@pytest.fixture
def figures(module):
    return module("figures")


@pytest.mark.parametrize(
    ("value", "bar", "is_at_most", "verdict"),
    [
        pytest.param(0.02, 0.02, True, "met", id="exactly at most"),
        pytest.param(0.0200001, 0.02, True, "not met", id="just over"),
        pytest.param(4.0, 4.0, False, "met", id="exactly at least"),
        pytest.param(3.9999, 4.0, False, "not met", id="just under"),
        pytest.param(math.nan, 4.0, False, "not met", id="no number, at least"),
        pytest.param(math.nan, 4.0, True, "not met", id="no number, at most"),
        pytest.param(None, 4.0, True, "not measured", id="nothing, with a bar"),
        pytest.param(None, None, True, "not measured", id="nothing, without a bar"),
        pytest.param(7.0, None, True, "measured", id="a value without a bar"),
    ],
)
def test_a_bar_is_met_exactly_where_it_is(figures, value, bar, is_at_most, verdict):
    figure = figures.Figure("P1", "a question", value, bar, is_at_most=is_at_most)
    assert figure.verdict == verdict
    assert figure.is_met == (verdict in ("met", "measured"))


def test_what_is_printed_names_value_bar_verdict_parts_and_n(figures, capsys, monkeypatch):
    monkeypatch.delenv(figures.FILE_VARIABLE, raising=False)
    figure = figures.Figure("P7", "again", 0.5, 0.02, parts={"first, s": 31.24, "hand-ins": 3}, n=20, note="busy")
    figures.tell([figure], versions={})
    assert capsys.readouterr().out == (
        "P7  again: 0.500 x (at most 0.02 x: not met)\n    first 31.2 s, hand-ins 3; n = 20; busy\n"
    )


def test_each_figure_is_a_line_of_the_file_that_the_environment_names(figures, tmp_path, monkeypatch):
    file = tmp_path / "figures.jsonl"
    monkeypatch.setenv(figures.FILE_VARIABLE, str(file))
    monkeypatch.setattr(sys, "argv", ["/somewhere/bench_it.py", "--quick"])
    figure = figures.Figure("P3", "images", 4.5, 4.0, is_at_most=False, parts={"plain, s": 9}, n=2)
    figures.tell((one for one in [figure]), versions={"torch": "2"})
    figures.tell([figure], versions={}, is_quick=False)
    first, second = (json.loads(line) for line in file.read_text().splitlines())
    assert (first["name"], first["value"], first["bar"], first["parts"]) == ("P3", 4.5, 4.0, {"plain, s": 9})
    assert (first["is_quick"], second["is_quick"]) == (True, False)
    assert first["command"] == "python benchmarks/bench_it.py --quick"
    assert first["versions"]["torch"] == "2"
    assert {"at", "machine", "load"} <= first.keys()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 s"),
        (0.04, "0.0400 s"),
        (9.999, "10.00 s"),
        (123.4, "123 s"),
        (1234.5, "1,234 s"),
        (math.inf, "no number s"),
    ],
)
def test_numbers_are_shown_with_three_digits_that_count(figures, value, shown):
    assert figures.shown(value, "s") == shown
