"""Which share of which card does a training get in a cluster, and what when its card was too small, or failed?"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from grader.evidence.kinds import Bench, lent_splits
from grader.evidence.resources import (
    Shares,
    estimated_bytes,
    lost_its_card,
    no_card,
    ran_out_of_memory,
    smallest_card_here,
    too_large,
    wants_card,
)
from grader.evidence.runner import Died, Ticket
from grader.model import Evidence, Job
from grader.places import cache_folder

if TYPE_CHECKING:
    from grader.evidence.clusters import Cluster

log = logging.getLogger(__name__)

_COUNT_EVERY_S = 5.0
_ASK_S = 60.0


class NoCardError(Exception):
    """No node has a card. `evidence` says so."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__("no card")
        self.evidence = evidence


class Cards:
    """The cards of a cluster, by shares. Ray sees to it that the shares of one card never come to more than it."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._cluster: Cluster | None = None
        self._shares: Shares | None = None
        self._avoided: dict[str, set[str]] = {}  # by a job's key: nodes whose card failed it
        self._count, self._counted_at = 0.0, -_COUNT_EVERY_S

    def open(self, cluster: Cluster) -> None:
        """Ray is there. What is known of its cards is asked for when a job wants one."""
        self._cluster, self._shares, self._counted_at = cluster, None, -_COUNT_EVERY_S

    def are_there(self) -> bool:
        """Whether any node has a card; looks every few seconds at most."""
        if self._cluster is not None and time.monotonic() - self._counted_at > _COUNT_EVERY_S:
            self._count, self._counted_at = self._cluster.total("GPU"), time.monotonic()
        return self._count > 0

    def free(self, taken: Iterable[float]) -> float:
        """How many cards are left beside these shares."""
        return max(self._count - sum(taken), 0.0) + 1e-9  # for shares that are sums of twentieths

    def share(self, job: Job) -> float:
        """The share of a card that the job is to have; 0 where it wants none. Raises NoCardError."""
        if not wants_card(job):
            return 0.0
        if not self.are_there():
            raise NoCardError(no_card(job))
        return self._known().share(job, self._estimate(job))

    def options(self, key: str, share: float) -> dict[str, Any]:
        """For Ray: the share, and the nodes that are left out since their card failed this job."""
        made: dict[str, Any] = {"num_gpus": share}
        avoided = self._avoided.get(key, set())
        if avoided and set(self._nodes()) - avoided:
            made["label_selector"] = {"ray.io/node-id": f"!in({', '.join(sorted(avoided))})"}
        return made

    def judged(self, ticket: Ticket, share: float, made: Evidence, node: str) -> Evidence | Died | None:
        """What the evidence of a training comes to. None: again, with more of a card. Died: again, elsewhere."""
        shares = self._known()
        if made.is_done:
            shares.measured(ticket.job, int(made.result.get("card_bytes", 0)))
        elif ran_out_of_memory(made):
            if share >= 1:
                return too_large(ticket.job, shares.card_bytes)
            shares.double(ticket.job)
            log.warning("a training ran out of memory on %g of a card: it gets more", share)
            return None
        elif lost_its_card(made):
            self._avoided.setdefault(ticket.key, set()).add(node)
            return Died(made.problem.what if made.problem else "the card failed")
        return made

    def _known(self) -> Shares:
        if self._shares is None:
            self._shares = Shares(self._smallest(), cache_folder("cards") / "memory.json")
        return self._shares

    def _nodes(self) -> list[str]:
        """The nodes that have a card."""
        ray = self._cluster.ray if self._cluster is not None else None
        nodes = ray.nodes() if ray is not None else []
        return [str(node["NodeID"]) for node in nodes if node["Alive"] and node["Resources"].get("GPU")]

    def _smallest(self) -> int:
        """The memory of the smallest card of all nodes; 0 where one does not say."""
        ray = self._cluster.ray if self._cluster is not None else None
        if ray is None:
            return 0
        on = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        ask = ray.remote(num_cpus=0, max_retries=0)(smallest_card_here)
        asked = [ask.options(scheduling_strategy=on(node, soft=False)).remote() for node in self._nodes()]
        try:
            return min(ray.get(asked, timeout=_ASK_S), default=0)
        except ray.exceptions.RayError:
            return 0

    def _estimate(self, job: Job) -> int:
        sets = [self._bench.image_set(*split) for split in lent_splits(job)]
        data = sum(one.images.nbytes for one in sets)
        return estimated_bytes(job, max(one.images[0].nbytes for one in sets), data)
