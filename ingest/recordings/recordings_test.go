package recordings

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
	"github.com/mewkiz/flac/meta"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/calls/callstest"
	"throughline/media/codec"
	"throughline/media/wav"
	"throughline/problem"
)

// file is a WAV of interleaved channels.
func file(t testing.TB, e wav.Encoding, rate int, channels ...[]int16) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := wav.NewWriter(&b, wav.Format{Encoding: e, SampleRate: rate, Channels: len(channels)})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]int16, 0, len(channels)*len(channels[0]))
	for i := range channels[0] {
		for _, c := range channels {
			all = append(all, c[i])
		}
	}
	if err := w.Write(all); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// A stream cannot be patched, so the writer left the sizes open.
	whole := b.Bytes()
	binary.LittleEndian.PutUint32(whole[4:], uint32(len(whole)-8))
	at := bytes.Index(whole, []byte("data"))
	binary.LittleEndian.PutUint32(whole[at+4:], uint32(len(whole)-at-8))
	return whole
}

var began = time.Date(2025, 3, 1, 9, 30, 0, 0, time.UTC)

// TestRealCall stores a real two-party call through buffers far smaller than it,
// and compares what comes back from Kafka.
func TestRealCall(t *testing.T) {
	customer := callstest.Samples(t, callstest.Data(t, "calls_two_channel", "auto_repairs_40_customer.wav"))
	agent := callstest.Samples(t, callstest.Data(t, "calls_two_channel", "auto_repairs_40_agent.wav"))
	kit := callstest.New(t, calls.Config{Buffer: 2 * time.Second})
	r, err := Import(context.Background(), kit.Door, bytes.NewReader(file(t, wav.PCM, 8000, customer, agent)),
		Options{Tenant: "acme", At: began, Customer: event.Handle{Kind: event.Phone, Value: "+15555551234"}, Agent: "a7", Direction: "inbound"})
	if err != nil || r.Duplicate || r.Cut || r.Withheld != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	// Import has returned: everything must be there without any waiting.
	legs := kit.LegsNow(t, r.Interaction, 8000)
	for role, want := range map[event.Role][]int16{event.Customer: customer, event.Agent: agent} {
		l := legs[role]
		if l == nil || !slices.Equal(l.Samples, want) || !l.Last || len(l.Gaps) != 0 {
			t.Errorf("audio of the %s is not what was sent", role)
			continue
		}
		end := l.Chunks[len(l.Chunks)-1]
		if last := began.Add(r.Duration); end.At.Sub(last).Abs() > time.Second || l.Chunks[0].OffsetMS != 0 || !l.Chunks[0].At.Equal(began) || time.Duration(end.OffsetMS)*time.Millisecond < r.Duration-time.Second {
			t.Errorf("%s: first at %v, last at %v, %d ms", role, l.Chunks[0].At, end.At, end.OffsetMS)
		}
		if role == event.Agent && l.Chunks[0].Agent != "a7" {
			t.Error("the agent's id is lost")
		}
	}
	for _, c := range kit.Changes(t) {
		if c.At.Before(began) || c.At.After(began.Add(r.Duration)) {
			t.Errorf("%s is at %v, outside of the call", c.Change, c.At)
		}
		if c.Change == event.Ended && (c.Reason != ReasonStored || c.Measures.DurationMS != r.Duration.Milliseconds()) {
			t.Errorf("ended as %+v %+v", c, c.Measures)
		}
	}
}

