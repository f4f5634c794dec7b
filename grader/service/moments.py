"""When was something handed in? By this machine's clock alone: a receipt, and what the due time is held against."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The moment, with its zone. How long something takes is never made of it: that clock may jump."""
    return datetime.now(UTC)
