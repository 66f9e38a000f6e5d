// Package grafana holds a dashboard over the views of the store, and what
// Grafana needs to find it: provisioning/ and throughline.json.
//
// Enters, leaves: nothing; it is files. Its test runs every query on a real
// engine, with Grafana's macros expanded as the ClickHouse plugin does.
package grafana
