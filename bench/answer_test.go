package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"throughline/cmd/throughline/throughlinetest"
)

// BenchmarkAnswer is the time until a call is answered: from INVITE to 200 over
// SIPREC, from open to opened over AudioHook. Calls come while nothing else
// happens; while the recognisers have more speech than they can hear; and while,
// besides, messages are sent as fast as they are taken. Whoever sends and asks
// shares the processors, so its own waits are part of the figures.
func BenchmarkAnswer(b *testing.B) {
	p, sip := answering(b)
	p.Start()
	for _, load := range []struct {
		name   string
		floods []func(context.Context, *testing.B, *throughlinetest.Process)
	}{{"idle", nil}, {"recognisers", floods(recordings)}, {"recognisers and messages", floods(recordings, turns)}} {
		b.Run("beside="+load.name, func(b *testing.B) {
			for b.Loop() {
				ctx, cancel := context.WithCancel(context.Background())
				var wg sync.WaitGroup
				for _, flood := range load.floods {
					wg.Go(func() { flood(ctx, b, p) })
				}
				if len(load.floods) > 0 {
					time.Sleep(5 * time.Second) // until there is a backlog of each
				}
				pids := append(p.Children(), p.Cmd.Process.Pid)
				before := processor(b, pids...)
				began := time.Now()
				invited, opened := answers(b, p, sip)
				used := processor(b, pids...) - before
				cancel()
				wg.Wait()
				report(b, "invite", invited)
				report(b, "opened", opened)
				b.ReportMetric(used.Seconds()/time.Since(began).Seconds(), "cores")
			}
		})
	}
	p.Stop()
}

type flood = func(context.Context, *testing.B, *throughlinetest.Process)

func floods(f ...flood) []flood { return f }

// apiKey lets AudioHook connections in; without a secret the key is enough.
const apiKey = "bench-key"

