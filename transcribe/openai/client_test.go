package openai

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"throughline/transcribe/speech"
)

// Answers as the servers give them, for an utterance of two seconds.
const (
	openaiAnswer = `{"task":"transcribe","language":"english","duration":2.0,"text":"Hello there, Ann.",
		"words":[{"word":"Hello","start":0.1,"end":0.4},{"word":"there","start":0.5,"end":0.8},{"word":"Ann","start":1.0,"end":1.5}],
		"segments":[{"id":0,"start":0.0,"end":2.0,"text":" Hello there, Ann.","avg_logprob":-0.2,"no_speech_prob":0.01}]}`
	speachesAnswer = `{"text":"Hello there, Ann.","words":[{"word":" Hello","start":0.1,"end":0.4,"probability":0.9},
		{"word":" there,","start":0.5,"end":0.8,"probability":0.8},{"word":" Ann.","start":"1.0","end":1.5,"probability":0.7}],"segments":null}`
	whisperAnswer = `{"task":"transcribe","language":"english","duration":2.0,"text":" Hello there, Ann.\n",
		"segments":[{"id":0,"text":" Hello there,","start":0.0,"end":0.9,"tokens":[1],"words":[
			{"word":" Hel","start":0.1,"end":0.3,"t_dtw":-1,"probability":0.9},{"word":"lo","start":0.3,"end":0.4,"probability":0.6},
			{"word":" there","start":0.5,"end":0.8,"probability":0.8},{"word":",","start":0.8,"end":0.8,"probability":0.9}],"avg_logprob":-0.3,"no_speech_prob":0.0},
			{"id":1,"text":" Ann.","start":1.0,"end":1.5,"words":[{"word":" Ann","start":1.0,"end":1.5,"probability":0.7},{"word":".","start":1.5,"end":1.5,"probability":0.9}]}]}`
	ollamaAnswer = `{"text":"Hello there, Ann."}`
)

// server answers transcriptions and notes what it was asked.
type server struct {
	path   string
	form   map[string]string
	wav    []byte
	bearer string
}

func (s *server) serve(t *testing.T, reply func(w http.ResponseWriter, form map[string]string)) string {
	t.Helper()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.path, s.bearer, s.form = r.URL.Path, r.Header.Get("Authorization"), map[string]string{}
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for k, v := range r.MultipartForm.Value {
			s.form[k] = strings.Join(v, "+")
		}
		f, _, err := r.FormFile("file")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.wav, _ = io.ReadAll(f)
		reply(w, s.form)
	}))
	t.Cleanup(h.Close)
	return h.URL + "/v1"
}

func open(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestServers(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		words        int
		confidence   float64
	}{
		{"openai", openaiAnswer, 3, 0.8187},
		{"speaches", speachesAnswer, 3, 0.8},
		{"whisper.cpp", whisperAnswer, 3, (0.6 + 0.8 + 0.7) / 3},
		{"ollama", ollamaAnswer, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s server
			base := s.serve(t, func(w http.ResponseWriter, _ map[string]string) { io.WriteString(w, c.answer) })
			r := open(t, Config{BaseURL: base, Model: "m", Key: "k", Language: "en"})
			res, err := r.Recognise(t.Context(), make([]float32, 2*speech.Rate), speech.Options{Hints: []string{"Throughline", "Ann"}})
			if err != nil {
				t.Fatal(err)
			}
			if res.Text != "Hello there, Ann." || res.NoSpeech || len(res.Words) != c.words {
				t.Errorf("result = %+v", res)
			}
			if d := res.Confidence - c.confidence; d > 0.001 || d < -0.001 {
				t.Errorf("confidence = %v, want %v", res.Confidence, c.confidence)
			}
			if c.words == 3 && (res.Words[1].Text != "there," || res.Words[2].Start != time.Second || res.Words[2].Approximate) {
				t.Errorf("words = %+v", res.Words)
			}
			if s.path != "/v1/audio/transcriptions" || s.bearer != "Bearer k" || s.form["model"] != "m" || s.form["language"] != "en" ||
				s.form["prompt"] != "Throughline, Ann" || s.form["response_format"] != "verbose_json" || s.form["timestamp_granularities[]"] != "word+segment" {
				t.Errorf("request %s %q %v", s.path, s.bearer, s.form)
			}
			if len(s.wav) != 44+4*speech.Rate || binary.LittleEndian.Uint32(s.wav[24:]) != speech.Rate {
				t.Errorf("%d bytes of WAV", len(s.wav))
			}
		})
	}
}

