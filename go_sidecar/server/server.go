// Package server offers the kernels over gRPC; proto/hotpath/v1/kernels.proto is the contract.
package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/kernels"
)

const (
	maxMessageBytes = 64 << 20
	maxStreams      = 1024 // calls at once on one connection; more wait in the client
)

// Config holds what a Server cannot choose by itself.
type Config struct {
	Threads     int // goroutines that one call may use, 1 at least
	Concurrency int // calls that compute at once, 1 at least; the others wait until their deadline
	Log         *slog.Logger
}

// Server is a gRPC server with the kernels, health and reflection services.
type Server struct {
	grpc   *grpc.Server
	health *health.Server
}

// New returns an error where packed arrays cannot be read in place, or the payment rules that
// were built in make no sense.
func New(config Config) (*Server, error) {
	if !littleEndian() {
		return nil, errors.New("packed arrays are little-endian, and this machine is not")
	}
	rules, err := kernels.LoadRules()
	if err != nil {
		return nil, err
	}
	guard := interceptors{config.Log}
	s := &Server{
		grpc: grpc.NewServer(
			grpc.MaxRecvMsgSize(maxMessageBytes),
			grpc.MaxSendMsgSize(maxMessageBytes),
			grpc.MaxConcurrentStreams(maxStreams),
			grpc.ConnectionTimeout(5*time.Second),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
			grpc.UnaryInterceptor(guard.unary),
			grpc.StreamInterceptor(guard.stream),
		),
		health: health.NewServer(),
	}
	pb.RegisterKernelsServer(s.grpc, &service{
		threads: config.Threads,
		places:  make(chan struct{}, config.Concurrency),
		rules:   rules,
		log:     config.Log,
	})
	healthpb.RegisterHealthServer(s.grpc, s.health)
	s.health.SetServingStatus(pb.Kernels_ServiceDesc.ServiceName, healthpb.HealthCheckResponse_SERVING)
	reflection.Register(s.grpc)
	return s, nil
}

// service implements the Kernels service.
type service struct {
	pb.UnimplementedKernelsServer
	threads int
	places  chan struct{}
	indexes indexes
	rules   *kernels.Rules
	log     *slog.Logger
}

// enter waits for a place among the calls that compute; leave gives it back.
func (s *service) enter(ctx context.Context) error {
	select {
	case s.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

func (s *service) leave() { <-s.places }

func invalid(err error) error { return status.Error(codes.InvalidArgument, err.Error()) }
