package settings

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var valid = map[string]string{
	"HOTPATH_DATABASE_URL":                "sqlite:///hotpath.db",
	"HOTPATH_DATABASE_POOL_SIZE":          "10",
	"HOTPATH_DATABASE_TIMEOUT_S":          "3.0",
	"HOTPATH_UPSTREAMS":                   "ecb=http://127.0.0.1:9000/ecb,boe=https://upstream.example/boe?x=1",
	"HOTPATH_UPSTREAM_HOSTS":              "127.0.0.1:9000, upstream.example",
	"HOTPATH_UPSTREAM_TIMEOUT_S":          "2",
	"HOTPATH_UPSTREAM_CONNECTIONS":        "100",
	"HOTPATH_UPSTREAM_MAX_BYTES":          "65536",
	"HOTPATH_REQUEST_TIMEOUT_S":           "0.25",
	"HOTPATH_SHUTDOWN_GRACE_S":            "15",
	"HOTPATH_MAX_BODY_BYTES":              "1048576",
	"HOTPATH_MAX_HEAD_BYTES":              "65536",
	"HOTPATH_MAX_HEAD_FIELDS":             "100",
	"HOTPATH_HEAD_TIMEOUT_S":              "10.0",
	"HOTPATH_KEEP_ALIVE_S":                "75.0",
	"HOTPATH_BODY_TIMEOUT_S":              "8.0",
	"HOTPATH_SEND_TIMEOUT_S":              "20.0",
	"HOTPATH_MAX_UNFINISHED_BYTES":        "67108864",
	"HOTPATH_MAX_CONNECTIONS":             "10000",
	"HOTPATH_MAX_CONNECTIONS_PER_ADDRESS": "0",
	"HOTPATH_SHUTDOWN_PAUSE_S":            "0.0",
	"HOTPATH_MAX_WAITING":                 "0",
	"HOTPATH_THREADS":                     "2",
	"HOTPATH_BENCH_ROUTES":                "True",
	"HOTPATH_LOG_LEVEL":                   "WARNING",
}

func read(change map[string]string) (*Settings, error) {
	environment := maps.Clone(valid)
	maps.Copy(environment, change)
	r := &Reader{Lookup: func(name string) (string, bool) {
		value, is := environment[name]
		return value, is
	}}
	s := Read(r)
	return s, r.Err()
}

func TestSettingsAreRead(t *testing.T) {
	s, err := read(nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.DatabaseTimeout != 3*time.Second || s.RequestTimeout != 250*time.Millisecond || !s.BenchRoutes || s.LogLevel != slog.LevelWarn {
		t.Errorf("%+v", s)
	}
	if len(s.Upstreams) != 2 || s.Upstreams[1].Name != "boe" || s.Upstreams[1].URL.String() != "https://upstream.example/boe?x=1" {
		t.Errorf("%+v", s.Upstreams)
	}
}

func TestUpstreamsMayBeNone(t *testing.T) {
	s, err := read(map[string]string{"HOTPATH_UPSTREAMS": "", "HOTPATH_UPSTREAM_HOSTS": ""})
	if err != nil || len(s.Upstreams) != 0 || len(s.UpstreamHosts) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestEveryMissingSettingIsNamed(t *testing.T) {
	r := &Reader{Lookup: func(string) (string, bool) { return "", false }}
	Read(r)
	r.Text("OF_THE_DOMAIN")
	err := r.Err()
	for _, name := range append(slices.Collect(maps.Keys(valid)), "HOTPATH_OF_THE_DOMAIN") {
		if err == nil || !strings.Contains(err.Error(), name+": required, but missing") {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"DATABASE_POOL_SIZE", "0", `an integer of at least 1, got "0"`},
		{"DATABASE_POOL_SIZE", "ten", `an integer of at least 1, got "ten"`},
		{"MAX_HEAD_BYTES", "8191", `an integer of at least 8192, got "8191"`},
		{"KEEP_ALIVE_S", "0", "seconds above 0"},
		{"MAX_WAITING", "-1", `an integer of at least 0, got "-1"`},
		{"REQUEST_TIMEOUT_S", "0", "seconds above 0"},
		{"REQUEST_TIMEOUT_S", "NaN", "seconds above 0"},
		{"REQUEST_TIMEOUT_S", "1e99", "seconds above 0"},
		{"BENCH_ROUTES", "maybe", "true or false"},
		{"LOG_LEVEL", "info", "DEBUG, INFO"},
		{"DATABASE_URL", "", "a value"},
		{"UPSTREAMS", "ECB=http://127.0.0.1:9000", "name=URL"},
		{"UPSTREAMS", "ecb", "name=URL"},
		{"UPSTREAMS", "ecb=ftp://127.0.0.1:9000", "name=URL"},
		{"UPSTREAMS", "ecb=http://127.0.0.1:9000,ecb=http://127.0.0.1:9000", "each name once"},
		{"UPSTREAMS", "ecb=http://elsewhere/", `'ecb' at a host of HOTPATH_UPSTREAM_HOSTS, got "elsewhere"`},
		{"UPSTREAMS", "ecb=http://127.0.0.1:9001/", "at a host of HOTPATH_UPSTREAM_HOSTS"},
	} {
		_, err := read(map[string]string{"HOTPATH_" + c.name: c.value})
		if err == nil || !strings.Contains(err.Error(), "HOTPATH_"+c.name) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%s: %v, want %q", c.name, c.value, err, c.want)
		}
	}
}

func TestHostsAreAllowedByNameOrWithThePort(t *testing.T) {
	s := &Settings{UpstreamHosts: []string{"upstream.example", "127.0.0.1:9000", "[::1]:80"}}
	for address, want := range map[[2]string]bool{
		{"upstream.example", "443"}:     true,
		{"upstream.example", "80"}:      true,
		{"127.0.0.1", "9000"}:           true,
		{"127.0.0.1", "9001"}:           false,
		{"::1", "80"}:                   true,
		{"::1", "81"}:                   false,
		{"evil.upstream.example", "80"}: false,
		{"", "80"}:                      false,
	} {
		if got := s.MayAsk(address[0], address[1]); got != want {
			t.Errorf("%v: %v", address, got)
		}
	}
}

func TestASettingMayBeInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(path, []byte("sqlite:////x.db\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{"HOTPATH_DATABASE_URL_FILE": path}
	r := &Reader{Lookup: func(name string) (string, bool) { value, is := environment[name]; return value, is }}
	if url := r.Text("DATABASE_URL"); url != "sqlite:////x.db" || r.Err() != nil {
		t.Errorf("%q, %v", url, r.Err())
	}
	environment["HOTPATH_DATABASE_URL_FILE"] = path + ".gone"
	r.Text("DATABASE_URL")
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), "HOTPATH_DATABASE_URL_FILE: expected a readable file") {
		t.Error(err)
	}
}

func TestUpstreamsAreRefusedWithoutTheirPasswords(t *testing.T) {
	_, err := read(map[string]string{"HOTPATH_UPSTREAMS": "ecb=ftp://u:hunter2@h/,boe=http://u:hunter2@elsewhere/"})
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "elsewhere") {
		t.Error(err)
	}
}
