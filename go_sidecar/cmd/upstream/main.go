// Command upstream stands in for sources of exchange rates, in tests and load tests: it
// answers after a fixed delay, or goes wrong in a way that is asked for.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	listen := flag.String("listen", "", "`address`: 127.0.0.1:9000")
	delay := flag.Duration("delay", 20*time.Millisecond, "time that each answer with rates takes")
	flag.Parse()
	if err := run(*listen, *delay); err != nil {
		fmt.Fprintln(os.Stderr, "hotpath-upstream:", err)
		os.Exit(1)
	}
}

func run(listen string, delay time.Duration) error {
	if listen == "" || delay < 0 || flag.NArg() > 0 {
		return fmt.Errorf("arguments: expected -listen with an address and -delay of 0 at least, got %q", os.Args[1:])
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newHandler(delay), ReadHeaderTimeout: 10 * time.Second}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		server.Close() // answers that never end must not keep it
	}()
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func newHandler(delay time.Duration) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health/live", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, []byte(`{"status":"live"}`))
	})
	mux.HandleFunc("GET /rates/{source}", func(w http.ResponseWriter, r *http.Request) {
		// The clock starts before the work, or the work would add to the delay.
		timer := time.NewTimer(delay)
		defer timer.Stop()
		content, err := ratesOf(r.PathValue("source"), r.FormValue("base"))
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		writeJSON(w, content)
	})
	mux.HandleFunc("GET /faults/{kind}", func(w http.ResponseWriter, r *http.Request) {
		fault, is := faults[r.PathValue("kind")]
		if !is {
			http.NotFound(w, r)
			return
		}
		fault(w, r)
	})
	return mux
}
