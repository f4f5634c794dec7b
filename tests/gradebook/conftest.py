"""Every promise of the gradebook is kept on both databases."""

from __future__ import annotations

import pytest

from grader.gradebook.book import Gradebook
from tests.gradebook.postgres import server, why_not


@pytest.fixture(scope="session")
def postgres():
    if reason := why_not():
        pytest.skip(reason)
    with server() as one:
        yield one


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    """Where a gradebook can be that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gradebook.db"
    return request.getfixturevalue("postgres").database()


@pytest.fixture
def book(url):
    with Gradebook.open(url) as opened:
        yield opened
