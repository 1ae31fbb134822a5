package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

func serve(t *testing.T, delay time.Duration) (url string, client *http.Client) {
	t.Helper()
	server := httptest.NewServer(newHandler(delay))
	t.Cleanup(server.Close)
	return server.URL, &http.Client{
		Timeout:       1500 * time.Millisecond,
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func TestRatesLeaveTheBaseOutAndDependOnTheSource(t *testing.T) {
	url, client := serve(t, 0)
	texts := map[string]string{}
	for _, path := range []string{"/rates/ecb?base=EUR", "/rates/boe?base=EUR", "/rates/ecb?base=USD"} {
		response, err := client.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(response.Body)
		texts[path] = string(content)
		var answer struct {
			Base  string
			Rates map[string]string
		}
		if err := json.Unmarshal(content, &answer); err != nil || len(answer.Rates) != len(perEUR)-1 || answer.Rates[answer.Base] != "" || !strings.HasSuffix(path, answer.Base) {
			t.Errorf("%s: %s", path, content)
		}
		again, _ := ratesOf(strings.Split(path, "?")[0][len("/rates/"):], answer.Base)
		if string(again) != string(content) {
			t.Errorf("%s: %s, then %s", path, content, again)
		}
	}
	if texts["/rates/ecb?base=EUR"] == texts["/rates/boe?base=EUR"] {
		t.Error("two sources agree")
	}
}

func TestAnswersTakeTheDelay(t *testing.T) {
	const delay = 500 * time.Millisecond
	url, client := serve(t, delay)
	client.Timeout = time.Minute
	shortest := time.Hour
	for range 3 { // a busy machine makes some later, none earlier
		start := time.Now()
		if _, err := client.Get(url + "/rates/ecb?base=EUR"); err != nil {
			t.Fatal(err)
		}
		shortest = min(shortest, time.Since(start))
	}
	if shortest < delay || shortest >= 2*delay {
		t.Errorf("%v", shortest)
	}
}

func TestFaultsAreAsNamed(t *testing.T) {
	url, client := serve(t, 0)
	ask := func(kind string) (*http.Response, string, error) {
		response, err := client.Get(url + "/faults/" + kind + "?base=EUR")
		if err != nil {
			return nil, "", err
		}
		defer response.Body.Close()
		content, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		return response, string(content), err
	}
	var timeout interface{ Timeout() bool }
	for kind, isRight := range map[string]func(r *http.Response, content string, err error) bool{
		"status": func(r *http.Response, _ string, err error) bool { return err == nil && r.StatusCode == 500 },
		"redirect": func(r *http.Response, _ string, err error) bool {
			return r.StatusCode == 302 && r.Header.Get("Location") == "/rates/x?base=EUR"
		},
		"reset": func(_ *http.Response, _ string, err error) bool { return errors.Is(err, syscall.ECONNRESET) },
		"close": func(_ *http.Response, _ string, err error) bool { return errors.Is(err, io.EOF) },
		"hang": func(r *http.Response, _ string, err error) bool {
			return r == nil && errors.As(err, &timeout) && timeout.Timeout()
		},
		"trickle": func(_ *http.Response, text string, err error) bool {
			return len(text) > 1 && len(text) < 30 && errors.As(err, &timeout) && timeout.Timeout()
		},
		"endless": func(_ *http.Response, text string, err error) bool { return err == nil && len(text) == 1<<20 },
		"huge": func(_ *http.Response, text string, err error) bool {
			return len(text) > 64<<10 && json.Valid([]byte(text))
		},
		"html": func(r *http.Response, _ string, _ error) bool {
			return strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
		},
		"encoded": func(r *http.Response, text string, _ error) bool {
			return r.Header.Get("Content-Encoding") == "gzip" && strings.HasPrefix(text, "\x1f\x8b")
		},
		"wrong_base": func(_ *http.Response, text string, _ error) bool { return strings.Contains(text, `"base":"USD"`) },
		"not_json": func(r *http.Response, text string, _ error) bool {
			return r.Header.Get("Content-Type") == "application/json" && !json.Valid([]byte(text))
		},
		"nan": func(_ *http.Response, text string, _ error) bool {
			return strings.Contains(text, `"NaN"`) && json.Valid([]byte(text))
		},
	} {
		t.Run(kind, func(t *testing.T) {
			if faults[kind] == nil {
				t.Fatal("there is no such fault")
			}
			if r, text, err := ask(kind); !isRight(r, text, err) {
				t.Errorf("%v, %.80q, %v", r, text, err)
			}
		})
	}
	if r, _, err := ask("nothing"); err != nil || r.StatusCode != 404 {
		t.Errorf("%v, %v", r, err)
	}
}
