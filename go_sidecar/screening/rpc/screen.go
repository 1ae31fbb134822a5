package rpc

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/screening/kernels"
	"hotpath/go_sidecar/server"
)

const (
	maxLimit = 1000
	hitBytes = 4 + 8 // a row and a score

	// maxHits keeps the answer below the cap on messages, and a small request from asking
	// for the memory of thousands of large ones.
	maxHits = (server.MaxMessageBytes - 1024) / hitBytes
)

func (s *service) Screen(ctx context.Context, request *pb.ScreenRequest) (*pb.ScreenResponse, error) {
	queries, err := screenInput(request)
	if err != nil {
		return nil, server.Invalid(err)
	}
	index := s.indexes.get(request.IndexVersion)
	if index == nil {
		return nil, status.Errorf(codes.FailedPrecondition, "index_version: expected a loaded version, got %.64q", request.IndexVersion)
	}
	hits, took, err := server.Compute(ctx, s.calls, func() (kernels.Hits, error) {
		return kernels.Screen(ctx, queries, index, request.Cutoff, int(request.Limit), s.calls.Threads)
	})
	if err != nil {
		return nil, err
	}
	return &pb.ScreenResponse{Rows: packed.Bytes(hits.Rows), Scores: packed.Bytes(hits.Scores), ComputeNs: took}, nil
}

// screenInput checks all that the kernel relies on.
func screenInput(request *pb.ScreenRequest) (packed.CodePoints, error) {
	queries, err := packed.ReadCodePoints("queries", request.Queries)
	if err != nil {
		return queries, err
	}
	if !(request.Cutoff >= 0 && request.Cutoff <= 1) { // so that NaN is refused as well
		return queries, fmt.Errorf("cutoff: expected 0 to 1, got %v", request.Cutoff)
	}
	if request.Limit < 1 || request.Limit > maxLimit {
		return queries, fmt.Errorf("limit: expected 1 to %d, got %d", maxLimit, request.Limit)
	}
	if most := maxHits / int(request.Limit); queries.Len() > most {
		return queries, fmt.Errorf("queries: expected at most %d with limit %d, got %d", most, request.Limit, queries.Len())
	}
	return queries, nil
}
