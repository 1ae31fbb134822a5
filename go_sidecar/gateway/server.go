// Package gateway is the plain net/http server with the HTTP contract of docs/http.md.
package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json/v2"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"time"

	"hotpath/go_sidecar/gateway/problem"
	"hotpath/go_sidecar/gateway/rates"
	"hotpath/go_sidecar/gateway/settings"
	"hotpath/go_sidecar/gateway/store"
	"hotpath/go_sidecar/gateway/watchlist"
	"hotpath/go_sidecar/kernels"
)

type server struct {
	settings  *settings.Settings
	store     store.Store
	rates     *rates.Client
	rules     *kernels.Rules
	watchlist *watchlist.Watchlist
	admission *admission
	keysInUse keysInUse
	mux       *http.ServeMux
}

// NewHandler returns the gateway's routes. The caller closes the store.
func NewHandler(s *settings.Settings, db store.Store, list *watchlist.Watchlist) (http.Handler, error) {
	rules, err := kernels.LoadRules()
	if err != nil {
		return nil, err
	}
	g := &server{
		settings:  s,
		store:     db,
		rates:     rates.NewClient(s),
		rules:     rules,
		watchlist: list,
		admission: newAdmission(s.Threads, s.MaxWaiting),
		mux:       http.NewServeMux(),
	}
	g.handle("GET /health/live", g.live)
	g.handle("GET /health/ready", g.ready)
	g.handle("POST /v1/payments", g.createPayment)
	g.handle("GET /v1/payments", g.listPayments)
	g.handle("GET /v1/payments/{id}", g.readPayment)
	g.handle("POST /v1/screenings", g.createScreening)
	g.handle("GET /v1/screenings", g.listScreenings)
	g.handle("GET /v1/screenings/{id}", g.readScreening)
	g.handle("GET /v1/screenings/{id}/proofs/{place}", g.readProof)
	g.handle("GET /v1/rates", g.readRates)
	g.handle("POST /v1/matches", g.createMatches)
	g.handle("POST /v1/validations", g.createValidations)
	g.handle("POST /v1/seals", g.createSeals)
	if s.BenchRoutes {
		g.handleBench("plaintext", g.benchPlaintext)
		g.handleBench("json", g.benchJSON)
		g.handleBench("db", g.benchDB)
		g.handleBench("queries", g.benchQueries)
		g.handleBench("updates", g.benchUpdates)
		g.handleBench("fortunes", g.benchFortunes)
	}
	return g, nil
}

// handle registers a route whose handler may fail instead of answering.
func (g *server) handle(pattern string, handler func(w http.ResponseWriter, r *http.Request) error) {
	g.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := handler(w, r); err != nil {
			fail(w.(*response), r, err)
		}
	})
}

// handleBench registers a comparison route, whose rules ask for the server's name.
func (g *server) handleBench(name string, handler func(w http.ResponseWriter, r *http.Request) error) {
	g.handle("GET /bench/"+name, func(w http.ResponseWriter, r *http.Request) error {
		w.Header()["Server"] = []string{"hotpath"}
		return handler(w, r)
	})
}

var safeID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// ServeHTTP gives every request an id, a deadline, and an answer in any case.
func (g *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := &response{ResponseWriter: w, request: r, id: r.Header.Get("X-Request-ID"), started: time.Now()}
	if !safeID.MatchString(answer.id) {
		answer.id = newRequestID()
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
	ctx, cancel := context.WithTimeout(r.Context(), g.settings.RequestTimeout)
	defer cancel()
	// The mux tells of the route that it found in this very request.
	answer.request = r.WithContext(ctx)
	g.mux.ServeHTTP(answer, answer.request)
}

func newRequestID() string {
	var id [16]byte
	rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// response adds what every answer has, and turns the mux's own answers into problems.
type response struct {
	http.ResponseWriter
	request  *http.Request
	id       string
	started  time.Time
	status   int
	replaced bool // what the mux writes is not sent
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	isOfMux := w.request.Pattern == "" || status/100 == 3 // none of our handlers redirects
	if isOfMux && !w.replaced {
		w.replaced = true
		w.Header().Del("Location")
		w.Header().Del("X-Content-Type-Options") // which the other problems do not have
		if status == http.StatusMethodNotAllowed {
			problem.Write(w.sender(), problem.New(problem.MethodNotAllowed, "method: expected %s, got %.20q", w.Header().Get("Allow"), w.request.Method), w.id)
		} else {
			problem.Write(w.sender(), problem.New(problem.NotFound, "path: there is no %.200q", w.request.URL.Path), w.id)
		}
		return
	}
	w.send(status)
}

func (w *response) send(status int) {
	w.status = status
	header := w.Header()
	header["X-Request-Id"] = []string{w.id}
	milliseconds := float64(time.Since(w.started).Nanoseconds()) / 1e6
	header["Server-Timing"] = []string{"total;dur=" + strconv.FormatFloat(milliseconds, 'f', 3, 64)}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(content []byte) (int, error) {
	if w.replaced {
		return len(content), nil
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(content)
}

// sender writes past the replacement of the mux's answers.
func (w *response) sender() http.ResponseWriter { return direct{w} }

type direct struct{ w *response }

func (d direct) Header() http.Header               { return d.w.Header() }
func (d direct) WriteHeader(status int)            { d.w.send(status) }
func (d direct) Write(content []byte) (int, error) { return d.w.ResponseWriter.Write(content) }

func (w *response) internal() {
	problem.Write(w.sender(), problem.New(problem.Internal, "give this id to the operators: %s", w.id), w.id)
}

// fail answers with the problem that the error stands for.
func fail(w *response, r *http.Request, err error) {
	var known *problem.Error
	switch {
	case w.status != 0:
		slog.Warn("answer broke off", "request_id", w.id, "error", err)
	case errors.As(err, &known):
		problem.Write(w, known, w.id)
	// The request's own end comes before what it did to the database.
	case errors.Is(r.Context().Err(), context.DeadlineExceeded):
		problem.Write(w, problem.New(problem.DeadlineExceeded, "the request took longer than it may"), w.id)
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // the client is gone
	case errors.Is(err, store.ErrUnavailable):
		slog.Warn("database unavailable", "request_id", w.id, "error", err)
		problem.Write(w, problem.New(problem.DatabaseUnavailable, "the database is locked, slow or gone; try again"), w.id)
	default:
		slog.Error("request failed", "request_id", w.id, "error", err)
		w.internal()
	}
}

func writeJSON(w http.ResponseWriter, status int, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return err
	}
	writeContent(w, status, "application/json", content)
	return nil
}

func writeContent(w http.ResponseWriter, status int, contentType string, content []byte) {
	header := w.Header()
	header["Content-Type"] = []string{contentType}
	header["Content-Length"] = []string{strconv.Itoa(len(content))}
	w.WriteHeader(status)
	w.Write(content)
}
