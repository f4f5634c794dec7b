"""What is made once for all workers is made by one of them, whole, and the same for all."""

import multiprocessing
import os
import time

import pytest

from tests.once import FOLDER, once


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "together"))
    return tmp_path


def ask(log, answers):
    def make():
        with log.open("a") as file:
            file.write("made\n")
        time.sleep(0.2)  # long enough for the others to come and wait
        return {"by": os.getpid()}

    answers.put(once("slow", make))


def test_of_several_processes_one_makes_it_and_all_have_it(folder):
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    asking = [context.Process(target=ask, args=(folder / "log", answers)) for _ in range(4)]
    for process in asking:
        process.start()
    heard = [answers.get(timeout=60) for _ in asking]
    for process in asking:
        process.join()
    assert (folder / "log").read_text() == "made\n"
    assert all(one == heard[0] for one in heard)


def test_what_could_not_be_made_is_made_by_the_next():
    def fails():
        raise ValueError("not now")

    with pytest.raises(ValueError, match="not now"):
        once("late", fails)
    assert once("late", lambda: [1]) == [1]
    assert once("late", fails) == [1]


def test_names_are_apart():
    assert (once("a", lambda: 1), once("b", lambda: 2)) == (1, 2)
