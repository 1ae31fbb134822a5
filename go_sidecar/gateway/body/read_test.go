package body

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"hotpath/go_sidecar/gateway/problem"
)

// readingServer answers with the code of what Read returns, or with the body.
func readingServer(t *testing.T) net.Conn {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		content, err := Read(w, r.WithContext(ctx), Limits{10, time.Minute, &Budget{Most: 100}}, func() {})
		var refused *problem.Error
		if errors.As(err, &refused) {
			content = []byte(refused.Code.Name)
		}
		w.Write(content)
	}))
	t.Cleanup(server.Close)
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	connection.SetDeadline(time.Now().Add(time.Minute))
	return connection
}

func ask(t *testing.T, connection net.Conn, length int, sent string) string {
	t.Helper()
	fmt.Fprintf(connection, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", length, sent)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	content, _ := io.ReadAll(response.Body)
	return string(content)
}

func TestABodyThatDoesNotArriveIsAnsweredInTime(t *testing.T) {
	if got := ask(t, readingServer(t), 9, "{"); got != problem.DeadlineExceeded.Name {
		t.Error(got)
	}
}

func TestTooLargeABodyIsRefusedBeforeItArrives(t *testing.T) {
	if got := ask(t, readingServer(t), 11, ""); got != problem.BodyTooLarge.Name {
		t.Error(got)
	}
}

func TestTheDeadlineOfABodyIsGoneWithItsRequest(t *testing.T) {
	connection := readingServer(t)
	for range 2 {
		if got := ask(t, connection, 2, "{}"); got != "{}" {
			t.Error(got)
		}
		time.Sleep(1100 * time.Millisecond)
	}
}