// answering prepares the product with a door for SIPREC, whose address it gives,
// and one for AudioHook.
func answering(b *testing.B) (*throughlinetest.Process, string) {
	b.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	sip := c.LocalAddr().String()
	c.Close()
	p := product(b, "THROUGHLINE_SIPREC_UDP="+sip, "THROUGHLINE_TRANSCRIBE_PRELOAD=true")
	file := filepath.Join(b.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte("audiohook:\n  clients: [{key: "+apiKey+"}]\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	p.Args = []string{"--config", file}
	return p, sip
}

// recordings sends both legs of a call again and again, which come to the
// recognisers far faster than they were spoken.
func recordings(ctx context.Context, b *testing.B, p *throughlinetest.Process) {
	legs, err := filepath.Glob(filepath.Join("..", "cmd", "throughline", "demo", "voices", "*.ogg"))
	if err != nil || len(legs) == 0 {
		b.Errorf("the demo's voices are not there: %v", err)
		return
	}
	files := make([][]byte, len(legs))
	for i, leg := range legs {
		if files[i], err = os.ReadFile(leg); err != nil {
			b.Error(err)
			return
		}
	}
	for n := 0; ctx.Err() == nil; n++ {
		path := fmt.Sprintf("/v1/recordings?id=bench-%d-%d&channels=customer", time.Now().UnixNano(), n)
		status, answer, err := p.Post(ctx, path, http.Header{"Content-Type": {"audio/ogg"}}, files[n%len(files)])
		if err == nil && status/100 != 2 && status != http.StatusServiceUnavailable {
			b.Errorf("recording: %d %s", status, answer)
			return
		}
		// Twenty a second are some five hundred seconds of speech each second.
		time.Sleep(50 * time.Millisecond)
	}
}

// turns sends messages as fast as they are taken.
func turns(ctx context.Context, b *testing.B, p *throughlinetest.Process) {
	first := int(time.Now().UnixNano() / 1000)
	var wg sync.WaitGroup
	for lane := range 4 {
		wg.Go(func() {
			for n := first + lane*1e8; ctx.Err() == nil; n += 500 {
				status, _, err := p.Post(ctx, "/v1/messages", http.Header{"Content-Type": {"application/json"}}, messages(n, 500, 3000))
				if err == nil && status == http.StatusServiceUnavailable {
					time.Sleep(200 * time.Millisecond) // as it asks
				}
			}
		})
	}
	wg.Wait()
}

// calling is how many calls of each kind are answered, one after the other.
const calling = 300

func answers(b *testing.B, p *throughlinetest.Process, sip string) (invited, opened []time.Duration) {
	b.Helper()
	for n := range calling {
		id := fmt.Sprintf("%d-%d", time.Now().UnixNano(), n)
		invited = append(invited, invite(b, sip, id))
		opened = append(opened, hook(b, p, id))
	}
	return invited, opened
}

// invite begins and ends a SIPREC call.
func invite(b *testing.B, server, id string) time.Duration {
	b.Helper()
	c, err := net.Dial("udp4", server)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	sdp := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
		"m=audio 9000 RTP/AVP 0\r\na=sendonly\r\na=label:1\r\nm=audio 9002 RTP/AVP 0\r\na=sendonly\r\na=label:2\r\n"
	send := func(method string, seq int, tag, kind, body string) {
		fmt.Fprintf(c, "%s sip:srs@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s%s\r\nFrom: <sip:+15551230001@sbc.example>;tag=b\r\nTo: <sip:srs@%s>%s\r\n"+
			"Call-ID: %s\r\nCSeq: %d %s\r\nMax-Forwards: 70\r\nContact: <sip:sbc@%s>;+sip.src\r\n%sContent-Length: %d\r\n\r\n%s",
			method, server, c.LocalAddr(), id, method, server, tag, id, seq, method, c.LocalAddr(), kind, len(body), body)
	}
	answer := make([]byte, 65536)
	final := func(method string) string {
		for {
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			n, err := c.Read(answer)
			if err != nil {
				b.Fatalf("%s was not answered: %v", method, err)
			}
			text := string(answer[:n])
			if strings.Contains(text, " "+method+"\r\n") && !strings.HasPrefix(text, "SIP/2.0 1") {
				if !strings.HasPrefix(text, "SIP/2.0 200") {
					b.Fatalf("%s: %.60s", method, text)
				}
				return text
			}
		}
	}
	began := time.Now()
	send("INVITE", 1, "", "Content-Type: application/sdp\r\n", sdp)
	text := final("INVITE")
	took := time.Since(began)
	_, tag, _ := strings.Cut(text, ";tag=b")
	_, tag, _ = strings.Cut(tag, "\r\nTo:")
	_, tag, _ = strings.Cut(tag, ";tag=")
	tag, _, _ = strings.Cut(tag, "\r\n")
	send("ACK", 1, ";tag="+tag, "", "")
	send("BYE", 2, ";tag="+tag, "", "")
	final("BYE")
	return took
}

// hook begins and ends an AudioHook session.
func hook(b *testing.B, p *throughlinetest.Process, id string) time.Duration {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "ws://"+p.HTTP+"/v1/media/audiohook", &websocket.DialOptions{HTTPHeader: http.Header{
		"X-Api-Key": {apiKey}, "Audiohook-Session-Id": {id}, "Audiohook-Organization-Id": {"o"}}})
	if err != nil {
		b.Fatal(err)
	}
	defer ws.CloseNow()
	say := func(seq int, kind, parameters string) {
		text := fmt.Sprintf(`{"version":"2","id":%q,"type":%q,"seq":%d,"serverseq":%d,"position":"PT0S","parameters":%s}`, id, kind, seq, seq-1, parameters)
		if err := ws.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			b.Fatal(err)
		}
	}
	hear := func(kind string) {
		_, raw, err := ws.Read(ctx)
		var m struct{ Type string }
		if err == nil {
			err = json.Unmarshal(raw, &m)
		}
		if err != nil || m.Type != kind {
			b.Fatalf("%s: %q %v", kind, raw, err)
		}
	}
	began := time.Now()
	say(1, "open", fmt.Sprintf(`{"organizationId":"o","conversationId":%q,"participant":{"id":"p","ani":"+15551230001","aniName":"","dnis":""},`+
		`"media":[{"type":"audio","format":"PCMU","channels":["external","internal"],"rate":8000}]}`, id))
	hear("opened")
	took := time.Since(began)
	say(2, "close", `{"reason":"end"}`)
	hear("closed")
	return took
}

// processor is the processor time that processes have used. Other work on the
// machine moves it little.
func processor(b *testing.B, pids ...int) time.Duration {
	b.Helper()
	ticks := 0
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			b.Fatal(err)
		}
		// The name in brackets may hold spaces; user and system time are the
		// twelfth and thirteenth fields after it, in hundredths of a second.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		var user, system int
		if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
			b.Fatal(err)
		}
		ticks += user + system
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
