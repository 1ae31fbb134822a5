package server

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"google.golang.org/grpc/status"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/kernels"
)

// maxTreeRecords bounds the memory of a call that keeps all nodes to 128 MiB: empty records
// take no more than their offsets on the wire.
const maxTreeRecords = 1 << 21

func (s *service) Seal(ctx context.Context, request *pb.SealRequest) (*pb.SealResponse, error) {
	records, err := blobs("records", request.Records)
	if err != nil {
		return nil, invalid(err)
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	start := time.Now()
	root, err := kernels.Seal(ctx, records, s.threads)
	if err != nil {
		return nil, status.FromContextError(err).Err()
	}
	return &pb.SealResponse{Root: root[:], ComputeNs: uint64(time.Since(start))}, nil
}

func (s *service) Prove(ctx context.Context, request *pb.ProveRequest) (*pb.ProveResponse, error) {
	records, places, err := proveInput(request)
	if err != nil {
		return nil, invalid(err)
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	start := time.Now()
	proofs, err := kernels.Prove(ctx, records, places, s.threads)
	if err != nil {
		return nil, status.FromContextError(err).Err()
	}
	return &pb.ProveResponse{Proofs: proofs, ComputeNs: uint64(time.Since(start))}, nil
}

// proveInput checks all that the kernel relies on.
func proveInput(request *pb.ProveRequest) (records kernels.Blobs, places []int32, err error) {
	if records, err = blobs("records", request.Records); err != nil {
		return records, nil, err
	}
	n := records.Len()
	if n > maxTreeRecords {
		return records, nil, fmt.Errorf("records: expected at most %d, got %d", maxTreeRecords, n)
	}
	if places, err = fromBytes[int32]("places", request.Places); err != nil {
		return records, nil, err
	}
	// One hash more than a proof holds makes room for its length on the wire.
	if most := (maxMessageBytes - 1024) / (sha256.Size * (kernels.TreeHeight(n) + 1)); len(places) > most {
		return records, nil, fmt.Errorf("places: expected at most %d of %d records, got %d", most, n, len(places))
	}
	for i, place := range places {
		if place < 0 || int(place) >= n {
			return records, nil, fmt.Errorf("places: expected below %d, the number of records, got %d at %d", n, place, i)
		}
	}
	return records, places, nil
}

func (s *service) Verify(ctx context.Context, request *pb.VerifyRequest) (*pb.VerifyResponse, error) {
	if request.Place < 0 || request.Size < 0 {
		return nil, invalid(fmt.Errorf("place, size: expected 0 at least, got %d and %d", request.Place, request.Size))
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	start := time.Now()
	valid := kernels.Verify(request.Record, request.Place, request.Size, request.Proof, request.Root)
	return &pb.VerifyResponse{Valid: valid, ComputeNs: uint64(time.Since(start))}, nil
}
