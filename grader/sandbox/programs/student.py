"""How is a student's code brought in and called? By path, in last place, and with every end of it put in words.

A student's `torch.py` or `json.py` never stands in for the real one: what is installed is found first. Only source is
read: no bytecode, no compiled modules. Whatever the code raises becomes a Fault that names its own file and line.
"""

from __future__ import annotations

import errno
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from .channel import Fault

_INSTALLED = ("torch", "torchvision", "numpy", "scipy", "sklearn", "PIL", "matplotlib")
_MOST_TEXT = 600
_NO_NETWORK = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


class _Source(importlib.abc.SourceLoader):
    """Reads source and nothing else: a bytecode file beside it could hold other code."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get_filename(self, fullname: str) -> str:  # noqa: ARG002
        return str(self.path)

    def get_data(self, path: str) -> bytes:
        return Path(path).read_bytes()


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the student's modules: in `roots` when nothing installed has the name, within their packages always."""

    def __init__(self, roots: Sequence[Path], *, is_last: bool) -> None:
        self.roots = roots
        self.is_last = is_last

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        if (path is None) != self.is_last:
            return None
        places = self.roots if path is None else [Path(entry) for entry in path if self._is_ours(entry)]
        name = fullname.rpartition(".")[2]
        for place in places:
            package, file = place / name / "__init__.py", place / f"{name}.py"
            if package.is_file():
                return self._spec(fullname, package, [str(place / name)])
            if file.is_file():
                return self._spec(fullname, file, None)
            if (place / name).is_dir():
                spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
                spec.submodule_search_locations = [str(place / name)]
                return spec
        return None

    def _is_ours(self, entry: str) -> bool:
        return any(Path(entry).is_relative_to(root) for root in self.roots)

    def _spec(self, fullname: str, file: Path, folders: list[str] | None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_file_location(
            fullname, file, loader=_Source(file), submodule_search_locations=folders
        )


class Student:
    """The submitted files, and how their code is called."""

    def __init__(self, box: Any) -> None:
        self.root = Path(box.submission)
        self.channel = box.channel
        self.limits: dict[str, Any] = box.limits

    def module(self, code: str) -> ModuleType:
        """Run the file `code`, as an import would. Raises Fault."""
        path = self.root / code
        roots = list(dict.fromkeys((self.root, path.parent)))
        sys.meta_path.insert(0, _Finder(roots, is_last=False))
        sys.meta_path.append(_Finder(roots, is_last=True))
        if not path.is_file():
            raise Fault("missing-file", code, "the file is not there", "hand it in under this name")
        module: ModuleType = self.call(f"importing {code}", _import, path, self.root, code=code)
        return module

    def call(self, stage: str, function: Callable[..., Any], *arguments: Any, code: str = "") -> Any:
        """Call a function of theirs; whatever it ends with other than a value becomes a Fault.

        `stage` is what is done, as it would follow "while".
        """
        self.channel.stage(stage)
        try:
            return function(*arguments)
        except Fault:
            raise
        except MemoryError as error:
            raise self._memory(error, stage) from error
        except BaseException as error:
            raise self._told(error, stage, code) from error

    def _told(self, error: BaseException, stage: str, code: str) -> Fault:
        """As `fault`. An exception whose own class breaks the telling is theirs all the same."""
        try:
            return self.fault(error, stage, code)
        except BaseException:  # noqa: BLE001
            what, fix = f"an exception that cannot be shown, while {stage}", "raise one of Python's own exceptions"
            return Fault("code-raised", code or "submission", what, fix)

    def fault(self, error: BaseException, stage: str, code: str = "") -> Fault:
        """What an exception of theirs says, with the line of theirs that is nearest to it."""
        where, line = self.place(error, code)
        if isinstance(error, SyntaxError):
            return self._syntax(error, code)
        if isinstance(error, SystemExit):
            fix = "remove exit(), quit() and sys.exit() from the code"
            return Fault("exit", where, f"the code ends the process while {stage}", fix)
        if isinstance(error, ImportError):
            return _missing(error, where)
        if isinstance(error, RuntimeError) and "alloc" in str(error) and "memory" in str(error):
            return self._memory(error, stage)
        past = self._past_a_limit(error, where, stage)
        if past is not None:
            return past
        kind = "import-error" if stage.startswith("importing") else "code-raised"
        shown = f" in `{line}`" if line else ""
        what = f"{type(error).__name__} while {stage}{shown}: {said(error)}"
        return Fault(kind, where, what, remedy(error))

    def _memory(self, error: BaseException, stage: str) -> Fault:
        where, _ = self.place(error, "")
        most = f"{self.limits['memory_mb']:,} MB"
        what = f"needs more than {most} of memory, while {stage}"
        return Fault("memory", where, what, "build a smaller model", limit=most, use=f"over {most}")

    def _past_a_limit(self, error: BaseException, where: str, stage: str) -> Fault | None:
        """Where the kernel refused more, the limit is what must be said, not the kernel's words for it."""
        number = getattr(error, "errno", None)
        if number == errno.EAGAIN or (isinstance(error, RuntimeError) and "start new thread" in said(error)):
            most = f"{self.limits['processes']:,} processes and threads"
            fix = "start fewer: num_workers=0 in a DataLoader, and no processes of your own"
            return Fault(
                "processes", where, f"started more than {most}, while {stage}", fix, limit=most, use="one more"
            )
        if isinstance(error, OSError) and number in (errno.ENOSPC, errno.EFBIG):
            most = f"{self.limits['tmpfs_mb']:,} MB"
            what = f"wrote more than {most} to a temporary folder, while {stage}"
            return Fault("tmpfs", where, what, "write no files: a model needs none", limit=most, use=f"over {most}")
        return None

    def _syntax(self, error: SyntaxError, code: str) -> Fault:
        file = self._relative(error.filename or "") or code
        if "null bytes" in str(error.msg):  # Python names no line
            return Fault("syntax-error", file, "the file holds NUL bytes: it is no plain text", "save it as UTF-8 text")
        text = " ".join((error.text or "").split())[:80]
        shown = f" in `{text}`" if text else ""
        where = f"{file}:{error.lineno}" if error.lineno else file
        return Fault("syntax-error", where, f"{type(error).__name__}{shown}: {error.msg}"[:400], "correct this line")

    def place(self, error: BaseException, code: str) -> tuple[str, str]:
        """The innermost line of the student's in the traceback: `model.py:31`, and its text."""
        found, text = code or "submission", ""
        for frame, number in traceback.walk_tb(error.__traceback__):
            file = self._relative(frame.f_code.co_filename)
            if file is not None:
                found = f"{file}:{number}"
                text = self._line(file, number)
        return found, text

    def _relative(self, filename: str) -> str | None:
        path = Path(filename)
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else None

    def _line(self, file: str, number: int) -> str:
        try:
            lines = (self.root / file).read_text("utf-8", "replace").splitlines()
            return " ".join(lines[number - 1].split())[:100]
        except (OSError, IndexError):
            return ""


def _import(path: Path, root: Path) -> ModuleType:
    """Import the file under its own name, or, where something installed has that name, under another."""
    inside = path.relative_to(root).with_suffix("")
    name = ".".join(inside.parts)
    is_taken = (
        name in sys.modules or name.partition(".")[0] in sys.stdlib_module_names or _is_installed(inside.parts[0])
    )
    if all(part.isidentifier() for part in inside.parts) and not is_taken:
        return importlib.import_module(name)
    name = f"submission_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_Source(path))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _is_installed(name: str) -> bool:
    spec = importlib.machinery.PathFinder.find_spec(name)
    return spec is not None


def _missing(error: ImportError, where: str) -> Fault:
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return Fault("import-error", where, f"ImportError: {said(error)}", "correct this import")
    have = ", ".join(name for name in _INSTALLED if _is_installed(name))
    what = f"the module {error.name!r} is not there"
    return Fault("missing-module", where, what, f"hand it in with your files, or do without; installed: {have}")


def remedy(error: BaseException) -> str:
    """What helps. Of what is so on a student's computer and not here, only this can say it."""
    text = said(error).casefold()
    if isinstance(error, EOFError):
        return "nobody answers input() here: write the value into the code"
    if (
        isinstance(error, ConnectionError)
        or type(error).__name__ in ("URLError", "gaierror")
        or "urlopen" in text
        or (isinstance(error, OSError) and error.errno in _NO_NETWORK)
        or (isinstance(error, PermissionError) and error.errno == errno.EACCES and error.filename is None)  # a connect
    ):
        return "there is no network here: download nothing when the model is built; the checkpoint brings the weights"
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return "only what you hand in is here: hand this file in and open it by Path(__file__).parent, or do without it"
    if isinstance(error, (PermissionError, OSError)) and getattr(error, "errno", None) in (1, 13, 30):
        return "write no files here, or only to tempfile.gettempdir(): a model needs none"
    if "cuda" in text or "nvidia" in text:
        return "there is no GPU here: leave out .cuda() and device='cuda'"
    return "run the same on your computer: the error shows there too"


def said(error: BaseException) -> str:
    """An exception's text. It is the student's own code that makes it, so it may fail too."""
    try:
        return " ".join(str(error).split())[:_MOST_TEXT] or "no message"
    except BaseException as second:  # noqa: BLE001
        return f"(its text raises {type(second).__name__})"
