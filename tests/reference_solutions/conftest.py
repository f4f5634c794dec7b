"""The stored references, each read once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.datasets import DataSetMissing, load
from grader.training import Reference, load_reference

FOLDER = Path(__file__).parents[2] / "reference_solutions"


@pytest.fixture(autouse=True)
def own_cache_on_the_cpu(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("GRADER_DEVICE", "cpu")


@pytest.fixture
def reference() -> Callable[[str], Reference]:
    return lambda assignment: load_reference(FOLDER / assignment)


@pytest.fixture
def weights_folder() -> Callable[[str], Path]:
    return lambda assignment: FOLDER / assignment / "weights"


@pytest.fixture
def results(weights_folder: Callable[[str], Path]) -> Callable[[str, str], dict[str, Any]]:
    return lambda assignment, recipe: json.loads((weights_folder(assignment) / f"{recipe}.results.json").read_text())


@pytest.fixture
def split() -> Callable[[str, str], Any]:
    """A split of a set, or a skip that says what is missing."""

    def loaded(name: str, split: str) -> Any:
        try:
            return load(name, split)
        except DataSetMissing as error:
            pytest.skip(str(error))

    return loaded
