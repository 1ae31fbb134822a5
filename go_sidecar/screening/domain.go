// Package screening is payment screening: the sample.
package screening

import (
	"hotpath/go_sidecar/domain"
	"hotpath/go_sidecar/screening/routes"
	"hotpath/go_sidecar/screening/rpc"
)

// Domain has its kernels and its routes.
var Domain = domain.Domain{Kernels: rpc.Register, Routes: routes.Read}
