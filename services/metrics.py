"""Every metric a process counts about itself, in one place (what ops measures from outside: services.ops.collector).

Never label by member, coupon, event or till: a label's values must be few and known beforehand. Seconds and other base
units, `_total` for counters. The page for people is docs/operations.md.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, Info, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # the package leaves it bare

_STAGE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
PROPAGATION_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

BUILD = Info("unisono_build", "Version and role of this process")

# ---- worker: intake, decide, commit
EVENTS = Counter(
    "unisono_events_total",
    "Records taken from an event topic; outcome: applied, duplicate, replayed, skipped (unknown type), dead_letter",
    ["topic", "outcome"],
)
PROCESSING = Histogram(
    "unisono_event_processing_seconds",
    "Time a micro-batch spends in a stage; batch: from bytes to the commit",
    ["stage"],
    buckets=_STAGE_BUCKETS,
)
BATCH_EVENTS = Histogram(
    "unisono_batch_events",
    "Events in one committed micro-batch",
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000),
)
REFOLDS = Counter("unisono_refolds_total", "Wallets folded again from their history, for a late event or a return")
DATABASE_RETRIES = Counter(
    "unisono_database_retries_total", "Batches tried again after PostgreSQL failed", ["operation"]
)
PARTITIONS_OWNED = Gauge("unisono_partitions_owned", "Partitions this worker consumes")
REBALANCES = Counter("unisono_rebalances_total", "Times the partitions of this worker changed")

# ---- worker: relay
PUBLISHED = Counter(
    "unisono_records_published_total",
    "Records the relay put on Kafka, by topic; other: journal, dead letters, promotions",
    ["topic"],
)
RELAY_HEALS = Counter(
    "unisono_relay_heals_total", "Wallets published again because a stale record was seen on the topic"
)

# ---- touchpoints: till, web account, gateway
PROPAGATION = Histogram(
    "unisono_reward_propagation_seconds",
    "From the event at its source to the wallet applied at a touchpoint; channel: till, web",
    ["channel"],
    buckets=PROPAGATION_BUCKETS,
)
WALLETS_APPLIED = Counter("unisono_wallets_applied_total", "Wallet versions applied", ["channel"])
WALLETS_IGNORED = Counter(
    "unisono_wallets_ignored_total", "Wallet records ignored because a newer version was held", ["channel"]
)
STREAM_SUBSCRIBERS = Gauge("unisono_stream_subscribers", "Open live streams (server-sent events)", ["stream"])
INGESTED = Counter(
    "unisono_ingested_events_total", "Events posted to the gateway; outcome: accepted, duplicate, rejected", ["outcome"]
)
TILL_LAST_SYNC = Gauge(
    "unisono_till_last_sync_timestamp_seconds", "When the till with the oldest sync last synchronised", ["store"]
)
TILL_OUTBOX_PENDING = Gauge("unisono_till_outbox_pending", "Operations of offline tills not yet uploaded", ["store"])
