-- Customer turns of a tenant that show a change: with an intent, the most certain; for sentiment, the ones furthest in its direction.
SELECT t.id AS id, t.interaction AS interaction, t.at AS at, t.text AS text
FROM (
    SELECT turn, interaction,
           multiIf(@subject = '', @sign * sentiment, @subject = 'out of scope', out_of_scope, intent_probabilities[indexOf(intents, @subject)]) AS strength
    FROM features
    WHERE tenant = @tenant AND role IN ('customer', '') AND at >= fromUnixTimestamp64Milli(toInt64(@since), 'UTC') AND at < fromUnixTimestamp64Milli(toInt64(@until), 'UTC')
      AND multiIf(@subject = '', sentiment IS NOT NULL, @subject = 'out of scope', out_of_scope >= 0.5, has(intents, @subject))
      AND multiIf(@dimension = 'channel', channel = @value,
                  @dimension = 'product', has(entity_values, @value),
                  @dimension = 'queue', interaction IN (SELECT interaction FROM (SELECT interaction, argMaxIf(queue, at, queue != '') AS queue FROM interactions WHERE tenant = @tenant GROUP BY interaction) WHERE queue = @value),
                  true)
) AS f
INNER JOIN (SELECT id, interaction, at, text FROM turns WHERE tenant = @tenant AND withheld = '' AND text != '') AS t ON t.id = f.turn
ORDER BY f.strength DESC, id
LIMIT 1 BY interaction
LIMIT @limit
