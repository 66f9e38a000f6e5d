CREATE TABLE patterns
(
    id              String COMMENT 'Hash of tenant, kind, subject, place and day of the change',
    tenant          LowCardinality(String) COMMENT 'Tenant',
    kind            LowCardinality(String) COMMENT 'intent, sentiment or theme',
    subject         String COMMENT 'The intent, "out of scope", "sentiment", or the words of a theme',
    dimension       LowCardinality(String) COMMENT 'queue, product or channel; empty: everywhere',
    value           String COMMENT 'Which queue, product or channel',
    direction       LowCardinality(String) COMMENT 'rising, falling or new',
    at              DateTime64(3, 'UTC') COMMENT 'Hour from which on it is different; of a theme, its first turn',
    earliest        DateTime64(3, 'UTC') COMMENT 'Earliest hour that explains what was seen nearly as well',
    latest          DateTime64(3, 'UTC') COMMENT 'Latest such hour',
    found           DateTime64(3, 'UTC') COMMENT 'When it was looked for and first found',
    since           DateTime64(3, 'UTC') COMMENT 'From when on a change was looked for',
    before          Float64 COMMENT 'Share of interactions, or mean sentiment −1 to 1, before',
    after           Float64 COMMENT 'The same after',
    effect          Float64 COMMENT 'Ratio of rates, or difference of means, the hour of the week allowed for',
    low             Float64 COMMENT 'Lower end of its 95 % interval',
    high            Float64 COMMENT 'Upper end of its 95 % interval',
    interactions_before UInt64 COMMENT 'Interactions before',
    interactions_after  UInt64 COMMENT 'Interactions after',
    p               Float64 COMMENT 'Probability of such a change, or a greater one, where nothing changes',
    q               Float64 COMMENT 'p after all tests of the search, Benjamini and Hochberg',
    tests           UInt32 COMMENT 'Tests of the search',
    examples        Array(String) COMMENT 'Ids of turns that show it',
    kafka_topic     LowCardinality(String) COMMENT 'Topic of the event',
    kafka_partition UInt16 COMMENT 'Partition of the event',
    kafka_offset    UInt64 COMMENT 'Offset of the event',
    stored          DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    INDEX by_id id TYPE bloom_filter GRANULARITY 2,
    INDEX by_offset kafka_offset TYPE minmax GRANULARITY 1,
    INDEX by_stored stored TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY (tenant, at, id)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Changes over many customers that a test found, one row each, as first found'
