package gateway

import (
	"errors"
	"net/http"
	"strconv"
	"uuid"

	"hotpath/go_sidecar/gateway/body"
	"hotpath/go_sidecar/gateway/problem"
)

// queryValue returns a parameter of the query, the last one where it is repeated.
func queryValue(r *http.Request, name string) (string, bool) {
	values := r.URL.Query()[name]
	if len(values) == 0 {
		return "", false
	}
	return values[len(values)-1], true
}

// page reads which part of a list is wanted; after is nil for the first one.
func page(r *http.Request) (limit int, after *uuid.UUID, err error) {
	const usual, most = 20, 100
	limit = usual
	var fields []problem.Field
	wrong := func(name, format string, came any) {
		fields = append(fields, problem.Invalid(name, format, came).Fields...)
	}
	if text, is := queryValue(r, "limit"); is {
		if limit, err = strconv.Atoi(text); errors.Is(err, strconv.ErrSyntax) {
			wrong("limit", "expected an integer, got %.60q", text)
		} else if limit < 1 || limit > most {
			wrong("limit", "expected 1 to 100, got %.60s", text)
		}
	}
	if text, is := queryValue(r, "after"); is {
		id, err := uuid.Parse(text)
		if err != nil {
			wrong("after", "expected a UUID, got %.60q", text)
		}
		after = &id
	}
	return limit, after, body.Refused(fields)
}
