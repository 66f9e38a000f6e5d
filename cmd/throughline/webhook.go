package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"throughline/outgoing"
)

// webhook is the other end of an outgoing target, to try one out and to compare
// one's own receiver with.
func webhook(ctx context.Context, args []string) error {
	f := flags("webhook secret|listen [--secret SECRET] [--listen ADDRESS]", "Make a secret for an outgoing target, or listen as a target: what is signed with the secret is printed, one JSON body a line, and answered 204; anything else is answered 401.")
	secret := f.String("secret", "", "the target's secrets, separated by commas")
	listen := f.String("listen", "127.0.0.1:9900", "`address` to listen on")
	word, args, err := verb(f, args, "secret", "listen")
	if err == nil {
		err = parse(f, args, 0, 0)
	}
	switch {
	case err != nil:
		return err
	case word == "secret":
		fmt.Println(outgoing.NewSecret())
		return nil
	case *secret == "":
		return errors.New("webhook listen: --secret is missing: give the target's; throughline webhook secret makes one")
	}
	secrets := strings.Split(*secret, ",")
	for _, s := range secrets {
		if err := outgoing.CheckSecret(s); err != nil {
			return fmt.Errorf("webhook listen: --secret %w", err)
		}
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return unlistened(fmt.Errorf("webhook listen: --listen: %w", err))
	}
	fmt.Fprintf(os.Stderr, "listening on http://%s\n", listener.Addr())
	return receive(ctx, listener, secrets, os.Stdout)
}

// receive prints what is signed until ctx ends.
func receive(ctx context.Context, listener net.Listener, secrets []string, out io.Writer) error {
	server := &http.Server{ReadTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err == nil {
			err = outgoing.Verify(secrets, r.Header, body, time.Now())
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		if _, err := fmt.Fprintf(out, "%s\n", body); err != nil {
			http.Error(w, "not printed", http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
