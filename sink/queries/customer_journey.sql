-- The latest state of a customer: versions grow with each.
SELECT document FROM journeys WHERE tenant = @tenant AND customer = @customer ORDER BY version DESC LIMIT 1
