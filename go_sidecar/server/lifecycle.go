package server

import (
	"context"
	"errors"
	"net"
	"time"

	"google.golang.org/grpc"
)

// Serve answers on listener until ctx ends. Calls under way then have `grace` to finish,
// while health says NOT_SERVING and new calls are refused; what is left is cancelled.
func (s *Server) Serve(ctx context.Context, listener net.Listener, grace time.Duration) error {
	stopped := make(chan struct{})
	served := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-ctx.Done():
		case <-served:
			return
		}
		s.health.Shutdown()
		force := time.AfterFunc(grace, s.grpc.Stop)
		defer force.Stop()
		s.grpc.GracefulStop()
	}()
	err := s.grpc.Serve(listener)
	if errors.Is(err, grpc.ErrServerStopped) { // ctx ended before this goroutine got here
		err = nil
	}
	close(served)
	<-stopped
	return err
}
