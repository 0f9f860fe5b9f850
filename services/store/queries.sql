-- begin_unit --
-- Readers of the programme share this lock; a publication takes it alone, so no batch straddles one.
BEGIN; SELECT pg_advisory_xact_lock_shared(7002)

-- lock_programme_alone --
SELECT pg_advisory_xact_lock(7002)

-- promotion_versions --
-- All versions of each promotion that was published after a revision (-1: of every one).
SELECT promotion_id, version, document::text AS document, effective_from, withdrawn_at FROM promotion_version
WHERE promotion_id IN (SELECT promotion_id FROM promotion_version WHERE revision > $1) ORDER BY promotion_id, version

-- programme_versions --
-- All of them, where one was published after a revision.
SELECT version, document::text AS document, effective_from FROM programme_version
WHERE EXISTS (SELECT FROM programme_version WHERE revision > $1) ORDER BY version

-- moment_of_publication --
-- Once no batch is under way. A batch decides events up to its worker's clock, which its cursors keep and which may be
-- ahead of ours: what comes into force after all of those changes nothing that was decided without it.
SELECT clock_timestamp() AS published_at,
       greatest(clock_timestamp(), max(updated_at) + interval '1 microsecond') AS effective_from
FROM partition_cursor

-- publish_promotions --
INSERT INTO promotion_version (promotion_id, version, document, effective_from, published_at, revision)
SELECT new.promotion_id, coalesce(newest.version, 0) + 1, new.document::jsonb, $3, $4,
       (SELECT revision + 1 FROM programme)
FROM unnest($1::text[], $2::text[]) AS new (promotion_id, document)
LEFT JOIN LATERAL (
    SELECT version, document FROM promotion_version old
    WHERE old.promotion_id = new.promotion_id ORDER BY version DESC LIMIT 1
) newest ON true
WHERE newest.document IS DISTINCT FROM new.document::jsonb
RETURNING promotion_id, version

-- publish_programme --
INSERT INTO programme_version (version, document, effective_from, published_at, revision)
SELECT coalesce(newest.version, 0) + 1, $1::text::jsonb, $2, $3, (SELECT revision + 1 FROM programme)
FROM (SELECT 1) AS new
LEFT JOIN LATERAL (SELECT version, document FROM programme_version ORDER BY version DESC LIMIT 1) newest ON true
WHERE newest.document IS DISTINCT FROM $1::text::jsonb
RETURNING version

-- raise_programme_revision --
UPDATE programme SET revision = revision + 1

-- lock_cursors --
-- The row locks serialise an old and a new owner of the partition; the comparison makes the late one a no-op.
SELECT topic, next_offset, (SELECT revision FROM programme) AS revision FROM partition_cursor
WHERE topic = ANY($1) AND partition = $2 ORDER BY topic FOR UPDATE

-- ensure_cursor --
INSERT INTO partition_cursor (topic, partition) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- read_cursor --
SELECT next_offset FROM partition_cursor WHERE topic = $1 AND partition = $2

-- read_cursors --
SELECT topic, partition, next_offset, updated_at FROM partition_cursor ORDER BY topic, partition

-- record_events --
-- The business id decides what is new, not the offset; in id order, so that two writers never wait for each other.
INSERT INTO inbox (source, id, member_id, shard, type, occurred_at, stated_at, data, recorded_at)
SELECT source, id, member_id, shard, type, occurred_at, stated_at, data, $9
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::timestamptz[], $7::timestamptz[],
            $8::bytea[])
    AS new (source, id, member_id, shard, type, occurred_at, stated_at, data)
ORDER BY source, id
ON CONFLICT DO NOTHING RETURNING source, id

-- stored_events --
SELECT source, id, type, member_id, occurred_at, stated_at, data FROM inbox
WHERE (source, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))

-- member_history --
SELECT source, id, type, member_id, occurred_at, data FROM inbox
WHERE member_id = ANY($1) ORDER BY member_id, occurred_at, source COLLATE "C", id COLLATE "C"

-- events_of_id --
-- Every event with this id, whoever sent it: the key begins with the source, so we step from one source to the next and
-- look the id up in each. There are as many sources as touchpoints, and no index of its own slows every event down.
WITH RECURSIVE known (source) AS (
    (SELECT source FROM inbox ORDER BY source LIMIT 1)
    UNION ALL
    SELECT (SELECT i.source FROM inbox i WHERE i.source > known.source ORDER BY i.source LIMIT 1)
    FROM known WHERE known.source IS NOT NULL
)
SELECT found.source, found.id, found.member_id FROM known CROSS JOIN LATERAL (
    SELECT source, id, member_id FROM inbox i WHERE i.source = known.source AND i.id = $1 LIMIT 1) found
ORDER BY found.source

-- event_at --
SELECT source, id, member_id FROM inbox WHERE source = $1 AND id = $2

-- member_past --
-- The history with what only somebody who looks back asks for: when each event was recorded, what its source stated.
SELECT source, id, type, member_id, occurred_at, stated_at, recorded_at, data FROM inbox
WHERE member_id = $1 ORDER BY occurred_at, source COLLATE "C", id COLLATE "C"