// TestBefore tells the server what was said before: the end of it, once, and not
// again where the answer only repeats it.
func TestBefore(t *testing.T) {
	long := strings.Repeat("öäü 123 ", 100) + "and now the last words"
	for name, c := range map[string]struct {
		hints   []string
		before  *speech.Heard
		answers []string // the last one stands for all after it
		want    string
		prompts []string
	}{
		"nothing":          {nil, nil, []string{"five six"}, "five six", []string{""}},
		"hints alone":      {[]string{"Ann"}, nil, []string{"five"}, "five", []string{"Ann"}},
		"what was said":    {nil, &speech.Heard{Text: " It's  nine,\nthree. "}, []string{"five six"}, "five six", []string{"It's nine, three."}},
		"after the hints":  {[]string{"Ann", "Bo"}, &speech.Heard{Text: "nine"}, []string{"five"}, "five", []string{"Ann, Bo, nine"}},
		"no words":         {[]string{"Ann"}, &speech.Heard{Text: " "}, []string{"five"}, "five", []string{"Ann"}},
		"repeated":         {[]string{"Ann"}, &speech.Heard{Text: "Nine three."}, []string{"nine three", "five"}, "five", []string{"Ann, Nine three.", "Ann"}},
		"repeated, more":   {nil, &speech.Heard{Text: "Nine three."}, []string{"Nine three. Five.", "Five."}, "Five.", []string{"Nine three.", ""}},
		"said again":       {nil, &speech.Heard{Text: "No."}, []string{"No!"}, "No!", []string{"No.", ""}},
		"one endless word": {nil, &speech.Heard{Text: strings.Repeat("a", 5000)}, []string{"five"}, "five", []string{""}},
	} {
		var s server
		var prompts []string
		base := s.serve(t, func(w http.ResponseWriter, form map[string]string) {
			answer := c.answers[min(len(prompts), len(c.answers)-1)]
			prompts = append(prompts, form["prompt"])
			json.NewEncoder(w).Encode(map[string]string{"text": answer})
		})
		hints := slices.Clone(c.hints)
		res, err := open(t, Config{BaseURL: base, Model: "m"}).Recognise(t.Context(), make([]float32, 100), speech.Options{Hints: c.hints, Before: c.before})
		if err != nil || res.Text != c.want || !slices.Equal(prompts, c.prompts) || !slices.Equal(c.hints, hints) {
			t.Errorf("%s: %q (%v) after prompts %q, want %q after %q", name, res.Text, err, prompts, c.want, c.prompts)
		}
	}
	got := prompt(speech.Options{Before: &speech.Heard{Text: long}})
	if len(got) > maxBefore || len(got) < maxBefore-20 || !strings.HasSuffix(got, "and now the last words") || !utf8.ValidString(got) || !strings.HasPrefix(long[len(long)-len(got)-1:], " ") {
		t.Errorf("of a long text %d bytes are told: %q", len(got), got)
	}
}

// TestPlain falls back to json once for a server that has no times.
func TestPlain(t *testing.T) {
	var s server
	asked := 0
	base := s.serve(t, func(w http.ResponseWriter, form map[string]string) {
		asked++
		if form["response_format"] != "json" || form["timestamp_granularities[]"] != "" {
			http.Error(w, `{"error":{"message":"response_format 'verbose_json' is not compatible with model","type":"invalid_request_error"}}`, http.StatusBadRequest)
			return
		}
		io.WriteString(w, ollamaAnswer)
	})
	r := open(t, Config{BaseURL: base, Model: "gpt-4o-transcribe"})
	for range 2 {
		if res, err := r.Recognise(t.Context(), make([]float32, 100), speech.Options{}); err != nil || res.Text == "" {
			t.Fatalf("result %+v, %v", res, err)
		}
	}
	if asked != 3 || s.bearer != "" {
		t.Errorf("asked %d times, want 3; bearer %q", asked, s.bearer)
	}
}

func TestPath(t *testing.T) {
	var s server
	base := s.serve(t, func(w http.ResponseWriter, _ map[string]string) { io.WriteString(w, whisperAnswer) })
	r := open(t, Config{BaseURL: strings.TrimSuffix(base, "/v1"), Path: "/inference", Model: "ignored"})
	if _, err := r.Recognise(t.Context(), make([]float32, 100), speech.Options{}); err != nil || s.path != "/inference" {
		t.Errorf("path %q, %v", s.path, err)
	}
}

func TestSilence(t *testing.T) {
	for _, answer := range []string{
		`{"text":""}`, `{"text":" \n "}`,
		`{"text":"Thank you.","segments":[{"start":0,"end":1,"text":"Thank you.","avg_logprob":-1.4,"no_speech_prob":0.9}]}`,
	} {
		var s server
		base := s.serve(t, func(w http.ResponseWriter, _ map[string]string) { io.WriteString(w, answer) })
		res, err := open(t, Config{BaseURL: base, Model: "m"}).Recognise(t.Context(), make([]float32, 100), speech.Options{})
		if err != nil || !res.NoSpeech || res.Text != "" {
			t.Errorf("%s: %+v, %v", answer, res, err)
		}
	}
	if res, err := open(t, Config{BaseURL: "http://127.0.0.1:1", Model: "m"}).Recognise(t.Context(), nil, speech.Options{}); err != nil || !res.NoSpeech {
		t.Errorf("no samples: %+v, %v", res, err)
	}
}

