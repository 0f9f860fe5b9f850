"""What can go wrong on the way to a running stack, each as one sentence for the person at the keyboard."""

from __future__ import annotations


class EmbeddedError(Exception):
    """The embedded stack cannot start; `str()` is the sentence to print before exit 2."""


class DownloadError(EmbeddedError):
    """Kafka's jars are not on this machine and could not be fetched."""


class AlreadyRunningError(EmbeddedError):
    """Another process supervises the same folder."""


class PortTakenError(EmbeddedError):
    """A port that was asked for by name belongs to another process."""


class ChildError(EmbeddedError):
    """A child process ended, or did not become healthy, before it was ready for the first time."""
