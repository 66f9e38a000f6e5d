// Package assist decides what supervisors and agents are told, and what is done.
//
// Enters: journeys after each change, and policies as they are put in force.
// Leaves: alerts, suggestions and disclosures, each with the rule, its version
// and the evidence. Rules are CEL and act alike on every channel, live and in
// back-tests. It imports event, bus, moment and problem, and no other stage.
package assist