// TestMisbehaving meets servers that fail in the ways servers do, and says of
// each whether trying again makes sense.
func TestMisbehaving(t *testing.T) {
	const secret = "my card number is"
	status := func(code int) func(http.ResponseWriter, map[string]string) {
		return func(w http.ResponseWriter, _ map[string]string) {
			http.Error(w, `{"error":{"message":"`+secret+`","type":"t","code":7}}`, code)
		}
	}
	raw := func(body string) func(http.ResponseWriter, map[string]string) {
		return func(w http.ResponseWriter, _ map[string]string) { io.WriteString(w, body) }
	}
	for _, c := range []struct {
		name      string
		reply     func(http.ResponseWriter, map[string]string)
		permanent bool
	}{
		{"400", status(400), true}, {"401", status(401), true}, {"403", status(403), true}, {"404", status(404), true},
		{"413", status(413), true}, {"429", status(429), false}, {"500", status(500), false}, {"503", status(503), false},
		{"HTML", raw("<html>" + secret + "</html>"), false},
		{"empty", raw(""), false}, {"null", raw("null"), false}, {"array", raw("[]"), false},
		{"no text", raw(`{"words":[]}`), false}, {"text is a number", raw(`{"text":7}`), false},
		{"too long", raw(`{"text":"` + strings.Repeat("a", 2000) + `"}`), false},
		{"hangs", func(_ http.ResponseWriter, _ map[string]string) { time.Sleep(300 * time.Millisecond) }, false},
		{"hangs up", func(http.ResponseWriter, map[string]string) { panic(http.ErrAbortHandler) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s server
			timeout := time.Minute
			if c.name == "hangs" {
				timeout = 200 * time.Millisecond
			}
			r := open(t, Config{BaseURL: s.serve(t, c.reply), Model: "m", Timeout: timeout, MaxResponse: 1000})
			res, err := r.Recognise(t.Context(), make([]float32, 100), speech.Options{Before: &speech.Heard{Text: secret}})
			if err == nil || res.Text != "" {
				t.Fatalf("accepted: %+v", res)
			}
			if errors.Is(err, speech.ErrPermanent) != c.permanent {
				t.Errorf("permanent is wrong: %v", err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error tells what was said: %v", err)
			}
		})
	}
	r := open(t, Config{BaseURL: "http://127.0.0.1:1/v1", Model: "m"})
	if _, err := r.Recognise(t.Context(), make([]float32, 100), speech.Options{}); err == nil || errors.Is(err, speech.ErrPermanent) {
		t.Errorf("nobody listens: %v", err)
	}
	if _, err := r.Recognise(t.Context(), make([]float32, MaxUpload), speech.Options{}); !errors.Is(err, speech.ErrPermanent) {
		t.Errorf("too long an utterance: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Recognise(ctx, make([]float32, 100), speech.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestConfig(t *testing.T) {
	for _, cfg := range []Config{{Model: "m"}, {BaseURL: "127.0.0.1:8000", Model: "m"}, {BaseURL: "ftp://x/v1", Model: "m"}, {BaseURL: "http://x/v1"}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

// TestTruncated cuts answers everywhere: each piece is refused.
func TestTruncated(t *testing.T) {
	for _, whole := range []string{openaiAnswer, speachesAnswer, whisperAnswer} {
		for n := range whole {
			if _, err := decode([]byte(whole[:n])); err == nil {
				t.Fatalf("%d of %d bytes were accepted", n, len(whole))
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{openaiAnswer, speachesAnswer, whisperAnswer, ollamaAnswer, `{"text":null,"segments":[{"text":"a","avg_logprob":1e9}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		res, err := decode(b)
		if err != nil {
			return
		}
		if res.NoSpeech != (res.Text == "") || res.Confidence < 0 || res.Confidence > 1 {
			t.Fatalf("result %+v", res)
		}
		for _, w := range res.Words {
			if w.Text == "" || w.Start < 0 || w.End < w.Start || w.Confidence < 0 || w.Confidence > 1 {
				t.Fatalf("word %+v", w)
			}
		}
		if n := len(res.Words); n > 0 && n != len(strings.Fields(res.Text)) && joined(res.Words) != strings.ReplaceAll(res.Text, " ", "") {
			t.Fatalf("%d words for %q", n, res.Text)
		}
	})
}
