"""Required files: what is accepted as it is, then everything that can be wrong with one."""

import json
import struct
import zlib

import pytest

from grader.checks import all_checks, run_check
from grader.checks._artifact_kinds import MAX_PIXELS
from grader.checks._submitted import closest, matching
from grader.evidence.jobs import checkpoint_job, notebook_job, picture_job, syntax_job
from grader.model import Evidence, EvidenceStatus, Outcome, Problem


def png(width=2, height=2):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\0" * width for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


NOTEBOOK = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]})
LOG_SCHEMA = {"type": "object", "required": ["loss"], "properties": {"loss": {"type": "number"}}}


SEEN = {
    "picture": {"format": "PNG", "width": 2, "height": 2, "is_blank": False},
    "notebook": {"flaw": "", "cells": [{"kind": "code"}]},
    "syntax": {},
}


def opened(job, **problems):
    """What a job finds that opens files: nothing wrong, but for the problems, by path."""
    files = [
        {"path": path, "problem": problems.get(path), "found": None if path in problems else SEEN[job.kind]}
        for path in job.parameters["files"]
    ]
    return Evidence("key", EvidenceStatus.DONE, {"files": files})


@pytest.fixture
def judge(make_rule, hand_in):
    """Judge files of which the sandbox says, where nothing else is given, that nothing is wrong with them."""

    def judged(files, *, evidence=None, problems=(), **settings):
        submission, rule = hand_in(files=files, problems=problems), make_rule("artifacts", **settings)
        check = all_checks()["artifacts"]
        found = {job: opened(job) for job in check.needs(rule, submission) if job.kind in SEEN}
        return run_check(check, rule, submission, found | (evidence or {}))

    return judged


@pytest.mark.parametrize(
    ("path", "content", "entry"),
    [
        pytest.param("model.py", "print('äöü')\n", {"kind": "code"}, id="code"),
        pytest.param("model.py", b"\xef\xbb\xbfx = 1", {"kind": "code"}, id="code with a byte-order mark"),
        pytest.param("model.py", "def f(:", {"kind": "code"}, id="code that does not parse, which others find out"),
        pytest.param("a.json", '{"a": 1}', {"kind": "json"}, id="JSON"),
        pytest.param("a.jsonl", '{"loss": 1}\n\n{"loss": 2}', {"kind": "jsonl", "schema": LOG_SCHEMA}, id="records"),
        pytest.param("a.jsonl", '{"loss": 1, "t": "\u2028"}', {"kind": "jsonl"}, id="a line separator in a string"),
        pytest.param("train.log", "epoch 1\n", {"kind": "log"}, id="a log"),
        pytest.param("plot.png", png(), {"kind": "image"}, id="a figure"),
        pytest.param("work.ipynb", NOTEBOOK, {"kind": "notebook"}, id="a notebook"),
        pytest.param("report.pdf", b"%PDF-1.7\n", {"kind": "report"}, id="a PDF"),
        pytest.param("report.md", "# Report", {"kind": "report"}, id="a report as text"),
        pytest.param("report.docx", b"PK\x03\x04....", {"kind": "report"}, id="a report from Word"),
        pytest.param("data.bin", b"\0\xff", {}, id="anything"),
        pytest.param("empty.txt", b"", {"min_bytes": 0}, id="an empty file where that is allowed"),
    ],
)
def test_a_good_file_is_left_alone(judge, path, content, entry):
    [finding] = judge({path: content}, required=[{"path": path, **entry}])
    assert (finding.outcome, finding.credit) == (Outcome.PASSED, 1)
    assert path in finding.said


@pytest.mark.parametrize(
    ("size", "outcome"),
    [(99, Outcome.FAILED), (100, Outcome.PASSED), (200, Outcome.PASSED), (201, Outcome.FAILED)],
    ids=["one byte too small", "just large enough", "just small enough", "one byte too large"],
)
def test_sizes_are_inclusive(judge, size, outcome):
    [finding] = judge({"a.bin": b"x" * size}, required=[{"path": "a.bin", "min_bytes": 100, "max_bytes": 200}])
    assert finding.outcome is outcome


