package rpc

import (
	"context"
	"fmt"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/nearest/kernels"
	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/server"
)

func (s *service) Nearest(ctx context.Context, request *pb.NearestRequest) (*pb.NearestResponse, error) {
	points, err := vectors("points", request.Points)
	if err != nil {
		return nil, server.Invalid(err)
	}
	places, err := vectors("places", request.Places)
	if err != nil {
		return nil, server.Invalid(err)
	}
	found, took, err := server.Compute(ctx, s.calls, func() (kernels.Found, error) {
		return kernels.Nearest(ctx, points, places, s.calls.Threads)
	})
	if err != nil {
		return nil, err
	}
	return &pb.NearestResponse{
		Rows:      packed.Bytes(found.Rows),
		Squares:   packed.Bytes(found.Squares),
		ComputeNs: took,
	}, nil
}

// vectors reads float64[n, 3].
func vectors(field string, bytes []byte) ([]float64, error) {
	numbers, err := packed.Read[float64](field, bytes)
	if err == nil && len(numbers)%3 != 0 {
		err = fmt.Errorf("%s: expected a multiple of 3 numbers, got %d", field, len(numbers))
	}
	return numbers, err
}
