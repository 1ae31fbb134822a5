package edge

import (
	"bufio"
	"encoding/json/v2"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"hotpath/go_sidecar/gateway/settings"
)

// serve starts a server with the limits, and returns its address.
func serve(t *testing.T, s *settings.Settings) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond) // in which the server reads ahead
		if e := Check(r, s.MaxHeadFields); e != nil {
			http.Error(w, e.Code.Name, e.Code.Status)
		}
	})}
	Bound(server, s)
	go server.Serve(NewListener(listener.(*net.TCPListener), s))
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

// exchange returns all that comes back, until the server closes.
func exchange(t *testing.T, address string, content string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	go io.WriteString(conn, content)
	received, _ := io.ReadAll(conn)
	return string(received)
}

func limits(headTimeout, keepAlive time.Duration) *settings.Settings {
	return &settings.Settings{MaxHeadBytes: 8192, MaxHeadFields: 10, HeadTimeout: headTimeout, KeepAlive: keepAlive, SendTimeout: time.Minute, MaxConnections: 100}
}

func TestRefusalsOfTheServerAreProblems(t *testing.T) {
	address := serve(t, limits(200*time.Millisecond, time.Minute))
	for content, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 20_000) + "\r\n\r\n": "431 head_too_large",
		"GET /" + strings.Repeat("a", 20_000) + " HTTP/1.1\r\nHost: a\r\n\r\n":        "431 head_too_large",
		"nonsense\r\n\r\n": "400 bad_request",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n": "400 bad_request",
		"GET / HTTP/3.0\r\nHost: a\r\n\r\n":                         "400 bad_request",
		"GET / HTTP/1.1\r\nHost: a\r\n":                             "408 head_timeout",
		"GET /":                                                     "408 head_timeout",
	} {
		for _, before := range []string{"", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"} {
			reader := bufio.NewReader(strings.NewReader(exchange(t, address, before+content)))
			if before != "" {
				if first, err := http.ReadResponse(reader, nil); err != nil || first.StatusCode != 200 {
					t.Fatalf("%.40q: %v %v", content, first, err)
				}
			}
			refusal, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatalf("%.40q: %v", content, err)
			}
			var document struct {
				Code string `json:"code"`
			}
			if err := json.UnmarshalRead(refusal.Body, &document); err != nil {
				t.Fatalf("%.40q: %v", content, err)
			}
			if got := fmt.Sprint(refusal.StatusCode, " ", document.Code); got != want {
				t.Errorf("%.40q: %s, want %s", content, got, want)
			}
			if rest, _ := io.ReadAll(reader); len(rest) > 0 {
				t.Errorf("%.40q: and %q", content, rest)
			}
		}
	}
}

func TestABytePastTheRequestBeginsTheNextHead(t *testing.T) {
	address := serve(t, limits(200*time.Millisecond, time.Hour))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	time.Sleep(5 * time.Millisecond)
	io.WriteString(conn, "G")
	if received, _ := io.ReadAll(conn); !strings.Contains(string(received), `"code":"head_timeout"`) {
		t.Errorf("%q", received)
	}
}

func TestAnIdleConnectionIsClosedWithoutAWord(t *testing.T) {
	address := serve(t, limits(100*time.Millisecond, 200*time.Millisecond))
	if got := exchange(t, address, ""); got != "" {
		t.Errorf("%q", got)
	}
	got := exchange(t, address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || strings.Contains(got, "408") {
		t.Errorf("%q", got)
	}
}

func TestFieldsAreCountedWhateverTheirNames(t *testing.T) {
	address := serve(t, limits(time.Minute, time.Minute))
	for _, name := range []string{"X: a\r\n", "X%d: a\r\n"} {
		for fields, want := range map[int]string{10: "200", 11: "431"} {
			head := "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
			for n := range fields - 2 {
				if strings.Contains(name, "%") {
					head += fmt.Sprintf(name, n)
				} else {
					head += name
				}
			}
			if got := exchange(t, address, head+"\r\n"); !strings.HasPrefix(got, "HTTP/1.1 "+want) {
				t.Errorf("%d of %q: %q", fields, name, got)
			}
		}
	}
}

func TestPastTheLimitTheOneThatWaitedLongestGoes(t *testing.T) {
	s := limits(time.Minute, time.Minute)
	s.MaxConnections = 2
	address := serve(t, s)
	var waiting []net.Conn
	for range 2 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Minute))
		waiting = append(waiting, conn)
	}
	const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	io.WriteString(waiting[0], request)
	if response, err := http.ReadResponse(bufio.NewReader(waiting[0]), nil); err != nil || response.StatusCode != 200 {
		t.Fatal(response, err)
	}
	if got := exchange(t, address, strings.Replace(request, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") {
		t.Errorf("%q", got)
	}
	if rest, err := io.ReadAll(waiting[1]); len(rest) > 0 || err != nil {
		t.Errorf("%q %v", rest, err)
	}
	io.WriteString(waiting[0], request)
	if response, err := http.ReadResponse(bufio.NewReader(waiting[0]), nil); err != nil || response.StatusCode != 200 {
		t.Error(response, err)
	}
}

func TestPastTheLimitOfOneAddressItIsRefused(t *testing.T) {
	s := limits(time.Minute, time.Minute)
	s.MaxPerAddress = 1
	address := serve(t, s)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := exchange(t, address, ""); !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "Retry-After: 1\r\n") {
		t.Errorf("%q", got)
	}
}
