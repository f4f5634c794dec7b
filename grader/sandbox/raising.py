"""How is the level raised on this very system? What to type, by what the system says of itself.

The facts are read here once; what follows from them is a plain function, so that each system's advice can be read in
the tests by those who have another one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from grader.frozen import dataclass
from grader.sandbox.boxes import bubblewrap
from grader.sandbox.outcome import Level

PROFILE_PATH = "/etc/apparmor.d/bwrap"
PROFILE = """\
abi <abi/4.0>,
include <tunables/global>

profile bwrap {bwrap} flags=(unconfined) {{
  userns,
  include if exists <local/bwrap>
}}
"""
_INSTALL = {
    "debian": "sudo apt install bubblewrap",
    "fedora": "sudo dnf install bubblewrap",
    "suse": "sudo zypper install bubblewrap",
    "arch": "sudo pacman -S bubblewrap",
    "alpine": "sudo apk add bubblewrap",
}
_FAMILIES = {
    "debian": ("debian", "ubuntu"),
    "fedora": ("fedora", "rhel", "centos", "rocky", "almalinux"),
    "suse": ("suse", "opensuse", "opensuse-leap", "opensuse-tumbleweed"),
    "arch": ("arch",),
    "alpine": ("alpine",),
}


@dataclass(frozen=True, slots=True)
class System:
    """What is known of this machine. The settings are those of the kernel, None where it has no such."""

    platform: str = "linux"
    name: str = ""  # as it calls itself
    words: tuple[str, ...] = ()  # its id, and those that it is like
    container: str = ""  # docker, podman, kubernetes, or another's word; nothing outside of one
    bwrap: str | None = None
    restricts_namespaces: bool = False  # AppArmor gives them to programs with a profile only
    most_namespaces: int | None = None
    allows_users: bool | None = None  # Debian's switch

    @property
    def family(self) -> str:
        """The kind of Linux, by how packages are installed; nothing for one that we do not know.

        >>> System(words=("rocky", "rhel", "centos", "fedora")).family
        'fedora'
        """
        return next((family for family, words in _FAMILIES.items() if set(words) & set(self.words)), "")


def this_system() -> System:
    """Look at this machine."""
    said = _release()
    most, allowed = (_setting(name) for name in ("user/max_user_namespaces", "kernel/unprivileged_userns_clone"))
    return System(
        platform=sys.platform,
        name=said.get("PRETTY_NAME", sys.platform),
        words=(said.get("ID", ""), *said.get("ID_LIKE", "").split()),
        container=_container(),
        bwrap=bubblewrap(),
        restricts_namespaces=_setting("kernel/apparmor_restrict_unprivileged_userns") == 1,
        most_namespaces=most,
        allows_users=None if allowed is None else allowed == 1,
    )


def steps(of: System, level: Level) -> list[str]:
    """What to do, in order, until the level is L3; nothing where it is.

    >>> steps(System(), Level("L3", ""))
    []
    """
    if level.has_namespaces:
        return []
    if of.platform != "linux":
        return list(_elsewhere(of.platform))
    made = [] if of.bwrap else [install(of)]
    made += [*(_container_flags(of) if of.container else _namespaces(of))]
    return [*made, "run `grader doctor` again: every wall is tried, so it says whether this was all"]


def _elsewhere(platform: str) -> Iterator[str]:
    if platform == "win32":
        yield "on Windows itself no model code is run, not even with limits: they need a POSIX system"
        yield "run the grader in WSL 2 (wsl --install) or on a Linux machine: `grader doctor` there says more"
        return
    name = "macOS" if platform == "darwin" else platform
    yield f"on {name} there is level L1 only: code runs with limits and without walls, which is enough for one's own"
    yield "to grade the work of others, use a Linux machine or a virtual one: `grader doctor` there says more"


def install(of: System) -> str:
    """How bubblewrap is installed there.

    >>> install(System(words=("ubuntu", "debian")))
    'sudo apt install bubblewrap'
    """
    return _INSTALL.get(of.family, "install bubblewrap 0.8 or newer with your system's package manager")


def _namespaces(of: System) -> Iterator[str]:
    """What keeps ordinary users from making namespaces."""
    if of.restricts_namespaces:
        lines = PROFILE.format(bwrap=of.bwrap or "/usr/bin/bwrap")
        yield f"AppArmor gives namespaces to programs with a profile only: write these lines to {PROFILE_PATH}\n{lines}"
        yield "sudo systemctl reload apparmor"
    if of.allows_users is False:
        yield _kept("kernel.unprivileged_userns_clone=1")
    if of.most_namespaces is not None and of.most_namespaces < 100:
        yield _kept("user.max_user_namespaces=10000")


def _kept(setting: str) -> str:
    return f"echo {setting} | sudo tee /etc/sysctl.d/60-grader.conf && sudo sysctl --system"


def _container_flags(of: System) -> Iterator[str]:
    flags = "--security-opt seccomp=unconfined --security-opt apparmor=unconfined"
    if of.container == "kubernetes":
        yield (
            "where that is refused, let the pod make namespaces: a securityContext with seccompProfile.type and "
            "appArmorProfile.type Unconfined and procMount Unmasked, in a pod with hostUsers: false"
        )
    elif of.container == "podman":
        yield f"where that is refused: podman run {flags} --security-opt unmask=ALL"
    else:
        yield f"where that is refused: docker run {flags} --security-opt systempaths=unconfined"
    yield (
        "this opens the container's own walls to the grader, whose box stands within: use a container that is for "
        "grading only, and start the grader in it as an ordinary user"
    )
    if of.restricts_namespaces:
        yield f"on the machine around the container `grader doctor` says how, with the lines for {PROFILE_PATH}"


# --- facts -------------------------------------------------------------------------------------


def _release(path: str = "/etc/os-release") -> Mapping[str, str]:
    """The words of os-release, without their quotes."""
    with suppress(OSError):
        pairs = (line.split("=", 1) for line in Path(path).read_text(errors="replace").splitlines() if "=" in line)
        return {name.strip(): value.strip().strip("\"'") for name, value in pairs}
    return {}


def _setting(name: str) -> int | None:
    try:
        return int((Path("/proc/sys") / name).read_text())
    except (OSError, ValueError):
        return None


def _container() -> str:
    """In which kind of container this is, by the marks that each kind leaves."""
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if Path("/run/.containerenv").exists():
        return "podman"
    if Path("/.dockerenv").exists():
        return "docker"
    return os.environ.get("container", "")  # noqa: SIM112  systemd's word
