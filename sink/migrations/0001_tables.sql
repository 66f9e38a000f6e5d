-- Every table carries where its row came from (kafka_topic, kafka_partition,
-- kafka_offset): that is what makes each row appear once.

CREATE TABLE interactions
(
    id              String COMMENT 'Id of this change; made of the provider''s ids, the same on a redelivery',
    tenant          LowCardinality(String) COMMENT 'Tenant',
    customer        String COMMENT 'Hash of tenant and canonical handle',
    interaction     String COMMENT 'The call or conversation that changed',
    channel         LowCardinality(String) COMMENT 'voice, whatsapp, webchat, sms or email',
    change          LowCardinality(String) COMMENT 'started, joined, held, resumed, transferred, delivery, measured, ended, failed or abandoned',
    at              DateTime64(3, 'UTC') COMMENT 'When it happened, by the source''s clock',
    received        DateTime64(3, 'UTC') COMMENT 'When it was accepted',
    reason          String COMMENT 'Why it ended, failed or was transferred',
    direction       LowCardinality(String) COMMENT 'inbound or outbound, seen from the centre',
    handle          String COMMENT 'The customer''s address, masked',
    account         LowCardinality(String) COMMENT 'Our side: number id, mailbox or widget',
    queue           LowCardinality(String) COMMENT 'Queue',
    role            LowCardinality(String) COMMENT 'Who joined, held or transferred',
    agent           String COMMENT 'Agent id',
    case_id         String COMMENT 'Ticket or order the interaction is about',
    message         String COMMENT 'For delivery: id of the turn',
    status          LowCardinality(String) COMMENT 'For delivery: sent, delivered, read, played or failed',
    error           String COMMENT 'The provider''s error code and title',
    duration_ms     Nullable(Int64) COMMENT 'Measured duration of the call in milliseconds',
    talk_ms         Nullable(Int64) COMMENT 'Talk of both sides; may exceed the duration, since both can talk at once',
    non_talk_ms     Nullable(Int64) COMMENT 'Hold plus silence of both sides beyond the threshold in measures_parameters',
    overtalk_ms     Nullable(Int64) COMMENT 'Both sides talking at once',
    interruptions   Nullable(Int32) COMMENT 'Times one side cut the other off; null where it cannot be known',
    mos             Nullable(Float64) COMMENT 'Estimated mean opinion score of the media, ITU-T G.107',
    measures        String COMMENT 'All conversation measures as JSON, with their parameters' CODEC(ZSTD),
    attrs           Map(LowCardinality(String), String) COMMENT 'What the source adds',
    kafka_topic     LowCardinality(String) COMMENT 'Topic of the event',
    kafka_partition UInt16 COMMENT 'Partition of the event',
    kafka_offset    UInt64 COMMENT 'Offset of the event',
    stored          DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    INDEX by_interaction interaction TYPE bloom_filter GRANULARITY 2,
    INDEX by_customer customer TYPE bloom_filter GRANULARITY 2,
    INDEX by_id id TYPE bloom_filter GRANULARITY 2,
    INDEX by_offset kafka_offset TYPE minmax GRANULARITY 1,
    INDEX by_stored stored TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY (tenant, at, interaction)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Changes in the life of calls and conversations, one row a change';

CREATE TABLE turns
(
    id              String COMMENT 'Id of the turn; made of the provider''s ids, the same on a redelivery',
    tenant          LowCardinality(String) COMMENT 'Tenant',
    customer        String COMMENT 'Hash of tenant and canonical handle',
    interaction     String COMMENT 'The call or conversation it belongs to',
    channel         LowCardinality(String) COMMENT 'voice, whatsapp, webchat, sms or email',
    role            LowCardinality(String) COMMENT 'customer, agent, bot, system, or empty for unknown',
    agent           String COMMENT 'Agent id, when an agent speaks',
    kind            LowCardinality(String) COMMENT 'utterance, text, image, … ; unsupported for what the provider newly invented',
    at              DateTime64(3, 'UTC') COMMENT 'When it was said, by the source''s clock',
    received        DateTime64(3, 'UTC') COMMENT 'When it was accepted',
    text            String COMMENT 'Words, cleared: placeholders stand where personal data was' CODEC(ZSTD),
    language        LowCardinality(String) COMMENT 'BCP 47, as the source says',
    start_ms        Int64 COMMENT 'Utterances: start within the call, milliseconds',
    end_ms          Int64 COMMENT 'Utterances: end within the call, milliseconds',
    confidence      Float32 COMMENT 'Of the recogniser, 0 to 1; 0 for written text',
    reply_to        String COMMENT 'Id of the turn it answers',
    target          String COMMENT 'Id of the turn that an edit, revoke or reaction is about',
    media_type      LowCardinality(String) COMMENT 'MIME type of the attached media',
    media_id        String COMMENT 'The provider''s id of the media; the bytes are not kept',
    provider        String COMMENT 'The provider''s own message id',
    attrs           Map(LowCardinality(String), String) COMMENT 'What the source adds',
    raw             String COMMENT 'Unsupported kinds: the provider''s body, redacted' CODEC(ZSTD),
    historic        Bool COMMENT 'Backfilled: never alerted on',
    withheld        LowCardinality(String) COMMENT 'Why the content was not kept, such as a withdrawn consent',
    redacted        Array(LowCardinality(String)) COMMENT 'Types of the personal data taken out',
    clearance       LowCardinality(String) COMMENT 'Version of the gate''s rules that cleared it',
    kafka_topic     LowCardinality(String) COMMENT 'Topic of the event',
    kafka_partition UInt16 COMMENT 'Partition of the event',
    kafka_offset    UInt64 COMMENT 'Offset of the event',
    stored          DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    INDEX by_interaction interaction TYPE bloom_filter GRANULARITY 2,
    INDEX by_customer customer TYPE bloom_filter GRANULARITY 2,
    INDEX by_id id TYPE bloom_filter GRANULARITY 2,
    INDEX by_offset kafka_offset TYPE minmax GRANULARITY 1,
    INDEX by_stored stored TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY (tenant, at, interaction)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Final utterances and messages, one row each';

CREATE TABLE features
(
    id              String COMMENT 'Id of the analysis; one per turn',
    turn            String COMMENT 'The turn that was analysed',
    tenant          LowCardinality(String) COMMENT 'Tenant',
    customer        String COMMENT 'Hash of tenant and canonical handle',
    interaction     String COMMENT 'The call or conversation it belongs to',
    channel         LowCardinality(String) COMMENT 'voice, whatsapp, webchat, sms or email',
    role            LowCardinality(String) COMMENT 'Who speaks',
    at              DateTime64(3, 'UTC') COMMENT 'When the turn was said',
    sentiment       Nullable(Float32) COMMENT 'positive − negative, −1 to 1; null where there was nothing to score',
    negative        Nullable(Float32) COMMENT 'Probability of negative',
    neutral         Nullable(Float32) COMMENT 'Probability of neutral',
    positive        Nullable(Float32) COMMENT 'Probability of positive',
    magnitude       Nullable(Float32) COMMENT 'positive + negative, 0 to 1: tells mixed from flat',
    intent          LowCardinality(String) COMMENT 'Most probable intent; empty when none is in scope',
    intents         Array(LowCardinality(String)) COMMENT 'All intents, best first',
    intent_probabilities Array(Float32) COMMENT 'Their calibrated probabilities',
    out_of_scope    Float32 COMMENT 'Probability that the customer wants something no intent covers',
    emotions        Array(LowCardinality(String)) COMMENT 'Emotions read from text',
    emotion_probabilities Array(Float32) COMMENT 'Their calibrated probabilities',
    entity_types    Array(LowCardinality(String)) COMMENT 'Types of the entities named',
    entity_values   Array(String) COMMENT 'Their normalised values',
    categories      Array(LowCardinality(String)) COMMENT 'Rules that matched',
    category_probabilities Array(Float32) COMMENT 'Their calibrated probabilities',
    language        LowCardinality(String) COMMENT 'Detected language, BCP 47',
    acoustics       String COMMENT 'Observable acoustic properties as JSON' CODEC(ZSTD),
    model           LowCardinality(String) COMMENT 'Name and version of the model',
    kafka_topic     LowCardinality(String) COMMENT 'Topic of the event',
    kafka_partition UInt16 COMMENT 'Partition of the event',
    kafka_offset    UInt64 COMMENT 'Offset of the event',
    stored          DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    INDEX by_interaction interaction TYPE bloom_filter GRANULARITY 2,
    INDEX by_customer customer TYPE bloom_filter GRANULARITY 2,
    INDEX by_id id TYPE bloom_filter GRANULARITY 2,
    INDEX by_offset kafka_offset TYPE minmax GRANULARITY 1,
    INDEX by_stored stored TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY (tenant, at, interaction)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What was understood of each turn, one row a turn';

CREATE TABLE journeys
(
    id              String COMMENT 'The journey',
    tenant          LowCardinality(String) COMMENT 'Tenant',
    customer        String COMMENT 'Hash of tenant and canonical handle',
    version         UInt64 COMMENT 'Grows by one with each change; the highest is the state now',
    state           LowCardinality(String) COMMENT 'open, waiting or resolved',
    opened          DateTime64(3, 'UTC') COMMENT 'When it began',
    updated         DateTime64(3, 'UTC') COMMENT 'When its last change happened',
    channels        Array(LowCardinality(String)) COMMENT 'Channels it went over, in order of first use',
    interactions    Array(String) COMMENT 'Its interactions, oldest first',
    intents         Array(LowCardinality(String)) COMMENT 'Intents still open',
    turns           UInt32 COMMENT 'Turns so far',
    sentiment       Float32 COMMENT 'Sentiment over the journey, −5 to 5',
    trend           Float32 COMMENT '(mean of the last third − mean of the first third) / 2, −1 to 1',
    volatility      Float32 COMMENT 'Standard deviation of the customer''s turn scores',
    effort          Nullable(Float32) COMMENT 'Customer effort, 0 to 100',
    escalation      Nullable(Float32) COMMENT 'Probability of an escalation',
    churn           Nullable(Float32) COMMENT 'Probability of leaving',
    satisfaction    Nullable(Float32) COMMENT 'Expected satisfaction, 1 to 5',
    resolution      Nullable(Float32) COMMENT 'Probability of being resolved',
    tags            Array(LowCardinality(String)) COMMENT 'Tags set by policy',
    document        String COMMENT 'The whole state as JSON' CODEC(ZSTD),
    kafka_topic     LowCardinality(String) COMMENT 'Topic of the event',
    kafka_partition UInt16 COMMENT 'Partition of the event',
    kafka_offset    UInt64 COMMENT 'Offset of the event',
    stored          DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    INDEX by_customer customer TYPE bloom_filter GRANULARITY 2,
    INDEX by_offset kafka_offset TYPE minmax GRANULARITY 1,
    INDEX by_stored stored TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version) ORDER BY (tenant, id)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'State of each journey; ask the view journeys_now, older versions vanish as parts merge';

CREATE TABLE alerts
(
    id              String COMMENT 'Hash of journey, rule and cause',
    tenant          LowCardinality(String) COMMENT 'Tenant',
    customer        String COMMENT 'Hash of tenant and canonical handle',
    journey         String COMMENT 'The journey',
    interaction     String COMMENT 'The interaction it is about',
    turn            String COMMENT 'The turn that caused it',
    channel         LowCardinality(String) COMMENT 'voice, whatsapp, webchat, sms or email',
    at              DateTime64(3, 'UTC') COMMENT 'When its cause happened',
    severity        LowCardinality(String) COMMENT 'info, warning or critical',
    title           String COMMENT 'What the supervisor reads',
    action          LowCardinality(String) COMMENT 'alert, escalate, route, tag, disclosure or webhook',
    queue           LowCardinality(String) COMMENT 'For routing: the queue',
    priority        Int32 COMMENT 'For routing: the priority',
    rule            LowCardinality(String) COMMENT 'The rule that decided',
    rule_version    LowCardinality(String) COMMENT 'Version of the policy it stood in',
    evidence        Map(LowCardinality(String), String) COMMENT 'Values that made the rule true',
    kafka_topic     LowCardinality(String) COMMENT 'Topic of the event',
    kafka_partition UInt16 COMMENT 'Partition of the event',
    kafka_offset    UInt64 COMMENT 'Offset of the event',
    stored          DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    INDEX by_id id TYPE bloom_filter GRANULARITY 2,
    INDEX by_offset kafka_offset TYPE minmax GRANULARITY 1,
    INDEX by_stored stored TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY (tenant, at, interaction)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Alarms to supervisors, one row each';

CREATE TABLE suggestions
(
    id              String COMMENT 'Hash of journey, rule and cause',
    tenant          LowCardinality(String) COMMENT 'Tenant',
    customer        String COMMENT 'Hash of tenant and canonical handle',
    journey         String COMMENT 'The journey',
    interaction     String COMMENT 'The interaction it is about',
    turn            String COMMENT 'The turn that caused it',
    channel         LowCardinality(String) COMMENT 'voice, whatsapp, webchat, sms or email',
    agent           String COMMENT 'The agent it was meant for',
    at              DateTime64(3, 'UTC') COMMENT 'When its cause happened',
    kind            LowCardinality(String) COMMENT 'next_best_action, reply, knowledge or context',
    title           String COMMENT 'What the agent reads first',
    body            String COMMENT 'The advice' CODEC(ZSTD),
    rank            Float32 COMMENT 'Higher comes first',
    rule            LowCardinality(String) COMMENT 'The rule that decided',
    rule_version    LowCardinality(String) COMMENT 'Version of the policy it stood in',
    evidence        Map(LowCardinality(String), String) COMMENT 'Values that made the rule true',
    source          LowCardinality(String) COMMENT 'policy, knowledge, or the name of a model',
    kafka_topic     LowCardinality(String) COMMENT 'Topic of the event',
    kafka_partition UInt16 COMMENT 'Partition of the event',
    kafka_offset    UInt64 COMMENT 'Offset of the event',
    stored          DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    INDEX by_id id TYPE bloom_filter GRANULARITY 2,
    INDEX by_offset kafka_offset TYPE minmax GRANULARITY 1,
    INDEX by_stored stored TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY (tenant, at, interaction)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Advice to agents, one row each';

CREATE TABLE feedback
(
    id              String COMMENT 'Id of the feedback',
    tenant          LowCardinality(String) COMMENT 'Tenant',
    customer        String COMMENT 'Hash of tenant and canonical handle',
    suggestion      String COMMENT 'Id of the suggestion or alert',
    agent           String COMMENT 'Who gave it',
    at              DateTime64(3, 'UTC') COMMENT 'When it was given',
    displayed       Bool COMMENT 'It was shown',
    clicked         Bool COMMENT 'It was used',
    correctness     LowCardinality(String) COMMENT 'NOT, PARTIALLY or FULLY',
    outcome         LowCardinality(String) COMMENT 'accepted, edited, dismissed or acknowledged',
    kafka_topic     LowCardinality(String) COMMENT 'Topic of the event',
    kafka_partition UInt16 COMMENT 'Partition of the event',
    kafka_offset    UInt64 COMMENT 'Offset of the event',
    stored          DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    INDEX by_id id TYPE bloom_filter GRANULARITY 2,
    INDEX by_offset kafka_offset TYPE minmax GRANULARITY 1,
    INDEX by_stored stored TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY (tenant, at, suggestion)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What became of suggestions and alerts';

CREATE TABLE consents
(
    id              String COMMENT 'Id of the statement',
    tenant          LowCardinality(String) COMMENT 'Tenant',
    customer        String COMMENT 'Hash of tenant and canonical handle',
    purpose         LowCardinality(String) COMMENT 'record, transcribe, analyse_text, analyse_voice_emotion, train or market',
    channel         LowCardinality(String) COMMENT 'Channel it is about; empty for all',
    allowed         Bool COMMENT 'Given or withdrawn',
    basis           LowCardinality(String) COMMENT 'consent, contract, legal_obligation or legitimate_interest',
    jurisdiction    LowCardinality(String) COMMENT 'Whose law',
    evidence        String COMMENT 'Reference to what proves it; never words',
    notice          LowCardinality(String) COMMENT 'Version of the notice shown',
    at              DateTime64(3, 'UTC') COMMENT 'When it was said',
    kafka_topic     LowCardinality(String) COMMENT 'Topic of the event',
    kafka_partition UInt16 COMMENT 'Partition of the event',
    kafka_offset    UInt64 COMMENT 'Offset of the event',
    stored          DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    INDEX by_id id TYPE bloom_filter GRANULARITY 2,
    INDEX by_offset kafka_offset TYPE minmax GRANULARITY 1,
    INDEX by_stored stored TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree ORDER BY (tenant, customer, purpose, at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What people allowed and refused, one row a statement';

CREATE TABLE audit
(
    id              String COMMENT 'Id of the entry',
    tenant          LowCardinality(String) COMMENT 'Tenant',
    at              DateTime64(3, 'UTC') COMMENT 'When it happened',
    actor           String COMMENT 'Who did it',
    action          LowCardinality(String) COMMENT 'What was done',
    object          String COMMENT 'To what: a reference, never words',
    policy          LowCardinality(String) COMMENT 'Policy decision behind it',
    request         String COMMENT 'Request id',
    detail          Map(LowCardinality(String), String) COMMENT 'More references',
    kafka_topic     LowCardinality(String) COMMENT 'Topic of the event',
    kafka_partition UInt16 COMMENT 'Partition of the event',
    kafka_offset    UInt64 COMMENT 'Offset of the event',
    stored          DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    INDEX by_id id TYPE bloom_filter GRANULARITY 2,
    INDEX by_offset kafka_offset TYPE minmax GRANULARITY 1,
    INDEX by_stored stored TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY (tenant, at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Who did what and why';
