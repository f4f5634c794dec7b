"""The kinds of mutants, one small class each; a file for each part of a hand-in that they break."""

import importlib

MODULES = (
    "networks", "code", "weights", "tables", "theory", "claims", "runs", "logs", "files", "pictures", "prints", "images"
)  # fmt: skip


def load() -> None:
    """Import them all: each registers its kinds."""
    for name in MODULES:
        importlib.import_module(f"{__name__}.{name}")
