package dashboards_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"throughline/event"
)

// screenshots, if set, is the folder that TestScreen writes pictures into.
const screenshots = "THROUGHLINE_SCREENSHOTS"

// browse opens Chromium, or skips the test where there is none.
func browse(t testing.TB, width, height int) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium here: install the package chromium to test the screen")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(width, height), chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(patience), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", false))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	late := time.AfterFunc(2*patience, cancel) // a deadline of the context would end the browser, too
	defer late.Stop()
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return ctx
}

// home is an address that a server can come back to: none of those that the system
// gives to others, for listening and for dialling, while it is away.
func home(t testing.TB) string {
	t.Helper()
	for range 20 {
		addr := fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(18000))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

type step = chromedp.Action[chromedp.Void]

func do(t testing.TB, ctx context.Context, what string, steps ...step) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func js(expression string) step { return chromedp.Evaluate[chromedp.Void](expression) }

// until waits for a JavaScript expression to be true. The page's own policy
// forbids it to wait for texts that are evaluated, so the waiting is done here.
func until(expression string) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for {
			ok, err := chromedp.Evaluate[bool]("Boolean("+expression+")")(ctx, t)
			if ok {
				return nil
			}
			select {
			case <-time.After(30 * time.Millisecond):
			case <-ctx.Done():
				return fmt.Errorf("never true: %s (%w)", expression, errors.Join(ctx.Err(), err))
			}
		}
	})
}

