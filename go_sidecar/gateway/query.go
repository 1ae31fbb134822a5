package gateway

import (
	"net/http"
	"regexp"
	"strconv"
	"uuid"

	"hotpath/go_sidecar/gateway/body"
	"hotpath/go_sidecar/gateway/problem"
)

// Instant is the layout of time.Time in answers: RFC 3339 with six decimals.
const Instant = "2006-01-02T15:04:05.000000Z"

// QueryValue returns a parameter of the query; that there is one of each was checked before.
func QueryValue(r *http.Request, name string) (value string, is bool) {
	parameters, _ := parseQuery(r.URL.RawQuery)
	value, is = parameters[name]
	return value, is
}

var (
	integer   = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)$`)
	canonical = regexp.MustCompile(`^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
)

// Integer reads an integer of a path or a query, written as in JSON; strconv is more lenient. One
// past every integer becomes the nearest.
func Integer(text string) (number int, is bool) {
	if !integer.MatchString(text) {
		return 0, false
	}
	number, _ = strconv.Atoi(text)
	return number, true
}

// parseUUID reads the form of RFC 9562 alone.
func parseUUID(text string) (id uuid.UUID, is bool) {
	if !canonical.MatchString(text) {
		return id, false
	}
	id, err := uuid.Parse(text)
	return id, err == nil
}

// ID reads the {id} of the path.
func ID(r *http.Request) (uuid.UUID, error) {
	id, is := parseUUID(r.PathValue("id"))
	if !is {
		return id, problem.Invalid("id", "expected a UUID, got %.60q", r.PathValue("id"))
	}
	return id, nil
}

// Page reads which part of a list is wanted: 1 to 100 rows, 20 by default, after a row; nil for the
// first ones.
func Page(r *http.Request) (limit int, after *uuid.UUID, err error) {
	const usual, most = 20, 100
	limit = usual
	var fields []problem.Field
	wrong := func(name, format string, came any) {
		fields = append(fields, problem.Invalid(name, format, came).Fields...)
	}
	if text, is := QueryValue(r, "limit"); is {
		if limit, is = Integer(text); !is {
			wrong("limit", "expected an integer, got %.60q", text)
		} else if limit < 1 || limit > most {
			wrong("limit", "expected 1 to 100, got %.60s", text)
		}
	}
	if text, is := QueryValue(r, "after"); is {
		id, is := parseUUID(text)
		if !is {
			wrong("after", "expected a UUID, got %.60q", text)
		}
		after = &id
	}
	return limit, after, body.Refused(fields)
}

// Cut returns the page's rows and the `after` of the next page, nil where this one is the
// last. found has one row more than the limit where there is a next page.
func Cut[T any](found []T, limit int, id func(row *T) uuid.UUID) (rows []T, next *uuid.UUID) {
	if len(found) <= limit {
		return found, nil
	}
	last := id(&found[limit-1])
	return found[:limit], &last
}
