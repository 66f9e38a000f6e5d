package webrtc_test

import (
	"context"
	"math"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/calls/callstest"
	"throughline/ingest/ingesttest"
	"throughline/ingest/webrtc"
)

// page publishes by WHIP, and offers a picture too, which has to be refused. It
// opens the microphone once it is connected, so that the file is heard whole.
const page = `<!doctype html><title>publisher</title><script>
async function publish(url) {
  const pc = new RTCPeerConnection();
  const microphone = pc.addTransceiver('audio', {direction: 'sendonly'});
  pc.addTransceiver('video', {direction: 'sendonly'});
  window.state = () => pc.connectionState;
  window.kinds = () => pc.getTransceivers().map(t => t.receiver.track.kind + ' ' + t.currentDirection).join(', ');
  await pc.setLocalDescription();
  const answer = await fetch(url, {method: 'POST', headers: {'Content-Type': 'application/sdp', 'Authorization': 'Bearer ' + token,
    'Throughline-Role': 'customer', 'Throughline-Call': 'from-a-browser'}, body: pc.localDescription.sdp});
  if (answer.status !== 201) throw new Error(answer.status + ' ' + await answer.text());
  await pc.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  window.speak = async () => {
    const stream = await navigator.mediaDevices.getUserMedia({audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
    await microphone.sender.replaceTrack(stream.getAudioTracks()[0]);
  };
  window.hangUp = async () => {
    window.hungUp = (await fetch(answer.headers.get('Location'), {method: 'DELETE', headers: {'Authorization': 'Bearer ' + token}})).status;
  };
}
const token = '` + token + `';
window.problem = '';
window.hungUp = 0;
window.state = () => 'new';
publish('/v1/whip').catch(e => { window.problem = String(e); });
</script>`

// chromium starts a browser whose microphone plays a file once, or skips the test.
func chromium(t *testing.T, microphone string) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-headless-shell", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium here: install the package chromium to test with a browser")
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(ingesttest.Patience), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.Flag("use-fake-ui-for-media-stream", true), chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-audio-capture", microphone+"%noloop"))...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func ask[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, ingesttest.Patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// TestBrowser: what Chromium hears on its microphone stands on Kafka.
func TestBrowser(t *testing.T) {
	file, err := filepath.Abs(callstest.Data(t, "asr_refs_small", "speechbrain_spk1_snt1.wav"))
	if err != nil {
		t.Fatal(err)
	}
	spoken := callstest.Samples(t, file)
	ctx := chromium(t, file)
	l := newLab(t, webrtc.Config{}, calls.Config{})
	l.mux.HandleFunc("GET /publisher", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(page))
	})
	visit, cancel := context.WithTimeout(ctx, ingesttest.Patience)
	defer cancel()
	if err := chromedp.Do(visit, chromedp.Navigate(l.url+"/publisher")); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(ingesttest.Patience); ask[string](t, ctx, "window.state()") != "connected"; time.Sleep(100 * time.Millisecond) {
		if p := ask[string](t, ctx, "window.problem"); p != "" || time.Now().After(limit) {
			t.Fatalf("state %s, problem %q", ask[string](t, ctx, "window.state()"), p)
		}
	}
	if kinds := ask[string](t, ctx, "window.kinds()"); !strings.Contains(kinds, "audio sendonly") || strings.Contains(kinds, "video sendonly") {
		t.Errorf("transceivers are %s", kinds)
	}
	ask[bool](t, ctx, "window.speak().catch(e => { window.problem = String(e); }), true")
	length := time.Duration(len(spoken)) * time.Second / 16000
	time.Sleep(length + 3*time.Second)
	ask[bool](t, ctx, "window.hangUp(), true")
	end := l.one(t, event.Ended, webrtc.ReasonRequest)
	for limit := time.Now().Add(ingesttest.Patience); ask[int](t, ctx, "window.hungUp") != http.StatusOK; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("DELETE: %d", ask[int](t, ctx, "window.hungUp"))
		}
	}
	heard := l.Legs(t, end.Interaction, 16000)[event.Customer]
	if heard == nil {
		t.Fatal("nothing of the customer was stored")
	}
	lag, likeness := alike(loudness(spoken), loudness(heard.Samples))
	t.Logf("%v spoken, %d samples heard, %d chunks; the loudness correlates by %.3f at %d ms; MOS %.2f",
		length, len(heard.Samples), len(heard.Chunks), likeness, 10*lag, *end.Measures.MOS)
	if likeness < 0.95 {
		t.Errorf("what was heard is not what was spoken: correlation %.3f", likeness)
	}
}

// loudness is the square root of the energy of each 10 ms at 16 kHz.
func loudness(pcm []int16) (all []float64) {
	for ; len(pcm) >= 160; pcm = pcm[160:] {
		sum := 0.0
		for _, s := range pcm[:160] {
			sum += float64(s) * float64(s)
		}
		all = append(all, math.Sqrt(sum))
	}
	return all
}

// alike finds the shift at which b is most like a, and their correlation there.
// The beginning of a may be missing in b: a browser's microphone starts before it
// is connected.
func alike(a, b []float64) (lag int, best float64) {
	for d := -len(a) / 2; d < len(b)-len(a)/2; d++ {
		var n, sa, sb, saa, sbb, sab float64
		for i, x := range a {
			if i+d < 0 || i+d >= len(b) {
				continue
			}
			y := b[i+d]
			n, sa, sb, saa, sbb, sab = n+1, sa+x, sb+y, saa+x*x, sbb+y*y, sab+x*y
		}
		if n < float64(len(a))/2 {
			continue
		}
		if r := (n*sab - sa*sb) / math.Sqrt((n*saa-sa*sa)*(n*sbb-sb*sb)); r > best {
			lag, best = d, r
		}
	}
	return lag, best
}
