"""Verification: whether a certificate's file can be believed: its digest, its signature, and the layer's source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from properties.certificates.certificate import Certificate, read_plain
from properties.storage.signing import signed_here, whole

SHORTEST_HASH = 16
"""Characters of a hash that identify a source."""


@dataclass(frozen=True)
class Verification:
    """What a certificate's file is worth.

    ``digest`` is whole, altered or absent; ``signature`` here (this user made it on this machine), foreign or absent;
    ``source`` same, changed, not recorded, or not asked for. ``environment`` has the versions that it was made with.
    """

    digest: str
    signature: str
    source: str
    environment: Mapping[str, str]

    @property
    def confirmed(self) -> bool:
        """Whether everything that was looked at is as the certificate says."""
        return (self.digest, self.signature) == ("whole", "here") and self.source in ("same", "not asked for")


def verified(path: str | Path, source_hash: str | None = None) -> Verification:
    """Look at the file of a certificate; ``source_hash`` is that of the layer as it is today, None where nobody asks.

    Raises MalformedError where the file holds no certificate.
    """
    plain = read_plain(path)
    certificate = Certificate.from_dict(plain, str(path))
    digest = "absent" if not plain.get("digest") else "whole" if whole(plain) else "altered"
    signature = "absent" if not plain.get("signature") else "here" if signed_here(plain) else "foreign"
    return Verification(digest, signature, _source(certificate, source_hash), certificate.environment)


def _source(certificate: Certificate, source_hash: str | None) -> str:
    if source_hash is None:
        return "not asked for"
    recorded = certificate.source_hash
    if len(recorded) < SHORTEST_HASH or not source_hash:
        return "not recorded"
    return "same" if source_hash.startswith(recorded) else "changed"


def in_words(found: Verification) -> list[tuple[str, str, str]]:
    """Return a line for each thing that was looked at: what, how it is, and what that means."""
    digests = {
        "whole": "says what was written",
        "altered": "says something else than was written: believe nothing of it",
        "absent": "was written before there were digests, or by another program",
    }
    signatures = {
        "here": "was made by this user on this machine",
        "foreign": "was made elsewhere, or by somebody else: believe it as you believe whoever sent it",
        "absent": "was made without a key: believe it as you believe whoever sent it",
    }
    sources = {
        "same": "is of the layer as it is now",
        "changed": "is of another version of the layer",
        "not recorded": "does not say which version of the layer it is of, or that cannot be read",
        "not asked for": "name the layer by --target to compare its source",
    }
    return [
        ("digest", found.digest, digests[found.digest]),
        ("signature", found.signature, signatures[found.signature]),
        ("source", found.source, sources[found.source]),
        ("versions", "", _versions(found.environment)),
    ]


def _versions(environment: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in environment.items()) or "not recorded"
