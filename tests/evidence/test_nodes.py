"""A job goes where there is room, a failing node is left out while another could do it, and what is silent is lost."""

import socket
import types

import pytest

from grader.evidence import nodes
from grader.evidence.nodes import Nodes


def listening():
    server = socket.create_server(("127.0.0.1", 0))
    return server, server.getsockname()


@pytest.fixture
def cluster():
    """Ray's list of nodes, to be changed by the test."""
    table = []

    def add(name, cores, gpus=0.0, place=("127.0.0.1", 1), *, is_alive=True):
        resources = {"CPU": cores, "GPU": gpus} if gpus else {"CPU": cores}
        table.append(
            {
                "NodeID": name,
                "Alive": is_alive,
                "NodeManagerAddress": place[0],
                "NodeManagerPort": place[1],
                "Resources": resources,
            }
        )

    made = types.SimpleNamespace(ray=types.SimpleNamespace(nodes=lambda: table), add=add, table=table)
    made.nodes = Nodes(made)
    return made


def test_a_job_goes_to_the_node_with_the_most_free_cores(cluster):
    cluster.add("a", 2)
    cluster.add("b", 4)
    cluster.add("driver", 0)
    cluster.nodes.open()
    assert cluster.nodes.cores == 6
    taken = []
    for _ in range(6):
        taken.append((cluster.nodes.room(taken, 0.0, ()), 0.0))
    assert sorted(name for name, _ in taken) == ["a", "a", "b", "b", "b", "b"]
    assert cluster.nodes.room(taken, 0.0, ()) is None


def test_shares_never_come_to_more_than_a_node_has(cluster):
    cluster.add("a", 16, 1.0)
    cluster.add("b", 16)
    cluster.nodes.open()
    taken = [(cluster.nodes.room([("a", 0.3)] * count, 0.3, ()), 0.3) for count in range(5)]
    assert [name for name, _ in taken] == ["a", "a", "a", None, None]
    assert cluster.nodes.room([("a", 0.2)] * 4, 0.2, ()) == "a"


def test_a_node_that_failed_a_job_is_left_out_while_another_could_do_it(cluster):
    cluster.add("a", 4, 1.0)
    cluster.add("b", 1, 1.0)
    cluster.nodes.open()
    assert cluster.nodes.room([], 1.0, {"a"}) == "b"
    assert cluster.nodes.room([("b", 1.0)], 1.0, {"a"}) is None  # it waits for b
    assert cluster.nodes.room([], 1.0, {"a", "b"}) == "a"


def test_a_node_that_ends_is_lost_and_one_that_comes_is_taken_up(cluster, monkeypatch):
    monkeypatch.setattr(nodes, "_LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(nodes, "_ASK_EVERY_S", 0.0)
    (one, first), (two, second) = listening(), listening()
    cluster.add("a", 1, place=first)
    cluster.nodes.open()
    assert not cluster.nodes.lost()
    cluster.add("b", 1, place=second)
    assert not cluster.nodes.lost()
    assert set(cluster.nodes.known) == {"a", "b"}
    one.close()
    assert [node.name for node in cluster.nodes.lost()] == ["a"]
    assert set(cluster.nodes.known) == {"b"}  # although Ray still has it among the living
    cluster.table[1]["Alive"] = False
    assert [node.name for node in cluster.nodes.lost()] == ["b"]
    two.close()


def test_a_node_without_an_answer_is_given_time_and_then_lost(cluster, monkeypatch):
    monkeypatch.setattr(nodes, "_LOOK_EVERY_S", 0.0)
    said = [True, False, False, True, False, False]
    monkeypatch.setattr(nodes, "answer", lambda _: said.pop(0))
    now = [0.0]
    monkeypatch.setattr(nodes.time, "monotonic", lambda: now[0])
    cluster.add("a", 1)
    cluster.nodes.open()
    seen = []
    for _ in range(6):
        now[0] += 15.0
        cluster.nodes._asked_at = now[0]
        seen.append(len(cluster.nodes.lost()))
    assert seen == [0, 0, 0, 0, 0, 0]
    monkeypatch.setattr(nodes, "answer", lambda _: False)
    now[0] += 15.0
    cluster.nodes._asked_at = now[0]
    assert len(cluster.nodes.lost()) == 1
