package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// importFiles sends recordings to a running Throughline. A file that was sent
// before is the same call, so a broken import can simply be repeated.
func importFiles(ctx context.Context, args []string) error {
	f := flags("import [flags] FILE…", "Send recordings to a running Throughline, as calls that are over: WAV, FLAC, Ogg/Opus, or bare telephone audio named .ulaw, .alaw or .g722.\nStereo is one party a channel.")
	base := addressFlag(f)
	token := f.String("token", os.Getenv("THROUGHLINE_TOKEN"), "access `token`; default: THROUGHLINE_TOKEN")
	fields := url.Values{}
	for name, about := range map[string]string{
		"phone": "the customer's phone `number`", "email": "the customer's mail `address`", "crm_id": "the customer's `id` in your system",
		"at": "when the call began (RFC 3339 `time`)", "channels": "who speaks on each channel, such as `agent,customer`",
		"agent": "the agent's `id`", "queue": "the `queue`", "case": "ticket or order `id`", "direction": "`inbound` or outbound",
	} {
		field := name
		switch name { // as everywhere, but for the upload
		case "email":
			field = "mail"
		case "crm_id":
			field = "crm"
		}
		f.Func(name, about, func(v string) error { fields.Set(field, v); return nil })
	}
	if err := parse(f, args, 1, len(args)); err != nil {
		return err
	}
	var refused []error
	for _, path := range f.Args() {
		answer, err := upload(ctx, base.String()+"/v1/recordings?"+fields.Encode(), *token, path)
		switch {
		case errors.As(err, new(fileError)):
			refused = append(refused, fmt.Errorf("import %s: %w", path, err))
		case err != nil:
			return errors.Join(append(refused, fmt.Errorf("import %s: %w", path, err))...)
		default:
			fmt.Printf("%s: %s\n", path, answer)
		}
	}
	return errors.Join(refused...)
}

// fileError is what is wrong with one file alone: the others are sent.
type fileError struct{ error }

// bareTypes are the media types of audio without a header, by the usual ends of a
// file's name (sox's own among them).
var bareTypes = map[string]string{
	".ulaw": "audio/PCMU", ".ul": "audio/PCMU", ".pcmu": "audio/PCMU", ".mulaw": "audio/PCMU", ".mu": "audio/PCMU",
	".alaw": "audio/PCMA", ".al": "audio/PCMA", ".pcma": "audio/PCMA",
	".g722": "audio/G722",
}

func upload(ctx context.Context, to, token, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fileError{err}
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return "", fileError{errors.New("it is a folder: name the files in it")}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, file)
	if err != nil {
		return "", err
	}
	kind := mime.TypeByExtension(filepath.Ext(path))
	if !strings.HasPrefix(kind, "audio/") {
		kind = cmp.Or(bareTypes[strings.ToLower(filepath.Ext(path))], "application/octet-stream")
	}
	req.Header.Set("Content-Type", kind)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", unreached(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode/100 == 2:
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
		return strings.TrimSpace(string(body)), err
	case resp.StatusCode == http.StatusUnsupportedMediaType, resp.StatusCode == http.StatusRequestEntityTooLarge:
		return "", fileError{refusal(resp)}
	default:
		return "", refusal(resp)
	}
}
