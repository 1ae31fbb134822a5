// Package settings reads the gateway's settings from the environment.
// Names, formats and meaning are those of service/settings.py, which also has the defaults.
package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings are all that the gateway can be told.
type Settings struct {
	DatabaseURL         string
	DatabasePoolSize    int
	DatabaseTimeout     time.Duration
	Upstreams           []Upstream
	UpstreamHosts       []string
	UpstreamTimeout     time.Duration
	UpstreamConnections int
	UpstreamMaxBytes    int64
	RequestTimeout      time.Duration
	ShutdownGrace       time.Duration
	MaxBodyBytes        int64
	MaxWaiting          int
	Threads             int
	BenchRoutes         bool
	Watchlist           string
	LogLevel            slog.Level
}

// Upstream is a source of exchange rates.
type Upstream struct {
	Name string
	URL  *url.URL
}

// Read returns the settings, or an error that names every setting that is missing or wrong.
func Read(lookup func(name string) (string, bool)) (*Settings, error) {
	r := reader{lookup: lookup}
	s := &Settings{
		DatabaseURL:         r.text("DATABASE_URL"),
		DatabasePoolSize:    r.integer("DATABASE_POOL_SIZE", 1),
		DatabaseTimeout:     r.seconds("DATABASE_TIMEOUT_S"),
		Upstreams:           r.upstreams("UPSTREAMS"),
		UpstreamHosts:       r.list("UPSTREAM_HOSTS"),
		UpstreamTimeout:     r.seconds("UPSTREAM_TIMEOUT_S"),
		UpstreamConnections: r.integer("UPSTREAM_CONNECTIONS", 1),
		UpstreamMaxBytes:    int64(r.integer("UPSTREAM_MAX_BYTES", 1)),
		RequestTimeout:      r.seconds("REQUEST_TIMEOUT_S"),
		ShutdownGrace:       r.seconds("SHUTDOWN_GRACE_S"),
		MaxBodyBytes:        int64(r.integer("MAX_BODY_BYTES", 1)),
		MaxWaiting:          r.integer("MAX_WAITING", 0),
		Threads:             r.integer("THREADS", 1),
		BenchRoutes:         r.boolean("BENCH_ROUTES"),
		Watchlist:           r.text("WATCHLIST"),
		LogLevel:            r.level("LOG_LEVEL"),
	}
	for _, upstream := range s.Upstreams {
		if !s.MayAsk(upstream.URL.Hostname(), port(upstream.URL)) {
			r.wrong("UPSTREAMS", "'"+upstream.Name+"' at a host of HOTPATH_UPSTREAM_HOSTS", upstream.URL.Host)
		}
	}
	return s, errors.Join(r.errors...)
}

// MayAsk tells whether an upstream may be there: the allow-list has the host, or the host:port.
func (s *Settings) MayAsk(host, port string) bool {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return slices.Contains(s.UpstreamHosts, host) || slices.Contains(s.UpstreamHosts, host+":"+port)
}

func port(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

// reader collects what is wrong, so that one start tells all of it.
type reader struct {
	lookup func(name string) (string, bool)
	errors []error
}

func (r *reader) wrong(name, expected, came string) {
	r.errors = append(r.errors, fmt.Errorf("HOTPATH_%s: expected %s, got %q", name, expected, came))
}

func (r *reader) value(name string) (string, bool) {
	value, is := r.lookup("HOTPATH_" + name)
	if !is {
		r.errors = append(r.errors, fmt.Errorf("HOTPATH_%s: required, but missing", name))
	}
	return value, is
}

func (r *reader) text(name string) string {
	value, is := r.value(name)
	if is && value == "" {
		r.wrong(name, "a value", value)
	}
	return value
}

func (r *reader) integer(name string, least int) int {
	value, is := r.value(name)
	number, err := strconv.Atoi(value)
	if is && (err != nil || number < least) {
		r.wrong(name, fmt.Sprintf("an integer of at least %d", least), value)
	}
	return number
}

func (r *reader) seconds(name string) time.Duration {
	value, is := r.value(name)
	number, err := strconv.ParseFloat(value, 64)
	if is && (err != nil || !(number > 0) || number > math.MaxInt64/1e9) {
		r.wrong(name, "a number of seconds above 0", value)
	}
	return time.Duration(number * float64(time.Second))
}

func (r *reader) boolean(name string) bool {
	value, is := r.value(name)
	switch strings.ToLower(value) { // what pydantic takes for a boolean
	case "true", "t", "yes", "y", "on", "1":
		return true
	case "false", "f", "no", "n", "off", "0":
		return false
	}
	if is {
		r.wrong(name, "true or false", value)
	}
	return false
}

func (r *reader) level(name string) slog.Level {
	value, is := r.value(name)
	levels := map[string]slog.Level{"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARNING": slog.LevelWarn, "ERROR": slog.LevelError}
	level, known := levels[value]
	if is && !known {
		r.wrong(name, "DEBUG, INFO, WARNING or ERROR", value)
	}
	return level
}

func (r *reader) list(name string) (parts []string) {
	value, _ := r.value(name)
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

var upstreamName = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

func (r *reader) upstreams(name string) (upstreams []Upstream) {
	for _, pair := range r.list(name) {
		source, address, _ := strings.Cut(pair, "=")
		u, err := url.Parse(address)
		isNew := !slices.ContainsFunc(upstreams, func(other Upstream) bool { return other.Name == source })
		isHTTP := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
		if !upstreamName.MatchString(source) || !isNew || !isHTTP {
			r.wrong(name, "name=URL pairs with commas between them, each name once", pair)
			continue
		}
		upstreams = append(upstreams, Upstream{source, u})
	}
	return upstreams
}
