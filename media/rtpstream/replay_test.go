package rtpstream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"throughline/media"
	"throughline/media/codec"
	"throughline/media/decode"
	"throughline/media/pcap"
)

// dataDir finds the folder of shared data sets, beside the repository or named by the environment.
func dataDir(t testing.TB) string {
	t.Helper()
	if d := os.Getenv("THROUGHLINE_DATA"); d != "" {
		return d
	}
	for dir := ".."; len(dir) < 40; dir = filepath.Join(dir, "..") {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			d := filepath.Join(dir, "..", "shared", "data")
			if _, err := os.Stat(d); err != nil {
				t.Skip("no ../shared/data beside the repository; set THROUGHLINE_DATA")
			}
			return d
		}
	}
	t.Fatal("no go.mod above the test")
	return ""
}

// tsharkStream is a line of STREAMS.txt: what tshark -z rtp,streams says about a stream.
type tsharkStream struct {
	file          string
	ssrc          uint32
	sport, dport  string
	codec         string
	packets, lost int64
	clockKnown    bool    // whether tshark could tell jitter
	meanJitter    float64 // ms
	maxJitter     float64
}

func readStreams(t *testing.T, path string) []tsharkStream {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no capture figures: %v", err)
	}
	defer f.Close()
	var all []tsharkStream
	file := ""
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line := sc.Text()
		if name, ok := strings.CutPrefix(line, "## "); ok {
			file = name
			continue
		}
		// The codec column may hold "g711A, telephone-event".
		w := strings.Fields(strings.ReplaceAll(line, ", ", ","))
		if file == "" || len(w) < 16 || !strings.HasPrefix(w[6], "0x") {
			continue
		}
		var s tsharkStream
		s.file, s.sport, s.dport, s.codec = file, w[3], w[5], w[7]
		ssrc, err1 := strconv.ParseUint(w[6], 0, 32)
		var err2, err3 error
		s.packets, err2 = strconv.ParseInt(w[8], 10, 64)
		s.lost, err3 = strconv.ParseInt(w[9], 10, 64)
		_, err4 := strconv.ParseFloat(w[0], 64)
		_, err5 := strconv.ParseFloat(w[1], 64)
		n := len(w)
		if w[n-1] == "X" {
			n--
		}
		least, err6 := strconv.ParseFloat(w[n-3], 64)
		mean, err7 := strconv.ParseFloat(w[n-2], 64)
		top, err8 := strconv.ParseFloat(w[n-1], 64)
		if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8); err != nil {
			t.Fatalf("STREAMS.txt: %q: %v", line, err)
		}
		s.ssrc, s.clockKnown, s.meanJitter, s.maxJitter = uint32(ssrc), least >= 0, mean, top
		all = append(all, s)
	}
	return all
}

// rtpmaps holds what the SDP of each capture said about dynamic payload types. sip-rtp-l16.pcap
// holds four calls that give the type 99 a new meaning each.
func rtpmaps(file string, ssrc uint32) map[uint8]string {
	switch filepath.Base(file) {
	case "sip-rtp-opus.pcap", "sip-rtp-opus-hybrid.pcap":
		return map[uint8]string{99: "opus/48000/2", 101: "telephone-event/8000"}
	case "sip-rtp-l16.pcap":
		return map[uint8]string{101: "telephone-event/8000", 99: map[uint32]string{
			0x043da974: "L16/8000/2", 0x043ffa0c: "L16/16000/2", 0x043da985: "L16/11025", 0x043ffa21: "L16/48000",
		}[ssrc]}
	case "sip-rtp-speex.pcap":
		return map[uint8]string{101: "telephone-event/8000", 99: map[uint32]string{
			0x043eee26: "speex/8000", 0x04413ebf: "speex/16000", 0x043eee37: "speex/32000",
		}[ssrc]}
	case "SIP_DTMF2.cap", "sipp_dtmf_2833_1.pcap":
		return map[uint8]string{96: "telephone-event/8000", 101: "telephone-event/8000"}
	}
	return map[uint8]string{124: "opus/48000/2", 101: "telephone-event/8000"}
}