@pytest.mark.parametrize(
    ("path", "content", "entry", "code", "said"),
    [
        pytest.param("a.txt", b"", {}, "empty-file", "empty", id="an empty file"),
        pytest.param("model.py", b"x = '\xe9'", {"kind": "code"}, "not-utf8", "0xe9", id="another encoding"),
        pytest.param("model.py", b"a\n\0", {"kind": "code"}, "not-text", "NUL", id="compiled code"),
        pytest.param("model.py", " \n", {"kind": "code"}, "empty-file", "blanks", id="nothing but blanks"),
        pytest.param("a.json", '{"a": 1,}', {"kind": "json"}, "bad-json", "JSON", id="a comma too many"),
        pytest.param("a.json", '{"a": NaN}', {"kind": "json"}, "not-finite", "NaN", id="NaN"),
        pytest.param("a.json", "[" * 100_000, {"kind": "json"}, "bad-json", "", id="100,000 brackets"),
        pytest.param("a.jsonl", "\n\n", {"kind": "jsonl"}, "empty-file", "no record", id="no record"),
        pytest.param("p.png", "<html>", {"kind": "image"}, "not-an-image", "web page", id="a login page as a figure"),
        pytest.param("p.png", png(9000, 9000), {"kind": "image"}, "image-too-large", "9,000", id="a bomb"),
        pytest.param("p.png", png(3, 3), {"kind": "image", "max_pixels": 8}, "image-too-large", "more", id="too large"),
        pytest.param("w.ipynb", "{}", {"kind": "notebook"}, "not-a-notebook", "'cells'", id="not a notebook"),
        pytest.param("w.ipynb", "[]", {"kind": "notebook"}, "not-a-notebook", "'cells'", id="a list as a notebook"),
        pytest.param(
            "w.ipynb", '{"nbformat": 3, "worksheets": []}', {"kind": "notebook"}, "not-a-notebook", "format 3", id="old"
        ),
        pytest.param(
            "w.ipynb", '{"nbformat": 4, "cells": []}', {"kind": "notebook"}, "empty-file", "without", id="no cells"
        ),
        pytest.param("r.pdf", b"PK\x03\x04", {"kind": "report"}, "not-a-report", ".pdf", id="an archive as a report"),
    ],
)
def test_a_bad_file_is_named_with_a_remedy(judge, path, content, entry, code, said):
    finding, *_ = judge({path: content}, required=[{"path": path, **entry}])
    assert (finding.outcome, finding.credit) == (Outcome.FAILED, 0)
    assert finding.code in (code, "too-deep")
    assert said in finding.said
    assert finding.fix
    assert finding.place.file == path


def test_the_place_is_line_and_pointer(judge):
    text = '{"runs": [\n {"loss": 1},\n {"loss": "low"}]}'
    schema = {"properties": {"runs": {"items": LOG_SCHEMA}}}
    [finding] = judge({"a.json": text}, required=[{"path": "a.json", "kind": "json", "schema": schema}])
    assert (finding.place.line, finding.place.pointer) == (3, "/runs/1/loss")


def test_every_bad_record_is_told_and_only_one_costs(judge):
    text = '{"loss": 1}\n{"loss": "low"}\n{"los": 2}\n{broken\n'
    first, *others = judge({"t.jsonl": text}, required=[{"path": "t.jsonl", "kind": "jsonl", "schema": LOG_SCHEMA}])
    assert (first.place.line, first.place.pointer) == (2, "/loss")
    assert sorted({finding.place.line for finding in others}) == [3, 4]
    assert all(finding.weight == 0 for finding in others)


def test_a_published_schema_is_used_by_its_name(judge):
    entry = {"path": "t.jsonl", "kind": "jsonl", "schema": "training-log"}
    finding, *_ = judge({"t.jsonl": '{"epoch": "one"}'}, required=[entry])
    assert finding.outcome is Outcome.FAILED


