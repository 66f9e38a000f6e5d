-- Tenants of whom something was understood since a time.
SELECT DISTINCT toString(tenant) AS tenant FROM features WHERE at >= fromUnixTimestamp64Milli(toInt64(@since), 'UTC') ORDER BY tenant
