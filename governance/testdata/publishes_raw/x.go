// Package x tries to publish a raw turn. It must not compile.
package x

import (
	"throughline/event"
	"throughline/governance"
)

var Read = event.Turns().Message(event.Turn{Text: "raw"})

var ReadPartial = event.PartialTurns().Message(event.Turn{Text: "raw"})

var Write = governance.Turns().Message(event.Turn{Text: "raw"})

var WritePartial = governance.PartialTurns().Message(event.Turn{Text: "raw"})
