// Command gateway is a plain net/http server with the HTTP contract of the service in Python:
// the yardstick for it.
//
// All settings but the address come from HOTPATH_* in the environment; `hotpath gateway`
// passes every one. Logs go to standard error. SIGTERM and SIGINT stop it within
// HOTPATH_SHUTDOWN_GRACE_S, a second one at once.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"hotpath/go_sidecar/gateway"
	"hotpath/go_sidecar/gateway/database"
	"hotpath/go_sidecar/gateway/edge"
	"hotpath/go_sidecar/gateway/settings"
	"hotpath/go_sidecar/wiring"
)

// version is set by the package build.
var version = "devel"

func main() {
	listen := flag.String("listen", "", "`address`: 127.0.0.1:8000")
	flag.Parse()
	if err := run(*listen, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "hotpath-gateway:", err)
		os.Exit(1)
	}
}

func run(listen string, rest []string) error {
	if listen == "" || len(rest) > 0 {
		return fmt.Errorf("arguments: expected -listen with an address alone, got %q", os.Args[1:])
	}
	reader := &settings.Reader{Lookup: os.LookupEnv}
	s, mount := settings.Read(reader), wiring.Domain.Routes(reader)
	if err := reader.Err(); err != nil {
		return err
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: s.LogLevel})))
	db, err := database.Open(s.DatabaseURL, s.DatabasePoolSize, s.DatabaseTimeout)
	if err != nil {
		return err
	}
	defer db.Close()
	handler, err := gateway.New(s, db, mount)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	bounded := edge.Listener{TCPListener: listener.(*net.TCPListener), Settings: s}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// From the first signal on the default action is back, so that a second one ends the process.
	context.AfterFunc(ctx, stop)
	slog.Info("serving", "address", listener.Addr().String(), "version", version)
	return serve(ctx, newServer(s, handler), bounded, s.ShutdownGrace)
}

func newServer(s *settings.Settings, handler http.Handler) *http.Server {
	server := &http.Server{
		Handler: handler,
		// The handlers keep the request's deadline; these end clients that are slower still.
		ReadTimeout:  s.HeadTimeout + s.RequestTimeout + 10*time.Second,
		WriteTimeout: s.RequestTimeout + 10*time.Second,
		ErrorLog:     slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	edge.Bound(server, s)
	return server
}

func serve(ctx context.Context, server *http.Server, listener net.Listener, grace time.Duration) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	slog.Info("stopping")
	ending, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := server.Shutdown(ending); errors.Is(err, context.DeadlineExceeded) {
		slog.Warn("requests cut off", "grace", grace.String())
		return server.Close()
	} else if err != nil {
		return err
	}
	slog.Info("stopped")
	return nil
}