// TestScreen uses the screen as a supervisor does, while events come and the
// server goes away and comes back.
func TestScreen(t *testing.T) {
	ctx := browse(t, 1440, 900)
	h := open(t)
	addr := home(t)
	s := h.serve(t, addr)
	now := time.Now().UTC()

	if os.Getenv(screenshots) != "" {
		do(t, ctx, "size", chromedp.EmulateViewport(1440, 900))
	}
	do(t, ctx, "an empty house tells what to do",
		chromedp.Navigate(s.URL), until(`document.querySelector('.state').dataset.state === 'live'`),
		until(`document.querySelector('.empty').innerText.includes('throughline demo')`))

	shoot(t, ctx, "empty.png")
	if os.Getenv(screenshots) != "" {
		do(t, ctx, "dark", js(`document.documentElement.dataset.theme = 'dark'`))
	}
	h.publish(t, messages(now)...)
	do(t, ctx, "the interactions appear",
		until(fmt.Sprintf(`document.querySelectorAll('.row').length === %d`, len(scene()))),
		until(`document.querySelectorAll('.card').length === 3`),
		until(`document.querySelector('[data-id="i_scene_0"] .value').textContent.startsWith('−')`),
		until(`document.querySelector('.figures-line b').textContent === '12'`))

	do(t, ctx, "one is opened by keyboard",
		chromedp.Focus(`.scroller`),
		js(`location.hash = '#/i/i_scene_0'`),
		until(`document.querySelectorAll('.turn').length === 6`),
		until(`document.querySelector('.pill').textContent.includes('card number')`),
		until(`['intent', 'emotion', 'category'].every(kind => document.querySelector('[data-turn="t_scene_0_4"] .tag.' + kind))`),
		until(`document.querySelectorAll('[data-turn="t_scene_0_4"] .tag.intent').length === 3`),
		until(`document.querySelector('.tag.category').textContent === 'Asked again'`),
		until(`document.querySelector('.strip.suggestion').textContent.includes('Release the refund')`),
		until(`document.querySelector('.strip[data-severity="info"]').textContent.includes('queue refunds, priority 80')`),
		until(`document.querySelector('.tabs').textContent.includes('3 interactions')`))

	first := scene()[0]
	last := len(first.lines) - 1
	growing := first.turn(0, last, now.Add(-first.ago))
	growing.Turn.Text = "I have heard that twice now, I want"
	growing.Turn.Stable = 20
	h.publish(t, event.Message{Topic: event.PartialTurns().Spec, Key: growing.Turn.Customer, Value: growing.Turn})
	do(t, ctx, "a transcript grows", until(`document.querySelector('.turn.partial')?.textContent.includes('I have heard that twice')`))

	h.publish(t, event.AnalysedTurns().Message(first.turn(0, last, now.Add(-first.ago))), fall(now))
	do(t, ctx, "a turn and an alert appear live",
		until(`document.querySelectorAll('.turn:not(.partial)').length === 7 && !document.querySelector('.turn.partial')`),
		until(`document.querySelectorAll('.card')[0].dataset.severity === 'critical'`),
		until(`document.querySelector('[data-id="i_scene_0"] .badge').dataset.severity === 'critical'`),
		until(`document.querySelector('.figures-line b.value').textContent.startsWith('−')`))
	shoot(t, ctx, "live.png")

	do(t, ctx, "the journey is told",
		chromedp.Click(`.tab:nth-child(2)`), until(`document.querySelectorAll('.step').length === 3`),
		until(`document.querySelector('[data-score="effort"] .value').textContent === '71'`),
		until(`document.querySelector('[data-score="churn"] .value').textContent === '–'`),
		until(`document.querySelector('[data-score="satisfaction"] .because').textContent.includes('sentiment last third')`))
	shoot(t, ctx, "journey.png")
	do(t, ctx, "the summary is told with what proves it",
		chromedp.Click(`.tab:nth-child(3)`), until(`document.querySelectorAll('.summary-sentence').length >= 4`),
		until(`document.querySelector('.summary-part h3').textContent === 'Why the customer came'`),
		until(`document.querySelector('[data-proof="t_scene_0_6"]').textContent.includes('Not settled')`),
		until(`document.querySelector('.summary-maker').textContent.startsWith('Sentences of the conversation itself')`))
	shoot(t, ctx, "summary.png")
	do(t, ctx, "a sentence leads to its turn",
		chromedp.Click(`[data-proof="t_scene_0_0"]`), until(`document.querySelector('[data-turn="t_scene_0_0"].revealed') && !document.querySelector('.conversation').hidden`))
	do(t, ctx, "patterns are told with their tests, and lead to conversations",
		chromedp.Click(`.patterns-link`), until(`document.querySelectorAll('.finding').length === 3`),
		until(`document.querySelector('.finding-title').textContent.includes('Refund not received became more frequent in Returns')`))
	shoot(t, ctx, "patterns.png")
	do(t, ctx, "an example opens its conversation",
		chromedp.Click(`.finding .example`), until(`location.hash === '#/i/i_scene_0'`),
		until(`document.querySelectorAll('.turn:not(.partial)').length === 7`), until(`document.querySelector('.patterns').hidden`))
	do(t, ctx, "an alert is acknowledged and a suggestion rated",
		chromedp.Click(`.tab:nth-child(1)`),
		chromedp.Click(`.card[data-severity="critical"] .ack`),
		until(`!document.querySelector('.card[data-severity="critical"]')`),
		chromedp.Click(`[aria-label="Useful"]`),
		until(`document.querySelector('.thanks') !== null`))

	s.stop()
	do(t, ctx, "the break is shown", until(`document.querySelector('.state').dataset.state !== 'live'`))
	for k := range 5 { // said while nobody could tell the screen
		f := first.turn(0, last, now)
		f.ID, f.Turn.ID, f.Turn.Text = fmt.Sprint("f_gap_", k), fmt.Sprint("t_gap_", k), fmt.Sprint("said in the gap, ", k)
		h.publish(t, event.AnalysedTurns().Message(f))
	}
	s = h.serve(t, addr)
	do(t, ctx, "the screen goes on without a gap",
		until(`document.querySelector('.state').dataset.state === 'live'`),
		until(`document.querySelectorAll('.turn').length === 12`),
		until(`[0,1,2,3,4].every(k => document.querySelector('[data-turn="t_gap_' + k + '"]'))`))
	do(t, ctx, "nothing is shown twice", until(`document.querySelectorAll('[data-turn]').length === 12`))
	do(t, ctx, "on a telephone nothing is cut off", chromedp.EmulateViewport(390, 844), js(`location.hash = '#/'`),
		until(`innerWidth === 390 && document.querySelector('.row .value')`),
		until(`[...document.querySelectorAll('.topbar > *, .filters > *, .row > *')].every(e => e.getBoundingClientRect().right <= innerWidth)`))
	if os.Getenv(screenshots) != "" {
		do(t, ctx, "size", chromedp.EmulateViewport(1440, 900), js(`history.back()`))
		looks(t, ctx, s.URL)
	}
}

