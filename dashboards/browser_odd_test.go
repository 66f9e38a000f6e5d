package dashboards_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"throughline/dashboards"
	"throughline/event"
	"throughline/problem"
)

// oddities are what people write and are called where a screen breaks first.
func oddities(now time.Time) []event.Message {
	var all []event.Message
	for n, o := range []struct {
		name, handle, text string
		channel            event.Channel
		scored             bool
	}{
		{"Wolfgang Amadeus Theophilus Bartholomäus von und zu Hohenlohe-Schillingsfürst", "w…@example.com", "Dear all,\n\nit has not come.\n\nKind regards", event.Email, true},
		{"محمد عبد الله", "+972…02", "مرحبا، أين طلبي رقم 4839201؟ لم يصل.", event.WhatsApp, false},
		{"", "…", "[CARD] 注文番号の商品がまだ届いていません", event.WebChat, true},
	} {
		t := event.Turn{ID: fmt.Sprint("t_odd_", n), Tenant: "default", Customer: fmt.Sprint("c_odd_", n), Interaction: fmt.Sprint("i_odd_", n), Channel: o.channel,
			Role: event.Customer, Kind: event.Text, At: now, Received: now, Text: o.text}
		f := event.Features{ID: "f" + t.ID, Model: "scene", Turn: t}
		if o.scored {
			f.Sentiment = &event.Sentiment{Score: -0.8, Magnitude: 0.9}
		}
		all = append(all, event.Interactions().Message(event.Interaction{ID: "x" + t.ID, Tenant: "default", Customer: t.Customer, Interaction: t.Interaction, Channel: o.channel,
			Change: event.Started, At: now, Received: now, Handle: o.handle, Name: o.name, Direction: "inbound"}), event.AnalysedTurns().Message(f))
	}
	for n := range 203 {
		all = append(all, event.Alerts().Message(event.Alert{ID: fmt.Sprint("a_odd_", n), Tenant: "default", Customer: "c_odd_0", Journey: "j_odd_0", Interaction: "i_odd_0", Channel: event.Email,
			At: now, Severity: event.Warning, Title: "Very negative words on email", Action: "alert", Rule: event.Rule{Name: "very_negative", Version: "1"}}))
	}
	return all
}

