ALTER TABLE journeys
    ADD COLUMN IF NOT EXISTS into_customer String COMMENT 'The customer that this one became: the journey is told there and counts there' AFTER document,
    ADD COLUMN IF NOT EXISTS within String COMMENT 'The journey that took this one''s interactions over: nothing of this id is left' AFTER into_customer,
    ADD COLUMN IF NOT EXISTS joined_by Array(LowCardinality(String)) COMMENT 'Why each interaction belongs: first, time, case, intent, reopened; in the order of interactions' AFTER within,
    ADD COLUMN IF NOT EXISTS resolved Nullable(DateTime64(3, 'UTC')) COMMENT 'Since when nothing is open; null while something is' AFTER joined_by,
    ADD COLUMN IF NOT EXISTS resolved_by LowCardinality(String) COMMENT 'thanks, silence or released' AFTER resolved,
    ADD COLUMN IF NOT EXISTS first_contact Nullable(Bool) COMMENT 'Whether one contact resolved it; null until that is known' AFTER resolved_by,
    ADD COLUMN IF NOT EXISTS pickup Nullable(Float32) COMMENT 'Agents'' turns before a carried intent was picked up after a change of channel, mean; null where none was' AFTER first_contact,
    ADD COLUMN IF NOT EXISTS reasks UInt16 COMMENT 'Times the customer was asked again for what was known' AFTER pickup;

CREATE OR REPLACE VIEW journeys_now AS
SELECT * FROM journeys FINAL WHERE into_customer = '' AND within = '' AND notEmpty(interactions);

CREATE VIEW first_contact_resolution AS
SELECT tenant, toDate(opened) AS day, channels[1] AS channel, count() AS journeys, countIf(first_contact IS NOT NULL) AS known,
       countIf(first_contact) AS at_first_contact, round(countIf(first_contact) / nullIf(countIf(first_contact IS NOT NULL), 0), 3) AS share
FROM journeys_now GROUP BY tenant, day, channel;

CREATE VIEW continuity_by_day AS
SELECT tenant, toDate(updated) AS day, count() AS journeys, countIf(length(channels) > 1) AS over_channels,
       round(avg(pickup), 2) AS turns_to_pickup, sum(reasks) AS asked_again, round(countIf(reasks > 0) / count(), 3) AS share_asked_again,
       countIf(resolved IS NOT NULL) AS resolved
FROM journeys_now GROUP BY tenant, day;
