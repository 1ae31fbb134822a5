package server

import (
	"context"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type interceptors struct{ log *slog.Logger }

func (i interceptors) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (response any, err error) {
	defer i.finish(ctx, info.FullMethod, time.Now(), &err)
	if err := bounded(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	return handler(ctx, request)
}

func (i interceptors) stream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer i.finish(stream.Context(), info.FullMethod, time.Now(), &err)
	if err := bounded(stream.Context(), info.FullMethod); err != nil {
		return err
	}
	return handler(service, stream)
}

// bounded refuses a call without a deadline: its caller would wait for ever for a sidecar that
// stands still. gRPC's own services, which tools ask by hand, compute nothing.
func bounded(ctx context.Context, method string) error {
	if _, is := ctx.Deadline(); is || strings.HasPrefix(method, "/grpc.") {
		return nil
	}
	return status.Error(codes.InvalidArgument, "deadline: expected one, got none")
}

// finish must be deferred itself: only then does recover see the handler's panic.
// The caller of a call that panicked learns nothing of the inside; the log does.
func (i interceptors) finish(ctx context.Context, method string, start time.Time, err *error) {
	if cause := recover(); cause != nil {
		i.log.Error("panic", "method", method, "cause", cause, "stack", string(debug.Stack()))
		*err = status.Error(codes.Internal, "internal error")
	}
	if i.log.Enabled(ctx, slog.LevelDebug) {
		i.log.Debug("call", "method", method, "code", status.Code(*err).String(), "duration_ms", float64(time.Since(start).Microseconds())/1e3)
	}
}