def test_a_million_problems_are_not_all_told(judge):
    text = '{"loss": "low"}\n' * 50_000
    found = judge({"t.jsonl": text}, required=[{"path": "t.jsonl", "kind": "jsonl", "schema": LOG_SCHEMA}])
    assert len(found) == 20


def test_each_required_entry_is_one_equal_demand(judge):
    found = judge({"a.txt": "a", "b.txt": "b"}, required=[{"path": f"{name}.txt"} for name in "abc"])
    assert [(finding.credit, finding.weight) for finding in found] == [(1, 1), (1, 1), (0, 1)]


@pytest.mark.parametrize(
    ("handed_in", "fix"),
    [
        pytest.param("Model.PY", "rename 'Model.PY' to 'model.py'", id="another case"),
        pytest.param("work/model.py", "rename 'work/model.py' to 'model.py'", id="in a folder"),
        pytest.param("model.ipynb", "rename 'model.ipynb' to 'model.py'", id="another ending"),
        pytest.param("modle.py", "rename 'modle.py' to 'model.py'", id="a slip"),
        pytest.param("notes.txt", "add 'model.py' to the submission", id="nothing like it"),
        pytest.param("model.pth", "add 'model.py' to the submission", id="the weights, which are no code"),
    ],
)
def test_a_missing_file_comes_with_what_was_likely_meant(judge, handed_in, fix):
    [finding] = judge({handed_in: "x"}, required=[{"path": "model.py"}])
    assert (finding.code, finding.credit) == ("missing-file", 0)
    assert finding.fix.startswith(fix)


@pytest.mark.parametrize(
    ("handed_in", "fix"),
    [
        pytest.param("model.py", "add 'model.pth' to the submission", id="the code, which has no weights"),
        pytest.param("model.pt", "rename 'model.pt' to 'model.pth'", id="weights under another ending"),
    ],
)
def test_the_code_is_not_to_be_renamed_to_its_weights(judge, handed_in, fix):
    [finding] = judge({handed_in: "x"}, required=[{"path": "model.pth", "kind": "checkpoint"}])
    assert finding.fix.startswith(fix)


@pytest.mark.parametrize(
    ("count", "outcome"), [(0, Outcome.FAILED), (1, Outcome.FAILED), (2, Outcome.PASSED), (3, Outcome.PASSED)]
)
def test_a_glob_wants_as_many_files_as_it_says(judge, count, outcome):
    files = {f"figures/{i}.png": png() for i in range(count)} | {"other.txt": "x"}
    [finding] = judge(files, required=[{"glob": "figures/*.png", "kind": "image", "at_least": 2}])
    assert finding.outcome is outcome


def test_one_bad_file_of_a_glob_fails_it(judge):
    files = {"figures/a.png": png(), "figures/b.png": b"x"}
    [finding] = judge(files, required=[{"glob": "figures/*.png", "kind": "image"}])
    assert (finding.outcome, finding.place.file) == (Outcome.FAILED, "figures/b.png")


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("*.png", ["a.png"]),
        ("*/*.png", ["x/b.png"]),
        ("**/*.png", ["a.png", "x/b.png", "x/y/c.png"]),
        ("x/**", ["x/b.png", "x/y/c.png"]),
        ("?.png", ["a.png"]),
        ("[a].png", []),
    ],
)
def test_globs_stay_in_their_folder_unless_doubled(hand_in, glob, found):
    submission = hand_in(files={"a.png": "1", "x/b.png": "1", "x/y/c.png": "1", "ab.txt": "1"})
    assert [file.path for file in matching(submission, glob)] == found


def test_optional_files_cost_nothing(judge):
    required = [{"path": "a.txt"}]
    [only] = judge({"a.txt": "x"}, required=required, optional=[{"path": "b.json", "kind": "json"}])
    assert only.credit == 1
    _, finding = judge({"a.txt": "x", "b.json": "{"}, required=required, optional=[{"path": "b.json", "kind": "json"}])
    assert (finding.outcome, finding.weight) == (Outcome.FAILED, 0)


