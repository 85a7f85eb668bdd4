"""Signing: a digest over what a file says, and a key that tells what this machine's user wrote from what came by mail.

The key lies in the user's state directory (``$LOSSPROOF_STATE``, else ``$XDG_STATE_HOME/lossproof`` or
``~/.local/state/lossproof``), readable by its owner alone, and never leaves it. Whoever can read it can sign.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from properties.storage.files import Folder, ForeignFileError

KEY = "key"
"""The name of the file with the key."""

STATE = "LOSSPROOF_STATE"
"""The environment variable that names another state directory."""

LENGTH = 32
SEALS = ("digest", "signature")
"""What a sealed record says of itself, and what its digest leaves out."""


def digest_of(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a record says, its seals aside, whatever the order and spacing of its JSON."""
    content = {name: value for name, value in record.items() if name not in SEALS}
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(plain.encode(errors="surrogatepass")).hexdigest()


def sealed(record: Mapping[str, Any], *, sign: bool = True) -> dict[str, Any]:
    """Return a record of plain data with its digest, and if asked a signature, where this machine has a key."""
    digest = digest_of(record)
    return {**record, "digest": digest, "signature": _signature(digest, make=True) if sign else ""}


def whole(record: Mapping[str, Any]) -> bool:
    """Return whether a record says what its digest was made of."""
    try:
        digest = digest_of(record)
    except (ValueError, TypeError, RecursionError):
        # what JSON cannot hold was never written
        return False
    return hmac.compare_digest(str(record.get("digest", "")).encode(errors="replace"), digest.encode())


def signed_here(record: Mapping[str, Any]) -> bool:
    """Return whether a record is whole, and was signed with this machine's key."""
    signature = str(record.get("signature", ""))
    expected = _signature(str(record.get("digest", "")), make=False)
    return (
        whole(record) and bool(expected) and hmac.compare_digest(signature.encode(errors="replace"), expected.encode())
    )


def state_folder() -> Path:
    """Return the directory in which lossproof keeps what it must remember of this user and machine."""
    named = os.environ.get(STATE)
    return Path(named) if named else Path(platformdirs.user_state_dir("lossproof", appauthor=False))


def _signature(digest: str, *, make: bool) -> str:
    key = _key(make)
    return "" if key is None else hmac.new(key, b"lossproof 1 " + digest.encode(), hashlib.sha256).hexdigest()


def _key(make: bool) -> bytes | None:
    """Return the key of this machine's user, with ``make`` a new one where there is none; None without a usable one."""
    with contextlib.suppress(OSError, ForeignFileError, ValueError), Folder(state_folder(), make=make) as folder:
        if make and folder.status(KEY) is None:
            with contextlib.suppress(FileExistsError):
                # another process may be as fast: one key stays
                folder.write(KEY, secrets.token_bytes(LENGTH), mode=0o600, replace=False)
        found = folder.status(KEY)
        if found is None or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
            # a key that others may read or have placed says nothing
            return None
        key = folder.read(KEY, LENGTH)
        return key if len(key) == LENGTH else None
    return None
