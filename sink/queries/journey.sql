-- The latest state of one journey.
SELECT document FROM journeys WHERE tenant = @tenant AND id = @id ORDER BY version DESC LIMIT 1
