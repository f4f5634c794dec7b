# ruff: noqa: E501 - a case stands on one line
"""Each cap of grader.toml holds, and the finding says the limit, the use and the line where it was met."""

import pytest

from grader import sandbox

pytestmark = pytest.mark.sandbox

CASES = [
    pytest.param(
        "import os, time\ndef f():\n    for _ in range(60):\n        if os.fork() == 0:\n            time.sleep(5)\n",
        {"processes": 12}, "processes", "12 processes and threads", "model.py:4", id="processes",
    ),
    pytest.param(
        "import threading, time\ndef f():\n    for _ in range(60):\n"
        "        threading.Thread(target=time.sleep, args=(5,), daemon=True).start()\n",
        {"processes": 12}, "processes", "12 processes and threads", "model.py:4", id="threads",
    ),
    pytest.param(
        "def f():\n    for n in range(9):\n        open(f'/tmp/{n}', 'wb').write(bytes(1 << 20))\n",
        {"tmpfs_mb": 4}, "tmpfs", "4 MB", "model.py:3", id="a folder",
    ),
    pytest.param(
        "def f():\n    with open('/dev/shm/x', 'wb') as file:\n        while True:\n            file.write(bytes(1 << 20))\n",
        {"tmpfs_mb": 4}, "tmpfs", "4 MB", "model.py:4", id="a file",
    ),
    pytest.param(
        "def f():\n    return len(bytearray(3 << 30))\n", {"memory_mb": 700}, "memory", "700 MB", "model.py:2", id="memory"
    ),
    pytest.param(
        "import os, time\ndef f():\n    for _ in range(5):\n        if os.fork() == 0:\n            x = bytearray(200 << 20)\n"
        "            for at in range(0, len(x), 4096):\n                x[at] = 1\n            time.sleep(9)\n    time.sleep(9)\n",
        {"memory_mb": 400}, "memory", "400 MB", "submission", id="memory of all together",
    ),
    pytest.param("def f():\n    while True:\n        pass\n", {"cpu_s": 0.5}, "cpu-time", "0.5 s of CPU time", "submission", id="CPU"),
    pytest.param("import time\ndef f():\n    time.sleep(60)\n", {"wall_s": 0.5}, "wall-time", "0.5 s", "submission", id="clock"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "settings", "kind", "limit", "where"), CASES)
def test_past_a_cap_the_finding_says_the_limit_and_the_use(student, code, settings, kind, limit, where):
    ended = student(code, **{"wall_s": 120, **settings})  # a patience: beside other tests a second of work takes many
    assert isinstance(ended, sandbox.StudentFault), ended
    assert (ended.problem.code, ended.limit, ended.problem.where) == (kind, limit, where)
    assert ended.use
    assert limit in ended.problem.what or limit.split()[0] in ended.problem.what
    assert ended.problem.fix


def test_past_the_cap_of_output_its_end_is_kept(student):
    ended = student("def f():\n    print('x' * 100_000)\n    print('the end')\n    return 1\n", output_kb=8)
    assert isinstance(ended, sandbox.Answered), ended
    assert ended.is_output_cut
    assert len(ended.output) <= 8 * 1024
    assert ended.output.strip().endswith("the end")


def test_within_the_caps_nothing_is_said(student):
    code = """
    import os, threading, time
    def f():
        threads = [threading.Thread(target=time.sleep, args=(0.1,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        open("/tmp/x", "wb").write(bytes(3 << 20))
        return len(bytearray(100 << 20))
    """
    ended = student(code, processes=12, tmpfs_mb=4, memory_mb=700)
    assert isinstance(ended, sandbox.Answered), ended
