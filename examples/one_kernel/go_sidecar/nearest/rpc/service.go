// Package rpc answers the calls of proto/hotpath/v1/kernels.proto, which is the contract.
package rpc

import (
	"google.golang.org/grpc"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/server"
)

type service struct {
	pb.UnimplementedKernelsServer
	calls *server.Calls
}

// Register adds the kernels to a server.
func Register(services grpc.ServiceRegistrar, calls *server.Calls) error {
	pb.RegisterKernelsServer(services, &service{calls: calls})
	return nil
}
