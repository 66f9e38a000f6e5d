// Package x tries to clear a turn without the gate. It must not compile.
package x

import (
	"throughline/event"
	"throughline/governance"
)

var Literal = governance.Cleared{turn: event.Turn{Text: "raw"}, passed: true}

var Unkeyed = governance.Cleared{event.Turn{Text: "raw"}, true}

var Converted = governance.Cleared(event.Turn{Text: "raw"})