def test_other_extensions_are_one_more_demand(judge):
    files = {"a.py": "x", "B.PY": "x", "c.pyc": "x", "d": "x"}
    _, finding = judge(files, required=[{"path": "a.py"}], allowed_extensions=[".py"])
    assert (finding.outcome, finding.weight, finding.code) == (Outcome.FAILED, 1, "extension")
    assert "'c.pyc', 'd'" in finding.said
    _, finding = judge({"a.py": "x"}, required=[{"path": "a.py"}], allowed_extensions=[".py"])
    assert finding.outcome is Outcome.PASSED


def test_problems_of_reading_the_submission_are_shown_once(judge):
    broken = Problem("bad-json", "answers.json:3", "not valid JSON", "mend it")
    refused = Problem("link", "archive", "'x' is a link", "put the file in")
    required = [{"path": "answers.json", "kind": "json"}, {"path": "a.txt"}]
    found = judge({"answers.json": "{}", "a.txt": "x"}, required=required, problems=[broken, refused])
    assert [(f.outcome, f.weight, f.code) for f in found] == [
        (Outcome.FAILED, 1, "bad-json"),
        (Outcome.PASSED, 1, "present"),
        (Outcome.FAILED, 0, "link"),
    ]
    assert (found[0].place.file, found[0].place.line) == ("answers.json", 3)


def test_a_warning_of_reading_costs_nothing(judge):
    odd = Problem("warning-odd", "a.txt", "odd", "look")
    first, second = judge({"a.txt": "x"}, required=[{"path": "a.txt"}], problems=[odd])
    assert (first.credit, second.weight) == (1, 0)


def test_a_file_named_almost_alike_is_not_blamed(judge):
    about_another = Problem("bad-json", "a.txt2:1", "broken", "mend it")
    first, second = judge({"a.txt": "x", "a.txt2": "x"}, required=[{"path": "a.txt"}], problems=[about_another])
    assert (first.credit, second.weight) == (1, 0)


def test_control_characters_of_names_are_escaped(judge):
    _, finding = judge(
        {"a.txt": "x", "\x1b[31mred.exe": "x"}, required=[{"path": "a.txt"}], allowed_extensions=[".txt"]
    )
    assert "\x1b" not in finding.said


def test_a_file_that_became_a_link_is_not_followed(make_rule, hand_in, tmp_path):
    submission = hand_in(files={"a.json": "{}"})
    (tmp_path / "secret").write_text("{}")
    (tmp_path / "a.json").unlink()
    (tmp_path / "a.json").symlink_to(tmp_path / "secret")
    rule = make_rule("artifacts", required=[{"path": "a.json", "kind": "json"}])
    [finding] = run_check(all_checks()["artifacts"], rule, submission, {})
    assert finding.outcome is Outcome.UNKNOWN


CHECKPOINT = {"path": "model.pth", "kind": "checkpoint", "max_elements": 100}


class TestCheckpoints:
    def judged(self, make_rule, hand_in, evidence):
        rule, submission = make_rule("artifacts", required=[CHECKPOINT]), hand_in(files={"model.pth": b"weights"})
        check = all_checks()["artifacts"]
        [job] = check.needs(rule, submission)
        assert job == checkpoint_job(submission, "model.pth", max_elements=100)
        [finding] = run_check(check, rule, submission, {job: evidence})
        return finding

    def test_pickled_code_fails_with_the_jobs_own_words(self, make_rule, hand_in):
        problem = Problem("pickled-code", "model.pth", "would run os.system when loaded", "save the state_dict")
        evidence = Evidence("key", EvidenceStatus.STUDENT_FAULT, problem=problem)
        finding = self.judged(make_rule, hand_in, evidence)
        assert (finding.outcome, finding.code, finding.fix) == (Outcome.FAILED, "pickled-code", "save the state_dict")
        assert "os.system" in finding.said

    def test_a_fault_of_the_machine_costs_nothing(self, make_rule, hand_in, system_fault):
        assert self.judged(make_rule, hand_in, system_fault).outcome is Outcome.UNKNOWN

    def test_no_job_is_named_for_a_file_that_is_not_there(self, make_rule, hand_in):
        rule = make_rule("artifacts", required=[CHECKPOINT])
        assert list(all_checks()["artifacts"].needs(rule, hand_in(files={"a.txt": "x"}))) == []


