package embedded

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// engine is the running ClickHouse of this process: there can be only one, and
// it runs while a session is open.
type engine struct {
	lib   *library
	args  []string
	first *session // keeps the engine running
	guard guard

	version, timezone string

	mu   sync.Mutex
	idle map[sessionKind][]*session
}

// sessionKind tells apart sessions that cannot stand in for each other.
type sessionKind struct {
	role     role
	database string
}

// maxIdle bounds the idle sessions of one kind.
const maxIdle = 8

// startEngine opens the database in dir, creating it if there is none.
func startEngine(libraryPath, dir string, memory int64) (*engine, error) {
	conf := filepath.Join(dir, "engine.xml")
	if err := os.WriteFile(conf, []byte(engineConfig(dir, memory)), 0o600); err != nil {
		return nil, fmt.Errorf("configure engine: %w", err)
	}
	lib, err := openLibrary(libraryPath)
	if err != nil {
		return nil, err
	}
	e := &engine{
		lib:  lib,
		args: []string{"--path=" + filepath.Join(dir, "data"), "--config-file=" + conf},
		idle: map[sessionKind][]*session{},
	}
	if e.first, err = e.open(); err != nil {
		return nil, err
	}
	if e.guard, err = newGuard(e.first); err != nil {
		return nil, err
	}
	if e.version, err = e.first.text("SELECT version()"); err != nil {
		return nil, fmt.Errorf("ask version: %w", err)
	}
	if e.timezone, err = e.first.text("SELECT timezone()"); err != nil {
		return nil, fmt.Errorf("ask timezone: %w", err)
	}
	return e, nil
}

// engineConfig is the server configuration. Every insert is on the disk before
// it is acknowledged; caches and pools are sized for a machine that does other
// work as well.
func engineConfig(dir string, memory int64) string {
	var path strings.Builder
	// A strings.Builder takes every write.
	_ = xml.EscapeText(&path, []byte(dir))
	return fmt.Sprintf(`<clickhouse>
  <tmp_path>%s/tmp/</tmp_path>
  <user_files_path>%s/files/</user_files_path>
  <merge_tree>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
  </merge_tree>
  <max_server_memory_usage>%d</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <max_thread_pool_free_size>16</max_thread_pool_free_size>
</clickhouse>
`, path.String(), path.String(), memory)
}

func (e *engine) open() (*session, error) {
	conn, err := e.lib.connection(e.args)
	if err != nil {
		return nil, err
	}
	s := &session{lib: e.lib, conn: conn, tag: "session:" + rand.Text()}
	if err := s.exec("SET log_comment=" + sqlString(s.tag)); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// setting is one key=value of a request.
type setting struct{ name, value string }

// with runs use on a session of the role in the database, with the settings.
// A reader's session is locked by readonly=1, which cannot be taken back, so one
// with settings of its own serves once.
func (e *engine) with(kind sessionKind, settings []setting, use func(*session) (keep bool)) error {
	s, err := e.take(kind, kind.role == roleReader && len(settings) > 0)
	if err != nil {
		return err
	}
	if err := s.prepare(kind.role, settings); err != nil {
		s.close()
		return err
	}
	keep := use(s)
	switch {
	case !keep || kind.role == roleReader && len(settings) > 0:
		s.close()
	case s.reset(settings) != nil:
		s.close()
	default:
		e.put(kind, s)
	}
	return nil
}

func (e *engine) take(kind sessionKind, fresh bool) (*session, error) {
	e.mu.Lock()
	if idle := e.idle[kind]; !fresh && len(idle) > 0 {
		s := idle[len(idle)-1]
		e.idle[kind] = idle[:len(idle)-1]
		e.mu.Unlock()
		return s, nil
	}
	e.mu.Unlock()
	s, err := e.open()
	if err != nil {
		return nil, err
	}
	if kind.database != "" {
		if err := s.exec("USE " + sqlName(kind.database)); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// readerLimits are the reader's default limits.
const readerLimits = "SET max_execution_time=60, max_memory_usage=536870912, max_threads=2, allow_introspection_functions=0"

func (s *session) prepare(r role, settings []setting) error {
	if r == roleReader {
		if s.locked {
			return nil
		}
		if err := s.exec(readerLimits); err != nil {
			return err
		}
	}
	if err := s.set(settings, func(set setting) string { return sqlString(set.value) }); err != nil {
		return err
	}
	if r == roleReader {
		s.locked = true
		return s.exec("SET readonly=1")
	}
	return nil
}

func (s *session) reset(settings []setting) error {
	return s.set(settings, func(setting) string { return "DEFAULT" })
}

// set gives all settings in one statement, since each costs what a small query does.
func (s *session) set(settings []setting, value func(setting) string) error {
	if len(settings) == 0 {
		return nil
	}
	list := make([]string, len(settings))
	for i, set := range settings {
		list[i] = set.name + "=" + value(set)
	}
	return s.exec("SET " + strings.Join(list, ", "))
}

func (e *engine) put(kind sessionKind, s *session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.idle == nil || len(e.idle[kind]) >= maxIdle || len(e.idle) > 64 {
		s.close()
		return
	}
	e.idle[kind] = append(e.idle[kind], s)
}

// killWhenDone kills what the session runs once the context is done, again and
// again because a statement may not have begun yet. The returned function ends
// the watch; only then may the session serve somebody else.
func (e *engine) killWhenDone(ctx context.Context, s *session) (stop func()) {
	finished := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-finished:
			return
		case <-ctx.Done():
		}
		for {
			e.kill(s.tag)
			select {
			case <-finished:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	return func() {
		close(finished)
		watch.Wait()
	}
}

// kill ends the statement with the tag, if one runs. Its own failure has no
// reader: the statement then runs to its end.
func (e *engine) kill(tag string) {
	s, err := e.take(sessionKind{role: roleWriter}, false)
	if err != nil {
		return
	}
	_ = s.exec("KILL QUERY WHERE Settings['log_comment']=" + sqlString(tag) + " ASYNC")
	e.put(sessionKind{role: roleWriter}, s)
}

// close stops the engine once every statement has ended.
func (e *engine) close() {
	e.mu.Lock()
	for _, sessions := range e.idle {
		for _, s := range sessions {
			s.close()
		}
	}
	e.idle = nil
	e.mu.Unlock()
	e.first.close()
	// With its last session the engine has closed its tables. That some of its
	// threads may linger, which is all the result tells, is no matter to a
	// process that ends now, and what was acknowledged is on the disk.
	_ = e.lib.shutdown()
}
