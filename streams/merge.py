"""Brings what the three co-partitioned topics hold for one partition into the order in which it was produced.

A backlog is fetched topic by topic, and a topic with few events runs far ahead of one with many. A member's events
would then come to the books out of order, and each late one costs a refold. So a record waits until every sibling topic
that has more to give has shown a later one, as Kafka Streams chooses between its partitions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from heapq import merge

from aiokafka import ConsumerRecord, TopicPartition


class Merge:
    """Fetched records that were not handed on yet, by topic and partition."""

    def __init__(self) -> None:
        self._waiting: dict[TopicPartition, deque[ConsumerRecord[bytes, bytes]]] = {}

    def add(self, tp: TopicPartition, records: Iterable[ConsumerRecord[bytes, bytes]]) -> None:
        """These came next on their topic and partition."""
        self._waiting.setdefault(tp, deque()).extend(records)

    def waiting(self, tp: TopicPartition) -> int:
        """How many records wait here."""
        return len(self._waiting.get(tp, ()))

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return any(self._waiting.values())

    def clear(self) -> None:
        """Forget everything: the partitions may have moved, or are read again from their cursors."""
        self._waiting.clear()

    def take(
        self, siblings: Iterable[TopicPartition], has_more: Callable[[TopicPartition], bool], records_max: int
    ) -> list[ConsumerRecord[bytes, bytes]]:
        """The next records of one partition number in time order; none while a sibling that has more shows none.

        Something is taken whenever every sibling that has more shows a record, even if a producer's clock ran back.
        """
        queues = [(tp, self._waiting.get(tp) or deque()) for tp in siblings]
        shown = [max((r.timestamp for r in queue), default=-1) for tp, queue in queues if has_more(tp)]
        horizon = min(shown, default=None)
        taken: list[ConsumerRecord[bytes, bytes]] = []
        for record in merge(*(queue for _, queue in queues), key=lambda record: record.timestamp):
            if len(taken) == records_max or (horizon is not None and record.timestamp > horizon):
                break
            taken.append(record)
        for record in taken:
            self._waiting[TopicPartition(record.topic, record.partition)].popleft()
        return taken
