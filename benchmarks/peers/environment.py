"""Where do the peers live, and how are they run? In a virtual environment of their own, made once by pip.

It lies in a cache folder outside of the repository, so that their packages and ours never meet, and a second run of
the benchmark installs nothing. Jupyter's settings, as their commands read and write them, are in the benchmark's
scratch folder: nobody's own kernels or settings take part.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

# What a peer needs beside it: the kernel that runs notebooks; torch for hand-ins with a checkpoint, in our version.
PACKAGES = ("nbgrader", "otter-grader", "gradescope-utils", "ipykernel", "numpy", "torch")
TIMEOUT_S = 900
_VERSIONS = """
import json, sys
from importlib.metadata import PackageNotFoundError, version
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
"""


class PeerError(Exception):
    """A peer cannot be installed, or does not run: why, in one line."""


class Environment:
    def __init__(self, scratch: Path) -> None:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self.folder = cache / "grader-bench" / "peers"
        self.scratch = scratch
        self.versions: dict[str, str] = {}
        self.failures: dict[str, str] = {}

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def command(self, name: str) -> str:
        return str(self.folder / "bin" / name)

    def prepare(self) -> None:
        """Installs what is missing, one package at a time: one that cannot be had keeps no other out."""
        try:
            if not Path(self.python).exists():
                self.folder.parent.mkdir(parents=True, exist_ok=True)
                self.run([sys.executable, "-m", "venv", str(self.folder)], self.folder.parent)
            self.versions = self._found()
            for name in PACKAGES:
                if name not in self.versions:
                    self._install(name)
            self.versions = self._found()
        except (PeerError, OSError) as error:
            self.failures = {name: str(error) for name in PACKAGES}

    def require(self, *packages: str) -> None:
        for name in packages:
            if name not in self.versions:
                raise PeerError(f"{name} is not installed: {self.failures.get(name, 'pip did not say why')}")

    def run(self, command: Sequence[str], folder: Path) -> float:
        """Wall seconds."""
        environment = {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "VIRTUAL_ENV": str(self.folder),
            "JUPYTER_PREFER_ENV_PATH": "1",
            **{
                name: str(self.scratch / name.lower())
                for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
            },
        }
        for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME"):
            environment.pop(name, None)
        began = time.perf_counter()
        try:
            subprocess.run(
                list(command),
                check=True,
                capture_output=True,
                text=True,
                cwd=folder,
                env=environment,
                timeout=TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as error:
            raise PeerError(f"{Path(command[0]).name} ran for more than {TIMEOUT_S} s") from error
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout).strip().splitlines() or ["it said nothing"]
            raise PeerError(f"{Path(command[0]).name} ended with {error.returncode}: {said[-1]}") from error
        return time.perf_counter() - began

    def _install(self, name: str) -> None:
        wanted = f"torch=={version('torch').partition('+')[0]}" if name == "torch" else name
        try:
            self.run([self.python, "-m", "pip", "install", "--quiet", wanted], self.folder)
        except PeerError as error:
            self.failures[name] = str(error)

    def _found(self) -> dict[str, str]:
        command = [self.python, "-c", _VERSIONS, *PACKAGES]
        found: dict[str, str] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return found
