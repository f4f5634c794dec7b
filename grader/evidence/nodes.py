"""Which nodes does a cluster have, which of them has room, and which does not answer any more?

The driver itself says on which node a job runs. So it knows what was lost with a node, and need not wait for Ray to
give up a machine whose cable is out: now and then Ray waits for ever for a job on such a node.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from grader.evidence.clusters import CUT_OFF_S, answer, has_ended
from grader.frozen import dataclass

if TYPE_CHECKING:
    from grader.evidence.clusters import Cluster

_LOOK_EVERY_S = 4.0
_ASK_EVERY_S = 15.0  # the head, for nodes that came
_ROUNDING = 1e-9  # of shares that are sums of twentieths


@dataclass(frozen=True)
class Node:
    """A machine of the cluster: how many jobs it does at once, and how many GPUs it has."""

    name: str
    place: tuple[str, int]
    cores: int
    gpus: float


class Nodes:
    """The nodes that do jobs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.known: dict[str, Node] = {}
        self._unfit: set[str] = set()
        self._silent_since: dict[str, float] = {}
        self._looked_at = self._asked_at = 0.0

    def open(self) -> None:
        """Ask for them: Ray is there."""
        self.known.clear()
        self._silent_since.clear()
        self._ask()
        self._looked_at = time.monotonic()

    def leave_out(self, name: str) -> None:
        """Use this node no more."""
        self._unfit.add(name)
        self.known.pop(name, None)

    @property
    def cores(self) -> int:
        """How many jobs run at once."""
        return sum(node.cores for node in self.known.values())

    @property
    def gpus(self) -> float:
        """How many GPUs there are."""
        return sum(node.gpus for node in self.known.values())

    def with_gpus(self) -> list[str]:
        """The nodes that have a GPU."""
        return [node.name for node in self.known.values() if node.gpus]

    def room(self, taken: Iterable[tuple[str, float]], share: float, avoided: Collection[str]) -> str | None:
        """The node with the most free cores, and this share of a GPU; None where there is none just now.

        `taken` says of each running job its node and its share. A node that is `avoided` is taken only where no other
        could ever do it.
        """
        cores = {name: node.cores for name, node in self.known.items()}
        gpus = {name: node.gpus + _ROUNDING for name, node in self.known.items()}
        for name, part in taken:
            if name in cores:
                cores[name] -= 1
                gpus[name] -= part
        could = [name for name, node in self.known.items() if node.gpus + _ROUNDING >= share and name not in avoided]
        free = [name for name in could or self.known if cores[name] > 0 and gpus[name] >= share]
        return max(free, key=lambda name: cores[name], default=None)

    def lost(self) -> list[Node]:
        """Those that have ended since, or have given no answer for long. Looks every few seconds at most."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_EVERY_S:
            return []
        gone = [node for node in self.known.values() if self._is_gone(node)]
        for node in gone:
            del self.known[node.name]
        if now - self._asked_at > _ASK_EVERY_S:
            gone += self._ask()
        self._looked_at = time.monotonic()
        return gone

    def _is_gone(self, node: Node) -> bool:
        answers = answer(node.place)
        if answers:
            self._silent_since.pop(node.name, None)
            return False
        since = self._silent_since.setdefault(node.name, time.monotonic())
        return has_ended(node.place) if answers is None else time.monotonic() - since > CUT_OFF_S

    def _ask(self) -> list[Node]:
        """Take up new ones that answer; gives those that the head has given up."""
        self._asked_at = time.monotonic()
        alive = {}
        for said in self._cluster.ray.nodes():
            has = said["Resources"]
            node = Node(
                said["NodeID"],
                (said["NodeManagerAddress"], said["NodeManagerPort"]),
                int(has.get("CPU", 0)),
                float(has.get("GPU", 0)),
            )
            if said["Alive"] and node.cores and node.name not in self._unfit:
                alive[node.name] = node
        gone = [node for name, node in self.known.items() if name not in alive]
        self.known = {
            name: node
            for name, node in alive.items()
            if name in self.known or name not in self._silent_since or answer(node.place)
        }
        return gone
