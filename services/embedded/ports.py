"""Ports that are chosen once, remembered in the folder, and free again when it starts the next time."""

from __future__ import annotations

import json
import secrets
import socket
from pathlib import Path

from services.embedded.failure import PortTakenError

# Below the range that systems take outgoing ports from: while a broker restarts, a client's own outgoing connection
# must not be able to occupy its port (or, on loopback, to connect to itself).
LOWEST, HIGHEST = 20_000, 32_000


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on the port now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(taken: set[int], host: str = "127.0.0.1") -> int:
    """A free port that is not in `taken`."""
    for _ in range(1000):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        if port not in taken and is_free(port, host):
            return port
    raise PortTakenError(f"no free port between {LOWEST} and {HIGHEST} on {host}")


class Ports:
    """The ports of one folder, by name, kept in its `ports.json`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ports.json"
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            self._ports: dict[str, int] = {str(name): int(port) for name, port in kept.items()}
        except (FileNotFoundError, ValueError, AttributeError, TypeError):
            self._ports = {}

    def claim(self, name: str, *, host: str = "127.0.0.1", wish: int = 0, insist: bool = False) -> int:
        """The port of `name`: the wish if it was insisted on, else the remembered one, the wish, or a free one.

        Raises PortTakenError for an insisted wish that another process listens on.
        """
        if insist and wish:
            if not is_free(wish, host):
                raise PortTakenError(f"port {wish} for {name} is in use; choose another one or 0 for any free port")
            return self._keep(name, wish)
        taken = {port for other, port in self._ports.items() if other != name}
        for port in (self._ports.get(name, 0), wish):
            if port and port not in taken and is_free(port, host):
                return self._keep(name, port)
        return self._keep(name, free_port(taken, host))

    def _keep(self, name: str, port: int) -> int:
        if self._ports.get(name) != port:
            self._ports[name] = port
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_suffix(".json.new")
            fresh.write_text(json.dumps(self._ports, indent=2, sort_keys=True) + "\n", encoding="utf-8")
            fresh.replace(self._file)
        return port
