// Package server is the gRPC server around the kernels: health, reflection, limits, the places
// among the calls that compute, and batches of calls. What it serves is the domain's.
package server

import (
	"errors"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	pb "hotpath/go_sidecar/gen/hotpath/batches/v1"
	"hotpath/go_sidecar/packed"
)

// MaxMessageBytes caps requests and answers.
const MaxMessageBytes = 64 << 20

const maxStreams = 1024 // calls at once on one connection; more wait in the client

// Config holds what a Server cannot choose by itself.
type Config struct {
	Threads     int // goroutines that one call may use, 1 at least
	Concurrency int // calls that compute at once, 1 at least; the others wait until their deadline
	Log         *slog.Logger
}

// Register adds the services whose calls compute to the server.
type Register func(services grpc.ServiceRegistrar, calls *Calls) error

// Server is a gRPC server with the registered services, those of batches, health and reflection.
type Server struct {
	grpc   *grpc.Server
	health *health.Server
}

// New returns an error where packed arrays cannot be read in place, and what register returns.
func New(config Config, register Register) (*Server, error) {
	if !packed.IsLittleEndian() {
		return nil, errors.New("packed arrays are little-endian, and this machine is not")
	}
	guard := interceptors{config.Log}
	s := &Server{
		grpc: grpc.NewServer(
			grpc.MaxRecvMsgSize(MaxMessageBytes),
			grpc.MaxSendMsgSize(MaxMessageBytes),
			grpc.MaxConcurrentStreams(maxStreams),
			grpc.ConnectionTimeout(5*time.Second),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
			grpc.UnaryInterceptor(guard.unary),
			grpc.StreamInterceptor(guard.stream),
		),
		health: health.NewServer(),
	}
	found := methods{}
	if err := register(recorder{s.grpc, found, guard.unary}, NewCalls(config)); err != nil {
		return nil, err
	}
	pb.RegisterBatchesServer(s.grpc, &batches{methods: found})
	for service := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(service, healthpb.HealthCheckResponse_SERVING)
	}
	healthpb.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	return s, nil
}
