// Package connections keeps the long-lived connections of a door.
//
// Enters: connections, as many as are allowed. Leaves: who is there, and nobody
// once the door stops. It may touch nothing else.
package connections
