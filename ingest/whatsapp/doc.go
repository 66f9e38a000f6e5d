// Package whatsapp takes the webhooks of the WhatsApp Business Cloud API:
// messages of every kind, statuses, echoes, history, calls and preferences.
//
// Enters: signed POST bodies of Meta. Leaves: arrivals for ingest.Intake.
// It answers 200 only for what is stored; it may not drop what it does not know.
package whatsapp
