import errno
import hashlib
import threading
from pathlib import Path

import pytest

from grader import sandbox
from grader.course import load_course
from grader.errors import MachineError
from grader.evidence import local
from grader.evidence.cache import Cache
from grader.evidence.kinds import Bench
from grader.evidence.local import LocalRunner, stage
from grader.evidence.plan import Plan
from grader.model import Evidence, EvidenceStatus, Job, Problem, SubmittedFile
from grader.sandbox import Level, Limits


@pytest.fixture
def handed_in(tmp_path):
    """Put a file into a submission's folder; its entry as intake makes it."""
    root = tmp_path / "submission"
    root.mkdir()

    def put(path, data=b"x = 1\n"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
        return SubmittedFile(path, len(data), hashlib.sha256(data).hexdigest())

    put.root = root
    return put


@pytest.fixture
def bench():
    return Bench(Limits(), Level("L1", "a test"))


@pytest.fixture
def done_by(monkeypatch):
    """Replace what does a job; every call is counted."""
    calls = []

    def use(do):
        def counted(job, folder, bench):
            calls.append(job)
            return do(job, folder, bench)

        monkeypatch.setattr(local, "do", counted)
        return calls

    return use


def done(_job, folder, _bench):
    names = sorted(path.name for path in Path(folder).rglob("*") if path.is_file())
    return Evidence("", EvidenceStatus.DONE, result={"files": names})


@pytest.mark.attack(43, 87)
def test_a_job_sees_a_private_copy_of_its_files_and_no_others(handed_in, bench, done_by):
    done_by(done)
    file = handed_in("model.py")
    handed_in("secret.txt")
    job = Job("checkpoint", (file,), {})
    [evidence] = LocalRunner(bench)(Plan.of([(job, handed_in.root)])).values()
    assert evidence.result == {"files": ["model.py"]}


def test_equal_jobs_of_two_students_run_once(handed_in, bench, done_by):
    calls = done_by(done)
    file = handed_in("model.py")
    plan = Plan.of([(Job("checkpoint", (file,), {"a": 1}), handed_in.root) for _ in range(3)])
    LocalRunner(bench)(plan)
    assert len(calls) == 1


def test_what_is_cached_is_not_run_again(handed_in, bench, done_by, tmp_path):
    calls = done_by(done)
    plan = Plan.of([(Job("checkpoint", (handed_in("model.py"),), {}), handed_in.root)])
    first = LocalRunner(bench, cache=Cache(tmp_path / "cache"))(plan)
    second = LocalRunner(bench, cache=Cache(tmp_path / "cache"))(plan)
    assert len(calls) == 1
    assert first == second


def test_a_changed_byte_is_another_key(handed_in, bench, done_by, tmp_path):
    calls = done_by(done)
    for data in (b"one", b"two"):
        job = Job("checkpoint", (handed_in("model.py", data),), {})
        LocalRunner(bench, cache=Cache(tmp_path / "cache"))(Plan.of([(job, handed_in.root)]))
    assert len(calls) == 2


def test_a_job_that_breaks_is_a_system_fault_of_its_own(handed_in, bench, done_by, tmp_path):
    def break_one(job, folder, bench):
        if job.parameters["n"] == 1:
            raise RuntimeError("our bug")
        return done(job, folder, bench)

    done_by(break_one)
    file = handed_in("model.py")
    jobs = [Job("checkpoint", (file,), {"n": n}) for n in range(3)]
    cache = Cache(tmp_path / "cache")
    evidence = LocalRunner(bench, cache=cache)(Plan.of([(job, handed_in.root) for job in jobs]))
    assert [evidence[job].status for job in jobs] == ["done", "system_fault", "done"]
    assert "our bug" in evidence[jobs[1]].problem.what
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 2


@pytest.mark.fault("F7")
def test_a_full_disk_for_temporary_files_is_told_with_what_helps(handed_in, bench, done_by):
    def full(_job, _folder, _bench):
        raise OSError(errno.ENOSPC, "No space left on device")

    done_by(full)
    [evidence] = LocalRunner(bench)(
        Plan.of([(Job("checkpoint", (handed_in("model.py"),), {}), handed_in.root)])
    ).values()
    assert evidence.status is EvidenceStatus.SYSTEM_FAULT
    assert str(evidence.problem).startswith("temporary files: No space left on device\n  fix: free some space")


def test_a_missing_data_set_is_a_system_fault_that_names_the_command(handed_in, bench, monkeypatch):
    monkeypatch.delenv("GRADER_DATA", raising=False)
    job = Job("predict", (handed_in("model.py"),), {"data": "mnist", "split": "test"})
    [evidence] = LocalRunner(bench)(Plan.of([(job, handed_in.root)])).values()
    assert evidence.status is EvidenceStatus.SYSTEM_FAULT
    assert "GRADER_DATA" in evidence.problem.fix


@pytest.mark.fault("F21")
@pytest.mark.attack(88)
def test_a_file_that_changed_after_intake_is_not_graded(handed_in, tmp_path):
    file = handed_in("model.py", b"handed in")
    (handed_in.root / "model.py").write_bytes(b"changed since")
    with pytest.raises(MachineError, match=r"model\.py: changed while it was graded"):
        stage(Job("describe", (file,), {}), handed_in.root, tmp_path / "stage")


@pytest.mark.attack(3)
def test_a_link_put_in_place_of_a_file_is_not_followed(handed_in, tmp_path):
    file = handed_in("model.py", b"secret")
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (handed_in.root / "model.py").unlink()
    (handed_in.root / "model.py").symlink_to(secret)
    with pytest.raises(MachineError, match=r"model\.py: can no longer be read"):
        stage(Job("describe", (file,), {}), handed_in.root, tmp_path / "stage")


def test_a_cache_that_cannot_be_written_costs_nobody_the_grade(handed_in, bench, done_by, tmp_path, caplog):
    done_by(done)
    (tmp_path / "file").touch()
    jobs = [Job("checkpoint", (handed_in("model.py"),), {"n": n}) for n in range(3)]
    runner = LocalRunner(bench, cache=Cache(tmp_path / "file" / "evidence"))
    evidence = runner(Plan.of([(job, handed_in.root) for job in jobs]))
    assert all(evidence[job].is_done for job in jobs)
    [said] = caplog.messages  # once, however many results there were
    assert "cannot be kept" in said
    assert "fix: free some space there, or name another folder with GRADER_CACHE" in said


def test_the_next_run_after_one_that_was_called_off_is_like_any_other(handed_in, bench, done_by):
    done_by(done)
    plan = Plan.of([(Job("checkpoint", (handed_in("model.py"),), {}), handed_in.root)])

    def interrupt(_job, _evidence):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalRunner(bench, on_done=interrupt)(plan)
    done_by(lambda _job, folder, _bench: Evidence("", EvidenceStatus.DONE, result={"ended": _one_box(folder)}))
    [evidence] = LocalRunner(bench)(plan).values()
    assert evidence.result == {"ended": "Answered"}


def _one_box(folder):
    program = folder / "act.py"
    program.write_text("def main(request, box):\n    return {}\n")
    return type(sandbox.run(program, files={}, request={}, level=sandbox.level("none"))).__name__


def test_jobs_run_side_by_side(handed_in, bench, done_by):
    together = threading.Barrier(2, timeout=120)

    def meet(job, folder, bench):
        together.wait()
        return done(job, folder, bench)

    done_by(meet)
    file = handed_in("model.py")
    plan = Plan.of([(Job("checkpoint", (file,), {"n": n}), handed_in.root) for n in range(2)])
    assert all(e.is_done for e in LocalRunner(bench, workers=2)(plan).values())


def test_evidence_says_what_it_was_made_with(handed_in, bench, done_by):
    done_by(done)
    job = Job("describe", (handed_in("model.py"),), {})
    [evidence] = LocalRunner(bench)(Plan.of([(job, handed_in.root)])).values()
    assert evidence.sandbox == "L1"
    assert evidence.device == "cpu"
    assert set(evidence.versions) == {"torch"}


def test_a_limit_that_was_hit_is_tried_again(handed_in, bench, done_by, tmp_path):
    def too_slow(_job, _folder, _bench):
        problem = Problem("wall-time", "model.py", "took too long", "be faster")
        return Evidence("", EvidenceStatus.STUDENT_FAULT, result={"limit": "1 s", "use": "2 s"}, problem=problem)

    calls = done_by(too_slow)
    plan = Plan.of([(Job("describe", (handed_in("model.py"),), {}), handed_in.root)])
    for _ in range(2):
        LocalRunner(bench, cache=Cache(tmp_path / "cache"))(plan)
    assert len(calls) == 2


# --- the sandbox that a run gets --------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "grader.toml").write_text('name = "c"\n[sandbox]\nwall_s = 7\n')
    return load_course(tmp_path)


@pytest.fixture
def no_bubblewrap(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))  # remembers the level that this machine really has
    before = sandbox.level

    def level(asked="auto"):
        return before("none") if asked == "none" else Level("L1", "bubblewrap is not installed", "install it")

    monkeypatch.setattr(sandbox, "level", level)


@pytest.mark.usefixtures("no_bubblewrap")
def test_other_peoples_code_is_refused_without_a_sandbox(course):
    with pytest.raises(MachineError, match="bubblewrap is not installed") as caught:
        LocalRunner.for_course(course)
    assert caught.value.exit_code == 5
    assert "--sandbox none" in caught.value.problems[0].fix


@pytest.mark.usefixtures("no_bubblewrap")
@pytest.mark.parametrize("wish", [{"is_own_code": True}, {"is_isolated": False}])
def test_ones_own_code_and_a_stated_wish_go_on_with_limits_only(course, wish):
    assert LocalRunner.for_course(course, **wish).bench.level.name == "L1"


def test_the_limits_are_those_of_the_course(course):
    assert LocalRunner.for_course(course, is_isolated=False).bench.limits.wall_s == 7
