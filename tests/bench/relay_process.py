"""The yardstick of B1: consume, produce with acks=all and an idempotent producer, no logic. A process of its own.

`python -m tests.bench.relay_process BROKERS IN OUT`; prints `ready` once it reads.
"""

from __future__ import annotations

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


async def relay(brokers: str, source: str, target: str) -> None:
    """Every record of `source` is on `target`, in order; never returns."""
    async with (
        AIOKafkaConsumer(
            source, bootstrap_servers=brokers, group_id=f"relay-of-{source}", enable_auto_commit=False,
            auto_offset_reset="earliest",
        ) as consumer,
        AIOKafkaProducer(bootstrap_servers=brokers, acks="all", enable_idempotence=True) as producer,
    ):  # fmt: skip
        print("ready", flush=True)
        while True:
            batches = await consumer.getmany(timeout_ms=200, max_records=500)
            sends = [
                await producer.send(target, r.value, key=r.key, headers=list(r.headers), partition=tp.partition)
                for tp, records in batches.items()
                for r in records
            ]
            await asyncio.gather(*sends)


if __name__ == "__main__":
    asyncio.run(relay(*sys.argv[1:4]))
