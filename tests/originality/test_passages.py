"""A program is known by its passages under other names, comments and layout; a text by its words."""

import ast
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.originality import compared
from grader.sandbox.programs.passages import code_marks, code_tokens, seeds_in, text_marks, winnowed
from tests.originality.conftest import marked

ROOT = Path(__file__).parents[2]
PROGRAMS = [ROOT / "reference_solutions" / name / "model.py" for name in ("digits", "mnist-fashion", "cifar10")]
PROGRAM = PROGRAMS[1].read_text(encoding="utf-8")
LONG = " ".join(f"word{number}" for number in range(60))


class Renamed(ast.NodeTransformer):
    """Every name that the program gives itself gets another one."""

    def __init__(self, tree):
        assigned = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        arguments = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)} - {"self"}
        defined = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        self.names = assigned | arguments | {name for name in defined if not name.startswith("__")} - {"forward"}

    def _new(self, name):
        return f"{name[::-1]}_x" if name in self.names else name

    def visit_Name(self, node):
        node.id = self._new(node.id)
        return node

    def visit_arg(self, node):
        node.arg = self._new(node.arg)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node):
        node.name = self._new(node.name)
        return self.generic_visit(node)

    visit_ClassDef = visit_FunctionDef  # noqa: N815  the name that ast calls


def hashes(source):
    return {mark for mark, _ in code_marks(source)}


def alike(one, other):
    return len(hashes(one) & hashes(other)) / max(1, min(len(hashes(one)), len(hashes(other))))


@pytest.mark.parametrize("file", PROGRAMS, ids=lambda file: file.parent.name)
def test_other_names_comments_and_layout_change_hardly_a_mark(file):
    source = file.read_text(encoding="utf-8")
    tree = ast.parse(source)
    copy = ast.unparse(Renamed(tree).visit(tree))  # comments are gone, lines are broken elsewhere
    assert alike(source, copy) > 0.9


def test_functions_in_another_order_change_hardly_a_mark():
    tree = ast.parse(PROGRAM)
    random.Random(1).shuffle(tree.body)  # noqa: S311
    assert alike(PROGRAM, ast.unparse(tree)) > 0.8


def test_two_programs_for_other_tasks_are_not_alike():
    assert alike(PROGRAM, PROGRAMS[2].read_text(encoding="utf-8")) < 0.4


@given(st.text(max_size=400))
def test_any_text_has_tokens(text):
    code_tokens(text)
    text_marks(text)


@pytest.mark.parametrize("bad", ["'" * 50_000, '"""' + "\\" * 50_000, "(" * 50_000, "0" * 50_000, "#" * 50_000])
def test_no_text_keeps_the_lexer_busy(bad):
    assert len(code_tokens(bad)) <= 50_001


def test_a_list_of_numbers_has_no_marks():
    assert code_marks(f"DATA = {list(range(2000))}") == []


@given(st.lists(st.sampled_from("abcdef"), min_size=30, max_size=80), st.integers(0, 40), st.integers(0, 40))
def test_a_common_passage_leaves_a_common_mark(passage, before, after):
    """What the algorithm promises: one mark at least for each run of window + k - 1 tokens."""
    k, window = 5, 4
    one = [(word, 1) for word in [*"x" * before, *passage]]
    other = [(word, 1) for word in [*passage, *"y" * after]]
    marks = [{mark for mark, _ in winnowed(tokens, k, window)} for tokens in (one, other)]
    assert marks[0] & marks[1]


def test_a_pair_of_programs_is_told_with_its_lines():
    tree = ast.parse(PROGRAM)
    copy = ast.unparse(Renamed(tree).visit(tree))
    [pair] = compared([marked("ada", code=PROGRAM), marked("ben", code=copy), marked("cy", code="x = 1\n")]).pairs
    [clue] = pair.clues
    assert (pair.one, pair.other, clue.kind, clue.held_by) == ("ada", "ben", "code", 2)
    assert re.fullmatch(r"train\.py:\d+-\d+", clue.in_one)
    assert re.fullmatch(r"train\.py:\d+-\d+", clue.in_other)


def test_what_the_course_gave_is_no_clue():
    two = [marked("ada", code=PROGRAM), marked("ben", code=PROGRAM)]
    assert compared(two).pairs
    assert not compared([*two, marked("template", code=PROGRAM, is_given=True)]).pairs


def test_a_small_network_that_the_sheet_prescribes_is_no_clue():
    source = PROGRAMS[0].read_text(encoding="utf-8")
    assert not compared([marked("ada", code=source), marked("ben", code=source)]).pairs


def test_what_half_of_the_class_has_is_no_clue():
    common = [marked(f"s{number:02}", code=PROGRAM) for number in range(12)]
    others = [marked(f"t{number:02}", code=f"x = {number}\n") for number in range(8)]
    assert not compared([*common, *others]).pairs


def test_the_same_answer_is_told_and_a_short_one_is_not():
    found = compared(
        [marked("ada", text=LONG), marked("ben", text=LONG.upper() + "!"), marked("cy", text="other words")]
    )
    [pair] = found.pairs
    assert (pair.one, pair.other, pair.clues[0].in_one) == ("ada", "ben", "answers.json /answers/why:1")
    assert not compared(
        [marked("ada", text="because it is translation invariant"), marked("ben", text="max pooling")]
    ).pairs


def test_an_answer_with_some_words_changed_is_still_told():
    words = LONG.split()
    words[10] = words[35] = "changed"
    [pair] = compared([marked("ada", text=LONG), marked("ben", text=" ".join(words))]).pairs
    assert 0.4 < pair.clues[0].similarity < 1


def test_seeds_are_read_and_not_run():
    assert seeds_in("torch.manual_seed(0)\nnp.random.seed(7)\nseed_everything(42, workers=True)\nseed(x)") == [0, 7]