func formats(t testing.TB, maps map[uint8]string) codec.PayloadTypes {
	t.Helper()
	p := codec.StaticPayloadTypes()
	for pt, name := range maps {
		f, err := codec.ParseRTPMap(name)
		if err != nil {
			t.Fatalf("rtpmap %d %q: %v", pt, name, err)
		}
		if err := p.Set(pt, f); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func openStreams(t testing.TB, path string) []pcap.Stream {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcap.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	streams, err := pcap.Streams(r, 2)
	if err != nil {
		t.Fatal(err)
	}
	return streams
}

// monotonic checks that frames follow each other without overlap or unmarked holes.
type monotonic struct {
	t    *testing.T
	next media.FrameWriter
	end  time.Duration
}

func (m *monotonic) String() string { return "checked → " + m.next.String() }

func (m *monotonic) WriteFrame(f *media.Frame) error {
	clock := f.Format.ClockRate
	begin := f.Offset - media.TicksDuration(f.Gap.Ticks, clock)
	if d := begin - m.end; f.Ticks <= 0 || f.Gap.Ticks < 0 || d < -time.Microsecond || d > time.Microsecond {
		m.t.Errorf("frame at %v with a gap of %d ticks does not follow %v", f.Offset, f.Gap.Ticks, m.end)
	}
	m.end = f.Offset + media.TicksDuration(int64(f.Ticks), clock)
	return m.next.WriteFrame(f)
}

// TestReplayAgainstTshark replays every stream of the captures packet for packet and compares with
// what tshark says of it. Tolerances: packets and losses agree exactly; mean and greatest jitter
// within 0.2 ms or 5 %, where tshark knew the clock and only audio was sent; media time is the span
// of the timestamps, and decoded audio as long as media time, each within 1 ms.
func TestReplayAgainstTshark(t *testing.T) {
	dir := filepath.Join(dataDir(t), "rtp_captures")
	all := readStreams(t, filepath.Join(dir, "STREAMS.txt"))
	if len(all) == 0 {
		t.Fatal("STREAMS.txt holds no stream")
	}
	captures := map[string][]pcap.Stream{}
	for _, want := range all {
		if captures[want.file] == nil {
			captures[want.file] = openStreams(t, filepath.Join(dir, want.file))
		}
		t.Run(fmt.Sprintf("%s/%08x", want.file, want.ssrc), func(t *testing.T) {
			for _, s := range captures[want.file] {
				if s.Key.SSRC == want.ssrc && fmt.Sprint(s.Key.Src.Port()) == want.sport && fmt.Sprint(s.Key.Dst.Port()) == want.dport {
					replay(t, want, s)
					return
				}
			}
			t.Fatal("the stream is not in the capture")
		})
	}
}

func replay(t *testing.T, want tsharkStream, s pcap.Stream) {
	pcm := &media.Samples{SampleRate: 16000, Limit: time.Hour}
	decoder, err := decode.New(decode.Config{}, pcm)
	if err != nil {
		t.Fatal(err)
	}
	chunker := media.NewChunker(0, decoder)
	r := NewReceiver(Config{Formats: formats(t, rtpmaps(want.file, want.ssrc))}, &monotonic{t: t, next: chunker})
	var sum float64
	for _, p := range s.Packets {
		if err := r.Receive(p.Data, p.Time); err != nil {
			t.Fatal(err)
		}
		sum += r.Source().Jitter().Seconds() * 1e3
	}
	if err := errors.Join(r.Flush(), chunker.Close(), decoder.Close()); err != nil {
		t.Fatal(err)
	}
	st := r.Stats()
	meanJitter, maxJitter := sum/float64(len(s.Packets)-1), st.MaxJitter.Seconds()*1e3
	t.Logf("%+v", st)
	score, _ := r.Score(50 * time.Millisecond)
	t.Logf("jitter mean %.3f max %.3f ms; tshark %.3f %.3f; %s; MOS %.2f", meanJitter, maxJitter, want.meanJitter, want.maxJitter, r, score.MOS)

	if st.Packets != want.packets || st.Lost != want.lost {
		t.Errorf("packets %d, lost %d; tshark has %d, %d", st.Packets, st.Lost, want.packets, want.lost)
	}
	if st.Malformed != 0 || st.Foreign != 0 {
		t.Errorf("malformed %d, foreign %d", st.Malformed, st.Foreign)
	}
	if want.clockKnown && !strings.Contains(want.codec, "event") {
		for _, pair := range [][2]float64{{meanJitter, want.meanJitter}, {maxJitter, want.maxJitter}} {
			if math.Abs(pair[0]-pair[1]) > max(0.2, pair[1]*0.05) {
				t.Errorf("jitter %.3f ms, tshark has %.3f", pair[0], pair[1])
			}
		}
	}
	if st.Frames == 0 {
		return // a codec that is ordered and measured, but not decoded
	}
	if d := st.End - mediaSpan(t, s, formats(t, rtpmaps(want.file, want.ssrc))); d < -time.Millisecond || d > time.Millisecond {
		t.Errorf("media lasts %v, its timestamps say %v less", st.End, d)
	}
	if d := st.Heard + st.LostTime + st.SilentTime + st.OtherGaps - st.End; d < -time.Millisecond || d > time.Millisecond {
		t.Errorf("the parts of media time differ from the whole by %v", d)
	}
	decoded := media.TicksDuration(int64(len(pcm.PCM)), 16000)
	if d := decoded - st.End; d < -time.Millisecond || d > time.Millisecond {
		t.Errorf("decoded %v of %v media", decoded, st.End)
	}
}

// mediaSpan is the media time that a stream's headers promise: from the first timestamp to the end
// of the packet with the last. None of the captures holds a jump.
func mediaSpan(t *testing.T, s pcap.Stream, formats codec.PayloadTypes) time.Duration {
	var first uint32
	var end int64
	clock := 0
	for _, p := range s.Packets {
		var h rtp.Packet
		if err := h.Unmarshal(p.Data); err != nil {
			t.Fatal(err)
		}
		f := formats[h.PayloadType]
		ticks, err := f.Ticks(h.Payload)
		if err != nil || ticks == 0 {
			continue
		}
		if clock == 0 {
			clock, first = f.ClockRate, h.Timestamp
		}
		end = max(end, int64(int32(h.Timestamp-first))+int64(ticks))
	}
	return media.TicksDuration(end, clock)
}

// TestReplayAsLegs replays everything that a capture sent to one port as one leg, whatever its
// SSRCs and codecs, and once more with every packet cut off somewhere. Frames must follow each
// other, and decoded audio be as long as media time.
func TestReplayAsLegs(t *testing.T) {
	dir := filepath.Join(dataDir(t), "rtp_captures")
	files, err := filepath.Glob(filepath.Join(dir, "*", "*cap*"))
	if err != nil || len(files) == 0 {
		t.Skipf("no captures: %v", err)
	}
	sources := 0
	for _, file := range files {
		legs := map[netip.AddrPort][]pcap.RTP{}
		for _, s := range openStreams(t, file) {
			legs[s.Key.Dst] = append(legs[s.Key.Dst], s.Packets...)
		}
		for port, packets := range legs {
			slices.SortStableFunc(packets, func(a, b pcap.RTP) int { return a.Time.Compare(b.Time) })
			for _, cut := range []bool{false, true} {
				s := replayLeg(t, fmt.Sprint(filepath.Base(file), " to ", port, " cut ", cut), file, packets, cut)
				sources = max(sources, s.Sources)
			}
		}
	}
	if sources < 2 {
		t.Error("no leg changed its SSRC; the captures hold some that do")
	}
}

func replayLeg(t *testing.T, name, file string, packets []pcap.RTP, cut bool) Stats {
	pcm := &media.Samples{SampleRate: 8000, Limit: time.Hour}
	decoder, err := decode.New(decode.Config{}, pcm)
	if err != nil {
		t.Fatal(err)
	}
	chunker := media.NewChunker(0, decoder)
	r := NewReceiver(Config{}, &monotonic{t: t, next: chunker})
	known := uint32(0)
	for i, p := range packets {
		if ssrc := binary.BigEndian.Uint32(p.Data[8:]); ssrc != known {
			known = ssrc
			r.SetFormats(formats(t, rtpmaps(file, ssrc))) // every call of a capture has its own SDP
		}
		data := p.Data
		if cut {
			data = data[:i*7%(len(data)+1)]
		}
		if err := r.Receive(data, p.Time); err != nil && !(cut && errors.Is(err, ErrPacket)) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := errors.Join(r.Flush(), chunker.Close(), decoder.Close()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	s := r.Stats()
	if d := media.TicksDuration(int64(len(pcm.PCM)), 8000) - s.End; s.Frames > 0 && (d < -2*time.Millisecond || d > 2*time.Millisecond) {
		t.Errorf("%s: decoded %v more than media's %v; %+v", name, d, s.End, s)
	}
	return s
}
