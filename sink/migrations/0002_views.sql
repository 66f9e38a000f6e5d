CREATE VIEW journeys_now AS
SELECT * FROM journeys FINAL;

CREATE VIEW turn_analysis AS
SELECT t.tenant AS tenant, t.at AS at, t.interaction AS interaction, t.customer AS customer, t.channel AS channel,
       t.role AS role, t.agent AS agent, t.kind AS kind, t.text AS text, f.sentiment AS sentiment, f.intent AS intent,
       f.intents AS intents, f.emotions AS emotions, f.categories AS categories, f.language AS language,
       t.redacted AS redacted, t.withheld AS withheld, t.id AS turn, f.model AS model
FROM turns AS t LEFT JOIN features AS f ON f.turn = t.id;

CREATE VIEW interaction_scores AS
SELECT f.tenant AS tenant, f.interaction AS interaction, any(f.customer) AS customer, any(f.channel) AS channel,
       min(f.at) AS started, max(f.at) AS last, count() AS turns,
       countIf(f.role = 'customer') AS customer_turns,
       countIf(f.role = 'customer' AND f.sentiment IS NOT NULL) AS scored,
       round(5 * avgIf(f.sentiment, f.role = 'customer'), 2) AS sentiment,
       round(avgIf(f.neutral > greatest(f.negative, f.positive), f.role = 'customer'), 2) AS neutral_share,
       round(stddevPopIf(f.sentiment, f.role = 'customer'), 2) AS volatility,
       arrayDistinct(groupArrayIf(f.intent, f.intent != '')) AS intents
FROM features AS f GROUP BY tenant, interaction;

CREATE VIEW sentiment_by_hour AS
SELECT f.tenant AS tenant, toStartOfHour(f.at) AS hour, f.channel AS channel, count() AS turns,
       round(avg(f.sentiment), 3) AS sentiment, countIf(f.sentiment < -0.5) AS very_negative
FROM features AS f WHERE f.role = 'customer' GROUP BY tenant, hour, channel;

CREATE VIEW intents_by_day AS
SELECT f.tenant AS tenant, toDate(f.at) AS day, f.channel AS channel, arrayJoin(f.intents) AS intent, count() AS turns, round(avg(f.sentiment), 3) AS sentiment
FROM features AS f WHERE f.role = 'customer' GROUP BY tenant, day, channel, intent;

CREATE VIEW interactions_unfinished AS
SELECT tenant, interaction, any(channel) AS channel, min(at) AS started, max(at) AS last
FROM interactions GROUP BY tenant, interaction
HAVING countIf(change IN ('ended', 'failed', 'abandoned')) = 0;

CREATE VIEW alerts_by_rule AS
SELECT tenant, toDate(at) AS day, rule, rule_version, severity, channel, count() AS alerts, uniqExact(customer) AS customers
FROM alerts GROUP BY tenant, day, rule, rule_version, severity, channel;

CREATE VIEW redactions_by_day AS
SELECT tenant, toDate(at) AS day, channel, arrayJoin(redacted) AS type, count() AS redactions
FROM turns GROUP BY tenant, day, channel, type;

CREATE VIEW suggestion_outcomes AS
SELECT s.tenant AS tenant, s.rule AS rule, s.kind AS kind, count() AS suggestions, countIf(f.displayed) AS displayed,
       countIf(f.clicked) AS clicked, countIf(f.correctness = 'FULLY') AS fully_correct
FROM suggestions AS s
LEFT JOIN (SELECT suggestion, max(displayed) AS displayed, max(clicked) AS clicked, argMax(correctness, at) AS correctness
           FROM feedback GROUP BY suggestion) AS f ON f.suggestion = s.id
GROUP BY tenant, rule, kind;
