package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"throughline/event"
	"throughline/governance"
	"throughline/ingest/calls"
	"throughline/ingest/recordings"
)

// TestImportIsTakenByTheUpload has the command speak with the upload itself: every
// flag is a field that is known there, and bare telephone audio has its type.
func TestImportIsTakenByTheUpload(t *testing.T) {
	gate, err := governance.NewGate(governance.Config{}, governance.NewLedger(governance.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	stored := &kept{}
	door, err := calls.New(calls.Config{}, calls.Parts{Gate: gate, Bus: stored})
	if err != nil {
		t.Fatal(err)
	}
	uploads, err := recordings.New(recordings.Config{Tenant: func(*http.Request) string { return "default" }}, door)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	uploads.Routes(mux)
	server := httptest.NewServer(mux)
	defer server.Close()
	dir := t.TempDir()
	for _, tt := range []struct {
		file, args string
		customer   event.Handle
	}{
		{"call.ulaw", "--phone +4915112345678 --direction outbound", event.Handle{Kind: event.Phone, Value: "+4915112345678"}},
		{"call.UL", "--email ada@example.org --at 2026-03-01T09:30:00Z", event.Handle{Kind: event.Mail, Value: "ada@example.org"}},
		{"call.al", "--crm_id K-7 --agent a7 --queue sales --case C-1", event.Handle{Kind: event.CRM, Value: "K-7"}},
		{"call.g722", "--channels customer --phone +4915112345679", event.Handle{Kind: event.Phone, Value: "+4915112345679"}},
	} {
		path := filepath.Join(dir, tt.file)
		if err := os.WriteFile(path, []byte(strings.Repeat(tt.file, 400)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := importFiles(t.Context(), append(strings.Fields("--url "+server.URL+" "+tt.args), path)); err != nil {
			t.Errorf("%s %s: %v", tt.args, tt.file, err)
			continue
		}
		if want := event.CustomerID("default", tt.customer); !stored.ended(want) {
			t.Errorf("%s: no call of %v has ended", tt.args, tt.customer)
		}
	}
	// A folder, a file that is not there and one that is no audio keep no other back.
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte("none of this is audio"), 0o600); err != nil {
		t.Fatal(err)
	}
	err = importFiles(t.Context(), []string{"--url", server.URL, "--phone", "+4915112345680", dir, filepath.Join(dir, "none.wav"), text, filepath.Join(dir, "call.ulaw")})
	for _, want := range []string{"folder", "none.wav", "notes.txt"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("import of what is wrong with %s: %v", want, err)
		}
	}
	if !stored.ended(event.CustomerID("default", event.Handle{Kind: event.Phone, Value: "+4915112345680"})) {
		t.Error("the file after those is not imported")
	}
}

// kept is where calls are stored.
type kept struct {
	mu      sync.Mutex
	changes []event.Interaction
}

func (k *kept) Publish(_ context.Context, msgs ...event.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range msgs {
		if i, ok := m.Value.(event.Interaction); ok {
			k.changes = append(k.changes, i)
		}
	}
	return nil
}

func (k *kept) ended(customer string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.ContainsFunc(k.changes, func(i event.Interaction) bool { return i.Customer == customer && i.Change == event.Ended })
}
