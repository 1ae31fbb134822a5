package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hotpath/go_sidecar/gateway/problem"
	"hotpath/go_sidecar/gateway/settings"
	"hotpath/go_sidecar/gateway/store"
)

func TestFortunesAreEscapedAndSortedByMessage(t *testing.T) {
	page := string(fortunesPage([]store.Fortune{{ID: 1, Message: "é"}, {ID: 2, Message: "<b>\"&'"}, {ID: 3, Message: "Zebra"}, {ID: 4, Message: "日本"}}))
	const want = "<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>" +
		"<tr><td>2</td><td>&lt;b&gt;&#34;&amp;&#39;</td></tr>" +
		"<tr><td>0</td><td>Additional fortune added at request time.</td></tr>" +
		"<tr><td>3</td><td>Zebra</td></tr><tr><td>1</td><td>é</td></tr><tr><td>4</td><td>日本</td></tr>" +
		"</table></body></html>"
	if page != want {
		t.Error(page)
	}
}

func TestQueriesAreNeverAnError(t *testing.T) {
	for query, want := range map[string]int{"": 1, "queries=": 1, "queries=x": 1, "queries=1.5": 1, "queries=0": 1, "queries=-3": 1,
		"queries=20": 20, "queries=501": 500, "queries=99999999999999999999": 500, "queries=-99999999999999999999": 1} {
		if got := queries(httptest.NewRequest("GET", "/bench/queries?"+query, nil)); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

func TestCallsBeyondTheQueueAreRefused(t *testing.T) {
	a := newAdmission(1, 1)
	release := make(chan struct{})
	results := make(chan error, 2)
	hold := func() { results <- a.run(context.Background(), func() error { <-release; return nil }) }
	go hold()
	go hold()
	for len(a.entered) < 2 {
		time.Sleep(time.Millisecond)
	}
	var refused *problem.Error
	if err := a.run(context.Background(), func() error { return nil }); !errors.As(err, &refused) || refused.Code != problem.Overloaded {
		t.Errorf("%v", err)
	}
	close(release)
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if err := a.run(context.Background(), func() error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestWaitingEndsWithTheRequest(t *testing.T) {
	a := newAdmission(1, 1)
	release := make(chan struct{})
	go a.run(context.Background(), func() error { <-release; return nil })
	defer close(release)
	for len(a.places) < 1 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := a.run(ctx, func() error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func answerOf(t *testing.T, handler Handler) *httptest.ResponseRecorder {
	t.Helper()
	limits := &settings.Settings{RequestTimeout: time.Second, Threads: 1, MaxHeadFields: 100}
	g, err := New(limits, nil, func(g *Gateway) error {
		g.Handle("GET /x", handler)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest("GET", "/x", nil)
	request.Header.Set("X-Request-ID", "id-1")
	g.ServeHTTP(recorder, request)
	return recorder
}

func TestProblemsOfTheDomainAreAnswered(t *testing.T) {
	tooFar := problem.Code{Name: "too_far", Status: 422, Title: "Nothing is that near", RetryAfter: 7}
	answer := answerOf(t, func(http.ResponseWriter, *http.Request) error { return problem.New(tooFar, "radius: %d", 3) })
	const want = `{"type":"about:blank","title":"Nothing is that near","status":422,"detail":"radius: 3","code":"too_far","request_id":"id-1"}`
	if answer.Code != 422 || answer.Body.String() != want || answer.Header().Get("Retry-After") != "7" {
		t.Errorf("%d %s %v", answer.Code, answer.Body, answer.Header())
	}
}

func TestWhatGoesWrongInsideIsNotShown(t *testing.T) {
	for name, handler := range map[string]Handler{
		"panic": func(http.ResponseWriter, *http.Request) error { panic("secret") },
		"error": func(http.ResponseWriter, *http.Request) error { return errors.New("secret") },
	} {
		answer := answerOf(t, handler)
		body := answer.Body.String()
		if answer.Code != 500 || !strings.Contains(body, `"code":"internal"`) || !strings.Contains(body, "id-1") || strings.Contains(body, "secret") {
			t.Errorf("%s: %d %s", name, answer.Code, body)
		}
		if answer.Header().Get("X-Request-ID") != "id-1" || !strings.HasPrefix(answer.Header().Get("Server-Timing"), "total;dur=") {
			t.Errorf("%s: %v", name, answer.Header())
		}
	}
}

func TestARequestThatRunsOutOfTimeSaysSo(t *testing.T) {
	answer := answerOf(t, func(w http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return errors.Join(store.ErrUnavailable, r.Context().Err())
	})
	if answer.Code != 504 || !strings.Contains(answer.Body.String(), `"code":"deadline_exceeded"`) {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}
