package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// someRoles is a house of these roles that takes whatever ports are free.
func someRoles(t *testing.T, roles ...string) (*house, *logged) {
	t.Helper()
	s, err := load("")
	if err != nil {
		t.Fatal(err)
	}
	s.DataDir = t.TempDir()
	s.ClickHouse.Dir = filepath.Join(s.DataDir, "clickhouse")
	s.HTTP.Listen, s.Kafka.Listen, s.ClickHouse.Listen = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	h, err := newHouse(s, roles)
	if err != nil {
		t.Fatal(err)
	}
	log := &logged{}
	h.log = slog.New(slog.NewTextHandler(log, nil))
	return h, log
}

// TestRolesThatAskNoStore: who neither writes to ClickHouse nor asks it needs
// none, starts none, and is ready without one.
func TestRolesThatAskNoStore(t *testing.T) {
	h, log := someRoles(t, "journey", "assist")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	asked := 0
	err := h.run(ctx, func(at addresses) {
		defer cancel()
		resp, err := http.Get("http://" + at.HTTP + "/readyz")
		if err != nil {
			t.Error(err)
			return
		}
		resp.Body.Close()
		if asked = resp.StatusCode; at.ClickHouse != "" {
			t.Errorf("a ClickHouse runs at %s", at.ClickHouse)
		}
	})
	if err != nil || asked != http.StatusOK {
		t.Errorf("run: %v, /readyz: %d", err, asked)
	}
	if _, err := os.Stat(h.settings.ClickHouse.Dir); err == nil {
		t.Error("a folder was made for a ClickHouse that nobody asks")
	}
	if !strings.Contains(log.String(), "must be given its address as kafka.brokers") {
		t.Error("nobody was told that these roles have a Kafka of their own")
	}
}

// TestStopsWhileKafkaIsAwaited: who comes before Kafka says so while it waits,
// and to be stopped then is no failure.
func TestStopsWhileKafkaIsAwaited(t *testing.T) {
	h, log := someRoles(t, "journey")
	h.settings.Kafka.Brokers = []string{closed(t)}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- h.run(ctx, func(addresses) { t.Error("ready without Kafka") }) }()
	for !strings.Contains(log.String(), "Kafka cannot be used yet") && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Error("nobody was told that Kafka does not answer")
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("stopped while it waited: %v", err)
	}
}
