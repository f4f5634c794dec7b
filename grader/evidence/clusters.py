"""How is Ray had? Started here, behind a token and on the loopback alone; or joined, where a cluster runs."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from grader.errors import MachineError

OLDEST_RAY = (2, 54)  # before it, the job port of a cluster could be reached through a TA's browser
_OBJECT_STORE_BYTES = 2 * 2**30


@contextmanager
def started(workers: int, address: str | None) -> Iterator[Any]:
    """Ray, as long as this lasts: started here behind a token and on the loopback alone, or a cluster that is joined.

    Raises MachineError where it cannot be had, with what helps.
    """
    # Read when Ray is imported, and by the processes that it starts.
    for name, value in {
        "RAY_AUTH_MODE": "token",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_DEDUP_LOGS": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    }.items():
        os.environ.setdefault(name, value)
    if not address:
        # By its name for the systems on which it is the default: else Ray takes 127.0.0.1 for "any address of this
        # machine", and listens on all of them.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray
    except ImportError as error:
        raise _without(f"Ray cannot be imported ({error})") from error
    version = tuple(int(part) for part in ray.__version__.split(".")[:2])
    if version < OLDEST_RAY:
        raise _without(f"Ray {ray.__version__} is too old, {'.'.join(map(str, OLDEST_RAY))} is the oldest that is used")
    here: dict[str, Any] = {
        "num_cpus": workers,
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
        "_node_ip_address": "127.0.0.1",
    }
    try:
        ray.init(
            address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **({} if address else here)
        )
    except Exception as error:
        said = str(error).strip().split("\n")[0][:300]
        raise _without(f"Ray does not start: {said or type(error).__name__}") from error
    try:
        yield ray
    finally:
        with suppress(Exception):
            ray.shutdown()


def _without(what: str) -> MachineError:
    fix = "leave out --parallel: the same grades, by this process's own workers"
    return MachineError.single(what, where="ray", fix=fix, code="no-ray")
