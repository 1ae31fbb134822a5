package rates

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"hotpath/go_sidecar/gateway/settings"
)

func TestUsableAnswersAreDecoded(t *testing.T) {
	for text, want := range map[string]int{
		`{"base":"EUR","rates":{}}`:                                               0,
		`{"base":"EUR","rates":{"USD":"1.0832","JPY":"163"},"at":[null]}`:         2,
		`{"base":"USD","base":"EUR","rates":{"USD":"123456789012.000000000001"}}`: 1,
		" {\"rates\": {\"USD\": \"0\"}, \"base\": \"EUR\"}\n":                     1,
	} {
		if rates, err := decode([]byte(text), "EUR"); err != nil || len(rates) != want {
			t.Errorf("%s: %v, %v", text, rates, err)
		}
	}
}

func TestOtherShapesAreInvalid(t *testing.T) {
	for _, text := range []string{
		"", "null", "[]", "{}", `{"base":"EUR"}`, `{"base":"EUR","rates":null}`, `{"base":"USD","rates":{}}`,
		`{"BASE":"EUR","rates":{}}`, `{"base":"EUR","rates":{"USD":1.08}}`, `{"base":"EUR","rates":{"USD":null}}`,
		`{"base":"EUR","rates":{"usd":"1"}}`, `{"base":"EUR","rates":{"USD":"NaN"}}`, `{"base":"EUR","rates":{"USD":"1."}}`,
		`{"base":"EUR","rates":{"USD":"-1"}}`, `{"base":"EUR","rates":{"USD":"1\n"}}`, `{"base":"EUR","rates":{"USD":"1e3"}}`,
		`{"base":"EUR","rates":{"USD":"1234567890123"}}`, `{"base":"EUR","rates":{"USD":"0.1234567890123"}}`,
		`{"base":"EUR","rates":{}} {}`, `{"base":"EUR","rates":{},"x":"` + "\xff" + `"}`, `{"base":"EUR","rates":{},"x":NaN}`,
	} {
		if rates, err := decode([]byte(text), "EUR"); reasonOf(err) != Invalid {
			t.Errorf("%s: %v, %v", text, rates, err)
		}
	}
}

func clientOf(t *testing.T, connections int, handler http.HandlerFunc) *Client {
	t.Helper()
	upstream := httptest.NewServer(handler)
	t.Cleanup(upstream.Close)
	address, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	return NewClient(&settings.Settings{
		Upstreams:           []settings.Upstream{{Name: "a", URL: address}, {Name: "b", URL: address}},
		UpstreamHosts:       []string{address.Host},
		UpstreamTimeout:     300 * time.Millisecond,
		UpstreamConnections: connections,
		UpstreamMaxBytes:    1024,
	})
}

func TestWaitingForAPlaceCountsAsTime(t *testing.T) {
	client := clientOf(t, 1, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(200 * time.Millisecond)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"base":"EUR","rates":{}}`)
	})
	answers := client.Ask(context.Background(), "EUR")
	if (answers[0].Reason == "") == (answers[1].Reason == "") || answers[0].Reason+answers[1].Reason != Timeout {
		t.Errorf("%+v", answers)
	}
}

func TestHostsAreCheckedForEachConnection(t *testing.T) {
	client := clientOf(t, 10, func(http.ResponseWriter, *http.Request) {})
	transport := client.http.Transport.(*http.Transport)
	if _, err := transport.DialContext(context.Background(), "tcp", "127.0.0.1:1"); err == nil || errors.As(err, new(*net.OpError)) {
		t.Errorf("%v: it was dialled", err)
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	peers := map[string]bool{}
	client := clientOf(t, 1, func(w http.ResponseWriter, r *http.Request) {
		peers[r.RemoteAddr] = true // one request at a time
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"base":"EUR","rates":{}}`)
	})
	for range 5 {
		for _, answer := range client.Ask(context.Background(), "EUR") {
			if answer.Reason != "" {
				t.Errorf("%+v", answer)
			}
		}
	}
	if len(peers) != 1 {
		t.Errorf("%d connections for 10 requests one after the other", len(peers))
	}
}
