package rpc

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/screening/kernels"
	"hotpath/go_sidecar/server"
	"hotpath/go_sidecar/transport"
)

// dial starts a server that ends with the test, and returns a function that connects to it.
func dial(t *testing.T) func() *grpc.ClientConn {
	t.Helper()
	directory, err := os.MkdirTemp("", "hotpath") // t.TempDir's path can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	address := "unix:" + filepath.Join(directory, "s.sock")
	listener, err := transport.Listen(address, transport.Access{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{Threads: 2, Concurrency: 2, Log: slog.New(slog.DiscardHandler)}, Register)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- s.Serve(ctx, listener, 100*time.Millisecond) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		os.RemoveAll(directory)
	})
	return func() *grpc.ClientConn {
		connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(`{"methodConfig": [{"name": [{}], "timeout": "60s"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		return connection
	}
}

func newClient(t *testing.T) pb.KernelsClient { return pb.NewKernelsClient(dial(t)()) }

// newService has one place among the calls that compute.
func newService(t testing.TB) *service {
	t.Helper()
	rules, err := kernels.LoadRules()
	if err != nil {
		t.Fatal(err)
	}
	calls := server.NewCalls(server.Config{Threads: 1, Concurrency: 1, Log: slog.New(slog.DiscardHandler)})
	return &service{calls: calls, rules: rules}
}

// takeThePlace has another call compute until the test ends.
func takeThePlace(t *testing.T, s *service) {
	t.Helper()
	taken, end := make(chan struct{}), make(chan struct{})
	go server.Compute(context.Background(), s.calls, func() (any, error) {
		close(taken)
		<-end
		return nil, nil
	})
	<-taken
	t.Cleanup(func() { close(end) })
}

func wantFreePlace(t *testing.T, s *service) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, _, err := server.Compute(ctx, s.calls, func() (any, error) { return nil, nil }); err != nil {
		t.Errorf("a call that was given up keeps its place: %v", err)
	}
}
