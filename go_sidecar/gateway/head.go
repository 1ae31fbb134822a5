package gateway

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"hotpath/go_sidecar/gateway/body"
	"hotpath/go_sidecar/gateway/problem"
)

// singleFields are the header fields that decide something, as service/http/head.py has them. Of
// two of them one reader takes the first, another one the last: a proxy in front would have checked
// what we don't use. net/http refuses a second Host and another Content-Length by itself.
var singleFields = [...]string{
	"Authorization", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Idempotency-Key", "X-Engine", "X-Request-Id",
}

// checkHead refuses what can be read in two ways, ahead of any route.
// Errors: bad_request, body_too_large, and not_found for a path that names nothing anywhere.
func (g *Gateway) checkHead(w http.ResponseWriter, r *http.Request) *problem.Error {
	for _, name := range singleFields {
		if len(r.Header[name]) > 1 {
			return problem.New(problem.BadRequest, "%s: expected one such field, got %d", name, len(r.Header[name]))
		}
	}
	if refused := body.TooLarge(w, r, g.Settings.MaxBodyBytes); refused != nil {
		return refused
	}
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.EscapedPath()
	}
	isNothing := false
	for segment := range strings.SplitSeq(path, "/") {
		name, err := decoded("path", segment)
		if err != nil {
			return err
		}
		isNothing = isNothing || name == "." || name == ".." || strings.Contains(name, "/")
	}
	if _, err := parseQuery(r.URL.RawQuery); err != nil {
		return err
	}
	if isNothing { // an encoded slash is part of a name, and dots are not gone after
		return problem.New(problem.NotFound, "path: there is no %.200q", path)
	}
	return nil
}

// withoutFragment is for a target that has one, which net/url takes for a part of the path there.
func withoutFragment(r *http.Request) {
	if target, _, has := strings.Cut(r.RequestURI, "#"); has {
		if u, err := url.ParseRequestURI(target); err == nil {
			r.URL = u
		}
	}
}

var encoded = regexp.MustCompile(`^(?:[!-$&-~]|%[0-9A-Fa-f]{2})*$`)

func decoded(where, text string) (string, *problem.Error) {
	if encoded.MatchString(text) {
		if plain, err := url.PathUnescape(text); err == nil && utf8.ValidString(plain) {
			return plain, nil
		}
	}
	return "", problem.New(problem.BadRequest, "%s: expected visible ASCII, and percent-encoded UTF-8 for the rest, got %.60q", where, text)
}

// parseQuery reads the parameters. Unlike url.ParseQuery it leaves nothing out without a word: a
// semicolon is a character like others, and what cannot be decoded is an error.
func parseQuery(raw string) (map[string]string, *problem.Error) {
	if raw == "" {
		return nil, nil
	}
	parameters := map[string]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(strings.ReplaceAll(pair, "+", "%20"), "=")
		name, err := decoded("query", rawName)
		if err != nil {
			return nil, err
		}
		if _, is := parameters[name]; is {
			return nil, problem.New(problem.BadRequest, "query: expected %.60q once, got it twice or more", name)
		}
		if parameters[name], err = decoded("query", rawValue); err != nil {
			return nil, err
		}
	}
	return parameters, nil
}
