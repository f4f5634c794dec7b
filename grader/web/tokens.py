"""How is a secret made and kept? Made from the system's randomness, kept as its digest alone."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """A secret of 256 bits that goes into an address or a form.

    >>> len(new_token())
    43
    """
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What a database keeps of a token (SHA-256, hex): who reads the database can sign in as nobody.

    No salt and no slow hash: 256 random bits cannot be guessed, and it is looked up by this digest.

    >>> digest_of("a")[:8]
    'ca978112'
    """
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
