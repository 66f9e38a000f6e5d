// Package score says of a journey how hard it has been for the customer, and
// how it will probably go on: escalation, churn, satisfaction, resolution.
//
// Enters: the state of a journey. Leaves: its scores, each with the features
// that moved it most.
// It imports event, is pure arithmetic, and reads no text: what words mean was
// said by the features before. Definitions: docs/metrics.md.
package score
