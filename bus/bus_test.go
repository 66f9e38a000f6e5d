package bus_test

import (
	"os"
	"testing"

	"throughline/bus/bustest"
	"throughline/bus/embedded"
	"throughline/bus/embedded/embeddedtest"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

func TestEmbeddedBroker(t *testing.T) {
	bustest.Run(t, embeddedtest.Start(t, embedded.Config{Dir: t.TempDir()}))
}
