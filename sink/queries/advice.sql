-- Whom a suggestion or an alert is about.
SELECT customer FROM suggestions WHERE tenant = @tenant AND id = @id
UNION ALL
SELECT customer FROM alerts WHERE tenant = @tenant AND id = @id
LIMIT 1
