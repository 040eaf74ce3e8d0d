"""The network of a container: open for what fetches, with the host's CA bundle and proxies, and closed for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from holoenzyme.engine.base import Mount, RunRequest
from holoenzyme.engine.secrets import ca_bundle, proxies

#: Where images keep the CA bundle.
CA_TARGET = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True, kw_only=True)
class Network:
    """A host's way to others: its CA bundle, and proxies by the names of their variables."""

    ca: Path | None = None
    proxies: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Network:
        """That of this host."""
        return cls(ca=ca_bundle(environ), proxies=proxies(environ))

    def open(self, request: RunRequest) -> RunRequest:
        """The container, with network; its own variables win over the host's."""
        bundle = (Mount(source=self.ca, target=CA_TARGET, read_only=True),) if self.ca else ()
        return replace(
            request,
            network=True,
            mounts=(*request.mounts, *bundle),
            env={**self.proxies, **request.env},
        )
