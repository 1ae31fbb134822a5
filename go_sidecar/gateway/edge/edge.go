// Package edge has what holds of a connection before there is a request: the limits of a head in
// bytes and time, and what is answered where net/http would speak for itself.
package edge

import (
	"bytes"
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"hotpath/go_sidecar/gateway/problem"
	"hotpath/go_sidecar/gateway/settings"
)

// slop is what net/http reads beyond MaxHeaderBytes.
const slop = 4096

// Bound sets the limits of the server, which then serves on a Listener.
func Bound(server *http.Server, s *settings.Settings) {
	server.ReadHeaderTimeout = s.HeadTimeout
	server.IdleTimeout = s.KeepAlive
	server.MaxHeaderBytes = s.MaxHeadBytes - slop
	// Of its own it answers 400 to too many; Check counts them. A field takes some bytes.
	server.MaxHeaderValueCount = s.MaxHeadBytes
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		switch c := conn.(*connection); {
		case c.phase == refused:
		case state == http.StateActive:
			c.phase, c.isAhead = answering, false
			c.pool.hasRequest(c)
		case state == http.StateIdle:
			c.phase = answered
			c.pool.waits(c)
		}
	}
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, conn)
	}
}

type connectionKey struct{}

// Interrupt ends a read that waits for the rest of a request, by the context of the request.
func Interrupt(ctx context.Context) {
	ctx.Value(connectionKey{}).(*connection).TCPConn.SetReadDeadline(time.Unix(1, 0))
}

// Check returns what is wrong with the head of a request, or with its trailers once they are there:
// bad_request, head_too_large or nil.
func Check(r *http.Request, maxFields int) *problem.Error {
	if r.ProtoMajor != 1 { // net/http lets pass what asks for HTTP/2
		return notHTTP()
	}
	fields := count(r.Header) + len(r.TransferEncoding)
	if r.Host != "" { // which net/http takes out of the header, as it does Transfer-Encoding
		fields++
	}
	if fields > maxFields || count(r.Trailer) > maxFields {
		return problem.New(problem.HeadTooLarge, "fields: expected at most %d, got more", maxFields)
	}
	return nil
}

func count(header http.Header) (fields int) {
	for _, values := range header {
		fields += len(values)
	}
	return fields
}

func notHTTP() *problem.Error {
	return problem.New(problem.BadRequest, "request: expected HTTP/1.1, got something else")
}

// Listener accepts the connections for a server that is bound.
type Listener struct {
	*net.TCPListener
	settings *settings.Settings
	pool     *pool
}

// NewListener returns one that keeps the bounds of all connections.
func NewListener(listener *net.TCPListener, s *settings.Settings) Listener {
	return Listener{listener, s, newPool(s)}
}

// Accept returns the next connection that may be.
func (l Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptTCP()
		if err != nil {
			if isExhausted(err) && l.pool.makeRoom() {
				continue
			}
			return nil, err
		}
		c := &connection{TCPConn: conn, settings: l.settings, pool: l.pool, address: host(conn)}
		if l.pool.enter(c) {
			return c, nil
		}
		conn.SetWriteDeadline(time.Now().Add(time.Second))
		conn.Write(answer(problem.New(problem.Overloaded, "there are too many connections; retry later")))
		conn.Close()
	}
}

// phase is what the server does with a connection.
type phase int

const (
	opened    phase = iota // it waits for the first request
	answering              // it has a request
	answered               // it is about to wait for the next one
	idle                   // it waits for the next one
	inHead                 // it has a part of a head
	refused                // it was late with the rest, and was told
)

// connection follows what net/http does. Its phase is only used by whoever reads, which is one
// goroutine at a time: the server's own, and while a handler runs the one that looks whether the
// client is still there.
type connection struct {
	*net.TCPConn
	settings *settings.Settings
	pool     *pool
	address  string
	place    *list.Element // in the pool, where it waits for a request
	phase    phase
	isAhead  bool // the first byte of the next request came while this one is answered
}

func (c *connection) SetReadDeadline(at time.Time) error {
	switch c.phase {
	case answered: // the deadline of being idle
		c.phase = idle
		if c.isAhead {
			c.phase, at = inHead, time.Now().Add(c.settings.HeadTimeout)
		}
	case idle: // that of the head, a part of which was read already
		c.phase = inHead
	}
	return c.TCPConn.SetReadDeadline(at)
}

func (c *connection) Read(content []byte) (int, error) {
	n, err := c.TCPConn.Read(content)
	if n > 0 {
		switch c.phase {
		case opened:
			c.phase = inHead
		case answering: // only who looks whether the client is there reads a byte alone
			c.isAhead = len(content) == 1
		case idle: // net/http goes on being patient until there are four bytes
			c.phase = inHead
			c.TCPConn.SetReadDeadline(time.Now().Add(c.settings.HeadTimeout))
		}
	}
	if c.phase == inHead && errors.Is(err, os.ErrDeadlineExceeded) {
		c.phase = refused // and net/http may read again, or take what it has for all
		c.TCPConn.Write(answer(problem.New(problem.HeadTimeout, "head: expected all of it within %g s, got a part", c.settings.HeadTimeout.Seconds())))
	}
	return n, err
}

// ofItsOwn is in every answer that net/http gives before a handler is asked, and in none of ours.
var ofItsOwn = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

func (c *connection) Write(content []byte) (int, error) {
	if c.phase == refused {
		return len(content), nil
	}
	line, _, _ := bytes.Cut(content, []byte("\r\n"))
	if !bytes.HasPrefix(content[len(line):], ofItsOwn) {
		return c.send(content)
	}
	refusal := notHTTP()
	if bytes.HasPrefix(line, []byte("HTTP/1.1 431 ")) {
		refusal = problem.New(problem.HeadTooLarge, "head: expected at most %d bytes, got more", c.settings.MaxHeadBytes)
	}
	if _, err := c.TCPConn.Write(answer(refusal)); err != nil {
		return 0, err
	}
	return len(content), nil
}

// leastTaken is how much of an answer has to be taken in SendTimeout.
const leastTaken = 1 << 16

func (c *connection) send(content []byte) (sent int, err error) {
	for sent < len(content) && err == nil {
		c.TCPConn.SetWriteDeadline(time.Now().Add(c.settings.SendTimeout))
		var n int
		n, err = c.TCPConn.Write(content[sent:min(len(content), sent+leastTaken)])
		sent += n
	}
	return sent, err
}

// ReadFrom would send past the deadlines.
func (c *connection) ReadFrom(content io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, content)
}

func (c *connection) Close() error {
	c.pool.leave(c)
	return c.TCPConn.Close()
}

// answer is the last one on a connection.
func answer(e *problem.Error) []byte {
	id := problem.NewRequestID()
	document := problem.Document(e, id)
	retry := ""
	if e.Code.RetryAfter > 0 {
		retry = fmt.Sprintf("Retry-After: %d\r\n", e.Code.RetryAfter)
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n%sX-Request-Id: %s\r\nConnection: close\r\n\r\n%s",
		e.Code.Status, http.StatusText(e.Code.Status), time.Now().UTC().Format(http.TimeFormat), len(document), retry, id, document)
}