-- member_state --
SELECT state FROM wallet WHERE member_id = $1

-- lock_wallets --
-- In member order: two writers never wait for each other in a circle.
SELECT member_id, version, state, corrected FROM wallet WHERE member_id = ANY($1) ORDER BY member_id FOR UPDATE

-- ensure_wallets --
INSERT INTO wallet (member_id, shard)
SELECT member_id, shard FROM unnest($1::text[], $2::int[]) AS new (member_id, shard)
ORDER BY member_id ON CONFLICT DO NOTHING

-- standing_entries --
-- The newest turn of each entry key of these members; an even turn stands, an odd one was taken back.
SELECT DISTINCT ON (member_id, entry_key) member_id, entry_key, turn, entry_id::text AS entry_id, kind, unit, debit,
       credit, amount, promotion_id, promotion_version, offer_id, coupon_id, caused_by, occurred_at,
       detail::text AS detail
FROM entry WHERE member_id = ANY($1) ORDER BY member_id, entry_key, turn DESC

-- write_batch --
-- Wallets, entries, outbox marks and the cursor in one round trip. Marks are drawn while the wallets are locked.
WITH wallets AS (
    UPDATE wallet SET version = new.version, state = new.state, record = new.record, occurred_at = new.occurred_at,
                      corrected = new.corrected, recorded_at = $1
    FROM unnest($2::text[], $3::bigint[], $4::bytea[], $5::bytea[], $6::timestamptz[], $7::boolean[])
        AS new (member_id, version, state, record, occurred_at, corrected)
    WHERE wallet.member_id = new.member_id
), entries AS (
    INSERT INTO entry (entry_id, member_id, shard, entry_key, turn, kind, unit, debit, credit, amount, promotion_id,
                       promotion_version, offer_id, coupon_id, caused_by, occurred_at, reverses, detail, recorded_at)
    SELECT entry_id, member_id, shard, entry_key, turn, kind, unit, debit, credit, amount, promotion_id,
           promotion_version, offer_id, coupon_id, caused_by, occurred_at, reverses, detail::jsonb, $1
    FROM unnest($8::text[]::uuid[], $9::text[], $10::int[], $11::text[], $12::int[], $13::text[], $14::text[],
                $15::text[], $16::text[], $17::bigint[], $18::text[], $19::int[], $20::text[], $21::text[],
                $22::text[], $23::timestamptz[], $24::text[]::uuid[], $25::text[])
        AS new (entry_id, member_id, shard, entry_key, turn, kind, unit, debit, credit, amount, promotion_id,
                promotion_version, offer_id, coupon_id, caused_by, occurred_at, reverses, detail)
), marks AS (
    INSERT INTO outbox (shard, kind, ref)
    SELECT shard, kind, ref
    FROM unnest($26::int[], $27::text[], $28::text[]) WITH ORDINALITY AS new (shard, kind, ref, place)
    ORDER BY place
)
UPDATE partition_cursor SET next_offset = new.next_offset, updated_at = $1
FROM unnest($29::text[], $30::bigint[]) AS new (topic, next_offset)
WHERE partition_cursor.topic = new.topic AND partition_cursor.partition = $31

-- write_coupons --
INSERT INTO coupon (coupon_id, member_id, shard, promotion_id, promotion_version, code, status, valid_from, valid_until,
                    updated_at)
SELECT coupon_id, member_id, shard, promotion_id, promotion_version, code, status, valid_from, valid_until, $10
FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::int[], $6::text[], $7::text[], $8::timestamptz[],
            $9::timestamptz[])
    AS new (coupon_id, member_id, shard, promotion_id, promotion_version, code, status, valid_from, valid_until)
ON CONFLICT (coupon_id) DO UPDATE SET status = EXCLUDED.status, promotion_version = EXCLUDED.promotion_version,
    valid_from = EXCLUDED.valid_from, valid_until = EXCLUDED.valid_until, updated_at = EXCLUDED.updated_at

-- cancel_coupons --
UPDATE coupon SET status = 'cancelled', updated_at = $2 WHERE coupon_id = ANY($1) AND status <> 'redeemed'

-- write_outbox --
INSERT INTO outbox (shard, kind, ref)
SELECT shard, kind, ref FROM unnest($1::int[], $2::text[], $3::text[]) WITH ORDINALITY AS new (shard, kind, ref, place)
ORDER BY place

