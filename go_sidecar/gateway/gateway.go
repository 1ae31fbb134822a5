// Package gateway is a plain net/http server that keeps the HTTP contract of the service in
// Python: problems, deadlines, limits, idempotency. The routes are the domain's.
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"hotpath/go_sidecar/gateway/body"
	"hotpath/go_sidecar/gateway/edge"
	"hotpath/go_sidecar/gateway/problem"
	"hotpath/go_sidecar/gateway/settings"
	"hotpath/go_sidecar/gateway/store"
	"hotpath/go_sidecar/gateway/upstreams"
)

// Gateway is what the routes stand on.
type Gateway struct {
	Settings  *settings.Settings
	Store     store.Store
	Upstreams *upstreams.Client

	admission *admission
	limits    body.Limits
	keysInUse keysInUse
	stopping  atomic.Bool
	mux       *http.ServeMux
}

// Mount adds routes, after it has made ready what they need.
type Mount func(g *Gateway) error

// Handler answers a request, or returns an error instead: a *problem.Error is shown to the
// caller, Unavailable of the store and the context's end have problems of their own, and of
// any other error the caller learns the request's id.
type Handler func(w http.ResponseWriter, r *http.Request) error

// New returns the gateway with the mounted routes, health, and those of the bench if the settings
// say so. The caller closes the store. Errors: those of mount.
func New(s *settings.Settings, db store.Store, mount Mount) (*Gateway, error) {
	g := &Gateway{
		Settings:  s,
		Store:     db,
		Upstreams: upstreams.NewClient(s),
		admission: newAdmission(s.Threads, s.MaxWaiting),
		limits:    body.Limits{Bytes: s.MaxBodyBytes, Time: s.BodyTimeout, Budget: &body.Budget{Most: s.MaxUnfinished}},
		mux:       http.NewServeMux(),
	}
	g.Handle("GET /health/live", g.live)
	g.Handle("GET /health/ready", g.ready)
	if s.BenchRoutes {
		g.handleBench("plaintext", g.benchPlaintext)
		g.handleBench("json", g.benchJSON)
		g.handleBench("db", g.benchDB)
		g.handleBench("queries", g.benchQueries)
		g.handleBench("updates", g.benchUpdates)
		g.handleBench("fortunes", g.benchFortunes)
	}
	return g, mount(g)
}

// Stop says that the gateway ends: it is not ready any more, and each answer is its connection's
// last.
func (g *Gateway) Stop() { g.stopping.Store(true) }

// Stopping is the cause that ends the contexts of requests which have no more time.
var Stopping = errors.New("the gateway stops")

// Probes answers what /health is asked.
func (g *Gateway) Probes() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/health/") {
			problem.Write(w, problem.New(problem.NotFound, "path: expected /health/live or /health/ready"), problem.NewRequestID())
			return
		}
		g.ServeHTTP(w, r)
	})
}

// Handle registers a route by a pattern of http.ServeMux.
func (g *Gateway) Handle(pattern string, handler Handler) {
	g.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := handler(w, r); err != nil {
			fail(w.(*response), r, err)
		}
	})
}

// handleBench registers a comparison route, whose rules ask for the server's name.
func (g *Gateway) handleBench(name string, handler Handler) {
	g.Handle("GET /bench/"+name, func(w http.ResponseWriter, r *http.Request) error {
		w.Header()["Server"] = []string{"hotpath"}
		return handler(w, r)
	})
}

// Read reads and decodes the body, and returns it for Create.
// Errors: those of body.Read and body.Decode.
func (g *Gateway) Read(w http.ResponseWriter, r *http.Request, read func(d *body.Decoder)) (content []byte, err error) {
	if content, err = body.Read(w, r, g.limits, func() { edge.Interrupt(r.Context()) }); err != nil {
		return nil, err
	}
	if e := edge.Check(w.(*response).received, g.Settings.MaxHeadFields); e != nil {
		w.Header().Set("Connection", "close")
		return nil, e
	}
	return content, body.Decode(content, read)
}

// Compute runs what takes the processor, once there is a place: so many at once, so many waiting.
// Errors: overloaded, the context's, and those of kernel.
func (g *Gateway) Compute(ctx context.Context, kernel func() error) error {
	return g.admission.run(ctx, kernel)
}

var safeID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// ServeHTTP gives every request an id, a deadline, and an answer in any case.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := &response{ResponseWriter: w, request: r, received: r, id: r.Header.Get("X-Request-ID"), started: time.Now()}
	if !safeID.MatchString(answer.id) {
		answer.id = problem.NewRequestID()
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			if panicked == http.ErrAbortHandler {
				panic(panicked)
			}
			slog.Error("request panicked", "request_id", answer.id, "panic", panicked, "stack", string(debug.Stack()))
			if answer.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look whole
			}
			answer.internal()
		}
	}()
	if g.stopping.Load() {
		w.Header().Set("Connection", "close")
	}
	withoutFragment(r)
	if e := edge.Check(r, g.Settings.MaxHeadFields); e != nil {
		answer.refuse(e)
		return
	}
	if refused := g.checkHead(answer, r); refused != nil {
		problem.Write(answer.sender(), refused, answer.id)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.Settings.RequestTimeout)
	defer cancel()
	// The mux tells of the route that it found in this very request.
	answer.request = r.WithContext(ctx)
	g.mux.ServeHTTP(answer, answer.request)
}
