-- The books. Every hot statement names the member or the shard (the member's partition of loyalty.wallets).

CREATE TABLE partition_cursor (
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    next_offset bigint      NOT NULL DEFAULT 0,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT partition_cursor_pk PRIMARY KEY (topic, partition)
);
COMMENT ON TABLE partition_cursor IS 'Where intake continues; the authority over Kafka''s committed offset, which never is ahead of it.';

CREATE TABLE inbox (
    source      text        NOT NULL,
    id          text        NOT NULL,
    member_id   text        NOT NULL,
    shard       integer     NOT NULL,
    type        text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    stated_at   timestamptz,
    data        bytea       NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT inbox_pk PRIMARY KEY (source, id)
);
CREATE INDEX inbox_by_member ON inbox (member_id, occurred_at);
COMMENT ON TABLE inbox IS 'Every accepted event once: deduplication for ever, and the member''s history that a refold reads.';
COMMENT ON COLUMN inbox.stated_at IS 'The time the source stated, where it lay in the future and occurred_at was held to the moment of recording.';

CREATE TABLE wallet (
    member_id   text        NOT NULL,
    shard       integer     NOT NULL,
    version     bigint      NOT NULL DEFAULT 0,
    state       bytea,
    record      bytea,
    occurred_at timestamptz,
    recorded_at timestamptz,
    corrected   boolean     NOT NULL DEFAULT false,
    CONSTRAINT wallet_pk PRIMARY KEY (member_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE wallet IS 'The fold''s state and the record last decided for each member; its row lock orders all writers of a member.';
COMMENT ON COLUMN wallet.corrected IS 'Whether an entry of this member was ever taken back; only then must an entry''s turn be looked up.';
COMMENT ON COLUMN wallet.record IS 'The value on loyalty.wallets; null with a version above zero stands for a tombstone.';

CREATE TABLE entry (
    entry_id          uuid        NOT NULL,
    member_id         text        NOT NULL,
    shard             integer     NOT NULL,
    entry_key         text        NOT NULL,
    turn              integer     NOT NULL,
    kind              text        NOT NULL,
    unit              text        NOT NULL,
    debit             text        NOT NULL,
    credit            text        NOT NULL,
    amount            bigint      NOT NULL,
    promotion_id      text,
    promotion_version integer,
    offer_id          text,
    coupon_id         text,
    caused_by         text        NOT NULL,
    occurred_at       timestamptz NOT NULL,
    recorded_at       timestamptz NOT NULL,
    reverses          uuid,
    detail            jsonb,
    CONSTRAINT entry_pk PRIMARY KEY (entry_id),
    CONSTRAINT entry_once UNIQUE (member_id, entry_key, turn),
    CONSTRAINT entry_amount_not_negative CHECK (amount >= 0),
    CONSTRAINT entry_turn_not_negative CHECK (turn >= 0)
);
CREATE INDEX entry_by_member ON entry (member_id, recorded_at DESC, entry_id DESC);
COMMENT ON TABLE entry IS 'The ledger: append-only, each line moves an amount from one named account to another.';
COMMENT ON COLUMN entry.turn IS 'Even: posted (0 for the first time); odd: the entry that takes the one before back.';

CREATE TABLE coupon (
    coupon_id         text        NOT NULL,
    member_id         text        NOT NULL,
    shard             integer     NOT NULL,
    promotion_id      text        NOT NULL,
    promotion_version integer     NOT NULL,
    code              text        NOT NULL,
    status            text        NOT NULL,
    valid_from        timestamptz NOT NULL,
    valid_until       timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT coupon_pk PRIMARY KEY (coupon_id),
    CONSTRAINT coupon_code UNIQUE (code),
    CONSTRAINT coupon_status CHECK (status IN ('issued', 'reserved', 'redeemed', 'expired', 'cancelled'))
);
CREATE INDEX coupon_by_member ON coupon (member_id);

CREATE TABLE outbox (
    id         bigint      GENERATED ALWAYS AS IDENTITY,
    shard      integer     NOT NULL,
    kind       text        NOT NULL,
    ref        text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT outbox_pk PRIMARY KEY (id),
    CONSTRAINT outbox_kind CHECK (kind IN ('wallet', 'entry', 'dead_letter', 'promotion'))
);
CREATE INDEX outbox_by_shard ON outbox (shard, id);
COMMENT ON TABLE outbox IS 'What is committed and not yet published, as marks: the relay publishes the wallet as it stands, the entry, the letter.';
COMMENT ON COLUMN outbox.id IS 'Drawn while the member''s wallet is locked: per member, id order is version order is commit order.';

CREATE TABLE relay_watch (
    shard       integer NOT NULL,
    next_offset bigint  NOT NULL,
    CONSTRAINT relay_watch_pk PRIMARY KEY (shard)
);
COMMENT ON TABLE relay_watch IS 'How far each partition of loyalty.wallets has been checked against the books.';

CREATE TABLE dead_letter (
    dead_letter_id bigint      GENERATED ALWAYS AS IDENTITY,
    topic          text        NOT NULL,
    partition      integer     NOT NULL,
    record_offset  bigint      NOT NULL,
    reason         text        NOT NULL,
    message        text        NOT NULL,
    key            bytea,
    value          bytea,
    header_names   text[]      NOT NULL,
    header_values  bytea[]     NOT NULL,
    recorded_at    timestamptz NOT NULL,
    CONSTRAINT dead_letter_pk PRIMARY KEY (dead_letter_id),
    CONSTRAINT dead_letter_once UNIQUE (topic, partition, record_offset)
);

CREATE TABLE touchpoint_report (
    kind          text        NOT NULL,
    touchpoint_id text        NOT NULL,
    store_id      text,
    report        jsonb       NOT NULL,
    reported_at   timestamptz NOT NULL,
    CONSTRAINT touchpoint_report_pk PRIMARY KEY (kind, touchpoint_id)
);

CREATE TABLE promotion_version (
    promotion_id   text        NOT NULL,
    version        integer     NOT NULL,
    document       jsonb       NOT NULL,
    effective_from timestamptz NOT NULL,
    withdrawn_at   timestamptz,
    published_at   timestamptz NOT NULL,
    CONSTRAINT promotion_version_pk PRIMARY KEY (promotion_id, version)
);

CREATE TABLE programme (
    only_row boolean NOT NULL DEFAULT true,
    revision bigint  NOT NULL DEFAULT 0,
    CONSTRAINT programme_pk PRIMARY KEY (only_row),
    CONSTRAINT programme_one_row CHECK (only_row)
);
INSERT INTO programme DEFAULT VALUES;
COMMENT ON TABLE programme IS 'Its revision grows with every publication, so that a batch knows whether what it compiled is still in force.';