func TestFormats(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	tone := callstest.Tone(300, 8000)
	other := callstest.Tone(500, 8000)
	ulaw := codec.AppendULaw(nil, tone)
	tests := []struct {
		name string
		file []byte
		o    Options
		rate int
		want map[event.Role][]int16
	}{
		{"µ-law WAV", file(t, wav.ULaw, 8000, tone, other), Options{}, 8000,
			map[event.Role][]int16{event.Customer: codec.AppendLinearULaw(nil, ulaw), event.Agent: codec.AppendLinearULaw(nil, codec.AppendULaw(nil, other))}},
		{"A-law WAV", file(t, wav.ALaw, 8000, tone), Options{}, 8000,
			map[event.Role][]int16{event.UnknownRole: codec.AppendLinearALaw(nil, codec.AppendALaw(nil, tone))}},
		{"roles the other way round", file(t, wav.PCM, 16000, tone, other), Options{Channels: []string{"agent", "customer"}}, 16000,
			map[event.Role][]int16{event.Agent: tone, event.Customer: other}},
		{"one-sided", file(t, wav.PCM, 48000, tone), Options{Channels: []string{"agent"}}, 48000, map[event.Role][]int16{event.Agent: tone}},
		{"three channels", file(t, wav.PCM, 8000, tone, other, tone), Options{Channels: []string{"bot", "customer", "mixed"}}, 8000,
			map[event.Role][]int16{event.Bot: tone, event.Customer: other, event.UnknownRole: tone}},
		{"FLAC", flacFile(t, 16000, tone, other), Options{}, 16000, map[event.Role][]int16{event.Customer: tone, event.Agent: other}},
		{"bare µ-law", ulaw, Options{MediaType: "audio/PCMU"}, 8000, map[event.Role][]int16{event.UnknownRole: codec.AppendLinearULaw(nil, ulaw)}},
		{"bare A-law", codec.AppendALaw(nil, tone), Options{MediaType: "audio/pcma;rate=8000"}, 8000,
			map[event.Role][]int16{event.UnknownRole: codec.AppendLinearALaw(nil, codec.AppendALaw(nil, tone))}},
		{"bare L16", codec.AppendL16(nil, tone), Options{MediaType: "audio/L16;rate=16000"}, 16000, map[event.Role][]int16{event.UnknownRole: tone}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Tenant, tt.o.ID, tt.o.At = "acme", tt.name, began
			r, err := Import(context.Background(), kit.Door, bytes.NewReader(tt.file), tt.o)
			if err != nil {
				t.Fatal(err)
			}
			legs := kit.Legs(t, r.Interaction, tt.rate)
			if len(legs) != len(tt.want) {
				t.Errorf("%d legs", len(legs))
			}
			for role, want := range tt.want {
				if l := legs[role]; l == nil || !slices.Equal(l.Samples, want) {
					t.Errorf("audio of %q is not what was sent", role)
				}
			}
		})
	}
}

// TestG722 cannot compare samples, which the codec changes, and counts them.
func TestG722(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	r, err := Import(context.Background(), kit.Door, bytes.NewReader(make([]byte, 16000)), Options{Tenant: "acme", At: began, MediaType: "audio/G722"})
	if err != nil || r.Duration != 2*time.Second {
		t.Fatalf("%+v, %v", r, err)
	}
	if l := kit.Legs(t, r.Interaction, 16000)[event.UnknownRole]; l == nil || len(l.Samples) != 32000 {
		t.Error("two seconds of G.722 do not come back")
	}
}

