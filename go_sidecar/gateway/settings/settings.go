// Package settings reads the gateway's settings from the environment.
// Names, formats and meaning are those of the service in Python, which also has the defaults.
package settings

import (
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Settings are what the gateway can be told in any domain.
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
	ShutdownPause       time.Duration
	ShutdownGrace       time.Duration
	MaxBodyBytes        int64
	MaxHeadBytes        int
	MaxHeadFields       int
	HeadTimeout         time.Duration
	KeepAlive           time.Duration
	BodyTimeout         time.Duration
	SendTimeout         time.Duration
	MaxUnfinished       int64 // bytes
	MaxConnections      int
	MaxPerAddress       int    // 0: any number
	ProbeAddress        string // "": none
	MaxWaiting          int
	Threads             int
	BenchRoutes         bool
	LogLevel            slog.Level
}

// Upstream is another service that is asked.
type Upstream struct {
	Name string
	URL  *url.URL // whose RequestURI is what was given, byte for byte
}

// Read returns the settings; what is missing or wrong is among the reader's errors.
func Read(r *Reader) *Settings {
	s := &Settings{
		DatabaseURL:         r.Text("DATABASE_URL"),
		DatabasePoolSize:    r.Integer("DATABASE_POOL_SIZE", 1),
		DatabaseTimeout:     r.Seconds("DATABASE_TIMEOUT_S"),
		Upstreams:           r.upstreams("UPSTREAMS"),
		UpstreamHosts:       r.List("UPSTREAM_HOSTS"),
		UpstreamTimeout:     r.Seconds("UPSTREAM_TIMEOUT_S"),
		UpstreamConnections: r.Integer("UPSTREAM_CONNECTIONS", 1),
		UpstreamMaxBytes:    int64(r.Integer("UPSTREAM_MAX_BYTES", 1)),
		RequestTimeout:      r.Seconds("REQUEST_TIMEOUT_S"),
		ShutdownPause:       r.Pause("SHUTDOWN_PAUSE_S"),
		ShutdownGrace:       r.Seconds("SHUTDOWN_GRACE_S"),
		MaxBodyBytes:        int64(r.Integer("MAX_BODY_BYTES", 1)),
		MaxHeadBytes:        r.Integer("MAX_HEAD_BYTES", 1<<13),
		MaxHeadFields:       r.Integer("MAX_HEAD_FIELDS", 1),
		HeadTimeout:         r.Seconds("HEAD_TIMEOUT_S"),
		KeepAlive:           r.Seconds("KEEP_ALIVE_S"),
		BodyTimeout:         r.Seconds("BODY_TIMEOUT_S"),
		SendTimeout:         r.Seconds("SEND_TIMEOUT_S"),
		MaxUnfinished:       int64(r.Integer("MAX_UNFINISHED_BYTES", 1<<16)),
		MaxConnections:      r.Integer("MAX_CONNECTIONS", 1),
		MaxPerAddress:       r.Integer("MAX_CONNECTIONS_PER_ADDRESS", 0),
		ProbeAddress:        r.Optional("PROBE_ADDRESS"),
		MaxWaiting:          r.Integer("MAX_WAITING", 0),
		Threads:             r.Integer("THREADS", 1),
		BenchRoutes:         r.Boolean("BENCH_ROUTES"),
		LogLevel:            r.level("LOG_LEVEL"),
	}
	for _, upstream := range s.Upstreams {
		if !s.MayAsk(upstream.URL.Hostname(), port(upstream.URL)) {
			r.Wrong("UPSTREAMS", "'"+upstream.Name+"' at a host of HOTPATH_UPSTREAM_HOSTS", upstream.URL.Host)
		}
	}
	return s
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

func (r *Reader) level(name string) slog.Level {
	value, is := r.value(name)
	levels := map[string]slog.Level{"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARNING": slog.LevelWarn, "ERROR": slog.LevelError}
	level, known := levels[value]
	if is && !known {
		r.Wrong(name, "DEBUG, INFO, WARNING or ERROR", value)
	}
	return level
}

var upstreamName = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

// upstreamURL takes what the service in Python takes.
var upstreamURL = regexp.MustCompile(`^https?://(?:(?:[\w.~!$&'()*+;=:-]|%[0-9A-Fa-f]{2})*@)?` +
	`(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?` +
	`(/(?:[!-"$&->@-~]|%[0-9A-Fa-f]{2})*)?(?:\?(?:[!-"$&-~]|%[0-9A-Fa-f]{2})*)?$`)

// parseAddress returns an address that net/url does not write anew, nil where it is none.
func parseAddress(address string) *url.URL {
	found := upstreamURL.FindStringSubmatch(address)
	if found == nil {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return nil
	}
	u.Host = strings.ToLower(u.Host)
	if path := found[1]; path != u.EscapedPath() {
		u.Opaque = path
	}
	return u
}

func (r *Reader) upstreams(name string) (upstreams []Upstream) {
	for _, pair := range r.List(name) {
		source, address, _ := strings.Cut(pair, "=")
		u := parseAddress(address)
		isNew := !slices.ContainsFunc(upstreams, func(other Upstream) bool { return other.Name == source })
		if !upstreamName.MatchString(source) || !isNew || u == nil {
			// Not shown: the URL may have a password.
			r.errors = append(r.errors, fmt.Errorf("HOTPATH_%s: expected name=URL pairs with commas between them, each name once", name))
			continue
		}
		upstreams = append(upstreams, Upstream{source, u})
	}
	return upstreams
}
