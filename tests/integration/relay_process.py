"""A relay process for the zombie test: `zombie` stops itself (SIGSTOP) once its second batch is queued and unsent."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from aiokafka import AIOKafkaProducer
from typing_extensions import override

from services.settings import Settings
from streams.publish import Message
from streams.relay import Relay


class ZombieRelay(Relay):
    """Sends its first batch; with the second still in user space it stops, and finishes sending when it wakes up."""

    _batches = 0

    @override
    async def _send(self, producer: AIOKafkaProducer, messages: list[Message]) -> None:
        self._batches += 1
        acknowledgements = [
            await producer.send(m.topic, m.value, key=m.key, partition=m.partition, headers=m.headers) for m in messages
        ]
        if self._batches == 2:
            print("stopped", flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)
        await asyncio.gather(*acknowledgements)
        print(f"sent {self._batches}", flush=True)


async def main(kind: str) -> None:
    """Relay every shard until the process is ended."""
    settings = Settings()
    relay = (ZombieRelay if kind == "zombie" else Relay)(settings)
    await relay.start()
    relay.own(set(range(settings.partitions)))
    print("started", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
