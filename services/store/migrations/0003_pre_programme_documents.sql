-- What holds for all promotions, published and versioned like one; events are decided under the version of their time.
CREATE TABLE programme_version (
    version        integer     NOT NULL,
    document       jsonb       NOT NULL,
    effective_from timestamptz NOT NULL,
    published_at   timestamptz NOT NULL,
    CONSTRAINT programme_version_pk PRIMARY KEY (version)
);
