// Command sidecar serves the kernels over gRPC to a process on the same machine.
//
// Once it listens it prints one JSON line on standard output and closes it; logs go to
// standard error. SIGTERM and SIGINT stop it within -grace, a second one at once.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"hotpath/go_sidecar/server"
	"hotpath/go_sidecar/transport"
	"hotpath/go_sidecar/wiring"
)

// version is set by the package build.
var version = "devel"

const protocol = 1 // of the handshake line; a client must refuse another

type handshake struct {
	Protocol int    `json:"protocol"`
	Address  string `json:"address"`
	PID      int    `json:"pid"`
	Version  string `json:"version"`
}

type options struct {
	listen           string
	health           string
	exitOnStdinClose bool
	logLevel         slog.Level
	threads          int
	concurrency      int
	grace            time.Duration
	access           transport.Access
}

func main() {
	o, err := parse(os.Args[1:])
	if err == nil && o.health != "" {
		err = checkHealth(o.health)
	} else if err == nil {
		err = serve(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hotpath-sidecar:", err)
		os.Exit(1)
	}
}

func parse(arguments []string) (o options, err error) {
	flags := flag.NewFlagSet("hotpath-sidecar", flag.ExitOnError)
	flags.StringVar(&o.listen, "listen", "", "`address`: unix:/absolute/path or tcp:127.0.0.1:0")
	flags.StringVar(&o.health, "health", "", "ask the sidecar at this `address` for its health and exit 0 or 1")
	flags.BoolVar(&o.exitOnStdinClose, "exit-on-stdin-close", false, "stop when standard input ends, as it does when the parent dies")
	flags.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error")
	flags.IntVar(&o.threads, "threads", 1, "goroutines that share the work of one call")
	flags.IntVar(&o.concurrency, "concurrency", runtime.GOMAXPROCS(0), "calls that compute at once")
	flags.DurationVar(&o.grace, "grace", 5*time.Second, "time for calls under way when stopping")
	flags.BoolVar(&o.access.AllowSharedDir, "allow-shared-dir", false, "accept a socket directory that others can enter, and give the socket mode 0660")
	flags.BoolVar(&o.access.AllowRemote, "allow-remote", false, "accept a TCP address other than loopback; nothing authenticates the callers")
	flags.Func("peer-uid", "user `id` that may connect besides our own and root; repeatable", func(text string) error {
		uid, err := strconv.Atoi(text)
		o.access.PeerUIDs = append(o.access.PeerUIDs, uid)
		return err
	})
	flags.BoolFunc("version", "print the version and exit", func(string) error {
		fmt.Println(describeBuild())
		os.Exit(0)
		return nil
	})
	flags.Parse(arguments) // exits on an error
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("arguments: expected only flags, got %q", flags.Args())
	case o.health == "" && o.listen == "":
		return o, errors.New("listen: expected an address, got none")
	case o.threads < 1:
		return o, fmt.Errorf("threads: expected 1 at least, got %d", o.threads)
	case o.concurrency < 1:
		return o, fmt.Errorf("concurrency: expected 1 at least, got %d", o.concurrency)
	case o.grace < 0:
		return o, fmt.Errorf("grace: expected 0 at least, got %v", o.grace)
	}
	return o, nil
}

func serve(o options) error {
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: o.logLevel}))
	slog.SetDefault(log)
	s, err := server.New(server.Config{Threads: o.threads, Concurrency: o.concurrency, Log: log}, wiring.Domain.Kernels)
	if err != nil {
		return err
	}
	listener, err := transport.Listen(o.listen, o.access)
	if err != nil {
		return err
	}
	defer listener.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// From the first signal on the default action is back, so that a second one ends the process.
	context.AfterFunc(ctx, stop)
	if o.exitOnStdinClose {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	// A parent that died must not kill us through our logs before the socket is removed.
	signal.Ignore(syscall.SIGPIPE)
	address := transport.Address(listener)
	if err := announce(address); err != nil {
		return err
	}
	log.Info("serving", "address", address, "version", version, "threads", o.threads, "concurrency", o.concurrency)
	if err := s.Serve(ctx, listener, o.grace); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// announce tells the parent where we listen. Standard output is closed behind it: the
// parent may wait for its end, and no later print can pass for a handshake.
func announce(address string) error {
	line, err := json.Marshal(handshake{protocol, address, os.Getpid(), version})
	if err != nil {
		return err
	}
	if _, err := fmt.Printf("%s\n", line); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	return os.Stdout.Close()
}

func describeBuild() string {
	description := fmt.Sprintf("hotpath-sidecar %s %s %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range build.Settings {
			if setting.Key == "GOAMD64" {
				description += " GOAMD64=" + setting.Value
			}
		}
	}
	return description
}
