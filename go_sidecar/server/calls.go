package server

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Calls is what the calls that compute share.
type Calls struct {
	Threads int // goroutines that one call may use
	Log     *slog.Logger
	places  chan struct{}
}

// NewCalls is for tests of handlers besides: a server makes its own.
func NewCalls(config Config) *Calls {
	return &Calls{config.Threads, config.Log, make(chan struct{}, config.Concurrency)}
}

// Compute waits for a place among the calls that compute and runs the kernel there.
// It returns what the kernel returns, and the nanoseconds that it took.
// Errors: the kernel's where that is a status, otherwise the context's, which is then the only
// one that a kernel may have.
func Compute[T any](ctx context.Context, calls *Calls, kernel func() (T, error)) (result T, took uint64, err error) {
	select {
	case calls.places <- struct{}{}:
		defer func() { <-calls.places }()
	case <-ctx.Done():
		return result, 0, status.FromContextError(ctx.Err()).Err()
	}
	start := time.Now()
	if result, err = kernel(); err != nil {
		if _, is := status.FromError(err); !is {
			err = status.FromContextError(err).Err()
		}
		return result, 0, err
	}
	return result, uint64(time.Since(start)), nil
}

// Invalid makes the error INVALID_ARGUMENT; it names the field, what was expected and what came.
func Invalid(err error) error { return status.Error(codes.InvalidArgument, err.Error()) }
