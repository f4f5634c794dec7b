"""How does the service live? Set right what the last life left, listen, grade until told to end, and end tidily.

The web server answers in a thread of its own; the main thread grades, so that Ctrl-C and a kill end it as they end
run-all. An upload that was answered is in the database by then: whatever ends this process, it is graded.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from grader.errors import MachineError, UsageError
from grader.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

_START_S, _END_S = 30.0, 10.0
MOST_CONNECTIONS = 200


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the service listens, and under which names it is called.

    `certificate` and `key` are PEM files for TLS; with `is_behind_proxy` a proxy of the course's own speaks TLS, and
    says in X-Forwarded-For who asks.
    """

    host: str = "127.0.0.1"
    port: int = 0
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    is_behind_proxy: bool = False

    @property
    def is_https(self) -> bool:
        """Whether browsers reach it by https."""
        return self.certificate is not None or self.is_behind_proxy

    def see(self) -> None:
        """Refuse what would send tokens and hand-ins in the clear. Raises UsageError."""
        if (self.certificate is None) != (self.key is None):
            what, fix = "a certificate needs its key, and a key its certificate", "name both: --certificate and --key"
            raise UsageError.single(what, where="--certificate", fix=fix)
        if is_loopback(self.host) or self.is_https:
            if not is_loopback(self.host) and not self.names:
                what = "other machines call this one by a name, and only names that are known are answered"
                raise UsageError.single(what, where="--host", fix="say which: --host-name grader.example.org")
            return
        raise UsageError.single(
            f"{self.host} is open to other machines, and without TLS every token and hand-in would pass in the clear",
            where="--host",
            fix="give a certificate (--certificate FILE --key FILE); or listen on 127.0.0.1 behind a proxy that"
            " speaks TLS (--behind-proxy --host-name NAME)",
            code="no-tls",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "10.0.0.1", "example.org")]
    [True, True, True, False, False, False, False]
    """
    import ipaddress

    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def answering(app: Any, at: socket.socket, where: Listening) -> Iterator[None]:
    """Answer requests in a thread for as long as the block lasts; what is under way then is answered first."""
    import uvicorn

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, proxy_headers=False, lifespan="on",
        timeout_graceful_shutdown=5, ws="none", limit_concurrency=MOST_CONNECTIONS, timeout_keep_alive=10,
        h11_max_incomplete_event_size=65_536,
        ssl_certfile=None if where.certificate is None else str(where.certificate),
        ssl_keyfile=None if where.key is None else str(where.key),
    )  # fmt: skip
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        what = f"the certificate or its key cannot be used ({error.strerror or error})"
        raise UsageError.single(
            what, where=str(where.certificate), fix="name PEM files that belong together"
        ) from error
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [at]}, name="web", daemon=True)
    thread.start()
    try:
        end = time.monotonic() + _START_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > end:
                raise MachineError.single("the web server did not start", where="service", fix="see the lines above")
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join(_END_S)
        with suppress(OSError):
            at.close()
