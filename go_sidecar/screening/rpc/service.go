// Package rpc answers the calls of proto/hotpath/v1/kernels.proto, which is the contract.
package rpc

import (
	"google.golang.org/grpc"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/screening/kernels"
	"hotpath/go_sidecar/server"
)

type service struct {
	pb.UnimplementedKernelsServer
	calls   *server.Calls
	rules   *kernels.Rules
	indexes indexes
}

// Register adds the kernels to a server. It returns an error where the payment rules that were
// built in make no sense.
func Register(services grpc.ServiceRegistrar, calls *server.Calls) error {
	rules, err := kernels.LoadRules()
	if err != nil {
		return err
	}
	pb.RegisterKernelsServer(services, &service{calls: calls, rules: rules})
	return nil
}
