"""Machines for a cluster, on this one: each with a network, processes and folders of its own.

    with Machines(4) as machines:
        head = machines.start(1, "ray start --head ...")

What docs/running-a-cluster.md asks of an administrator is done here with namespaces: a bridge is the switch, and what
the machines must not share lies under an empty file system.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from grader.sandbox.usage import tree

ROOT = Path(__file__).parents[2]
OWN = ("/tmp", "/dev/shm")  # noqa: S108  each machine has its own
TOOLS = ("ip", "nsenter", "unshare", "setpriv", "mount")


def why_not():
    """Why there can be no such machines here; empty where there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux"
    if any(Path(folder) in place.parents for folder in OWN for place in (ROOT, Path(sys.prefix))):
        return f"the project or its Python lies in {' or '.join(OWN)}, which each machine has for itself"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "ip", "link"], capture_output=True, check=False
    )
    if tried.returncode:
        return f"no namespaces here: {tried.stderr.decode()[-200:]}"
    name = f"grtry{os.getpid()}"
    tried = subprocess.run(["ip", "link", "add", name[:15], "type", "bridge"], capture_output=True, check=False)
    subprocess.run(["ip", "link", "del", name[:15]], capture_output=True, check=False)
    return f"no bridge here: {tried.stderr.decode()[-200:]}" if tried.returncode else ""


class Machines:
    """So many machines on one switch; `address(n)` counts from 1. `hidden` are folders that are empty on each."""

    def __init__(self, count, folder, hidden=()):
        self.count, self.folder, self.hidden = count, folder, [str(one) for one in hidden]
        self._tag = f"gr{os.getpid() % 100_000}"
        self._net = f"10.{200 + os.getpid() % 50}.{os.getpid() // 50 % 250}"
        self._processes = {}

    def address(self, number):
        return f"{self._net}.{number}"

    def __enter__(self):
        bridge = f"{self._tag}b"
        _ip("link", "add", bridge, "type", "bridge")
        _ip("link", "set", bridge, "up")
        for number in range(1, self.count + 1):
            name = self._name(number)
            _ip("netns", "add", name)
            _ip("link", "add", f"{name}h", "type", "veth", "peer", "name", f"{name}n")
            _ip("link", "set", f"{name}h", "master", bridge, "up")
            _ip("link", "set", f"{name}n", "netns", name)
            _ip("-n", name, "addr", "add", f"{self.address(number)}/24", "dev", f"{name}n")
            _ip("-n", name, "link", "set", f"{name}n", "up")
            _ip("-n", name, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_):
        for number in list(self._processes):
            self.kill(number)
        for number in range(1, self.count + 1):
            subprocess.run(["ip", "netns", "del", self._name(number)], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", f"{self._tag}b"], capture_output=True, check=False)

    def start(self, number, script, *, is_blind=True, **streams):
        """Run shell commands on a machine, in its own /tmp; they end with this process, and with `kill`.

        With `is_blind` the hidden folders are empty there.
        """
        log = (self.folder / f"{number}.log").open("ab")
        empty = [*OWN, *(self.hidden if is_blind else [])]
        hide = "".join(f"mount -t tmpfs none {folder} && " for folder in empty)
        command = ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net=/run/netns/{self._name(number)}"]
        command += ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
        settings = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **streams}
        process = subprocess.Popen([*command, "sh", "-c", f"{hide} cd /tmp && {script}"], **settings)
        log.close()
        self._processes[number] = process
        return process

    def kill(self, number):
        """kill -9 of all that runs on it: what a power cut leaves."""
        process = self._processes.pop(number)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def plug(self, number, *, is_in):
        """Its cable."""
        _ip("link", "set", f"{self._name(number)}h", "up" if is_in else "down")

    def pids_of(self, number, name):
        """The processes of a machine in whose command this stands, by their numbers out here."""
        found = []
        for pid in tree(self._processes[number].pid):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if name in words[0].decode():
                found.append(pid)
        return found

    def said(self, number):
        log = self.folder / f"{number}.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _name(self, number):
        return f"{self._tag}m{number}"


def _ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)
