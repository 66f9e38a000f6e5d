-- What people thought of what rules did, by rule and interaction: the last judgement of each alert and suggestion.
SELECT d.rule AS rule, d.interaction AS interaction, toBool(min(j.good)) AS good
FROM (
    SELECT a.id AS id, a.rule AS rule, a.interaction AS interaction FROM alerts AS a
    WHERE a.tenant = @tenant AND a.at >= fromUnixTimestamp64Milli(toInt64(@since), 'UTC') AND a.at < fromUnixTimestamp64Milli(toInt64(@until), 'UTC')
    UNION ALL
    SELECT s.id AS id, s.rule AS rule, s.interaction AS interaction FROM suggestions AS s
    WHERE s.tenant = @tenant AND s.at >= fromUnixTimestamp64Milli(toInt64(@since), 'UTC') AND s.at < fromUnixTimestamp64Milli(toInt64(@until), 'UTC')
) AS d
INNER JOIN (
    SELECT f.suggestion AS id, argMaxIf(f.outcome, f.at, f.outcome != '') AS outcome, argMaxIf(f.correctness, f.at, f.correctness != '') AS correctness,
           outcome != 'dismissed' AND correctness != 'NOT' AS good
    FROM feedback AS f WHERE f.tenant = @tenant GROUP BY f.suggestion HAVING outcome != '' OR correctness != '' OR max(f.clicked)
) AS j ON j.id = d.id
GROUP BY d.rule, d.interaction
