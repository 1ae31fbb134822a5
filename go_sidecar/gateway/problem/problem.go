// Package problem holds the one error type that callers see, and its RFC 9457 form.
// The table of codes is that of service/errors.py.
package problem

import (
	"encoding/json/v2"
	"fmt"
	"net/http"
	"strconv"
)

// Code names a kind of error. It is stable: clients branch on it.
type Code string

const (
	MalformedJSON        Code = "malformed_json"
	BadRequest           Code = "bad_request"
	NotFound             Code = "not_found"
	MethodNotAllowed     Code = "method_not_allowed"
	IdempotencyConflict  Code = "idempotency_conflict"
	BodyTooLarge         Code = "body_too_large"
	UnsupportedMediaType Code = "unsupported_media_type"
	InvalidArgument      Code = "invalid_argument"
	PaymentInvalid       Code = "payment_invalid"
	IdempotencyKeyReused Code = "idempotency_key_reused"
	Internal             Code = "internal"
	UpstreamFailed       Code = "upstream_failed"
	Overloaded           Code = "overloaded"
	DatabaseUnavailable  Code = "database_unavailable"
	NotConfigured        Code = "not_configured"
	UpstreamTimeout      Code = "upstream_timeout"
	DeadlineExceeded     Code = "deadline_exceeded"
)

type kind struct {
	status     int
	title      string
	retryAfter int // seconds; 0 where a retry is no help
}

var kinds = map[Code]kind{
	MalformedJSON:        {400, "The body is not JSON", 0},
	BadRequest:           {400, "The request is not valid HTTP", 0},
	NotFound:             {404, "There is nothing here", 0},
	MethodNotAllowed:     {405, "The method is not allowed here", 0},
	IdempotencyConflict:  {409, "The same request is being carried out", 1},
	BodyTooLarge:         {413, "The body is too large", 0},
	UnsupportedMediaType: {415, "The body has the wrong media type", 0},
	InvalidArgument:      {422, "The input is not valid", 0},
	PaymentInvalid:       {422, "The payment breaks a rule", 0},
	IdempotencyKeyReused: {422, "The key was used for another request", 0},
	Internal:             {500, "Something broke inside the service", 0},
	UpstreamFailed:       {502, "No upstream gave a usable answer", 0},
	Overloaded:           {503, "The service is at its limit", 1},
	DatabaseUnavailable:  {503, "The database does not answer", 1},
	NotConfigured:        {503, "The service is not set up for this", 0},
	UpstreamTimeout:      {504, "No upstream answered in time", 0},
	DeadlineExceeded:     {504, "The request ran out of time", 0},
}

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

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

func (e *Error) Unwrap() error { return e.Cause }

// Status returns the HTTP status of the error's code.
func (e *Error) Status() int { return kinds[e.Code].status }

type document struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail"`
	Code      Code    `json:"code"`
	RequestID string  `json:"request_id"`
	Errors    []Field `json:"errors,omitzero"`
}

// Write answers with the error's document.
func Write(w http.ResponseWriter, e *Error, requestID string) {
	kind := kinds[e.Code]
	content, err := json.Marshal(document{"about:blank", kind.title, kind.status, e.Message, e.Code, requestID, e.Fields})
	if err != nil { // a message that is not UTF-8
		panic(err)
	}
	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("Content-Length", strconv.Itoa(len(content)))
	if kind.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(kind.retryAfter))
	}
	w.WriteHeader(kind.status)
	w.Write(content)
}
