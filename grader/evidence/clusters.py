"""How is Ray had, and is it still there? Started here, behind a token and on the loopback alone; or joined.

A driver of Ray needs a node of the cluster on its own machine. Where a cluster is joined from a machine that is none of
its nodes, a node without any core is started here, and ended with the run.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from grader.errors import MachineError

OLDEST_RAY = (2, 54)  # before it, the job port of a cluster could be reached through a TA's browser
_OBJECT_STORE_BYTES = 2 * 2**30
_LOOK_EVERY_S = 2.0
CUT_OFF_S = 20.0  # so long a head or a node may give no answer; after 60 s Ray itself would end this process
_PROBE_S = 20.0
_NODE_S = 60.0
_AUTO = "auto"
# Ray's own command, which ends in good order (SIGTERM) when the process that started it is killed.
_RAY = "import ctypes, ray.scripts.scripts as r; getattr(ctypes.CDLL(None), 'prctl', int)(1, 15); r.main()"
# Read by Ray's library when it is imported, and by the processes that it starts.
_SETTINGS = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a task without a GPU leaves the environment as it is
    # No diary of tasks: nobody reads it, and a driver that leaves a dead head would wait 5 s to hand it in.
    "RAY_task_events_report_interval_ms": "0",
    "RAY_task_events_shutdown_flush_timeout_ms": "200",
}


class Cluster:
    """Ray, from `start` to `stop`. `ray` is its library, once it was started."""

    def __init__(self, workers: int, address: str | None = None) -> None:
        self.workers, self.address = workers, address
        self.ray: Any = None
        self._node: _OwnNode | None = None
        self._own: int | None = None  # the process of a node that was started here
        self._folder = ""  # of logs and sockets, of what was started here
        self._places: dict[str, tuple[str, int]] = {}  # what must answer, by what it is
        self._looked_at = 0.0
        self._silent_since: float | None = None

    @property
    def is_started_here(self) -> bool:
        """Whether it is ours: then it is started again where it broke."""
        return not self.address

    def start(self) -> None:
        """Start it, or join. Raises MachineError where it cannot be had, with what helps."""
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        # Without such a number Ray takes a driver whose parent is init (a container, nohup) for orphaned as soon as its
        # node ends, and ends it without a word. Workers get the number of their node, from it.
        os.environ["RAY_RAYLET_PID"] = str(os.getpid())
        if self.is_started_here:
            # By its name for the systems on which it is the default: else Ray takes 127.0.0.1 for "any address of this
            # machine", and listens on all of them.
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
            # A token for this run alone: in no file, and whatever the file that is named for a cluster holds.
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        self.ray = _library()
        try:
            if self.address:
                self._join(self.address)
            else:
                self._start()
            self._places = self._who_must_answer()
            if self.is_started_here or self._node is not None:
                self._own = _process_of(self.ray.get_runtime_context().get_node_id())
        except MachineError:
            self.stop()
            raise
        except Exception as error:
            self.stop()
            said = str(error).strip().split("\n")[0][:300]
            raise without(f"Ray does not start: {said or type(error).__name__}") from error
        self._looked_at, self._silent_since = time.monotonic(), None

    def stop(self) -> None:
        """End what was started here, and leave what was joined."""
        with suppress(Exception):
            self.ray.shutdown()
        if self._node is not None:
            self._node.stop()
            self._node = None
        if self._own is not None:
            _end_workers_of(self._own)
            self._own = None
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    def lost(self) -> str:
        """What does not answer any more, in words; empty while all is well. Looks every two seconds at most."""
        if time.monotonic() - self._looked_at < _LOOK_EVERY_S:
            return ""
        for what, place in self._places.items():
            answers = answer(place)
            if answers is None and has_ended(place):
                return f"{what} has ended"
            if answers is False:
                self._silent_since = self._silent_since or time.monotonic()
                if time.monotonic() - self._silent_since > CUT_OFF_S:
                    return f"{what} has given no answer for {CUT_OFF_S:g} s"
                break
        else:
            self._silent_since = None
        self._looked_at = time.monotonic()
        return ""

    def _start(self) -> None:
        started = self.ray.init(
            address="local",
            num_cpus=self.workers,
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            _node_ip_address="127.0.0.1",
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        self._folder = started.address_info["session_dir"]

    def _join(self, address: str) -> None:
        own: dict[str, Any] = {}
        _refuse_silent(address)
        if address != _AUTO and not _is_node_here(address):
            self._node = _OwnNode(address)
            own = {"_node_ip_address": self._node.start()}
        self.ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)

    def _who_must_answer(self) -> dict[str, tuple[str, int]]:
        context = self.ray.get_runtime_context()
        here = next(node for node in self.ray.nodes() if node["NodeID"] == context.get_node_id())
        return {
            "the head of Ray": _place(context.gcs_address),
            "Ray's node on this machine": (here["NodeManagerAddress"], here["NodeManagerPort"]),
        }


def without(what: str, fix: str = "") -> MachineError:
    """The error for a Ray that is not to be had: the same grades can be had without it."""
    local = "leave out --parallel and --address: the same grades, by this process's own workers"
    return MachineError.single(what, where="ray", fix=f"{fix}; or {local}" if fix else local, code="no-ray")


def _library() -> Any:
    try:
        import ray
    except ImportError as error:
        raise without(f"Ray cannot be imported ({error})") from error
    version = tuple(int(part) for part in ray.__version__.split(".")[:2])
    if version < OLDEST_RAY:
        raise without(f"Ray {ray.__version__} is too old, {'.'.join(map(str, OLDEST_RAY))} is the oldest that is used")
    # What a process of Ray said last goes to standard output, whatever is asked for: where our JSON goes.
    with suppress(AttributeError):
        ray._private.worker.print_to_stdstream = lambda *_, **__: None  # noqa: SLF001  there is no other way
    return ray


# --- who answers ----------------------------------------------------------------------------------


def _place(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise without(f"{address!r} is no address of a cluster", "give it as HOST:PORT, as `ray start --head` says it")
    return host.strip("[]"), int(port)


def answer(place: tuple[str, int]) -> bool | None:
    """Whether somebody listens there. None: the machine is there, and says that nobody does. False: no answer."""
    try:
        socket.create_connection(place, timeout=2).close()
    except ConnectionRefusedError:
        return None
    except OSError:
        return False
    return True


def has_ended(place: tuple[str, int]) -> bool:
    """Whether it is refused there once more: one refusal may be a full queue."""
    time.sleep(0.3)
    return answer(place) is None


def _refuse_silent(address: str) -> None:
    """Try the head from a process of its own: where the token is missing, Ray ends the process that asks."""
    if address != _AUTO and not answer(_place(address)):
        raise without(f"nobody answers at {address}", "check that the head runs and can be reached: ray status")
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check"]
    command += [] if address == _AUTO else ["--address", address]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise without(f"the head at {address} gave no answer within {_PROBE_S:g} s") from None
    said = done.stdout + done.stderr
    if done.returncode and ("AuthenticationError" in said or "token" in said.lower()):
        fix = "copy ~/.ray/auth_token from the head to this machine, readable by you alone"
        raise without(f"the cluster at {address} does not take this machine's token, or there is none here", fix)
    if done.returncode:
        last = next((line for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
        raise without(f"the head at {address} refused: {last[:300]}")


# --- a node on this machine -----------------------------------------------------------------------


def _is_node_here(address: str) -> bool:
    """Whether a node of this cluster runs on this machine, with a socket that can be opened from here."""
    for _, words in _processes("cmdline"):
        if words[0].endswith("/raylet"):
            said = dict(word.lstrip("-").split("=", 1) for word in words if "=" in word)
            if said.get("gcs-address") == address and Path(said.get("raylet_socket_name", "")).is_socket():
                return True
    return False


def _processes(part: str) -> Iterator[tuple[int, list[str]]]:
    """Each process with its command, or with its environment: empty where there is no /proc, or no right to look."""
    for file in Path("/proc").glob(f"[0-9]*/{part}"):
        with suppress(OSError):
            yield int(file.parent.name), file.read_bytes().decode("utf-8", "replace").split("\0")


def _process_of(node: str) -> int | None:
    """The process of a node on this machine, by Ray's name for it."""
    named = f"--node_id={node}"
    return next((pid for pid, words in _processes("cmdline") if named in words and "raylet" in words[0]), None)


