package server

import (
	"context"
	"log/slog"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
)

// FuzzScreenRequest feeds arbitrary bytes to the decoder and the kernel behind it: whatever
// arrives is either refused by name or answered in full, and never a panic.
func FuzzScreenRequest(f *testing.F) {
	s := &service{threads: 1, places: make(chan struct{}, 1), log: slog.New(slog.DiscardHandler)}
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

	seed := func(change func(*pb.ScreenRequest)) {
		r := request(index, "martha", "", "\U0001f600x")
		change(r)
		message, err := proto.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(message)
	}
	seed(func(*pb.ScreenRequest) {})
	seed(func(r *pb.ScreenRequest) { r.Cutoff = 0 })
	seed(func(r *pb.ScreenRequest) { r.Queries = nil })
	seed(func(r *pb.ScreenRequest) { r.Queries.Offsets = r.Queries.Offsets[:9] })
	seed(func(r *pb.ScreenRequest) { r.Queries.Offsets = le([]int32{0, -1, 2147483647, 8}) })
	seed(func(r *pb.ScreenRequest) { r.Queries.Data = le([]uint32{0xffffffff, 0, 1, 2, 3, 4, 5, 6}) })
	seed(func(r *pb.ScreenRequest) { r.Limit = 1000 })
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
