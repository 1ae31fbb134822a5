package gateway

import (
	"context"
	"encoding/json/v2"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"hotpath/go_sidecar/gateway/problem"
	"hotpath/go_sidecar/gateway/store"
)

// response adds what every answer has, and turns the mux's own answers into problems.
type response struct {
	http.ResponseWriter
	request  *http.Request
	received *http.Request // the one that net/http adds the trailers to
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

// refuse answers ahead of the mux, and closes the connection.
func (w *response) refuse(e *problem.Error) {
	w.Header().Set("Connection", "close")
	problem.Write(w.sender(), e, w.id)
}

func (w *response) internal() {
	problem.Write(w.sender(), problem.New(problem.Internal, "give this id to the operators: %s", w.id), w.id)
}

// fail answers with the problem that the error stands for.
func fail(w *response, r *http.Request, err error) {
	var known *problem.Error
	var unavailable *store.Unavailable
	switch {
	case w.status != 0:
		slog.Warn("answer broke off", "request_id", w.id, "error", err)
	case errors.As(err, &known):
		problem.Write(w, known, w.id)
	// The request's own end comes before what it did to the database.
	case errors.Is(r.Context().Err(), context.DeadlineExceeded):
		problem.Write(w, problem.New(problem.DeadlineExceeded, "the request took longer than it may"), w.id)
	case errors.Is(context.Cause(r.Context()), Stopping):
		w.Header().Set("Connection", "close")
		problem.Write(w, problem.New(problem.Stopping, "the service stops, and cannot finish this; retry"), w.id)
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // the client is gone
	case errors.As(err, &unavailable):
		slog.Warn("database unavailable", "request_id", w.id, "error", err)
		problem.Write(w, problem.New(problem.DatabaseUnavailable, "%s", unavailable.Words), w.id)
	default:
		slog.Error("request failed", "request_id", w.id, "error", err)
		w.internal()
	}
}

// WriteJSON answers with the value.
func WriteJSON(w http.ResponseWriter, status int, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return err
	}
	WriteContent(w, status, "application/json", content)
	return nil
}

// WriteContent answers with what is bytes already.
func WriteContent(w http.ResponseWriter, status int, contentType string, content []byte) {
	header := w.Header()
	header["Content-Type"] = []string{contentType}
	header["Content-Length"] = []string{strconv.Itoa(len(content))}
	w.WriteHeader(status)
	w.Write(content)
}
