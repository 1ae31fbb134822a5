// Package nearest is the application: the nearest of many places.
package nearest

import (
	"hotpath/go_sidecar/domain"
	"hotpath/go_sidecar/nearest/routes"
	"hotpath/go_sidecar/nearest/rpc"
)

// Domain has its kernels and its routes.
var Domain = domain.Domain{Kernels: rpc.Register, Routes: routes.Read}