def _end_workers_of(node: int) -> None:
    """End what a node has left: its workers see that it has died only when their job is done."""
    named = f"RAY_RAYLET_PID={node}"
    for pid, words in _processes("environ"):
        if named in words and pid != os.getpid():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


class _OwnNode:
    """A node of somebody's cluster on this machine, without any core: Ray's driver needs one, and runs no job there."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._process: subprocess.Popen[bytes] | None = None
        self._log: Any = None

    def start(self) -> str:
        """Start it; the address of this machine in the cluster. Raises MachineError."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            asked.connect(_place(self._address))  # sends nothing: it is asked which of our addresses would be used
            ours = str(asked.getsockname()[0])
        words = ["start", f"--address={self._address}", f"--node-ip-address={ours}", "--num-cpus=0", "--num-gpus=0"]
        words += [f"--object-store-memory={_OBJECT_STORE_BYTES}", "--include-log-monitor=false", "--block"]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed by stop
        self._process = subprocess.Popen(  # noqa: S603  this interpreter, and Ray's own command
            [sys.executable, "-c", _RAY, *words],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,  # a first Ctrl-C lets what runs come to its end
        )
        end = time.monotonic() + _NODE_S
        while b"Ray runtime started" not in self._said():
            if self._process.poll() is not None or time.monotonic() > end:
                lines = [line for line in self._said().decode("utf-8", "replace").splitlines() if line.strip()]
                wrong = next((line for line in lines if "mismatch" in line), lines[-1] if lines else "it said nothing")
                self.stop()
                fix = "install the same Python and the same Ray here as on the head"
                raise without(f"this machine cannot join the cluster at {self._address}: {wrong[:300]}", fix)
            time.sleep(0.2)
        return ours

    def stop(self) -> None:
        """End it, and what it started."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._log is not None:
            self._log.close()

    def _said(self) -> bytes:
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0)
