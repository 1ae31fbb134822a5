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

// Limits are what a body may take.
type Limits struct {
	Bytes  int64
	Time   time.Duration
	Budget *Budget
}

// Read returns the whole body. interrupt ends a read of the connection that waits.
// Errors: body_too_large, body_timeout, deadline_exceeded, unsupported_media_type, and
// malformed_json where there is none; bad_request where it broke off; head_too_large for its
// trailers; overloaded where bodies hold too much memory.
func Read(w http.ResponseWriter, r *http.Request, limits Limits, interrupt func()) ([]byte, error) {
	most := limits.Bytes
	if refused := TooLarge(w, r, most); refused != nil {
		return nil, refused
	}
	connection := http.NewResponseController(w)
	late := problem.New(problem.BodyTimeout, "body: expected all of it within %g s, got a part", limits.Time.Seconds())
	ends := time.Now().Add(limits.Time)
	if deadline, is := r.Context().Deadline(); is && deadline.Before(ends) {
		late, ends = problem.New(problem.DeadlineExceeded, "the body did not arrive in time"), deadline
	}
	// The context alone does not end a read from a client that sends nothing.
	connection.SetReadDeadline(ends)
	arriving := limits.Budget.begin(http.MaxBytesReader(w, r.Body, most), interrupt)
	content, err := readAll(arriving, r.ContentLength)
	if isRefused := arriving.end(); isRefused {
		w.Header().Set("Connection", "close")
		return nil, problem.New(problem.Overloaded, "bodies that are still arriving hold too much; retry later")
	}
	if err != nil {
		w.Header().Set("Connection", "close")
	} else {
		connection.SetReadDeadline(time.Time{})
	}
	var limit *http.MaxBytesError
	switch {
	case errors.As(err, &limit):
		return nil, tooLarge(most)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, late
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

// announced is how much memory a length alone is given: what is larger has to arrive.
const announced = 1 << 16

// readAll reads into one allocation where the length is known and not large.
func readAll(body io.Reader, length int64) ([]byte, error) {
	if length < 0 {
		return io.ReadAll(body)
	}
	content := make([]byte, min(length, announced))
	for read := 0; ; {
		n, err := io.ReadFull(body, content[read:])
		read += n
		if err != nil || int64(read) == length {
			return content[:read], err
		}
		larger := make([]byte, min(length, 4*int64(read)))
		copy(larger, content)
		content = larger
	}
}

var jsonType = regexp.MustCompile("^(?i:application/(?:[\\w!#$%&'*+.^`|~-]+\\+)?json)[ \t]*(?:;.*)?$")
