-- A fixed sample of the customer turns of a tenant that no intent explains, with how many there are of them.
SELECT t.id AS id, t.interaction AS interaction, t.at AS at, t.text AS text, count() OVER () AS of
FROM (
    SELECT turn, cityHash64(turn) AS draw FROM features
    WHERE tenant = @tenant AND role IN ('customer', '') AND (intent = '' OR out_of_scope >= 0.5)
      AND at >= fromUnixTimestamp64Milli(toInt64(@since), 'UTC') AND at < fromUnixTimestamp64Milli(toInt64(@until), 'UTC')
) AS f
INNER JOIN (
    SELECT id, interaction, at, text FROM turns
    WHERE tenant = @tenant AND at >= fromUnixTimestamp64Milli(toInt64(@since), 'UTC') AND at < fromUnixTimestamp64Milli(toInt64(@until), 'UTC')
      AND withheld = '' AND length(splitByWhitespace(text)) >= 3
) AS t ON t.id = f.turn
ORDER BY f.draw, id
LIMIT @limit