BROKEN = {"code": "not-an-image", "where": "b.png", "what": "cannot be decoded", "fix": "export it again"}


class TestOpened:
    """Images, notebooks and code, which the sandbox opens: one job for all files of an entry."""

    def judged(self, make_rule, hand_in, evidence, files, **entry):
        check, submission = all_checks()["artifacts"], hand_in(files=files)
        rule = make_rule("artifacts", required=[entry])
        [job] = check.needs(rule, submission)
        return job, run_check(check, rule, submission, {job: evidence(job)})

    def test_an_image_that_does_not_decode_fails_and_the_others_do_not(self, make_rule, hand_in):
        files = {"a.png": png(), "b.png": png(), "c.png": png()}
        job, findings = self.judged(
            make_rule, hand_in, lambda job: opened(job, **{"b.png": BROKEN}), files, glob="*.png", kind="image"
        )
        assert job == picture_job(hand_in(files=files), ["a.png", "b.png", "c.png"], max_pixels=MAX_PIXELS)
        assert [(one.outcome, one.code) for one in findings] == [(Outcome.FAILED, "not-an-image")]
        assert "b.png: cannot be decoded" in findings[0].said

    def test_what_the_header_shows_already_is_said_once(self, make_rule, hand_in):
        _, findings = self.judged(
            make_rule, hand_in, lambda job: opened(job, **{"b.png": BROKEN}), {"b.png": b"<html>"},
            path="b.png", kind="image",
        )  # fmt: skip
        assert [one.said for one in findings] == ["b.png: a web page, not an image"]

    def test_a_notebook_that_its_library_does_not_read_fails(self, make_rule, hand_in):
        broken = {"code": "not-a-notebook", "where": "w.ipynb", "what": "is no notebook", "fix": "save it again"}
        job, [finding] = self.judged(
            make_rule, hand_in, lambda job: opened(job, **{"w.ipynb": broken}), {"w.ipynb": NOTEBOOK},
            path="w.ipynb", kind="notebook",
        )  # fmt: skip
        assert job == notebook_job(hand_in(files={"w.ipynb": NOTEBOOK}), ["w.ipynb"])
        assert (finding.outcome, finding.code) == (Outcome.FAILED, "not-a-notebook")

    def test_a_notebook_that_is_not_quite_one_loses_nothing(self, make_rule, hand_in):
        found = {"path": "w.ipynb", "problem": None, "found": {"flaw": "'source' is missing", "cells": []}}
        evidence = Evidence("key", EvidenceStatus.DONE, {"files": [found]})
        _, findings = self.judged(
            make_rule, hand_in, lambda _: evidence, {"w.ipynb": NOTEBOOK}, path="w.ipynb", kind="notebook"
        )
        assert [(one.outcome, one.weight) for one in findings] == [(Outcome.PASSED, 1), (Outcome.PARTIAL, 0)]
        assert "'source' is missing" in findings[1].said

    def test_code_that_this_python_does_not_parse_is_a_remark(self, make_rule, hand_in):
        """Another Python may read it: the checks that run the code decide."""
        broken = {"code": "syntax-error", "where": "model.py:3", "what": "does not parse", "fix": "correct this line"}
        files = {"model.py": "type X = int\n"}
        job, findings = self.judged(
            make_rule, hand_in, lambda job: opened(job, **{"model.py": broken}), files, path="model.py", kind="code"
        )
        assert job == syntax_job(hand_in(files=files), ["model.py"])
        assert [(one.outcome, one.weight) for one in findings] == [(Outcome.PASSED, 1), (Outcome.PARTIAL, 0)]
        assert (findings[1].place.file, findings[1].place.line) == ("model.py", 3)

    @pytest.mark.parametrize(("kind", "path"), [("image", "a.png"), ("notebook", "a.ipynb")])
    def test_a_decoder_that_is_killed_costs_the_points_and_a_broken_machine_does_not(
        self, make_rule, hand_in, student_fault, system_fault, kind, path
    ):
        files = {path: NOTEBOOK if kind == "notebook" else png()}
        _, [killed] = self.judged(make_rule, hand_in, lambda _: student_fault, files, path=path, kind=kind)
        _, [broken] = self.judged(make_rule, hand_in, lambda _: system_fault, files, path=path, kind=kind)
        assert (killed.outcome, broken.outcome) == (Outcome.FAILED, Outcome.UNKNOWN)

    def test_code_whose_grammar_could_not_be_looked_at_is_there_all_the_same(self, make_rule, hand_in, system_fault):
        _, [finding] = self.judged(
            make_rule, hand_in, lambda _: system_fault, {"model.py": "x = 1"}, path="model.py", kind="code"
        )
        assert finding.outcome is Outcome.PASSED

    @pytest.mark.parametrize(
        ("files", "entry"),
        [
            pytest.param({}, {"path": "a.png", "kind": "image"}, id="a file that is not there"),
            pytest.param({"a.png": b""}, {"path": "a.png", "kind": "image", "min_bytes": 0}, id="an empty file"),
            pytest.param({"main.cpp": "int x;"}, {"path": "main.cpp", "kind": "code"}, id="code of another language"),
            pytest.param({"a.json": "{}"}, {"path": "a.json", "kind": "json"}, id="JSON, which our own reader reads"),
            pytest.param({"r.pdf": "%PDF-1"}, {"path": "r.pdf", "kind": "report"}, id="a report"),
        ],
    )
    def test_nothing_is_started_for(self, make_rule, hand_in, files, entry):
        rule = make_rule("artifacts", required=[entry])
        assert list(all_checks()["artifacts"].needs(rule, hand_in(files=files))) == []


