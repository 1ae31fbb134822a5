// Package upstreams asks several other services at once: bounded, with one deadline, and never
// believed.
package upstreams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"hotpath/go_sidecar/gateway/settings"
)

// Reason says why an upstream's answer is missing. The values are part of the HTTP contract.
type Reason string

const (
	Timeout     Reason = "timeout"     // not answered in full in time
	Unreachable Reason = "unreachable" // refused, reset or broke the connection, or spoke no HTTP
	Status      Reason = "status"      // another status than 200; redirects are not followed
	TooLarge    Reason = "too_large"
	Invalid     Reason = "invalid" // no application/json, encoded, or not what the caller can read
)

// Answer is what came from one upstream: a value, or the reason why not.
type Answer[T any] struct {
	Source string
	Value  T
	Reason Reason
}

// Client asks all upstreams of the settings.
type Client struct {
	upstreams []settings.Upstream
	timeout   time.Duration
	maxBytes  int64
	places    chan struct{} // bounds the requests under way
	http      *http.Client
}

// NewClient returns a client with a connection pool of its own.
func NewClient(s *settings.Settings) *Client {
	dialer := &net.Dialer{Timeout: s.UpstreamTimeout}
	transport := &http.Transport{
		// Checked here as well, so that no redirect or later change of code gets around it.
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			if !s.MayAsk(host, port) {
				return nil, fmt.Errorf("expected a host of HOTPATH_UPSTREAM_HOSTS, got %s", address)
			}
			return dialer.DialContext(ctx, network, address)
		},
		DisableCompression:     true,
		MaxConnsPerHost:        s.UpstreamConnections,
		MaxIdleConns:           s.UpstreamConnections,
		MaxIdleConnsPerHost:    s.UpstreamConnections,
		IdleConnTimeout:        30 * time.Second,
		TLSHandshakeTimeout:    s.UpstreamTimeout,
		MaxResponseHeaderBytes: s.UpstreamMaxBytes,
	}
	return &Client{
		upstreams: s.Upstreams,
		timeout:   s.UpstreamTimeout,
		maxBytes:  s.UpstreamMaxBytes,
		places:    make(chan struct{}, s.UpstreamConnections),
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// IsConfigured tells whether there is anyone to ask.
func (c *Client) IsConfigured() bool { return len(c.upstreams) > 0 }

// Ask sends GET with the parameters to every upstream, under one deadline. The answers are in the
// order of the setting; one that decode refuses is Invalid.
func Ask[T any](ctx context.Context, c *Client, parameters url.Values, decode func(content []byte) (T, error)) []Answer[T] {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answers := make([]Answer[T], len(c.upstreams))
	var group sync.WaitGroup
	for i, upstream := range c.upstreams {
		group.Go(func() {
			answers[i].Source = upstream.Name
			content, err := c.ask(ctx, upstream.URL, parameters)
			if err == nil {
				if answers[i].Value, err = decode(content); err != nil {
					err = failure(Invalid)
				}
			}
			answers[i].Reason = reasonOf(err)
		})
	}
	group.Wait()
	return answers
}

// failure is an answer that came and is of no use.
type failure Reason

func (f failure) Error() string { return string(f) }

func reasonOf(err error) Reason {
	var useless failure
	var network net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &useless):
		return Reason(useless)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return Timeout
	default:
		return Unreachable
	}
}

func (c *Client) ask(ctx context.Context, address *url.URL, parameters url.Values) ([]byte, error) {
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.Scheme+"://"+address.Host, nil)
	if err != nil {
		return nil, err
	}
	// What is asked for comes behind what was given, none of whose bytes change.
	question := *address
	if question.RawQuery != "" && !strings.HasSuffix(question.RawQuery, "&") {
		question.RawQuery += "&"
	}
	question.RawQuery += parameters.Encode()
	request.URL = &question
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Accept-Encoding", "identity")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, failure(Status)
	}
	mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	encoding := response.Header.Get("Content-Encoding")
	if err != nil || mediaType != "application/json" || encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, failure(Invalid)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, c.maxBytes+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > c.maxBytes {
		return nil, failure(TooLarge)
	}
	return content, nil
}
