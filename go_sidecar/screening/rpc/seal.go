package rpc

import (
	"context"
	"crypto/sha256"
	"fmt"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/screening/kernels"
	"hotpath/go_sidecar/server"
)

// maxTreeRecords bounds the memory of a call that keeps all nodes to 128 MiB: empty records
// take no more than their offsets on the wire.
const maxTreeRecords = 1 << 21

func (s *service) Seal(ctx context.Context, request *pb.SealRequest) (*pb.SealResponse, error) {
	records, err := packed.ReadBlobs("records", request.Records)
	if err != nil {
		return nil, server.Invalid(err)
	}
	root, took, err := server.Compute(ctx, s.calls, func() (kernels.Hash, error) {
		return kernels.Seal(ctx, records, s.calls.Threads)
	})
	if err != nil {
		return nil, err
	}
	return &pb.SealResponse{Root: root[:], ComputeNs: took}, nil
}

func (s *service) Prove(ctx context.Context, request *pb.ProveRequest) (*pb.ProveResponse, error) {
	records, places, err := proveInput(request)
	if err != nil {
		return nil, server.Invalid(err)
	}
	proofs, took, err := server.Compute(ctx, s.calls, func() ([][]byte, error) {
		return kernels.Prove(ctx, records, places, s.calls.Threads)
	})
	if err != nil {
		return nil, err
	}
	return &pb.ProveResponse{Proofs: proofs, ComputeNs: took}, nil
}

// proveInput checks all that the kernel relies on.
func proveInput(request *pb.ProveRequest) (records packed.Blobs, places []int32, err error) {
	if records, err = packed.ReadBlobs("records", request.Records); err != nil {
		return records, nil, err
	}
	n := records.Len()
	if n > maxTreeRecords {
		return records, nil, fmt.Errorf("records: expected at most %d, got %d", maxTreeRecords, n)
	}
	if places, err = packed.Read[int32]("places", request.Places); err != nil {
		return records, nil, err
	}
	// One hash more than a proof holds makes room for its length on the wire.
	if most := (server.MaxMessageBytes - 1024) / (sha256.Size * (kernels.TreeHeight(n) + 1)); len(places) > most {
		return records, nil, fmt.Errorf("places: expected at most %d of %d records, got %d", most, n, len(places))
	}
	for i, place := range places {
		if place < 0 || int(place) >= n {
			return records, nil, fmt.Errorf("places: expected below %d, the number of records, got %d at %d", n, place, i)
		}
	}
	return records, places, nil
}