def test_nothing_near_is_not_guessed(hand_in):
    assert closest(hand_in(files={"zzz.bin": "x"}), "model.py") is None


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        pytest.param({"kind": "code"}, "/required/0", id="neither path nor glob"),
        pytest.param({"path": "a", "glob": "*"}, "/required/0", id="path and glob"),
        pytest.param({"path": "a", "at_least": 2}, "/required/0/at_least", id="two files at one path"),
        pytest.param({"path": "a", "min_bytes": 9, "max_bytes": 8}, "/required/0/max_bytes", id="no size fits"),
        pytest.param({"path": "a", "kind": "log", "schema": "rubric"}, "/required/0/schema", id="a log with a schema"),
        pytest.param({"path": "a", "max_pixels": 9}, "/required/0/max_pixels", id="pixels of no image"),
        pytest.param({"path": "a", "kind": "json", "schema": "rubic"}, "/required/0/schema", id="an unknown schema"),
        pytest.param(
            {"path": "a", "kind": "json", "schema": {"type": "text"}}, "/required/0/schema/type", id="no JSON Schema"
        ),
        pytest.param(
            {"path": "a", "kind": "json", "schema": {"properties": {"x": {"pattern": "(a+)+$"}}}},
            "/required/0/schema/properties/x/pattern",
            id="a regular expression",
        ),
        pytest.param(
            {"path": "a", "kind": "json", "schema": {"$ref": "https://example.org/x"}},
            "/required/0/schema/$ref",
            id="a schema from elsewhere",
        ),
    ],
)
def test_lint_names_entries_that_make_no_sense(make_rule, entry, where):
    [problem] = all_checks()["artifacts"].lint(make_rule("artifacts", required=[entry]))
    assert problem.where.endswith(where)
    assert problem.fix


def test_lint_leaves_a_property_named_pattern_alone(make_rule):
    schema = {"properties": {"pattern": {"type": "string"}}, "$defs": {"a": {}}, "items": {"$ref": "#/$defs/a"}}
    rule = make_rule("artifacts", required=[{"path": "a.json", "kind": "json", "schema": schema}])
    assert list(all_checks()["artifacts"].lint(rule)) == []
