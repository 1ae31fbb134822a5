package rpc

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/server"
)

func newService() *service {
	return &service{calls: server.NewCalls(server.Config{Threads: 1, Concurrency: 1, Log: slog.New(slog.DiscardHandler)})}
}

func TestNearestAnswersPerPoint(t *testing.T) {
	answer, err := newService().Nearest(context.Background(), &pb.NearestRequest{
		Points: packed.Bytes([]float64{1, 0, 0, 0, 0, 1}),
		Places: packed.Bytes([]float64{0, 1, 0, 0, 0, 1}),
	})
	if err != nil {
		t.Fatal(err)
	}
	rows, squares := packed.Bytes([]int32{0, 1}), packed.Bytes([]float64{2, 0})
	if !bytes.Equal(answer.Rows, rows) || !bytes.Equal(answer.Squares, squares) || answer.ComputeNs == 0 {
		t.Errorf("got %v", answer)
	}
}

func TestWhatIsNoVectorIsNamed(t *testing.T) {
	for want, request := range map[string]*pb.NearestRequest{
		"points: expected a multiple of 8 bytes, got 7":   {Points: make([]byte, 7)},
		"points: expected a multiple of 3 numbers, got 1": {Points: make([]byte, 8)},
		"places: expected a multiple of 3 numbers, got 4": {Places: make([]byte, 32)},
	} {
		_, err := newService().Nearest(context.Background(), request)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