// TestScreenOddities shows what other people than the scene's write, in small
// windows, by keyboard, at addresses that are none, and to whom it is not for.
func TestScreenOddities(t *testing.T) {
	ctx := browse(t, 1440, 900)
	h := open(t)
	var refusal atomic.Int32
	var noSockets atomic.Bool
	s := h.serve(t, "", func(_ *dashboards.HubConfig, c *dashboards.Config) {
		c.Access = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				status := int(refusal.Load())
				switch {
				case noSockets.Load() && r.URL.Path == "/v1/ws":
					problem.Write(w, problem.New(http.StatusForbidden, "the proxy lets no WebSocket through"))
				case status == 0:
					next.ServeHTTP(w, r)
				case status == http.StatusUnauthorized && r.URL.Path == "/":
					_, _ = w.Write([]byte(`<!doctype html><title>token, please</title>`))
				default:
					problem.Write(w, problem.New(status, "not for you"))
				}
			})
		}
	})
	h.publish(t, oddities(time.Now().UTC())...)

	do(t, ctx, "an address that is cut off opens the list",
		chromedp.Navigate(s.URL+"/#/i/%E0%A4%A"), until(`document.querySelectorAll('.row').length === 3`), until(`document.querySelector('.state').dataset.state === 'live'`))
	do(t, ctx, "texts run their own way",
		until(`getComputedStyle(document.querySelector('[data-id="i_odd_1"] .words')).direction === 'rtl'`),
		until(`getComputedStyle(document.querySelector('[data-id="i_odd_1"] .name')).direction === 'rtl'`))
	do(t, ctx, "no feeling is drawn where none was measured", until(`document.querySelector('[data-id="i_odd_1"] .spark-end').getAttribute('visibility') === 'hidden'`),
		until(`document.querySelector('[data-id="i_odd_0"] .spark-end').getAttribute('visibility') === 'visible'`))
	do(t, ctx, "nobody is called …", until(`document.querySelector('[data-id="i_odd_2"] .name').textContent === 'Unknown customer'`))
	do(t, ctx, "all alerts are counted", until(`document.querySelector('.alerts .count').textContent === '203, the newest 200 here'`),
		until(`document.querySelector('.figure-alerts').ariaLabel === 'Open alerts: 203'`))

	do(t, ctx, "what moves all day long is not painted anew for each frame",
		until(`(ever => ever.length > 0 && ever.every(a => a.effect.getKeyframes().every(k => 'opacity' in k)))(document.getAnimations().filter(a => a.effect.getTiming().iterations === Infinity))`))
	do(t, ctx, "a row is opened by keyboard", chromedp.Focus(`.scroller`), chromedp.KeyEvent(kb.End), chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.Enter),
		until(`document.querySelectorAll('.turn').length === 1`))
	do(t, ctx, "lines of a mail stay lines", js(`location.hash = '#/i/i_odd_0'`), until(`document.querySelector('[data-turn="t_odd_0"] .words-said')?.innerText.split('\n').length === 5`))
	do(t, ctx, "one snapshot was enough", until(`performance.getEntriesByType('resource').filter(e => e.name.includes('/v1/interactions?')).length === 1`))
	do(t, ctx, "a mark of the curve stays under the pointer", js(`window.mark = document.querySelector('.chart-mark'); window.drawn = document.querySelector('.detail-who p').textContent`),
		until(`document.querySelector('.detail-who p').textContent !== drawn`), until(`mark.isConnected`)) // the time has grown, so the pane was drawn anew
	do(t, ctx, "in a small window there is room to read", chromedp.EmulateViewport(683, 384), until(`innerHeight === 384`),
		until(`document.querySelector('.conversation').clientHeight >= 150 && document.querySelector('.detail').scrollHeight > document.querySelector('.detail').clientHeight`),
		until(`[...document.querySelectorAll('.figure')].every(e => e.scrollWidth <= e.clientWidth + 1)`))
	do(t, ctx, "alerts lie over the rest until Escape", js(`document.querySelector('.figure-alerts').click()`), until(`document.querySelector('#app.show-alerts .alerts').offsetWidth > 0`),
		chromedp.KeyEvent(kb.Escape), until(`!document.querySelector('#app.show-alerts') && document.querySelector('.detail').offsetWidth > 0`))
	do(t, ctx, "an interaction that is none shows nobody", js(`location.hash = '#/i/none'`), until(`document.querySelector('.conversation').textContent.includes('cannot be shown')`),
		until(`document.querySelector('.detail h2').textContent + document.querySelector('.advice').textContent === ''`))
	do(t, ctx, "what covers the list has the keys, and gives them back", until(`document.activeElement === document.querySelector('.detail')`),
		chromedp.KeyEvent(kb.Escape), until(`document.activeElement === document.querySelector('.scroller')`))

	for n := range 4 { // over HTTP/1.1 a browser keeps six connections to a server, and each of these tabs follows two streams
		tab, cancel := chromedp.NewContext(ctx)
		t.Cleanup(cancel)
		do(t, tab, fmt.Sprint("a further tab is live, ", n+1), chromedp.Navigate(s.URL+"/#/i/i_odd_0"), until(`document.querySelector('.state')?.dataset.state === 'live'`),
			until(`document.querySelectorAll('.turn').length === 1`))
	}

	noSockets.Store(true)
	do(t, ctx, "where no WebSocket comes through it goes on", js(`window.before = true; location.reload()`), until(`!window.before && document.querySelector('.state')?.dataset.state === 'live'`))

	refusal.Store(http.StatusForbidden)
	do(t, ctx, "it is said that and why somebody may not", until(`document.querySelector('.toast.shown')?.textContent === 'not for you'`))
	refusal.Store(http.StatusUnauthorized)
	do(t, ctx, "a token that is no more is asked for again", until(`document.title === 'token, please'`))
}
