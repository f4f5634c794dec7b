"""Which share of which GPU does a training get in a cluster, and what when its GPU was too small, or failed?"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from grader.evidence.kinds import Bench, lent_splits
from grader.evidence.resources import (
    Shares,
    estimated_bytes,
    lost_its_gpu,
    no_gpu,
    ran_out_of_memory,
    smallest_gpu_here,
    too_large,
    wants_gpu,
)
from grader.evidence.tickets import Died, Ticket
from grader.model import Evidence, Job
from grader.places import cache_folder

if TYPE_CHECKING:
    from grader.evidence.clusters import Cluster
    from grader.evidence.nodes import Nodes

log = logging.getLogger(__name__)

_ASK_S = 60.0


def on(ray: Any, node: str) -> Any:
    """Ray's word for: on this node, or not at all."""
    return ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)


class NoGpuError(Exception):
    """No node has a GPU. `evidence` says so."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__("no GPU")
        self.evidence = evidence


class Gpus:
    """The GPUs of a cluster, by shares. Ray sees to it that the shares of one GPU never come to more than it."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._cluster: Cluster | None = None
        self._nodes: Nodes | None = None
        self._shares: Shares | None = None
        self._avoided: dict[str, set[str]] = {}  # by a job's key: nodes whose GPU failed it

    def open(self, cluster: Cluster, nodes: Nodes) -> None:
        """Ray is there. What is known of its GPUs is asked for when a job wants one."""
        self._cluster, self._nodes, self._shares = cluster, nodes, None

    def share(self, job: Job) -> float:
        """The share of a GPU that the job is to have; 0 where it wants none. Raises NoGpuError."""
        if not wants_gpu(job):
            return 0.0
        if self._nodes is None or not self._nodes.gpus:
            raise NoGpuError(no_gpu(job))
        return self._known().share(job, self._estimate(job))

    def avoided(self, key: str) -> set[str]:
        """The nodes whose GPU failed this job."""
        return self._avoided.get(key, set())

    def judged(self, ticket: Ticket, share: float, made: Evidence, node: str) -> Evidence | Died | None:
        """What the evidence of a training comes to. None: again, with more of a GPU. Died: again, elsewhere."""
        shares = self._known()
        if made.is_done:
            shares.measured(ticket.job, int(made.result.get("gpu_bytes", 0)))
        elif ran_out_of_memory(made):
            if share >= 1:
                return too_large(ticket.job, shares.gpu_bytes)
            shares.double(ticket.job)
            log.warning("a training ran out of memory on %g of a GPU: it gets more", share)
            return None
        elif lost_its_gpu(made):
            self._avoided.setdefault(ticket.key, set()).add(node)
            return Died(made.problem.what if made.problem else "the GPU failed")
        return made

    def _known(self) -> Shares:
        if self._shares is None:
            self._shares = Shares(self._smallest(), cache_folder("gpus") / "memory.json")
        return self._shares

    def _smallest(self) -> int:
        """The memory of the smallest GPU of all nodes; 0 where one does not say."""
        if self._cluster is None or self._nodes is None:
            return 0
        ray = self._cluster.ray
        ask = ray.remote(num_cpus=0, max_retries=0)(smallest_gpu_here)
        asked = [ask.options(scheduling_strategy=on(ray, node)).remote() for node in self._nodes.with_gpus()]
        try:
            return min(ray.get(asked, timeout=_ASK_S), default=0)
        except ray.exceptions.RayError:
            return 0

    def _estimate(self, job: Job) -> int:
        sets = [self._bench.image_set(*split) for split in lent_splits(job)]
        data = sum(one.images.nbytes for one in sets)
        return estimated_bytes(job, max(one.images[0].nbytes for one in sets), data)
