package server

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/kernels"
)

const (
	maxLimit = 1000
	hitBytes = 4 + 8 // a row and a score

	// maxHits keeps the answer below the cap on messages, and a small request from asking
	// for the memory of thousands of large ones.
	maxHits = (maxMessageBytes - 1024) / hitBytes
)

func (s *service) Screen(ctx context.Context, request *pb.ScreenRequest) (*pb.ScreenResponse, error) {
	queries, err := screenInput(request)
	if err != nil {
		return nil, invalid(err)
	}
	index := s.indexes.get(request.IndexVersion)
	if index == nil {
		return nil, status.Errorf(codes.FailedPrecondition, "index_version: expected a loaded version, got %.64q", request.IndexVersion)
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	start := time.Now()
	hits, err := kernels.Screen(ctx, queries, index, request.Cutoff, int(request.Limit), s.threads)
	if err != nil {
		return nil, status.FromContextError(err).Err()
	}
	return &pb.ScreenResponse{
		Rows:      asBytes(hits.Rows),
		Scores:    asBytes(hits.Scores),
		ComputeNs: uint64(time.Since(start)),
	}, nil
}

// screenInput checks all that the kernel relies on.
func screenInput(request *pb.ScreenRequest) (kernels.CodePoints, error) {
	queries, err := codePoints("queries", request.Queries)
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

func codePoints(field string, packed *pb.CodePoints) (text kernels.CodePoints, err error) {
	if text.Offsets, err = fromBytes[int32](field+".offsets", packed.GetOffsets()); err != nil {
		return text, err
	}
	if text.Data, err = fromBytes[uint32](field+".data", packed.GetData()); err != nil {
		return text, err
	}
	if err = text.Check(); err != nil {
		return text, fmt.Errorf("%s.%w", field, err)
	}
	return text, nil
}
