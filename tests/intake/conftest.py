import hashlib
import importlib.util
import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.intake import read_submission, remove_tree

MANIFEST = {"assignment": "digits", "students": [{"id": "s1", "name": "Ada"}]}


def _load_raw_zip():
    spec = importlib.util.spec_from_file_location("raw_zip", Path(__file__).with_name("raw_zip.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["raw_zip"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def raw_zip():
    """The builder of zips whose fields can lie."""
    return _load_raw_zip()


@pytest.fixture
def hand_in(tmp_path):
    """Write the bytes of an archive to hw.zip and read it in a workspace of its own, which is then checked."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    made = []

    def read(data, name="hw.zip", **options):
        path = tmp_path / name
        path.write_bytes(data)
        before = set(workspace.iterdir())
        submission = read_submission(path, workspace=workspace, **({"assignment": "digits"} | options))
        made.append(submission)
        assert path.read_bytes() == data, "the archive was changed"
        assert submission.source.size == len(data)
        assert submission.source.digest in ("", hashlib.sha256(data).hexdigest())
        if not submission.is_readable:
            assert submission.problems, "an unreadable submission says why"
            assert set(workspace.iterdir()) == before, "a refused archive leaves something behind"
        return submission

    yield read
    for submission in made:
        if submission.source.unpacked_at:
            assert remove_tree(submission.source.unpacked_at)
    assert sorted(one.name for one in tmp_path.iterdir() if one.name not in ("workspace", "out")) == sorted(
        {submission.source.path.name for submission in made}
    ), "something was written outside the workspace"


@pytest.fixture
def folder(tmp_path):
    """A folder with these files (text or bytes by path), besides a manifest unless there is one or None."""

    def make(files=(), manifest=MANIFEST, name="hw"):
        top = tmp_path / name
        top.mkdir()
        every = dict(files)
        if manifest is not None:
            every.setdefault("submission.json", json.dumps(manifest))
        for path, content in every.items():
            target = top / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return top

    return make


@pytest.fixture
def codes():
    """The codes of a submission's problems."""
    return lambda submission: [problem.code for problem in submission.problems]


_opened: list[str] | None = None


def _watch(event, arguments):
    if _opened is not None and event in ("open", "os.mkdir", "os.link", "os.symlink", "os.rename"):
        _opened.extend(os.fsdecode(one) for one in arguments[:1] if isinstance(one, str | bytes))


@pytest.fixture(scope="session")
def _hook():
    sys.addaudithook(_watch)  # cannot be taken back: it listens only while `_opened` is a list


@pytest.fixture
def opened(_hook):
    """What Python opens and makes inside the block, without Python's own and the product's files."""

    @contextmanager
    def watching():
        global _opened  # noqa: PLW0603
        _opened = seen = []
        try:
            yield seen
        finally:
            _opened = None
            product = str(Path(__file__).parents[2])
            ours = (sys.prefix, sys.base_prefix, f"{product}/grader", "/proc/")
            seen[:] = [path for path in seen if not path.startswith(ours)]

    return watching


@pytest.fixture
def snapshot():
    """Every path below a folder with its kind, mode and content."""

    def take(top):
        found = {}
        for path in sorted(top.rglob("*")):
            mode = path.lstat().st_mode
            is_file = path.is_file() and not path.is_symlink()
            found[str(path.relative_to(top))] = (mode, path.read_bytes() if is_file else None)
        return found

    return take
