// Package wiring names the domain, the only place outside of it that does.
package wiring

import "hotpath/go_sidecar/nearest"

// Domain is what the programs serve.
var Domain = nearest.Domain
