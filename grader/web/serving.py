"""Where does a page listen? On this machine's own address, on a port that is free."""

from __future__ import annotations

import socket

from grader.errors import MachineError


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. Raises MachineError where another program has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        what = f"nothing can listen there: {error.strerror}"
        fix = "name another port, or leave --port away: a free one is taken"
        raise MachineError.single(what, where=f"{host}:{port}", fix=fix) from error
    return made


def url_of(at: socket.socket) -> str:
    """The address of a socket for a browser, such as http://127.0.0.1:8000."""
    host, port = at.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
