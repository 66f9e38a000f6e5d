-- Interactions of a tenant, newest activity first, below a cursor of time and id.
SELECT i.interaction AS id, i.customer AS customer, i.channel AS channel, i.state AS state, i.reason AS reason, i.direction AS direction,
       i.handle AS handle, i.agent AS agent, i.queue AS queue, i.case_id AS `case`, i.started AS started,
       greatest(i.last, f.last) AS last, if(f.turns > 0, f.last, NULL) AS last_turn, i.ended AS ended,
       f.turns AS turns, f.scored AS scored, if(f.scored > 0, f.sentiment, NULL) AS sentiment, if(f.scored > 0, f.last_score, NULL) AS last_score,
       f.intent AS intent, f.intents AS intents, a.alerts AS alerts
FROM (
    SELECT x.interaction AS interaction, any(x.customer) AS customer, any(x.channel) AS channel, min(x.at) AS started, max(x.at) AS last,
           argMaxIf(x.change, x.at, x.change IN ('ended', 'failed', 'abandoned')) AS over, argMaxIf(x.change, x.at, x.change IN ('held', 'resumed', 'transferred')) AS moved,
           multiIf(over != '', over, moved = 'held', 'held', 'open') AS state,
           argMaxIf(x.reason, x.at, x.change IN ('ended', 'failed', 'abandoned')) AS reason, argMaxIf(x.direction, x.at, x.direction != '') AS direction,
           argMaxIf(x.handle, x.at, x.handle != '') AS handle, argMaxIf(x.agent, x.at, x.agent != '') AS agent, argMaxIf(x.queue, x.at, x.queue != '') AS queue,
           argMaxIf(x.case_id, x.at, x.case_id != '') AS case_id, if(over != '', maxIf(x.at, x.change IN ('ended', 'failed', 'abandoned')), NULL) AS ended
    FROM interactions AS x WHERE x.tenant = @tenant AND (@channel = '' OR x.channel = @channel) GROUP BY x.interaction
) AS i
LEFT JOIN (
    SELECT y.interaction AS interaction, max(y.at) AS last, count() AS turns, countIf(y.role = 'customer' AND y.sentiment IS NOT NULL) AS scored,
           5 * avgIf(y.sentiment, y.role = 'customer') AS sentiment, argMaxIf(y.sentiment, y.at, y.role = 'customer' AND y.sentiment IS NOT NULL) AS last_score,
           argMaxIf(y.intent, y.at, y.role = 'customer' AND y.intent != '') AS intent, arrayDistinct(groupArrayIf(y.intent, y.role = 'customer' AND y.intent != '')) AS intents
    FROM features AS y WHERE y.tenant = @tenant AND (@channel = '' OR y.channel = @channel) GROUP BY y.interaction
) AS f ON f.interaction = i.interaction
LEFT JOIN (
    SELECT interaction, count() AS alerts FROM alerts
    WHERE tenant = @tenant AND id NOT IN (SELECT suggestion FROM feedback WHERE tenant = @tenant AND outcome = 'acknowledged') GROUP BY interaction
) AS a ON a.interaction = i.interaction
WHERE (@intent = '' OR has(intents, @intent))
  AND (@state = '' OR (@state = 'over') = (i.state NOT IN ('open', 'held')))
  AND last >= fromUnixTimestamp64Milli(toInt64(@since), 'UTC') AND started < fromUnixTimestamp64Milli(toInt64(@until), 'UTC')
  AND (@scored = 0 OR (f.scored > 0 AND f.sentiment BETWEEN @min AND @max))
  AND (toUnixTimestamp64Milli(last) < toInt64(@before) OR (toUnixTimestamp64Milli(last) = toInt64(@before) AND id > @before_id))
ORDER BY last DESC, id
LIMIT @limit
