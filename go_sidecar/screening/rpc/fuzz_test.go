package rpc

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/screening/kernels/kernelstest"
)

// FuzzScreenRequest feeds arbitrary bytes to the decoder and the kernel behind it: whatever
// arrives is either refused by name or answered in full, and never a panic.
func FuzzScreenRequest(f *testing.F) {
	s := newService(f)
	index := packIndex("", "jones", "marhta", "\U0001f600\U0001f600\U0001f600\U0001f600\U0001f600\U0001f600\U0001f600")
	loading, err := newLoading(index.messages()[0].GetHeader())
	if err != nil {
		f.Fatal(err)
	}
	if err := loading.write(index.content); err != nil {
		f.Fatal(err)
	}
	ready, err := loading.finish(index.version)
	if err != nil {
		f.Fatal(err)
	}
	s.indexes.put(index.version, ready)

	changed := func(change func(*pb.ScreenRequest)) {
		r := request(index, "martha", "", "\U0001f600x")
		change(r)
		seed(f, r)
	}
	changed(func(*pb.ScreenRequest) {})
	changed(func(r *pb.ScreenRequest) { r.Cutoff = 0 })
	changed(func(r *pb.ScreenRequest) { r.Queries = nil })
	changed(func(r *pb.ScreenRequest) { r.Queries.Offsets = r.Queries.Offsets[:9] })
	changed(func(r *pb.ScreenRequest) { r.Queries.Offsets = le([]int32{0, -1, 2147483647, 8}) })
	changed(func(r *pb.ScreenRequest) { r.Queries.Data = le([]uint32{0xffffffff, 0, 1, 2, 3, 4, 5, 6}) })
	changed(func(r *pb.ScreenRequest) { r.Limit = 1000 })
	f.Fuzz(func(t *testing.T, message []byte) {
		r := new(pb.ScreenRequest)
		if proto.Unmarshal(message, r) != nil {
			return
		}
		// Mutations seldom keep 64 hex digits, behind which the kernel would stay unseen.
		r.IndexVersion = index.version
		answer, err := s.Screen(context.Background(), r)
		if err != nil {
			if status.Code(err) != codes.InvalidArgument {
				t.Error(err)
			}
			return
		}
		places := (len(r.Queries.Offsets)/4 - 1) * int(r.Limit)
		if len(answer.Rows) != 4*places || len(answer.Scores) != 8*places {
			t.Errorf("%d places: %d and %d bytes", places, len(answer.Rows), len(answer.Scores))
		}
	})
}

// The seeds of the fuzz targets below are whole requests; mutations break their packing.

func FuzzValidateRequest(f *testing.F) {
	s := newService(f)
	seed(f, validateRequest(""))
	seed(f, &pb.ValidateRequest{})
	f.Fuzz(func(t *testing.T, message []byte) {
		r := new(pb.ValidateRequest)
		if proto.Unmarshal(message, r) != nil {
			return
		}
		r.RulesVersion = s.rules.Version
		answer, err := s.Validate(context.Background(), r)
		if isRefused(t, err) {
			return
		}
		if want := len(r.Amount.Offsets) - 4; len(answer.Violations) != want {
			t.Errorf("%d bytes, want %d", len(answer.Violations), want)
		}
	})
}

// FuzzTreeRequests asks for the root and the proofs of what arrives, and checks one with the other.
func FuzzTreeRequests(f *testing.F) {
	s := newService(f)
	seed(f, &pb.ProveRequest{Records: packBlobs("", "a", "bc", "def", "g"), Places: le([]int32{4, 0, 0, 2})})
	seed(f, &pb.ProveRequest{Records: packBlobs()})
	seed(f, &pb.ProveRequest{})
	f.Fuzz(func(t *testing.T, message []byte) {
		r := new(pb.ProveRequest)
		if proto.Unmarshal(message, r) != nil {
			return
		}
		sealed, err := s.Seal(context.Background(), &pb.SealRequest{Records: r.Records})
		if isRefused(t, err) {
			return
		}
		proven, err := s.Prove(context.Background(), r)
		if isRefused(t, err) {
			return
		}
		records, places, err := proveInput(r)
		if err != nil || len(proven.Proofs) != len(places) {
			t.Fatalf("%d proofs for %d places: %v", len(proven.Proofs), len(places), err)
		}
		for k, place := range places {
			if !kernelstest.IsIncluded(records.At(int(place)), int(place), records.Len(), proven.Proofs[k], sealed.Root) {
				t.Errorf("place %d of %d: the proof does not hold", place, records.Len())
			}
		}
	})
}

func seed(f *testing.F, request proto.Message) {
	f.Helper()
	message, err := proto.Marshal(request)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(message)
}

// isRefused tells whether the input was at fault; any other error is one of the code.
func isRefused(t *testing.T, err error) bool {
	t.Helper()
	if err != nil && status.Code(err) != codes.InvalidArgument {
		t.Fatal(err)
	}
	return err != nil
}