-- write_dead_letter --
INSERT INTO dead_letter (topic, partition, record_offset, reason, message, key, value, header_names, header_values,
                         recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT ON CONSTRAINT dead_letter_once DO NOTHING RETURNING dead_letter_id::text

-- lock_shard --
SELECT pg_try_advisory_lock(7001, $1)

-- read_outbox --
-- A wallet's mark stands for the wallet as it is at this moment, so several marks of one member cost one record.
SELECT o.id, o.kind AS mark, o.ref, w.version, w.record, w.occurred_at AS wallet_occurred_at,
       w.recorded_at AS wallet_recorded_at, e.entry_id::text AS entry_id, e.member_id, e.kind, e.unit, e.debit,
       e.credit, e.amount, e.promotion_id, e.promotion_version, e.offer_id, e.coupon_id, e.caused_by, e.occurred_at,
       e.recorded_at, e.reverses::text AS reverses, e.detail::text AS detail
FROM outbox o
LEFT JOIN wallet w ON o.kind = 'wallet' AND w.member_id = o.ref
LEFT JOIN entry e ON o.kind = 'entry' AND e.entry_id = CASE WHEN o.kind = 'entry' THEN o.ref::uuid END
WHERE o.shard = $1 ORDER BY o.id LIMIT $2

-- outbox_dead_letters --
SELECT dead_letter_id, topic, partition, record_offset, reason, message, key, value, header_names,
       header_values, recorded_at
FROM dead_letter WHERE dead_letter_id = ANY($1::text[]::bigint[])

-- outbox_promotions --
SELECT promotion_id || '@' || version AS ref, promotion_id, version, document::text AS document, effective_from,
       withdrawn_at, published_at
FROM promotion_version WHERE promotion_id || '@' || version = ANY($1)

-- delete_outbox --
DELETE FROM outbox WHERE id = ANY($1)

-- settled_versions --
-- What the books say was last published of these members; those still to be published are left out.
SELECT w.member_id, w.version FROM wallet w WHERE w.member_id = ANY($2) AND NOT EXISTS (
    SELECT FROM outbox o WHERE o.shard = $1 AND o.kind = 'wallet' AND o.ref = w.member_id)

-- mark_wallets --
INSERT INTO outbox (shard, kind, ref)
SELECT shard, 'wallet', member_id FROM (
    SELECT shard, member_id FROM wallet WHERE member_id = ANY($1) ORDER BY member_id FOR UPDATE) AS locked

-- read_watch --
SELECT next_offset FROM relay_watch WHERE shard = $1

-- move_watch --
INSERT INTO relay_watch (shard, next_offset) VALUES ($1, $2)
ON CONFLICT (shard) DO UPDATE SET next_offset = EXCLUDED.next_offset

-- read_wallet --
SELECT member_id, version, occurred_at, recorded_at, record FROM wallet WHERE member_id = $1 AND record IS NOT NULL

-- read_wallets --
SELECT member_id, version, occurred_at, recorded_at, record FROM wallet WHERE record IS NOT NULL ORDER BY member_id

-- known_events --
SELECT source, id FROM inbox WHERE (source, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))

-- read_history --
SELECT entry_id::text AS entry_id, member_id, kind, unit, debit, credit, amount, promotion_id, promotion_version,
       offer_id, coupon_id, caused_by, occurred_at, recorded_at, reverses::text AS reverses, detail::text AS detail
FROM entry WHERE member_id = $1 ORDER BY recorded_at DESC, entry_id DESC LIMIT $2

-- outbox_status --
SELECT count(*) AS depth,
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS oldest_age_s
FROM outbox

-- versions_total --
SELECT count(*) AS members, coalesce(sum(version), 0)::bigint AS versions_total FROM wallet WHERE record IS NOT NULL

-- save_report --
INSERT INTO touchpoint_report (kind, touchpoint_id, store_id, report, reported_at)
VALUES ($1, $2, $3, $4::jsonb, clock_timestamp())
ON CONFLICT (kind, touchpoint_id) DO UPDATE SET store_id = EXCLUDED.store_id, report = EXCLUDED.report,
    reported_at = EXCLUDED.reported_at

-- read_reports --
SELECT report::text AS report, reported_at FROM touchpoint_report ORDER BY kind, touchpoint_id

-- read_dead_letters --
SELECT dead_letter_id, topic, partition, record_offset, reason, message, key, value, header_names, header_values,
       recorded_at
FROM dead_letter WHERE $2::text IS NULL OR reason = $2 ORDER BY dead_letter_id DESC LIMIT $1

-- read_dead_letter --
SELECT dead_letter_id, topic, partition, record_offset, reason, message, key, value, header_names, header_values,
       recorded_at
FROM dead_letter WHERE dead_letter_id = $1

-- dead_letters_naming --
-- Records refused with this event id: $1 as it stands in a header, $2 as in the JSON of a structured record.
SELECT dead_letter_id, topic, partition, record_offset, reason, message, key, value, header_names, header_values,
       recorded_at
FROM dead_letter
WHERE $1 IN (SELECT h.value FROM unnest(header_names, header_values) AS h (name, value) WHERE h.name = 'ce_id')
   OR ('ce_id' <> ALL(header_names) AND position($2 IN value) > 0)
ORDER BY dead_letter_id DESC LIMIT $3

-- relay_locks --
-- Two-part advisory locks show their parts as classid and objid (see lock_shard: 7001 and the shard).
SELECT objid::int AS shard FROM pg_locks
WHERE locktype = 'advisory' AND classid = 7001 AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())

-- dead_letters_by_reason --
SELECT reason, count(*) AS letters FROM dead_letter GROUP BY reason ORDER BY reason

-- counts --
SELECT (SELECT count(*) FROM inbox) AS events, (SELECT count(*) FROM entry) AS entries,
       (SELECT count(*) FROM dead_letter) AS dead_letters
