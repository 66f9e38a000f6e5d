-- Interactions of a tenant by the hour in which they begin, with what customers want in them: everywhere,
-- by queue and by product. The subject '' counts all of them, 'out of scope' those with a wish that no intent covers.
SELECT hour, place.1 AS dimension, place.2 AS value, subject, count() AS n
FROM (
SELECT toUnixTimestamp(toStartOfHour(i.began)) AS hour,
       arrayJoin(arrayConcat([('', '')], if(q.queue != '', [('queue', toString(q.queue))], []), arrayMap(p -> ('product', toString(p)), i.products))) AS place,
       arrayJoin(arrayConcat([''], arrayMap(x -> toString(x), i.intents), if(i.out, ['out of scope'], []))) AS subject
FROM (
    SELECT f.interaction AS interaction, min(f.at) AS began, groupUniqArrayArray(f.intents) AS intents, max(f.out_of_scope) >= 0.5 AS out,
           groupUniqArrayArray(arrayFilter((v, t) -> t = 'PRODUCT', f.entity_values, f.entity_types)) AS products
    FROM features AS f
    WHERE f.tenant = @tenant AND f.role IN ('customer', '') AND f.at >= fromUnixTimestamp64Milli(toInt64(@since), 'UTC') AND f.at < fromUnixTimestamp64Milli(toInt64(@until), 'UTC')
    GROUP BY f.interaction
) AS i
LEFT JOIN (SELECT interaction, argMaxIf(queue, at, queue != '') AS queue FROM interactions WHERE tenant = @tenant GROUP BY interaction) AS q ON q.interaction = i.interaction
)
GROUP BY hour, dimension, value, subject
ORDER BY hour
