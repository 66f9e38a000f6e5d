-- The latest state of the latest journey of a customer.
SELECT document FROM journeys WHERE tenant = @tenant AND customer = @customer ORDER BY updated DESC, version DESC LIMIT 1
