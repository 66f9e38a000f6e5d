CREATE TABLE moments
(
    id                       String COMMENT 'Hash of the journey, its version and the cause',
    tenant                   LowCardinality(String) COMMENT 'Tenant',
    version                  UInt64 COMMENT 'Version of the journey: the order in which a customer''s changes were decided on',
    cause                    String COMMENT 'Id of the event that made the change',
    cause_type               LowCardinality(String) COMMENT 'What kind of event that was',
    historic                 Bool COMMENT 'The turn was backfilled',
    model                    LowCardinality(String) COMMENT 'Name and version of what read the turn',
    turn_id                  String COMMENT 'The turn',
    turn_role                LowCardinality(String) COMMENT 'Customer, agent, bot or system',
    turn_channel             LowCardinality(String) COMMENT 'Voice, whatsapp, webchat, sms or email',
    turn_kind                LowCardinality(String) COMMENT 'Utterance, text, image …',
    turn_text                String COMMENT 'The cleared words' CODEC(ZSTD),
    turn_language            LowCardinality(String) COMMENT 'Detected language, BCP 47',
    turn_agent               LowCardinality(String) COMMENT 'Id of the agent who spoke',
    turn_at                  DateTime64(3, 'UTC') COMMENT 'When it was said',
    turn_scored              Bool COMMENT 'It has a sentiment',
    turn_sentiment           Float64 COMMENT '−1 to 1; 0 where it is not scored',
    turn_magnitude           Float64 COMMENT '0 to 1: tells mixed from flat',
    turn_intents             Array(LowCardinality(String)) COMMENT 'All intents, best first',
    turn_out_of_scope        Float64 COMMENT 'Probability that no intent covers it',
    turn_emotions            Array(LowCardinality(String)) COMMENT 'Emotions read from the words',
    turn_categories          Array(LowCardinality(String)) COMMENT 'Categories that matched',
    turn_entities            Array(LowCardinality(String)) COMMENT 'Types of the entities named',
    turn_redacted            Array(LowCardinality(String)) COMMENT 'Types of what was taken out',
    turn_withheld            LowCardinality(String) COMMENT 'Why the content was not kept',
    interaction_id           String COMMENT 'The interaction',
    interaction_channel      LowCardinality(String) COMMENT 'Voice, whatsapp, webchat, sms or email',
    interaction_direction    LowCardinality(String) COMMENT 'Inbound or outbound, seen from the centre; empty where unknown',
    interaction_change       LowCardinality(String) COMMENT 'Started, joined, held, resumed, transferred, delivery, measured, ended, failed, abandoned; empty for a turn',
    interaction_started      DateTime64(3, 'UTC') COMMENT 'When it began',
    interaction_turns        Int64 COMMENT 'Turns so far',
    interaction_customer_turns Int64 COMMENT 'Of them the customer''s',
    interaction_sentiment    Float64 COMMENT '−5 to 5, customer''s turns',
    interaction_last_score   Float64 COMMENT 'Of the last scored turn, −1 to 1',
    interaction_scored       Int64 COMMENT 'Turns behind sentiment',
    interaction_agent        LowCardinality(String) COMMENT 'Id of the agent who has it',
    interaction_queue        LowCardinality(String) COMMENT 'Its queue',
    interaction_case_id      String COMMENT 'Its case',
    interaction_held         Bool COMMENT 'The customer is on hold',
    interaction_ended        Bool COMMENT 'It is over',
    interaction_outcome      LowCardinality(String) COMMENT 'Ended, failed or abandoned',
    interaction_reason       LowCardinality(String) COMMENT 'Why it ended',
    interaction_delivered    LowCardinality(String) COMMENT 'Best status of the last outgoing message',
    interaction_has_pickup   Bool COMMENT 'An open intent was carried here and picked up',
    interaction_pickup       Int64 COMMENT 'Agent turns until then; 0 where has_pickup is false',
    interaction_reasks       Int64 COMMENT 'Times the customer was asked again for what was known',
    journey_id               String COMMENT 'The journey',
    journey_state            LowCardinality(String) COMMENT 'Open, waiting or resolved',
    journey_opened           DateTime64(3, 'UTC') COMMENT 'When it began',
    journey_turns            Int64 COMMENT 'Turns so far',
    journey_interactions     Int64 COMMENT 'Interactions so far',
    journey_channels         Array(LowCardinality(String)) COMMENT 'Channels in order of first use',
    journey_sentiment        Float64 COMMENT '−5 to 5 over the journey',
    journey_last             Float64 COMMENT 'Of the last scored turn, −1 to 1',
    journey_trend            Float64 COMMENT '(mean of the last third − mean of the first third) / 2, −1 to 1',
    journey_shift            LowCardinality(String) COMMENT 'Improved, worsened or empty',
    journey_volatility       Float64 COMMENT 'Standard deviation of the scores',
    journey_scored           Int64 COMMENT 'Turns behind sentiment',
    journey_intents          Array(LowCardinality(String)) COMMENT 'Intents still open',
    journey_tags             Array(LowCardinality(String)) COMMENT 'What policy marked it with',
    journey_promised         Array(LowCardinality(String)) COMMENT 'What was promised to the customer',
    journey_answered         Array(LowCardinality(String)) COMMENT 'What the customer has told already',
    journey_reasks           Int64 COMMENT 'Times the customer was asked again for what was known',
    journey_has_effort       Bool COMMENT 'Effort is known',
    journey_effort           Float64 COMMENT '0 to 100, higher is harder; 0 where unknown',
    journey_has_escalation   Bool COMMENT 'Escalation is known',
    journey_escalation       Float64 COMMENT 'Probability of an escalation; 0 where unknown',
    journey_has_churn        Bool COMMENT 'Churn is known',
    journey_churn            Float64 COMMENT 'Probability of leaving; 0 where unknown',
    journey_has_satisfaction Bool COMMENT 'Satisfaction is known',
    journey_satisfaction     Float64 COMMENT 'Expected satisfaction, 1 to 5; 0 where unknown',
    journey_has_resolution   Bool COMMENT 'Resolution is known',
    journey_resolution       Float64 COMMENT 'Probability of being resolved; 0 where unknown',
    customer_id              String COMMENT 'Hash of tenant and handle',
    customer_past_journeys   Int64 COMMENT 'Earlier journeys that are remembered',
    customer_allows          Array(LowCardinality(String)) COMMENT 'Purposes that the customer allowed',
    customer_refuses         Array(LowCardinality(String)) COMMENT 'Purposes that the customer refused',
    now                      DateTime64(3, 'UTC') COMMENT 'When the cause happened',
    kafka_topic              LowCardinality(String) COMMENT 'Topic of the event',
    kafka_partition          UInt16 COMMENT 'Partition of the event',
    kafka_offset             UInt64 COMMENT 'Offset of the event',
    stored                   DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    INDEX by_customer customer_id TYPE bloom_filter GRANULARITY 2,
    INDEX by_id id TYPE bloom_filter GRANULARITY 2,
    INDEX by_offset kafka_offset TYPE minmax GRANULARITY 1,
    INDEX by_stored stored TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree PARTITION BY toYYYYMM(now) ORDER BY (tenant, now, customer_id)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What a policy saw of each change of a journey, one row a change; a back-test reads it';

CREATE TABLE disclosures
(
    id              String COMMENT 'Hash of rule and what it decides once for',
    tenant          LowCardinality(String) COMMENT 'Tenant',
    customer        String COMMENT 'Hash of tenant and canonical handle',
    journey         String COMMENT 'The journey',
    interaction     String COMMENT 'The interaction in which it had to be said',
    channel         LowCardinality(String) COMMENT 'voice, whatsapp, webchat, sms or email',
    agent           LowCardinality(String) COMMENT 'Id of the agent who had the customer when it was required',
    state           LowCardinality(String) COMMENT 'required, met, missed, or void: the interaction ended before the deadline',
    at              DateTime64(3, 'UTC') COMMENT 'When it was required',
    due             DateTime64(3, 'UTC') COMMENT 'Until when it had to be said',
    turn            String COMMENT 'The turn that said it',
    said            Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was said',
    severity        LowCardinality(String) COMMENT 'Of the alert when it was missed',
    rule            LowCardinality(String) COMMENT 'The rule that required it',
    rule_version    LowCardinality(String) COMMENT 'Version of the policy it stood in',
    evidence        Map(LowCardinality(String), String) COMMENT 'Values that made the rule true',
    kafka_topic     LowCardinality(String) COMMENT 'Topic of the event',
    kafka_partition UInt16 COMMENT 'Partition of the event',
    kafka_offset    UInt64 COMMENT 'Offset of the event: the highest of an id is what became of it',
    stored          DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    INDEX by_offset kafka_offset TYPE minmax GRANULARITY 1,
    INDEX by_stored stored TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(kafka_offset) ORDER BY (tenant, id)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What agents had to say by a deadline, and whether they did; ask the view disclosures_now, older states vanish as parts merge';

CREATE VIEW disclosures_now AS
SELECT * FROM disclosures FINAL;

CREATE VIEW disclosures_by_rule AS
SELECT d.tenant AS tenant, toDate(d.at) AS day, d.rule AS rule, d.channel AS channel, count() AS required,
       countIf(d.state = 'met') AS met, countIf(d.state = 'missed') AS missed, countIf(d.state = 'void') AS void,
       if(met + missed > 0, round(met / (met + missed), 4), NULL) AS share_met
FROM disclosures_now AS d GROUP BY tenant, day, rule, channel;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS skill LowCardinality(String) COMMENT 'For routing: what whoever takes it must know' AFTER priority;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS tags Array(LowCardinality(String)) COMMENT 'For tagging: what the journey is marked with' AFTER skill;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS target LowCardinality(String) COMMENT 'For webhooks: the outgoing target' AFTER tags;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS due Nullable(DateTime64(3, 'UTC')) COMMENT 'For disclosures: until when it had to be said' AFTER target;