// looks takes pictures of the screen in other sizes and colours.
func looks(t *testing.T, ctx context.Context, url string) {
	light := js(`document.documentElement.dataset.theme = 'light'`)
	dark := js(`document.documentElement.dataset.theme = 'dark'`)
	do(t, ctx, "light", light)
	shoot(t, ctx, "light.png")
	do(t, ctx, "list alone", js(`location.hash = '#/'`), chromedp.Sleep(500*time.Millisecond))
	shoot(t, ctx, "list-light.png")
	do(t, ctx, "dark", dark)
	shoot(t, ctx, "list.png")
	do(t, ctx, "narrow", chromedp.EmulateViewport(800, 900), chromedp.Sleep(500*time.Millisecond))
	shoot(t, ctx, "narrow.png")
	do(t, ctx, "narrow, opened", js(`location.hash = '#/i/i_scene_0'`), chromedp.Sleep(500*time.Millisecond))
	shoot(t, ctx, "narrow-open.png")
	do(t, ctx, "empty", chromedp.EmulateViewport(1440, 900), js(`location.hash = '#/'`), chromedp.SetValue(`.search input`, "zzz"),
		js(`document.querySelector('.search input').dispatchEvent(new Event('input'))`), chromedp.Sleep(300*time.Millisecond))
	shoot(t, ctx, "nothing.png")
}

func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv(screenshots)
	if dir == "" {
		return
	}
	do(t, ctx, "stillness", chromedp.Sleep(900*time.Millisecond))
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkScreen shows 1,000 open interactions that 200 turns a second belong
// to, and measures the time between frames, which is what an eye notices.
func BenchmarkScreen(b *testing.B) {
	ctx := browse(b, 1440, 900)
	h := open(b)
	s := h.serve(b, "")
	const open, rate = 1000, 200
	var msgs []event.Message
	for n := range open {
		c := change(n, event.Started)
		c.Name = fmt.Sprint("Customer ", n)
		msgs = append(msgs, event.Interactions().Message(c))
	}
	h.publish(b, msgs...)
	do(b, ctx, "1,000 interactions", chromedp.Navigate(s.URL), until(`document.querySelector('.figures-line b').textContent === '1000'`),
		js(`window.gaps = []; let last = performance.now(); (function frame(now) { gaps.push(now - last); last = now; requestAnimationFrame(frame); })(last)`))
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	b.ResetTimer()
	for n := range b.N {
		<-tick.C
		f := analysed(n, float64(n%21)/10-1)
		f.Turn.Interaction, f.Turn.Customer = fmt.Sprint("i", n*7%open), fmt.Sprint("c", n*7%open)
		h.publish(b, event.AnalysedTurns().Message(f))
	}
	b.StopTimer()
	figure := func(expression string) float64 {
		v, err := chromedp.Run(ctx, chromedp.Evaluate[float64](expression))
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
	b.ReportMetric(figure(`gaps.slice(2).sort((a, b) => a - b)[Math.floor((gaps.length - 2) / 2)] ?? 0`), "ms-frame-p50")
	b.ReportMetric(figure(`gaps.slice(2).sort((a, b) => a - b)[Math.floor((gaps.length - 2) * .99)] ?? 0`), "ms-frame-p99")
	b.ReportMetric(figure(`document.querySelectorAll('.row').length`), "rows")
	b.ReportMetric(0, "ns/op")
}
