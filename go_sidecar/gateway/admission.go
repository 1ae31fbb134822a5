package gateway

import (
	"context"

	"hotpath/go_sidecar/gateway/problem"
)

// admission bounds the calls that compute: so many at once, so many waiting, none besides.
type admission struct {
	places  chan struct{} // computing
	entered chan struct{} // computing or waiting
}

func newAdmission(atOnce, waiting int) *admission {
	return &admission{make(chan struct{}, atOnce), make(chan struct{}, atOnce+waiting)}
}

// run computes once there is room. Errors: overloaded, or the context's.
func (a *admission) run(ctx context.Context, compute func() error) error {
	select {
	case a.entered <- struct{}{}:
		defer func() { <-a.entered }()
	default:
		return problem.New(problem.Overloaded, "all %d places are taken and %d calls wait for one; try again", cap(a.places), cap(a.entered)-cap(a.places))
	}
	select {
	case a.places <- struct{}{}:
		defer func() { <-a.places }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return compute()
}
