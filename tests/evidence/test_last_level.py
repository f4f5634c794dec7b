"""A remembered level makes keys; a job runs at none but one that was tried now."""

import pytest

from grader import sandbox
from grader.errors import MachineError
from grader.evidence import last_level
from grader.evidence.kinds import Bench
from grader.evidence.local import Here
from grader.limits import Limits
from grader.sandbox import Level

L3, L2, L1 = Level("L3", "works here"), Level("L2", "walls hold", "install it"), Level("L1", "no", "install it")


@pytest.fixture
def tried(tmp_path, monkeypatch):
    """What trying the sandbox gives, and how often it was tried."""
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path))
    calls = []

    def use(level):
        monkeypatch.setattr(sandbox, "level", lambda asked="auto": calls.append(asked) or level)
        return calls

    return use


def test_it_is_tried_once_and_then_remembered(tried):
    calls = tried(L3)
    assert last_level.likely_level() == (L3, False)
    assert last_level.likely_level() == (L3, True)
    assert len(calls) == 1


def test_no_sandbox_is_not_remembered(tried):
    calls = tried(L1)
    assert [last_level.likely_level() for _ in range(2)] == [(L1, False)] * 2
    assert len(calls) == 2


@pytest.mark.parametrize("changed", ["another start of the system", "a damaged file"])
def test_it_is_tried_again_on_what_may_be_another_machine(tried, monkeypatch, tmp_path, changed):
    calls = tried(L3)
    last_level.likely_level()
    if changed == "a damaged file":
        (tmp_path / "sandbox" / "level.json").write_text("{")
    else:
        monkeypatch.setattr(last_level, "_BOOT", tmp_path / "boot_id")
        (tmp_path / "boot_id").write_text("another")
    assert last_level.likely_level() == (L3, False)
    assert len(calls) == 2


def test_where_the_sandbox_is_another_by_now_nothing_runs_and_the_next_run_finds_out(tried):
    tried(L3)
    last_level.likely_level()
    tried(L2)
    here = Here(Bench(Limits(), L3), 1)
    here.is_level_remembered = True
    with pytest.raises(MachineError, match="works at L2 now, and worked at L3 before") as refused:
        here.open()
    assert "run the same command again" in refused.value.problems[0].fix
    assert last_level.likely_level() == (L2, False)


def test_where_it_is_the_same_jobs_run(tried):
    tried(L3)
    here = Here(Bench(Limits(), L3), 1)
    here.is_level_remembered = True
    here.open()
    here.close(at_once=False)
