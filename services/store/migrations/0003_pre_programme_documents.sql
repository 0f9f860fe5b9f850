-- What holds for all promotions, published and versioned like one; events are decided under the version of their time.
CREATE TABLE programme_version (
    version        integer     NOT NULL,
    document       jsonb       NOT NULL,
    effective_from timestamptz NOT NULL,
    published_at   timestamptz NOT NULL,
    revision       bigint      NOT NULL,
    CONSTRAINT programme_version_pk PRIMARY KEY (version)
);

ALTER TABLE promotion_version ADD COLUMN revision bigint NOT NULL DEFAULT 0;
CREATE INDEX promotion_version_by_revision ON promotion_version (revision);
COMMENT ON COLUMN promotion_version.revision IS 'The programme''s revision that brought it, so that who knows an older one reads what is new alone.';
