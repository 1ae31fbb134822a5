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

func (s *service) Validate(ctx context.Context, request *pb.ValidateRequest) (*pb.ValidateResponse, error) {
	payments, err := paymentColumns(request)
	if err != nil {
		return nil, invalid(err)
	}
	if request.RulesVersion != s.rules.Version {
		return nil, status.Errorf(codes.FailedPrecondition, "rules_version: expected %s, got %.64q; the caller and the sidecar were built with different payment rules: update the sidecar", s.rules.Version, request.RulesVersion)
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	start := time.Now()
	violations, err := kernels.Validate(ctx, payments, s.rules, s.threads)
	if err != nil {
		return nil, status.FromContextError(err).Err()
	}
	return &pb.ValidateResponse{Violations: asBytes(violations), ComputeNs: uint64(time.Since(start))}, nil
}

// paymentColumns checks all that the kernel relies on.
func paymentColumns(request *pb.ValidateRequest) (*kernels.PaymentColumns, error) {
	payments := new(kernels.PaymentColumns)
	for _, column := range []struct {
		field  string
		packed *pb.Blobs
		blobs  *kernels.Blobs
	}{
		{"end_to_end_id", request.EndToEndId, &payments.EndToEndID},
		{"debtor_iban", request.DebtorIban, &payments.DebtorIBAN},
		{"creditor_iban", request.CreditorIban, &payments.CreditorIBAN},
		{"creditor_bic", request.CreditorBic, &payments.CreditorBIC},
		{"currency", request.Currency, &payments.Currency},
		{"amount", request.Amount, &payments.Amount},
	} {
		blobs, err := blobs(column.field, column.packed)
		if err != nil {
			return nil, err
		}
		*column.blobs = blobs
		if n := payments.EndToEndID.Len(); blobs.Len() != n {
			return nil, fmt.Errorf("%s: expected %d items, as many as end_to_end_id, got %d", column.field, n, blobs.Len())
		}
	}
	return payments, nil
}

func blobs(field string, packed *pb.Blobs) (blobs kernels.Blobs, err error) {
	if blobs.Offsets, err = fromBytes[int32](field+".offsets", packed.GetOffsets()); err != nil {
		return blobs, err
	}
	blobs.Data = packed.GetData()
	if err = blobs.Check(); err != nil {
		return blobs, fmt.Errorf("%s.%w", field, err)
	}
	return blobs, nil
}
