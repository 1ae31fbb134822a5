package rpc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
)

func TestValidateAnswersPerPayment(t *testing.T) {
	client := newClient(t)
	request := validateRequest(rulesVersion(t))
	answer, err := client.Validate(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	// Bits 3 and 15: the debtor's checksum, and the id that came before.
	if want := le([]uint32{0, 1<<3 | 1<<15}); !bytes.Equal(answer.Violations, want) || answer.ComputeNs == 0 {
		t.Errorf("%x in %d ns, want %x", answer.Violations, answer.ComputeNs, want)
	}
}

func TestOtherRulesAreAFailedPrecondition(t *testing.T) {
	client := newClient(t)
	for _, version := range []string{"", "other", strings.Repeat("0", 64)} {
		_, err := client.Validate(context.Background(), validateRequest(version))
		message := status.Convert(err).Message()
		if status.Code(err) != codes.FailedPrecondition || !strings.Contains(message, rulesVersion(t)) || !strings.Contains(message, "update the sidecar") {
			t.Errorf("%q: got %v", version, err)
		}
	}
}

func TestInvalidColumnsAreNamed(t *testing.T) {
	client := newClient(t)
	for field, column := range map[string]func(*pb.ValidateRequest) **pb.Blobs{
		"end_to_end_id": func(r *pb.ValidateRequest) **pb.Blobs { return &r.EndToEndId },
		"debtor_iban":   func(r *pb.ValidateRequest) **pb.Blobs { return &r.DebtorIban },
		"creditor_iban": func(r *pb.ValidateRequest) **pb.Blobs { return &r.CreditorIban },
		"creditor_bic":  func(r *pb.ValidateRequest) **pb.Blobs { return &r.CreditorBic },
		"currency":      func(r *pb.ValidateRequest) **pb.Blobs { return &r.Currency },
		"amount":        func(r *pb.ValidateRequest) **pb.Blobs { return &r.Amount },
	} {
		for want, broken := range map[string]*pb.Blobs{
			".offsets: expected int32[n+1], got nothing":                 nil,
			".offsets: expected a multiple of 4 bytes, got 2":            {Offsets: make([]byte, 2)},
			".offsets: expected never to fall, got -5 after 0 at 1":      {Offsets: le([]int32{0, -5, 0})},
			".offsets: expected to end at 0, the number of bytes, got 9": {Offsets: le([]int32{0, 9, 9})},
			": expected 2 items, as many as end_to_end_id, got 1":        packBlobs("x"),
		} {
			request := validateRequest(rulesVersion(t))
			*column(request) = broken
			want = field + want
			if field == "end_to_end_id" && strings.Contains(want, "as many") { // the others follow the first
				want = "debtor_iban: expected 1 items, as many as end_to_end_id, got 2"
			}
			_, err := client.Validate(context.Background(), request)
			wantInvalid(t, err, want)
		}
	}
}

// rulesVersion is the digest of the one source of the tables, outside of this module.
func rulesVersion(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile("../../../service/screening/contract/payment_rules.json")
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(source)
	return hex.EncodeToString(digest[:])
}

// validateRequest holds a payment without fault and one with two.
func validateRequest(rulesVersion string) *pb.ValidateRequest {
	return &pb.ValidateRequest{
		RulesVersion: rulesVersion,
		EndToEndId:   packBlobs("same", "same"),
		DebtorIban:   packBlobs("GB29NWBK60161331926819", "GB28NWBK60161331926819"),
		CreditorIban: packBlobs("DE89370400440532013000", "DE89370400440532013000"),
		CreditorBic:  packBlobs("DEUTDEFF", "DEUTDEFF500"),
		Currency:     packBlobs("EUR", "JPY"),
		Amount:       packBlobs("12.34", "1"),
	}
}