func TestOpus(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	f, err := os.Open(callstest.Data(t, "derived_voice_notes", "pocketsphinx_goforward.ogg"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := Import(context.Background(), kit.Door, f, Options{Tenant: "acme", At: began, Channels: []string{"customer"}})
	if err != nil || r.Duration < 2*time.Second || r.Duration > 4*time.Second {
		t.Fatalf("%+v, %v", r, err)
	}
	l := kit.Legs(t, r.Interaction, 16000)[event.Customer]
	loudest := int16(0)
	for _, s := range l.Samples {
		loudest = max(loudest, s)
	}
	if got := time.Duration(len(l.Samples)) * time.Second / 16000; got != r.Duration || loudest < 1000 {
		t.Errorf("decoded %v of %v, loudest sample %d", got, r.Duration, loudest)
	}
}

// TestStereoOpus keeps the two voices of a file apart, each where it was spoken,
// and together where one leg is asked for.
func TestStereoOpus(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	stereo, err := os.ReadFile("../../media/ogg/testdata/two-voices.ogg")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Import(context.Background(), kit.Door, bytes.NewReader(stereo), Options{Tenant: "acme", ID: "apart", At: began})
	if err != nil || r.Duration != 800*time.Millisecond || r.Cut {
		t.Fatalf("%+v, %v", r, err)
	}
	legs := kit.Legs(t, r.Interaction, wideRate)
	if len(legs) != 2 {
		t.Fatalf("%d legs", len(legs))
	}
	for role, first := range map[event.Role]bool{event.Customer: true, event.Agent: false} {
		half := len(legs[role].Samples) / 2
		early, late := energy(legs[role].Samples[:half]), energy(legs[role].Samples[half:])
		if first != (early > 100*late) || first == (late > 100*early) {
			t.Errorf("%s: energy %.3g in the first half, %.3g in the second", role, early, late)
		}
	}
	r, err = Import(context.Background(), kit.Door, bytes.NewReader(stereo), Options{Tenant: "acme", ID: "together", At: began, Channels: []string{Mixed}})
	if err != nil {
		t.Fatal(err)
	}
	legs = kit.Legs(t, r.Interaction, wideRate)
	all := legs[event.UnknownRole]
	if len(legs) != 1 || all == nil {
		t.Fatalf("%d legs", len(legs))
	}
	if early, late := energy(all.Samples[:6400]), energy(all.Samples[6400:]); early > 10*late || late > 10*early {
		t.Errorf("mixed: energy %.3g in the first half, %.3g in the second", early, late)
	}
}

func energy(pcm []int16) (sum float64) {
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return sum
}

// flacFile is a FLAC file of interleaved channels.
func flacFile(t testing.TB, rate int, channels ...[]int16) []byte {
	t.Helper()
	var b bytes.Buffer
	enc, err := flac.NewEncoder(&b, &meta.StreamInfo{BlockSizeMin: 4000, BlockSizeMax: 4000, SampleRate: uint32(rate), NChannels: uint8(len(channels)), BitsPerSample: 16})
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(channels[0]); at += 4000 {
		f := &frame.Frame{Header: frame.Header{HasFixedBlockSize: true, BlockSize: 4000, SampleRate: uint32(rate), Channels: frame.ChannelsLR, BitsPerSample: 16}}
		for _, c := range channels {
			sub := &frame.Subframe{SubHeader: frame.SubHeader{Pred: frame.PredVerbatim}, NSamples: 4000}
			for _, v := range c[at : at+4000] {
				sub.Samples = append(sub.Samples, int32(v))
			}
			f.Subframes = append(f.Subframes, sub)
		}
		if err := enc.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestWithheld stores the call of somebody who refused, without a sound of it.
func TestWithheld(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	caller := event.Handle{Kind: event.Phone, Value: "+15555551234"}
	if err := kit.Ledger.Apply(event.Consent{ID: "k_1", Tenant: "acme", Customer: event.CustomerID("acme", caller), Purpose: event.Record, At: began}); err != nil {
		t.Fatal(err)
	}
	r, err := Import(context.Background(), kit.Door, bytes.NewReader(file(t, wav.PCM, 8000, callstest.Tone(300, 8000))), Options{Tenant: "acme", At: began, Customer: caller})
	if err != nil || !strings.HasPrefix(r.Withheld, "record") {
		t.Fatalf("%+v, %v", r, err)
	}
	if l := kit.Legs(t, r.Interaction, 8000)[event.UnknownRole]; l == nil || len(l.Samples) != 0 || !l.Last {
		t.Error("what was refused was kept")
	}
}

func TestSameAgain(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	wave := file(t, wav.PCM, 8000, callstest.Tone(300, 8000))
	o := Options{Tenant: "acme", At: began}
	first, err := Import(context.Background(), kit.Door, bytes.NewReader(wave), o)
	if err != nil {
		t.Fatal(err)
	}
	changes := len(kit.Changes(t))
	again, err := Import(context.Background(), kit.Door, bytes.NewReader(wave), o)
	if err != nil || !again.Duplicate || again.Interaction != first.Interaction || again.Customer != first.Customer {
		t.Errorf("again: %+v, %v", again, err)
	}
	if n := len(kit.Changes(t)); n != changes {
		t.Errorf("%d changes became %d", changes, n)
	}
	other := o
	other.Customer = event.Handle{Kind: event.Phone, Value: "+15555559876"}
	if r, err := Import(context.Background(), kit.Door, bytes.NewReader(wave), other); err != nil || r.Duplicate || r.Interaction == first.Interaction || r.Customer == first.Customer {
		t.Errorf("as another customer's: %+v, %v", r, err)
	}
	o.Tenant = "other"
	if r, err := Import(context.Background(), kit.Door, bytes.NewReader(wave), o); err != nil || r.Duplicate || r.Interaction == first.Interaction {
		t.Errorf("another tenant's: %+v, %v", r, err)
	}
}

// TestSameAfterRestart proves that another process makes the very same events.
func TestSameAfterRestart(t *testing.T) {
	wave := file(t, wav.PCM, 8000, callstest.Tone(300, 8000), callstest.Tone(500, 8000))
	var ids [2][]string
	for i := range ids {
		kit := callstest.New(t, calls.Config{})
		r, err := Import(context.Background(), kit.Door, bytes.NewReader(wave), Options{Tenant: "acme", At: began})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range kit.Changes(t) {
			ids[i] = append(ids[i], c.ID)
		}
		for _, l := range kit.Legs(t, r.Interaction, 8000) {
			for _, c := range l.Chunks {
				ids[i] = append(ids[i], c.ID)
			}
		}
		slices.Sort(ids[i])
	}
	if !slices.Equal(ids[0], ids[1]) {
		t.Errorf("ids differ: %d and %d", len(ids[0]), len(ids[1]))
	}
}

func TestCutOff(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	tone := callstest.Tone(300, 8000)
	wave := file(t, wav.PCM, 8000, tone)
	r, err := Import(context.Background(), kit.Door, bytes.NewReader(wave[:len(wave)/2]), Options{Tenant: "acme", At: began})
	if err != nil || !r.Cut {
		t.Fatalf("%+v, %v", r, err)
	}
	if l := kit.Legs(t, r.Interaction, 8000)[event.UnknownRole]; !slices.Equal(l.Samples, tone[:len(l.Samples)]) || len(l.Samples) < 3900 {
		t.Errorf("%d samples are left", len(l.Samples))
	}
	if end := kit.Ended(t, 1)[0]; end.Reason != ReasonCut {
		t.Errorf("ended by %q", end.Reason)
	}
}

// TestPrefixes imports every beginning of a file: none may hang a call.
func TestPrefixes(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	wave := file(t, wav.PCM, 8000, callstest.Tone(300, 16))
	stored := 0
	for n := range wave {
		r, err := Import(context.Background(), kit.Door, bytes.NewReader(wave[:n]), Options{Tenant: "acme", At: began})
		_, refused := errors.AsType[*problem.Problem](err)
		switch {
		case err == nil && r.Cut:
			stored++
		case !refused:
			t.Errorf("prefix of %d octets: %+v, %v", n, r, err)
		}
	}
	if ends := kit.Ended(t, stored); len(ends) != stored || kit.Door.Open() != 0 {
		t.Errorf("%d calls of %d have ended, %d are open", len(ends), stored, kit.Door.Open())
	}
}

func TestRefusedFiles(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	tone := callstest.Tone(300, 800)
	tests := []struct {
		name string
		file []byte
		o    Options
		want string
	}{
		{"nothing", nil, Options{}, "empty"},
		{"text", []byte("hello, world"), Options{MediaType: "text/plain"}, "none of"},
		{"no type", []byte("hello, world"), Options{}, "Content-Type"},
		{"bad rate", []byte("hello, world"), Options{MediaType: "audio/L16;rate=x"}, "rate"},
		{"low rate", []byte("hello, world"), Options{MediaType: "audio/L16;rate=2000"}, "sample rate"},
		{"wide G.722", []byte("hello, world"), Options{MediaType: "audio/G722;rate=16000"}, "G.722"},
		{"no samples", file(t, wav.PCM, 8000, tone)[:44], Options{}, "no audio"},
		{"too few roles", file(t, wav.PCM, 8000, tone, tone), Options{Channels: []string{"agent"}}, "#/channels"},
		{"unknown role", file(t, wav.PCM, 8000, tone), Options{Channels: []string{"boss"}}, "#/channels"},
		{"three without roles", file(t, wav.PCM, 8000, tone, tone, tone), Options{}, "say who speaks"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Tenant = "acme"
			_, err := Import(context.Background(), kit.Door, bytes.NewReader(tt.file), tt.o)
			if p, ok := errors.AsType[*problem.Problem](err); !ok || !strings.Contains(p.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if n := len(kit.Changes(t)); n != 0 || kit.Door.Open() != 0 {
		t.Errorf("refused files made %d changes", n)
	}
}

// upload serves the route and gives its address.
func upload(t *testing.T, kit *callstest.Kit, cfg Config) string {
	t.Helper()
	cfg.Tenant = func(*http.Request) string { return "acme" }
	cfg.Spool = t.TempDir()
	s, err := New(cfg, kit.Door)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Routes(mux)
	web := httptest.NewServer(mux)
	t.Cleanup(func() {
		web.Close()
		if left, _ := os.ReadDir(cfg.Spool); len(left) != 0 {
			t.Errorf("%d files are left behind", len(left))
		}
	})
	return web.URL + Path
}

func post(t *testing.T, url, contentType string, body io.Reader) (int, map[string]any) {
	t.Helper()
	resp, err := http.Post(url, contentType, body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var v map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, v
}

func TestUpload(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	at := upload(t, kit, Config{})
	tone, other := callstest.Tone(300, 8000), callstest.Tone(500, 8000)
	wave := file(t, wav.PCM, 8000, tone, other)

	query := url.Values{"id": {"r1"}, "phone": {"+15555551234"}, "at": {"2025-03-01T09:30:00Z"}, "channels": {"agent,customer"}, "queue": {"claims"}}
	status, v := post(t, at+"?"+query.Encode(), "audio/wav", bytes.NewReader(wave))
	if status != http.StatusAccepted || v["duration_ms"] != 1000.0 || v["duplicate"] != false {
		t.Fatalf("%d %v", status, v)
	}
	id, _ := v["interaction"].(string)
	if legs := kit.Legs(t, id, 8000); legs[event.Agent] == nil || !slices.Equal(legs[event.Agent].Samples, tone) || !slices.Equal(legs[event.Customer].Samples, other) {
		t.Error("the sides are not as the query says")
	}

	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="John Doe.wav"`}, "Content-Type": {"application/octet-stream"}})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(wave)
	_ = form.WriteField("id", "r1") // after the file, as forms have it
	_ = form.WriteField("phone", "+15555551234")
	_ = form.Close()
	status, v = post(t, at, form.FormDataContentType(), &b)
	if status != http.StatusAccepted || v["duplicate"] != true || v["interaction"] != id {
		t.Errorf("the same call by a form: %d %v", status, v)
	}
	for _, c := range kit.Changes(t) {
		if raw, _ := json.Marshal(c); bytes.Contains(raw, []byte("John")) {
			t.Error("the name of a file was kept")
		}
	}
}

func TestRefusedUploads(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	at := upload(t, kit, Config{MaxBytes: 20_000})
	wave := file(t, wav.PCM, 8000, callstest.Tone(300, 800))
	empty := func() (string, io.Reader) {
		var b bytes.Buffer
		form := multipart.NewWriter(&b)
		_ = form.WriteField("id", "x")
		_ = form.Close()
		return form.FormDataContentType(), &b
	}
	formType, form := empty()
	tests := []struct {
		name, query, contentType string
		body                     io.Reader
		status                   int
		want                     string
	}{
		{"unknown field", "?colour=red", "audio/wav", bytes.NewReader(wave), 400, "#/colour"},
		{"bad time", "?at=yesterday", "audio/wav", bytes.NewReader(wave), 400, "#/at"},
		{"from the future", "?at=2999-01-01T00:00:00Z", "audio/wav", bytes.NewReader(wave), 400, "#/at"},
		{"extension for a phone", "?phone=4711", "audio/wav", bytes.NewReader(wave), 400, "#/phone"},
		{"two handles", "?mail=a@b.c&crm=7", "audio/wav", bytes.NewReader(wave), 400, "second handle"},
		{"twice", "?id=a&id=b", "audio/wav", bytes.NewReader(wave), 400, "twice"},
		{"direction", "?direction=up", "audio/wav", bytes.NewReader(wave), 400, "#/direction"},
		{"two at once", "?direction=up&at=x", "audio/wav", bytes.NewReader(wave), 400, "2 fields"},
		{"too large", "", "audio/wav", bytes.NewReader(make([]byte, 20_001)), 413, "max_bytes"},
		{"much too large", "", "audio/wav", bytes.NewReader(make([]byte, 200_000)), 413, "max_bytes"},
		{"not audio", "", "text/plain", strings.NewReader("hello"), 415, "Content-Type"},
		{"a Sun audio file", "", "audio/basic", strings.NewReader(".snd\x00\x00\x00\x18\xff\xff\xff\xff\x00\x00\x00\x03 and so on"), 415, "Sun"},
		{"form without file", "", formType, form, 400, "#/file"},
		{"form without boundary", "", "multipart/form-data", strings.NewReader("x"), 400, "boundary"},
		{"form cut off", "", "multipart/form-data; boundary=x", strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nRIFF"), 400, "whole"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, v := post(t, at+tt.query, tt.contentType, tt.body)
			raw, _ := json.Marshal(v)
			if status != tt.status || !strings.Contains(string(raw), tt.want) {
				t.Errorf("%d %s, want %d %q", status, raw, tt.status, tt.want)
			}
		})
	}
	if n := len(kit.Changes(t)); n != 0 {
		t.Errorf("refused uploads made %d changes", n)
	}
}

// TestBrokenUpload cuts the connection: no call may be left behind.
func TestBrokenUpload(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	at := upload(t, kit, Config{})
	wave := file(t, wav.PCM, 8000, callstest.Tone(300, 80_000))
	body, w := io.Pipe()
	go func() {
		_, _ = w.Write(wave[:len(wave)/2])
		_ = w.CloseWithError(errors.New("the line is dead"))
	}()
	req, err := http.NewRequest(http.MethodPost, at, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "audio/wav")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		if resp.StatusCode < 400 {
			t.Errorf("half a file is answered %d", resp.StatusCode)
		}
	}
	if n := len(kit.Changes(t)); n != 0 || kit.Door.Open() != 0 {
		t.Errorf("half a file made %d changes", n)
	}
}

// TestAtOnce sends the same file many times at once: it is stored once, and
// nobody is told that it is before it is.
func TestAtOnce(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	at := upload(t, kit, Config{MaxInFlight: 8})
	wave := file(t, wav.PCM, 8000, callstest.Tone(300, 80_000))
	var mu sync.Mutex
	outcomes := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			status, v := post(t, at+"?at=2025-03-01T09:30:00Z", "audio/wav", bytes.NewReader(wave))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case status == http.StatusAccepted && v["duplicate"] == false:
				outcomes["stored"]++
			case status == http.StatusAccepted, status == http.StatusConflict:
				outcomes["again"]++
			default:
				t.Errorf("%d %v", status, v)
			}
		})
	}
	wg.Wait()
	if outcomes["stored"] != 1 || outcomes["again"] != 7 {
		t.Errorf("outcomes %v", outcomes)
	}
	if ends := kit.Ended(t, 1); len(ends) != 1 {
		t.Errorf("%d ends", len(ends))
	}
}

// TestStoppedDoor asks the sender to come back.
func TestStoppedDoor(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	wave := file(t, wav.PCM, 8000, callstest.Tone(300, 8000))
	if _, err := Import(ctx, kit.Door, bytes.NewReader(wave), Options{Tenant: "acme"}); err == nil {
		t.Error("stored with a context that has ended")
	} else if p := asProblem(err); p.Status != http.StatusServiceUnavailable || p.RetryAfter == 0 {
		t.Errorf("answered %d", p.Status)
	}
	r, err := Import(context.Background(), kit.Door, bytes.NewReader(wave), Options{Tenant: "acme"})
	if err != nil || r.Duplicate {
		t.Errorf("what was not stored counts as stored: %+v, %v", r, err)
	}
}

func FuzzImportHeader(f *testing.F) {
	f.Add([]byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00\x40\x1f\x00\x00\x00\x7d\x00\x00\x04\x00\x10\x00data\x04\x00\x00\x00abcd"), "")
	f.Add([]byte("OggS"), "audio/ogg")
	f.Add([]byte("fLaC"), "audio/flac")
	if stereo, err := os.ReadFile("../../media/ogg/testdata/two-voices.ogg"); err == nil {
		f.Add(stereo, "audio/ogg")
		f.Add(append(stereo, 0), "audio/ogg")
	}
	f.Add([]byte("abcdefgh"), "audio/L16;rate=8000;channels=2")
	f.Add([]byte("abcdefgh"), "audio/PCMU")
	f.Fuzz(func(t *testing.T, body []byte, mediaType string) {
		s, err := open(bytes.NewReader(body), mediaType, len(body)%2 == 0)
		if err != nil {
			return
		}
		payloads := make([][]byte, s.channels)
		total, most := 0, 8*len(body)
		if bytes.HasPrefix(body, []byte("OggS")) || bytes.HasPrefix(body, []byte("fLaC")) {
			most = 16_000 * len(body) // a silence of FLAC is a few octets
		}
		for s.next(payloads) == nil {
			n := len(payloads[0])
			for _, p := range payloads {
				if len(p) != n || n == 0 {
					t.Fatalf("channels differ: %d and %d octets", n, len(p))
				}
			}
			if total += n; total > most+1<<16 {
				t.Fatal("more audio than the file can hold")
			}
		}
	})
}
