"""What stands in the box, and where? An interpreter, its libraries, our programs, the student's files: nothing else.

    /box/programs        our programs, one file each       /tmp, /dev/shm   sized, private, gone afterwards
    /box/job/submission  the student's files, read-only    /dev             null, zero, urandom
    /box/job/inputs      raw inputs, read-only             /proc            of the box's own processes
    /box/site/N          site-packages, read-only          everything else  read-only or not there

Of the machine's own tree only shared libraries and the Python installation are bound. No shell, no /etc but the
linker's cache, no home, no course, no other submission: what is not there cannot be read.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from grader.frozen import dataclass

BOX = "/box"
JOB = f"{BOX}/job"
SUBMISSION = f"{JOB}/submission"
TEMPORARY = "/tmp"  # noqa: S108  in the box: its own
SHARED = "/dev/shm"  # noqa: S108
UID = 65534  # nobody: inside always, and outside where the grader itself runs as root
START = f"{BOX}/programs/start.py"
ZYGOTE = f"{BOX}/programs/zygote.py"
# Isolated, without site (its .pth files would run, and a base Python's packages would come before ours), no bytecode.
PYTHON_OPTIONS = ("-I", "-S", "-B")
PROGRAMS = Path(__file__).parent / "programs"
TORCHVISION_OPS = Path(__file__).parent.parent / "torchvision_ops.py"
_TRAINING = Path(__file__).parent.parent / "training"
TRAINING_STEPS = tuple(_TRAINING / name for name in ("augmentation.py", "averages.py", "pooling.py", "steps.py"))
BOTH_SIDES = (TORCHVISION_OPS, *TRAINING_STEPS)  # of the wall: they import nothing of the grader but each other

_LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/lib32", "/lib", "/lib64", "/lib32")
_TOO_MUCH = ("/", "/home", "/root", "/etc", "/var", "/tmp", "/mnt", "/srv", "/opt")  # noqa: S108  never bound
_OWN = "grader"  # the package that no box shows
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")


def programs() -> dict[str, Path]:
    """Every file of ours that stands in the box, by its path there."""
    return {f"programs/{file.name}": file for file in (*sorted(PROGRAMS.glob("*.py")), *BOTH_SIDES)}


@dataclass(frozen=True, slots=True)
class Installation:
    """The Python that runs in the box, and what it needs of this machine.

    `binds` are pairs of a path here and a path in the box; `links` are pairs of a target and a name.
    """

    python: str
    binds: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    sites: tuple[str, ...]  # site-packages here, in the order of sys.path
    hidden: tuple[str, ...]  # paths in the box that an empty folder covers: the grader's own package

    @property
    def box_sites(self) -> tuple[str, ...]:
        """Where the site-packages stand in the box."""
        return tuple(f"{BOX}/site/{index}" for index in range(len(self.sites)))


@cache
def installation() -> Installation:
    """Find the interpreter, its standard library and its site-packages by rule, wherever they were installed."""
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    folders = [path for path in _LIBRARIES if Path(path).is_dir() and not Path(path).is_symlink()]
    links = [(str(Path(path).readlink()), path) for path in _LIBRARIES if Path(path).is_symlink()]
    # Of the base installation: a virtual environment has a folder of that name within the course's checkout.
    base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix, "installed_base": sys.base_prefix}
    paths = sysconfig.get_paths(vars={**base, "installed_platbase": sys.base_exec_prefix})
    library = Path(sys.base_prefix) / "lib"
    folders += [os.path.realpath(path) for path in (library, paths["stdlib"], paths["platstdlib"])]
    kept = _outermost(path for path in folders if Path(path).is_dir() and path not in _TOO_MUCH)
    binds = [(path, path) for path in kept] + [(python, python)]
    if Path("/etc/ld.so.cache").is_file():
        binds.append(("/etc/ld.so.cache", "/etc/ld.so.cache"))
    sites = _sites()
    hidden = []
    for index, site in enumerate(sites):
        binds.append((site, f"{BOX}/site/{index}"))
        if (Path(site) / _OWN).is_dir():
            hidden.append(f"{BOX}/site/{index}/{_OWN}")
            # Installed into the base Python, the same folder is also seen through the bind of its library.
            hidden += [f"{site}/{_OWN}" for path in kept if site.startswith(path + "/")]
    return Installation(python, tuple(binds), tuple(links), sites, tuple(hidden))


def _sites() -> tuple[str, ...]:
    """Every folder of installed packages on sys.path. Not the paths that .pth files add: those are checkouts."""
    found = [os.path.realpath(path) for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    return tuple(dict.fromkeys(path for path in found if Path(path).is_dir()))


def _outermost(paths: Iterable[str]) -> list[str]:
    """The paths that stand in no other of them.

    >>> _outermost(["/usr/lib/python3", "/usr/lib", "/usr/lib", "/usr/lib64"])
    ['/usr/lib', '/usr/lib64']
    """
    unique = sorted(dict.fromkeys(paths))
    return [path for path in unique if not any(path.startswith(other + "/") for other in unique)]


def environment() -> dict[str, str]:
    """All that a program finds in its environment: no word of it comes from ours."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    made = {"HOME": TEMPORARY, "TMPDIR": TEMPORARY, "LANG": "C.UTF-8", "MPLBACKEND": "agg"}
    # glibc sets 64 MB of address space aside for each thread, which the limit of memory would count; and it gives each
    # large block back at once, so that a batch pays for its pages again in every layer: a quarter of the time.
    memory = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**29)}
    return {**made, **memory, **one}


def arguments(
    here: Installation,
    files: Sequence[tuple[int, str]],
    *,
    tmpfs_mb: int,
    moved: Mapping[str, str] | None = None,
    is_warm: bool = False,
) -> list[str]:
    """The options of bubblewrap. They are the whole policy: each line closes a door that it leaves open.

    `files` are pairs of an open descriptor and a path in the box: a copy is made, so neither the host's path nor a
    student's name shows in the box's list of mounts. `moved` says where a bound path stands by now. With `is_warm` the
    box is that of a zygote, which makes namespaces for each job; its children may not (see programs/walls.py).
    """
    made = [
        "--unshare-all",  # no network, no foreign processes, shared memory, host name
        "--unshare-user",
        "--as-pid-1",  # no process in the box carries our environment, and CPU time is counted up to us
        "--die-with-parent",  # no box outlives the grader
        "--new-session",  # no typing into the TA's terminal (TIOCSTI)
        "--uid", str(UID), "--gid", str(UID),
        "--hostname", "box",
        "--clearenv",
    ]  # fmt: skip
    if not is_warm:
        made.append("--disable-userns")  # no namespaces within: a large part of the kernel stays out of reach
    for name, value in environment().items():
        made += ["--setenv", name, value]
    for source, target in here.binds:
        made += ["--ro-bind", (moved or {}).get(source, source), target]
    for target, name in here.links:
        made += ["--symlink", target, name]
    for path in here.hidden:
        made += ["--size", "4096", "--tmpfs", path, "--remount-ro", path]
    made += ["--dir", JOB if is_warm else SUBMISSION]
    for descriptor, target in files:
        made += ["--perms", "0444", "--ro-bind-data", str(descriptor), target]
    made += ["--proc", "/proc"]
    for device in _DEVICES:  # not --dev: that is a tmpfs of unlimited size, with terminals
        made += ["--dev-bind", device, device]
    size = str(tmpfs_mb * 2**20)
    for path in (TEMPORARY, SHARED):
        made += ["--size", size, "--perms", "1777", "--tmpfs", path]
    return [*made, "--remount-ro", "/", "--chdir", TEMPORARY]
