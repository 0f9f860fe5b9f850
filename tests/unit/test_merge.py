"""Records of co-partitioned topics come out in time order, and none overtakes what a sibling still holds back."""

from __future__ import annotations

from aiokafka import ConsumerRecord, TopicPartition

from streams.merge import Merge

APP, POS = TopicPartition("app", 0), TopicPartition("pos", 0)


def records(tp: TopicPartition, *times: int) -> list[ConsumerRecord[bytes, bytes]]:
    """A record for each time, in offset order."""
    return [
        ConsumerRecord(tp.topic, tp.partition, offset, time, 0, None, b"", None, 0, 0, ())
        for offset, time in enumerate(times)
    ]


def taken(merge: Merge, more: set[TopicPartition], records_max: int = 100) -> list[tuple[str, int]]:
    """(topic, time) of what can be taken while these topics have more to give."""
    return [(r.topic, r.timestamp) for r in merge.take((APP, POS), more.__contains__, records_max)]


def test_two_topics_that_are_read_to_their_end_come_out_by_time() -> None:
    merge = Merge()
    merge.add(APP, records(APP, 10, 40))
    merge.add(POS, records(POS, 20, 30))
    assert taken(merge, set()) == [("app", 10), ("pos", 20), ("pos", 30), ("app", 40)]
    assert taken(merge, set()) == []


def test_nothing_overtakes_what_a_sibling_has_not_shown_yet() -> None:
    merge = Merge()
    merge.add(APP, records(APP, 10, 40))
    assert taken(merge, {POS}) == []
    merge.add(POS, records(POS, 20, 30))
    assert taken(merge, {POS}) == [("app", 10), ("pos", 20), ("pos", 30)]
    assert taken(merge, {POS}) == []
    assert taken(merge, set()) == [("app", 40)]


def test_a_topic_keeps_its_own_order_whatever_its_clock_said() -> None:
    merge = Merge()
    merge.add(APP, records(APP, 30, 10, 20))
    assert taken(merge, set()) == [("app", 30), ("app", 10), ("app", 20)]


def test_a_batch_has_its_bound_and_the_rest_waits() -> None:
    merge = Merge()
    merge.add(APP, records(APP, 1, 2, 3))
    assert taken(merge, set(), records_max=2) == [("app", 1), ("app", 2)]
    assert merge.waiting(APP) == 1
    merge.clear()
    assert taken(merge, set()) == []


def test_a_clock_that_ran_back_stops_nothing() -> None:
    merge = Merge()
    merge.add(APP, records(APP, 30, 10, 20))
    merge.add(POS, records(POS, 40))
    assert taken(merge, {APP}) == [("app", 30), ("app", 10), ("app", 20)]
