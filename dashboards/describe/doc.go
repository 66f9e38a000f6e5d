// Command describe writes docs/openapi.yaml, docs/asyncapi.yaml and the OpenAPI
// document that the server gives, from paths.yaml and the Go types themselves.
//
// Enters: the types of event and dashboards, and the comments on their fields.
// Leaves: documents; a test fails when they are not what the types give.
// It is run by go generate, and imports nothing that it does not describe.
package main
