-- Turns of one interaction with what was understood of them, oldest first, after a cursor of time and id.
SELECT t.id AS id, t.customer AS customer, t.channel AS channel, t.role AS role, t.agent AS agent, t.kind AS kind, t.text AS text, t.at AS at, t.received AS received,
       if(f.language != '', f.language, t.language) AS language, t.start_ms AS start_ms, t.end_ms AS end_ms, t.reply_to AS reply_to, t.historic AS historic,
       t.withheld AS withheld, t.redacted AS redacted, t.clearance AS clearance,
       f.id AS features, f.sentiment AS sentiment, f.negative AS negative, f.neutral AS neutral, f.positive AS positive, f.magnitude AS magnitude,
       f.intents AS intents, f.intent_probabilities AS intent_probabilities, f.emotions AS emotions, f.emotion_probabilities AS emotion_probabilities,
       f.out_of_scope AS out_of_scope, f.categories AS categories, f.category_probabilities AS category_probabilities,
       f.entity_types AS entity_types, f.entity_values AS entity_values, f.acoustics AS acoustics, f.model AS model
FROM (SELECT * FROM turns WHERE tenant = @tenant AND interaction = @interaction) AS t
LEFT JOIN (SELECT * FROM features WHERE tenant = @tenant AND interaction = @interaction) AS f ON f.turn = t.id
WHERE toUnixTimestamp64Milli(t.at) > toInt64(@after) OR (toUnixTimestamp64Milli(t.at) = toInt64(@after) AND t.id > @after_id)
ORDER BY t.at, t.id
LIMIT @limit
