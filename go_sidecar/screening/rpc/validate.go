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

func (s *service) Validate(ctx context.Context, request *pb.ValidateRequest) (*pb.ValidateResponse, error) {
	payments, err := paymentColumns(request)
	if err != nil {
		return nil, server.Invalid(err)
	}
	if request.RulesVersion != s.rules.Version {
		return nil, status.Errorf(codes.FailedPrecondition, "rules_version: expected %s, got %.64q; the caller and the sidecar were built with different payment rules: update the sidecar", s.rules.Version, request.RulesVersion)
	}
	violations, took, err := server.Compute(ctx, s.calls, func() ([]uint32, error) {
		return kernels.Validate(ctx, payments, s.rules, s.calls.Threads)
	})
	if err != nil {
		return nil, err
	}
	return &pb.ValidateResponse{Violations: packed.Bytes(violations), ComputeNs: took}, nil
}

// paymentColumns checks all that the kernel relies on.
func paymentColumns(request *pb.ValidateRequest) (*kernels.PaymentColumns, error) {
	payments := new(kernels.PaymentColumns)
	for _, column := range []struct {
		field   string
		message *pb.Blobs
		blobs   *packed.Blobs
	}{
		{"end_to_end_id", request.EndToEndId, &payments.EndToEndID},
		{"debtor_iban", request.DebtorIban, &payments.DebtorIBAN},
		{"creditor_iban", request.CreditorIban, &payments.CreditorIBAN},
		{"creditor_bic", request.CreditorBic, &payments.CreditorBIC},
		{"currency", request.Currency, &payments.Currency},
		{"amount", request.Amount, &payments.Amount},
	} {
		blobs, err := packed.ReadBlobs(column.field, column.message)
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
