package rtp

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	dropped *prometheus.CounterVec
	reports prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, p *Ports) *metrics {
	m := &metrics{
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "rtp", Name: "datagrams_dropped_total",
			Help: "Datagrams that were not given to a leg, by why."}, []string{"why"}),
		reports: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "rtp", Name: "reports_sent_total",
			Help: "RTCP receiver reports sent."}),
	}
	if reg != nil {
		reg.MustRegister(m.dropped, m.reports,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "rtp", Name: "sockets_open",
				Help: "Pairs of ports in use."}, func() float64 { return float64(p.InUse()) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "rtp", Name: "kernel_dropped",
				Help: "Datagrams that the kernel dropped on the sockets open now, because we read too slowly."}, func() float64 {
				n, _ := p.KernelDropped() // not on this system: nothing to show
				return float64(n)
			}))
	}
	return m
}

// KernelDropped is how many datagrams the kernel dropped on the sockets that are
// open now, because they were not read in time. Linux tells it in /proc/net/udp.
func (p *Ports) KernelDropped() (int64, error) {
	p.mu.Lock()
	ours := make(map[uint64]bool, len(p.open))
	for s := range p.open {
		ours[uint64(s.port)] = true
	}
	p.mu.Unlock()
	var total int64
	for _, name := range [...]string{"/proc/net/udp", "/proc/net/udp6"} {
		f, err := os.Open(name)
		if err != nil {
			return 0, fmt.Errorf("kernel drops: %w", err)
		}
		for sc := bufio.NewScanner(f); sc.Scan(); {
			w := strings.Fields(sc.Text())
			if len(w) < 13 {
				continue
			}
			_, port, ok := strings.Cut(w[1], ":")
			n, err := strconv.ParseUint(port, 16, 16)
			if !ok || err != nil || !ours[n] {
				continue
			}
			if drops, err := strconv.ParseInt(w[12], 10, 64); err == nil {
				total += drops
			}
		}
		f.Close()
	}
	return total, nil
}
