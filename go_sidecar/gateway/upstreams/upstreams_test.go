package upstreams

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
		UpstreamTimeout:     2 * time.Second,
		UpstreamConnections: connections,
		UpstreamMaxBytes:    1024,
	})
}

func ask(client *Client) []Answer[string] {
	return Ask(context.Background(), client, url.Values{"day": {"1"}}, func(content []byte) (string, error) { return string(content), nil })
}

func TestParametersComeBehindTheAddressAsItIs(t *testing.T) {
	client := clientOf(t, 10, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, r.URL.RawQuery)
	})
	client.upstreams[0].URL = client.upstreams[0].URL.ResolveReference(&url.URL{Path: "/x", RawQuery: "key=v&b=%2f;c+d&a"})
	if answers := ask(client); answers[0] != (Answer[string]{"a", "key=v&b=%2f;c+d&a&day=1", ""}) || answers[1] != (Answer[string]{"b", "day=1", ""}) {
		t.Errorf("%+v", answers)
	}
}

func TestAnAnswerThatIsRefusedIsInvalid(t *testing.T) {
	client := clientOf(t, 10, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
	})
	refuse := func([]byte) (int, error) { return 0, errors.New("of another shape") }
	for _, answer := range Ask(context.Background(), client, nil, refuse) {
		if answer.Reason != Invalid {
			t.Errorf("%+v", answer)
		}
	}
}

func TestWaitingForAPlaceCountsAsTime(t *testing.T) {
	client := clientOf(t, 1, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(1300 * time.Millisecond)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, "{}")
	})
	answers := ask(client)
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
		fmt.Fprint(w, "{}")
	})
	for range 5 {
		for _, answer := range ask(client) {
			if answer.Reason != "" {
				t.Errorf("%+v", answer)
			}
		}
	}
	if len(peers) != 1 {
		t.Errorf("%d connections for 10 requests one after the other", len(peers))
	}
}
