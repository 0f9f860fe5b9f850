"""Which database errors mean "away, or try again"; every other one is a bug and must crash the process."""

from __future__ import annotations

import asyncpg

TRANSIENT = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,  # the server we are connected to was replaced by its standby
    asyncpg.InsufficientResourcesError,  # disk or memory full: waiting keeps our place in the group, crashing does not
    asyncpg.IdleSessionTimeoutError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # How asyncpg reports that the server ended our session on a time-out just before we spoke.
    asyncpg.InternalClientError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
