package sink

import (
	"context"
	"crypto/tls"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// DefaultDatabase is where the tables live.
const DefaultDatabase = "throughline"

// Config says which ClickHouse to use.
type Config struct {
	URL      string        `yaml:"url" doc:"ClickHouse over HTTP, http://host:8123 or https://host:8443; empty runs the embedded engine"`
	User     string        `yaml:"user" default:"default" doc:"user that may create tables and insert"`
	Password string        `yaml:"password" secret:"true" doc:"its password"`
	Database string        `yaml:"database" default:"throughline" doc:"database; created when missing"`
	Linger   time.Duration `yaml:"linger" default:"1s" doc:"how long rows wait for company before they are written; those of moments, five times as long"`
}

// Store is a connection to one database. It is safe for concurrent use.
type Store struct {
	conn    driver.Conn
	options clickhouse.Options
	linger  time.Duration
	lacking atomic.Bool // a Migrate of ours has failed, and none has come through since
}

var databaseName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// Check says what is wrong with the settings. It connects to nobody; no url is no
// mistake yet, since the server may be one's own.
func (c Config) Check() error {
	if c.URL != "" {
		if _, err := address(c.URL); err != nil {
			return err
		}
	}
	if c.Database != "" && !databaseName.MatchString(c.Database) {
		return errors.New("clickhouse config: database may hold letters, digits and _ only")
	}
	return nil
}

func address(server string) (*url.URL, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("clickhouse config: url is not of the form http://host:8123 or https://host:8443")
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, errors.New("clickhouse config: url holds more than scheme, host and port: user, password and database are settings of their own")
	}
	return u, nil
}

// Open connects, without waiting for the server to be there.
func Open(cfg Config) (*Store, error) {
	u, err := address(cfg.URL)
	if err != nil {
		return nil, err
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Database == "" {
		cfg.Database = DefaultDatabase
	}
	if cfg.Linger == 0 {
		cfg.Linger = time.Second
	}
	opts := clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: []string{u.Host},
		Auth:         clickhouse.Auth{Username: cfg.User, Password: cfg.Password, Database: cfg.Database},
		Compression:  &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
		DialTimeout:  5 * time.Second,
		ReadTimeout:  2 * time.Minute,
		MaxOpenConns: 24, MaxIdleConns: 12, ConnMaxLifetime: time.Hour,
	}
	if u.Scheme == "https" {
		opts.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	conn, err := clickhouse.Open(&opts)
	if err != nil {
		return nil, fmt.Errorf("clickhouse connect: %w", err)
	}
	return &Store{conn: conn, options: opts, linger: cfg.Linger}, nil
}

// Close lets go of the connections.
func (s *Store) Close() error { return s.conn.Close() }

// Ready tells whether the server answers, and that no Migrate of ours has failed
// since its tables were known to be as this program wants them.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.conn.Ping(ctx); err != nil {
		return fmt.Errorf("clickhouse ping: %w", err)
	}
	if s.lacking.Load() {
		return errors.New("clickhouse schema: the tables could not be made or brought up")
	}
	return nil
}

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema up to this program's. Each numbered file is applied
// once and noted; a step that fails half-way is repeated whole, so its
// statements are made to bear that.
func (s *Store) Migrate(ctx context.Context) (err error) {
	defer func() { s.lacking.Store(err != nil) }()
	if err := s.createDatabase(ctx); err != nil {
		return fmt.Errorf("clickhouse schema: %w", err)
	}
	if err := s.conn.Exec(ctx, `CREATE TABLE IF NOT EXISTS migrations (
			number UInt32 COMMENT 'Number of the file', name String COMMENT 'Its name',
			applied DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was applied'
		) ENGINE = ReplacingMergeTree ORDER BY number COMMENT 'Schema changes that were applied'`); err != nil {
		return fmt.Errorf("clickhouse schema: %w", err)
	}
	var done uint32
	if err := s.conn.QueryRow(ctx, "SELECT max(number) FROM migrations").Scan(&done); err != nil {
		return fmt.Errorf("clickhouse schema: %w", err)
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(files)
	last := uint32(0)
	for _, f := range files {
		name := strings.TrimPrefix(f, "migrations/")
		n, err := strconv.ParseUint(name[:4], 10, 32)
		if err != nil {
			return fmt.Errorf("migration %s: name does not begin with four digits", name)
		}
		last = uint32(n)
		if last <= done {
			continue
		}
		if err := s.apply(ctx, f); err != nil {
			return fmt.Errorf("migration %s: %w", name, err)
		}
		if err := s.conn.Exec(ctx, "INSERT INTO migrations (number, name) VALUES (?, ?)", last, name); err != nil {
			return fmt.Errorf("migration %s: %w", name, err)
		}
	}
	if done > last {
		return fmt.Errorf("clickhouse schema is at %d and this program knows %d: use the newer program", done, last)
	}
	return nil
}

// createDatabase needs a connection of its own: one to a database that is not
// there yet cannot be opened.
func (s *Store) createDatabase(ctx context.Context) error {
	opts := s.options
	opts.Auth.Database = "default"
	conn, err := clickhouse.Open(&opts)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+s.options.Auth.Database)
}

var created = regexp.MustCompile(`(?m)^CREATE (TABLE|VIEW) (\w+)`)

func (s *Store) apply(ctx context.Context, file string) error {
	sql, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	for _, q := range strings.Split(string(sql), ";\n") {
		q = created.ReplaceAllString(q, "CREATE $1 IF NOT EXISTS $2")
		if strings.TrimSpace(q) == "" {
			continue
		}
		if err := s.conn.Exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}
