// Package api takes messages, interaction events, consents and identities from
// a centre's own systems over plain JSON.
//
// Enters: POST bodies of trusted clients. Leaves: arrivals for ingest.Intake.
// It names every wrong field with its fix, and may not guess what was meant.
package api
