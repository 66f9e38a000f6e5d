-- Mean customer sentiment of the interactions of a tenant by the hour in which they begin, summed: everywhere, by
-- channel, queue and product.
SELECT toUnixTimestamp(toStartOfHour(i.began)) AS hour, place.1 AS dimension, place.2 AS value, count() AS n, sum(i.score) AS total, sum(i.score * i.score) AS squares
FROM (
    SELECT f.interaction AS interaction, min(f.at) AS began, any(f.channel) AS channel, avg(f.sentiment) AS score,
           groupUniqArrayArray(arrayFilter((v, t) -> t = 'PRODUCT', f.entity_values, f.entity_types)) AS products
    FROM features AS f
    WHERE f.tenant = @tenant AND f.role = 'customer' AND f.sentiment IS NOT NULL
      AND f.at >= fromUnixTimestamp64Milli(toInt64(@since), 'UTC') AND f.at < fromUnixTimestamp64Milli(toInt64(@until), 'UTC')
    GROUP BY f.interaction
) AS i
LEFT JOIN (SELECT interaction, argMaxIf(queue, at, queue != '') AS queue FROM interactions WHERE tenant = @tenant GROUP BY interaction) AS q ON q.interaction = i.interaction
ARRAY JOIN arrayConcat([('', ''), ('channel', toString(i.channel))], if(q.queue != '', [('queue', toString(q.queue))], []), arrayMap(p -> ('product', toString(p)), i.products)) AS place
GROUP BY hour, dimension, value
ORDER BY hour
