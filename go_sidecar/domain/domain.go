// Package domain says what one application brings to the programs.
package domain

import (
	"hotpath/go_sidecar/gateway"
	"hotpath/go_sidecar/gateway/settings"
	"hotpath/go_sidecar/server"
)

// Domain is one application: all that the sidecar and the gateway know of it.
type Domain struct {
	// Kernels adds the gRPC service to the sidecar.
	Kernels server.Register

	// Routes reads the settings that are the domain's own and returns what mounts its routes on
	// the gateway, which is called if all settings are right.
	Routes func(r *settings.Reader) gateway.Mount
}
