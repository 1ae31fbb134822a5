// Package body reads request bodies: bounded, of the right media type, and strictly typed.
package body

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"hotpath/go_sidecar/gateway/problem"
)

// Read returns the whole body.
// Errors: body_too_large, deadline_exceeded, unsupported_media_type, and malformed_json
// where there is none; bad_request where it broke off; head_too_large for its trailers.
func Read(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	if refused := TooLarge(w, r, most); refused != nil {
		return nil, refused
	}
	connection := http.NewResponseController(w)
	deadline, is := r.Context().Deadline()
	if is {
		// The context alone does not end a read from a client that sends nothing.
		connection.SetReadDeadline(deadline)
	}
	content, err := readAll(http.MaxBytesReader(w, r.Body, most), r.ContentLength)
	if err != nil {
		w.Header().Set("Connection", "close")
	} else if is {
		connection.SetReadDeadline(time.Time{})
	}
	var limit *http.MaxBytesError
	switch {
	case errors.As(err, &limit):
		return nil, tooLarge(most)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, problem.New(problem.DeadlineExceeded, "the body did not arrive in time")
	case err != nil && strings.Contains(err.Error(), "long trailer"): // net/http has no name for it
		return nil, problem.New(problem.HeadTooLarge, "trailers: expected at most a few kB, got more")
	case err != nil:
		return nil, problem.New(problem.BadRequest, "the body broke off or was not framed as HTTP has it")
	case len(content) == 0:
		return nil, problem.New(problem.MalformedJSON, "body: expected JSON, got nothing")
	case !strings.EqualFold(cmp.Or(r.Header.Get("Content-Encoding"), "identity"), "identity"):
		return nil, problem.New(problem.UnsupportedMediaType, "Content-Encoding: expected none, got %.60q", r.Header.Get("Content-Encoding"))
	case !jsonType.MatchString(r.Header.Get("Content-Type")):
		return nil, problem.New(problem.UnsupportedMediaType, "Content-Type: expected application/json, got %.60q", r.Header.Get("Content-Type"))
	}
	return content, nil
}

// TooLarge returns body_too_large where the head announces such a body, nil where it does not.
func TooLarge(w http.ResponseWriter, r *http.Request, most int64) *problem.Error {
	if r.ContentLength <= most {
		return nil
	}
	w.Header().Set("Connection", "close") // or the server reads the body before it answers
	return tooLarge(most)
}

func tooLarge(most int64) *problem.Error {
	return problem.New(problem.BodyTooLarge, "body: expected at most %d bytes, got more", most)
}

// readAll reads into one allocation where the length is known.
func readAll(body io.Reader, length int64) ([]byte, error) {
	if length < 0 {
		return io.ReadAll(body)
	}
	content := make([]byte, length)
	_, err := io.ReadFull(body, content)
	return content, err
}

var jsonType = regexp.MustCompile("^(?i:application/(?:[\\w!#$%&'*+.^`|~-]+\\+)?json)[ \t]*(?:;.*)?$")
