package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	brokers "throughline/bus/embedded"
)

// check says what is wrong with the settings of what is opened only when the
// house runs: broker, store, doors. It opens no port and connects to nobody.
func (s *settings) check(roles []string) error {
	checks := []func() error{s.Kafka.Check, s.ClickHouse.Check}
	listens := map[string]string{"http.listen": s.HTTP.Listen}
	if len(s.Kafka.Brokers) == 0 {
		checks = append(checks, s.Kafka.checkOwn)
	}
	if s.ClickHouse.URL == "" && asksStore(roles) {
		checks = append(checks, func() error { return s.ClickHouse.checkOwn(roles) })
		listens["clickhouse.listen"] = s.ClickHouse.Listen
	}
	if slices.Contains(roles, "ingest") {
		v := &s.Voice
		checks = append(checks, s.WebChat.Check, v.SIPREC.Check, func() error { return v.Legs.Check(v.RTP) },
			v.reach, v.WebRTC.Check, v.Twilio.Check, v.AudioHook.Check, v.Recordings.Check)
		if s.WhatsApp.Wanted() {
			checks = append(checks, s.WhatsApp.Check)
		}
		maps.Copy(listens, v.SIPREC.Listens())
		listens["webrtc.listen"] = v.WebRTC.Listen
	}
	var wrong []error
	for _, check := range checks {
		wrong = append(wrong, check())
	}
	for key, addr := range listens {
		wrong = append(wrong, listenable(key, addr))
	}
	wrong = slices.DeleteFunc(wrong, func(err error) bool { return err == nil })
	slices.SortFunc(wrong, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(wrong...)
}

// listenable wants host:port; the name of a host is looked up when it is used.
func listenable(key, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if _, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil {
		return fmt.Errorf("%s is %q: write host:port, such as 127.0.0.1:8080", key, addr)
	}
	return nil
}

// reach wants RTP where SIP is: a controller on another machine would be told to
// send audio to itself, and no call would have any.
func (v *voiceSettings) reach() error {
	if v.RTP.Advertise != "" || !alone(v.RTP.Listen) {
		return nil
	}
	listens := v.SIPREC.Listens()
	for _, key := range slices.Sorted(maps.Keys(listens)) {
		if host, _, err := net.SplitHostPort(listens[key]); err == nil && !alone(host) {
			return fmt.Errorf("%s is %q, which other machines reach, and rtp.listen is %q, which none does: set rtp.listen, too, such as 0.0.0.0", key, listens[key], v.RTP.Listen)
		}
	}
	return nil
}

// alone tells whether a host is this machine for itself.
func alone(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkOwn is about the embedded broker.
func (c *kafkaSettings) checkOwn() error {
	if err := listenable("kafka.listen", c.Listen); err != nil {
		return err
	}
	if err := (brokers.Config{Dir: ".", Listen: c.Listen}).Check(); err != nil {
		return fmt.Errorf("kafka.listen: %w", err)
	}
	return nil
}

// asksStore tells whether one of roles writes to ClickHouse or asks it.
func asksStore(roles []string) bool {
	return slices.ContainsFunc(roles, func(r string) bool { return r == "sink" || r == "dashboards" || r == "patterns" })
}

// checkOwn is about the embedded engine. Nobody but a sink in the same process
// can write to it.
func (c *clickhouseSettings) checkOwn(roles []string) error {
	if !slices.Contains(roles, "sink") {
		return errors.New("clickhouse.url is empty: dashboards and patterns ask what the role sink stores: set it to the ClickHouse that sink writes to, or let this process take sink, too")
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil || c.Reader.Password != "" || host == "localhost" {
		return nil
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && !ip.IsLoopback() {
		return fmt.Errorf("clickhouse.listen is %q, which other machines reach: set clickhouse.reader.password, too", c.Listen)
	}
	return nil
}
