package rpc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/server"
)

func TestSealAndProveTheReferenceTree(t *testing.T) {
	client := newClient(t)
	ctx := context.Background()
	// The first three leaves of Certificate Transparency's reference tree.
	records := packBlobs("", "\x00", "\x10")
	const want = "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
	sealed, err := client.Seal(ctx, &pb.SealRequest{Records: records})
	if err != nil {
		t.Fatal(err)
	}
	if hex.EncodeToString(sealed.Root) != want || sealed.ComputeNs == 0 {
		t.Errorf("%x in %d ns, want %s", sealed.Root, sealed.ComputeNs, want)
	}
	proven, err := client.Prove(ctx, &pb.ProveRequest{Records: records, Places: le([]int32{2, 0})})
	if err != nil {
		t.Fatal(err)
	}
	// The last leaf's only sibling is the root of the first two.
	if len(proven.Proofs) != 2 || hex.EncodeToString(proven.Proofs[0]) != "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" || len(proven.Proofs[1]) != 64 || proven.ComputeNs == 0 {
		t.Errorf("%x in %d ns", proven.Proofs, proven.ComputeNs)
	}
}

func TestNoRecordsHaveTheRootOfNothing(t *testing.T) {
	client := newClient(t)
	answer, err := client.Seal(context.Background(), &pb.SealRequest{Records: packBlobs()})
	if want := sha256.Sum256(nil); err != nil || !slices.Equal(answer.Root, want[:]) {
		t.Errorf("%v %v", answer, err)
	}
}

func TestInvalidTreeRequestsNameTheField(t *testing.T) {
	client := newClient(t)
	ctx := context.Background()
	for want, broken := range map[string]*pb.Blobs{
		"records.offsets: expected int32[n+1], got nothing":                  nil,
		"records.offsets: expected a multiple of 4 bytes, got 5":             {Offsets: make([]byte, 5)},
		"records.offsets: expected to start at 0, got 2":                     {Offsets: le([]int32{2})},
		"records.offsets: expected never to fall, got 1 after 2 at 2":        {Offsets: le([]int32{0, 2, 1}), Data: []byte("a")},
		"records.offsets: expected to end at 3, the number of bytes, got 2":  {Offsets: le([]int32{0, 2}), Data: []byte("abc")},
		"records.offsets: expected to end at 0, the number of bytes, got 10": {Offsets: le([]int32{0, 10})},
	} {
		_, err := client.Seal(ctx, &pb.SealRequest{Records: broken})
		wantInvalid(t, err, want)
		_, err = client.Prove(ctx, &pb.ProveRequest{Records: broken, Places: le([]int32{0})})
		wantInvalid(t, err, want)
	}
	for want, places := range map[string][]byte{
		"places: expected a multiple of 4 bytes, got 3":                make([]byte, 3),
		"places: expected below 2, the number of records, got 2 at 1":  le([]int32{0, 2}),
		"places: expected below 2, the number of records, got -1 at 0": le([]int32{-1}),
		"places: expected at most 1048560 of 2 records, got 1048561":   make([]byte, 4*1048561),
	} {
		_, err := client.Prove(ctx, &pb.ProveRequest{Records: packBlobs("a", "b"), Places: places})
		wantInvalid(t, err, want)
	}
	_, err := client.Prove(ctx, &pb.ProveRequest{Records: packBlobs(), Places: le([]int32{0})})
	wantInvalid(t, err, "places: expected below 0, the number of records, got 0 at 0")
	_, err = client.Prove(ctx, &pb.ProveRequest{Records: &pb.Blobs{Offsets: make([]byte, 4*(maxTreeRecords+2))}})
	wantInvalid(t, err, "records: expected at most 2097152, got 2097153")
}

// The largest answer that the checks allow must pass the cap on messages.
func TestAsManyProofsAsAllowedFitTheMessage(t *testing.T) {
	s := newService(t)
	for _, n := range []int{1, 2, 5} {
		records := packBlobs(slices.Repeat([]string{"x"}, n)...)
		most := map[int]int{1: 2097120, 2: 1048560, 5: 524280}[n]
		answer, err := s.Prove(context.Background(), &pb.ProveRequest{Records: records, Places: make([]byte, 4*most)})
		if err != nil {
			t.Fatal(err)
		}
		if size := proto.Size(answer); size > server.MaxMessageBytes {
			t.Errorf("%d proofs of %d records take %d bytes", most, n, size)
		}
	}
}

func TestCallsThatComputeEndWithTheContext(t *testing.T) {
	s := newService(t)
	many := &pb.Blobs{Offsets: make([]byte, 4*(2<<20))} // empty records: a second of work or so
	payments := &pb.ValidateRequest{RulesVersion: s.rules.Version, EndToEndId: many, DebtorIban: many, CreditorIban: many, CreditorBic: many, Currency: many, Amount: many}
	for name, call := range map[string]func(context.Context) error{
		"validate": func(ctx context.Context) error { _, err := s.Validate(ctx, payments); return err },
		"seal":     func(ctx context.Context) error { _, err := s.Seal(ctx, &pb.SealRequest{Records: many}); return err },
		"prove":    func(ctx context.Context) error { _, err := s.Prove(ctx, &pb.ProveRequest{Records: many}); return err },
	} {
		deadline, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		if err := call(deadline); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("%s: got %v", name, err)
		}
		cancel()
		cancelled, cancel := context.WithCancel(context.Background())
		time.AfterFunc(20*time.Millisecond, cancel)
		if err := call(cancelled); status.Code(err) != codes.Canceled {
			t.Errorf("%s: got %v", name, err)
		}
	}
	wantFreePlace(t, s)
}

func TestEveryCallWaitsForAPlace(t *testing.T) {
	s := newService(t)
	takeThePlace(t, s)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	for name, call := range map[string]func() error{
		"validate": func() error { _, err := s.Validate(ctx, validateRequest(s.rules.Version)); return err },
		"seal":     func() error { _, err := s.Seal(ctx, &pb.SealRequest{Records: packBlobs()}); return err },
		"prove":    func() error { _, err := s.Prove(ctx, &pb.ProveRequest{Records: packBlobs()}); return err },
	} {
		if err := call(); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func wantInvalid(t *testing.T, err error, want string) {
	t.Helper()
	if status.Code(err) != codes.InvalidArgument || status.Convert(err).Message() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func packBlobs(items ...string) *pb.Blobs {
	offsets, data := []int32{0}, []byte(nil)
	for _, item := range items {
		data = append(data, item...)
		offsets = append(offsets, int32(len(data)))
	}
	return &pb.Blobs{Offsets: le(offsets), Data: data}
}
