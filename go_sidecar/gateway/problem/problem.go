// Package problem holds the one error type that callers see, and its RFC 9457 form.
// The table of codes is that of service/errors.py.
package problem

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"strconv"
)

// Code is a kind of error. The name is stable: clients branch on it.
type Code struct {
	Name       string
	Status     int // of HTTP
	Title      string
	RetryAfter int // seconds; 0 where a retry is no help
}

// The codes of every application; a domain has those of its own.
var (
	MalformedJSON        = Code{"malformed_json", 400, "The body is not JSON", 0}
	BadRequest           = Code{"bad_request", 400, "The request is not valid HTTP", 0}
	NotFound             = Code{"not_found", 404, "There is nothing here", 0}
	MethodNotAllowed     = Code{"method_not_allowed", 405, "The method is not allowed here", 0}
	HeadTimeout          = Code{"head_timeout", 408, "The head of the request took too long", 0}
	BodyTimeout          = Code{"body_timeout", 408, "The body of the request took too long", 0}
	IdempotencyConflict  = Code{"idempotency_conflict", 409, "The same request is being carried out", 1}
	BodyTooLarge         = Code{"body_too_large", 413, "The body is too large", 0}
	UnsupportedMediaType = Code{"unsupported_media_type", 415, "The body has the wrong media type", 0}
	InvalidArgument      = Code{"invalid_argument", 422, "The input is not valid", 0}
	IdempotencyKeyReused = Code{"idempotency_key_reused", 422, "The key was used for another request", 0}
	HeadTooLarge         = Code{"head_too_large", 431, "The head of the request is too large", 0}
	Internal             = Code{"internal", 500, "Something broke inside the service", 0}
	UpstreamFailed       = Code{"upstream_failed", 502, "No upstream gave a usable answer", 0}
	Overloaded           = Code{"overloaded", 503, "The service is at its limit", 1}
	Stopping             = Code{"stopping", 503, "The service is stopping", 1}
	DatabaseUnavailable  = Code{"database_unavailable", 503, "The database does not answer", 1}
	NotConfigured        = Code{"not_configured", 503, "The service is not set up for this", 0}
	UpstreamTimeout      = Code{"upstream_timeout", 504, "No upstream answered in time", 0}
	DeadlineExceeded     = Code{"deadline_exceeded", 504, "The request ran out of time", 0}
)

// Field says what is wrong with one field of the request.
type Field struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error is an error with a stable code and a message made for the caller:
// the field, what was expected and what came. The cause is logged, never shown.
type Error struct {
	Code    Code
	Message string
	Fields  []Field
	Cause   error
}

// New returns an Error without fields.
func New(code Code, format string, arguments ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, arguments...)}
}

// Invalid returns an invalid_argument that blames one field.
func Invalid(field, format string, arguments ...any) *Error {
	message := field + ": " + fmt.Sprintf(format, arguments...)
	return &Error{Code: InvalidArgument, Message: message, Fields: []Field{{field, message}}}
}

func (e *Error) Error() string { return e.Code.Name + ": " + e.Message }

func (e *Error) Unwrap() error { return e.Cause }

type document struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail"`
	Code      string  `json:"code"`
	RequestID string  `json:"request_id"`
	Errors    []Field `json:"errors,omitzero"`
}

// NewRequestID returns one for a request that brings none.
func NewRequestID() string {
	var id [16]byte
	rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// Document returns the error's JSON.
func Document(e *Error, requestID string) []byte {
	content, err := json.Marshal(document{"about:blank", e.Code.Title, e.Code.Status, e.Message, e.Code.Name, requestID, e.Fields})
	if err != nil { // a message that is not UTF-8
		panic(err)
	}
	return content
}

// Write answers with the error's document.
func Write(w http.ResponseWriter, e *Error, requestID string) {
	content := Document(e, requestID)
	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("Content-Length", strconv.Itoa(len(content)))
	if e.Code.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(e.Code.RetryAfter))
	}
	w.WriteHeader(e.Code.Status)
	w.Write(content)
}
