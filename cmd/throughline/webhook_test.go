package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"throughline/outgoing"
)

// TestWebhookListen signs by hand, as a stranger would.
func TestWebhookListen(t *testing.T) {
	secret := outgoing.NewSecret()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var out bytes.Buffer
	go func() { done <- receive(ctx, listener, []string{secret}, &out) }()
	body := `{"type":"policy.alert"}`
	for _, c := range []struct {
		signed string
		want   int
	}{{body, http.StatusNoContent}, {"something else", http.StatusUnauthorized}} {
		now := fmt.Sprint(time.Now().Unix())
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "msg_1.%s.%s", now, c.signed)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+listener.Addr().String(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("webhook-id", "msg_1")
		req.Header.Set("webhook-timestamp", now)
		req.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("signed %q: answered %d, want %d", c.signed, resp.StatusCode, c.want)
		}
	}
	cancel()
	if err := <-done; err != nil || out.String() != body+"\n" {
		t.Errorf("printed %q and ended with %v", out.String(), err)
	}
}
