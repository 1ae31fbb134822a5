// Command gateway is a plain net/http server with the HTTP contract of the service in Python:
// the yardstick for it.
//
// All settings but the address come from HOTPATH_* in the environment; `hotpath gateway`
// passes every one. Logs go to standard error. SIGTERM and SIGINT stop it within
// HOTPATH_SHUTDOWN_GRACE_S, a second one at once.
package main

import (
	"context"
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
	g, err := gateway.New(s, db, mount)
	if err != nil {
		return err
	}
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // whose sockets take no filter, see edge.RefuseNew
	listener, err := plain.Listen(context.Background(), "tcp", listen)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// From the first signal on the default action is back, so that a second one ends the process.
	context.AfterFunc(ctx, stop)
	if s.ProbeAddress != "" {
		probes, err := net.Listen("tcp", s.ProbeAddress)
		if err != nil {
			return err
		}
		defer probes.Close()
		go newServer(s, g.Probes()).Serve(edge.NewListener(probes.(*net.TCPListener), s))
	}
	slog.Info("serving", "address", listener.Addr().String(), "version", version)
	return serve(ctx, s, g, listener.(*net.TCPListener))
}

func newServer(s *settings.Settings, handler http.Handler) *http.Server {
	server := &http.Server{
		Handler: handler,
		// The handlers keep the request's deadline and the body's; this ends clients whose body
		// nobody asks for.
		ReadTimeout: s.HeadTimeout + max(s.RequestTimeout, s.BodyTimeout) + 5*time.Second,
		ErrorLog:    slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	edge.Bound(server, s)
	return server
}

const (
	// settle is for connections that were opened, and requests that were sent, before the end began.
	settle = 250 * time.Millisecond
	// last is what answers have to leave, once no more time is given.
	last = 500 * time.Millisecond
)

func serve(ctx context.Context, s *settings.Settings, g *gateway.Gateway, listener *net.TCPListener) error {
	server := newServer(s, g)
	requests, cut := context.WithCancelCause(context.Background())
	defer cut(nil)
	server.BaseContext = func(net.Listener) context.Context { return requests }
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(edge.NewListener(listener, s)) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	slog.Info("stopping")
	g.Stop()
	time.Sleep(s.ShutdownPause)
	ends := time.Now().Add(s.ShutdownGrace)
	if err := edge.RefuseNew(listener); err != nil {
		slog.Warn("connections that begin now may be reset", "error", err)
	}
	time.Sleep(settle)
	if shutDown(server, ends.Add(-last)) == nil {
		slog.Info("stopped")
		return nil
	}
	cut(gateway.Stopping)
	if shutDown(server, ends) != nil {
		slog.Warn("requests cut off", "grace", s.ShutdownGrace.String())
		return server.Close()
	}
	return nil
}

func shutDown(server *http.Server, ends time.Time) error {
	ctx, cancel := context.WithDeadline(context.Background(), ends)
	defer cancel()
	return server.Shutdown(ctx)
}
