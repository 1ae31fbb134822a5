package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/kernels"
)

// maxIndexBytes is about 10 million names; a header alone must not claim more memory.
const maxIndexBytes = 1 << 30

func (s *service) LoadIndex(stream grpc.ClientStreamingServer[pb.LoadIndexRequest, pb.LoadIndexResponse]) error {
	start := time.Now()
	first, err := stream.Recv()
	if err != nil && err != io.EOF {
		return err
	}
	header := first.GetHeader()
	if header == nil {
		return invalid(errors.New("header: expected in the first message, got none"))
	}
	loading, err := newLoading(header)
	if err != nil {
		return invalid(err)
	}
	for {
		message, err := stream.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if message.GetHeader() != nil {
			return invalid(errors.New("header: expected once, got another"))
		}
		if err := loading.write(message.GetChunk()); err != nil {
			return invalid(err)
		}
	}
	ctx := stream.Context()
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	index, err := loading.finish(header.Version)
	if err != nil {
		return invalid(err)
	}
	// A caller who gave up meanwhile must not push out a version in use.
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	s.indexes.put(header.Version, index)
	s.log.Info("index loaded", "version", header.Version, "names", header.Names, "duration_ms", time.Since(start).Milliseconds())
	return stream.SendAndClose(&pb.LoadIndexResponse{Version: header.Version, Names: header.Names})
}

// loading fills the five arrays as their bytes arrive, without a copy besides.
type loading struct {
	names     kernels.CodePoints
	bags      [][2]uint64
	overflows []uint16
	rows      []int32
	unfilled  [][]byte // what is left of the arrays' memory, in the order of the stream
	missing   int
}

func newLoading(header *pb.IndexHeader) (*loading, error) {
	const perName = 4 + 16 + 2 + 4
	if header.Names >= min(maxIndexBytes/perName, math.MaxInt32) {
		return nil, fmt.Errorf("header.names: expected less than %d, got %d", maxIndexBytes/perName, header.Names)
	}
	room := maxIndexBytes - 4 - header.Names*perName
	if header.CodePoints > room/4 {
		return nil, fmt.Errorf("header.code_points: expected at most %d, got %d", room/4, header.CodePoints)
	}
	n := int(header.Names)
	l := &loading{
		names:     kernels.CodePoints{Offsets: make([]int32, n+1), Data: make([]uint32, header.CodePoints)},
		bags:      make([][2]uint64, n),
		overflows: make([]uint16, n),
		rows:      make([]int32, n),
	}
	l.unfilled = [][]byte{asBytes(l.names.Offsets), asBytes(l.names.Data), asBytes(l.bags), asBytes(l.overflows), asBytes(l.rows)}
	for _, array := range l.unfilled {
		l.missing += len(array)
	}
	return l, nil
}

func (l *loading) write(chunk []byte) error {
	if len(chunk) > l.missing {
		return fmt.Errorf("chunk: expected %d more bytes at most, got %d", l.missing, len(chunk))
	}
	for len(chunk) > 0 {
		n := copy(l.unfilled[0], chunk)
		chunk = chunk[n:]
		l.missing -= n
		if l.unfilled[0] = l.unfilled[0][n:]; len(l.unfilled[0]) == 0 {
			l.unfilled = l.unfilled[1:]
		}
	}
	return nil
}

func (l *loading) finish(version string) (*kernels.NameIndex, error) {
	if l.missing > 0 {
		return nil, fmt.Errorf("chunk: expected %d more bytes, got none", l.missing)
	}
	hash := sha256.New()
	for _, array := range [][]byte{asBytes(l.names.Offsets), asBytes(l.names.Data), asBytes(l.bags), asBytes(l.overflows), asBytes(l.rows)} {
		hash.Write(array)
	}
	if computed := hex.EncodeToString(hash.Sum(nil)); computed != version {
		return nil, fmt.Errorf("header.version: expected %s, the SHA-256 of the arrays, got %.64q", computed, version)
	}
	return kernels.NewNameIndex(l.names, l.bags, l.overflows, l.rows)
}
