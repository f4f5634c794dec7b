"""No test reads or writes the user's own cache; what one worker has made the others find."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_tests(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    before = os.environ.get("GRADER_CACHE")
    os.environ["GRADER_CACHE"] = str(shared / "cache")
    yield
    if before is None:
        del os.environ["GRADER_CACHE"]
    else:
        os.environ["GRADER_CACHE"] = before
