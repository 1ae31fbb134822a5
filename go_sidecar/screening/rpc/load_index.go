package rpc

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/screening/kernels"
	"hotpath/go_sidecar/server"
)

// maxIndexBytes is some million names; a header alone must not claim more memory.
const maxIndexBytes = 1 << 30

func (s *service) LoadIndex(stream grpc.ClientStreamingServer[pb.LoadIndexRequest, pb.LoadIndexResponse]) error {
	start := time.Now()
	first, err := stream.Recv()
	if err != nil && err != io.EOF {
		return err
	}
	header := first.GetHeader()
	if header == nil {
		return server.Invalid(errors.New("header: expected in the first message, got none"))
	}
	loading, err := newLoading(header)
	if err != nil {
		return server.Invalid(err)
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
			return server.Invalid(errors.New("header: expected once, got another"))
		}
		if err := loading.write(message.GetChunk()); err != nil {
			return server.Invalid(err)
		}
	}
	ctx := stream.Context()
	index, _, err := server.Compute(ctx, s.calls, func() (*kernels.NameIndex, error) {
		index, err := loading.finish(header.Version)
		if err != nil {
			return nil, server.Invalid(err)
		}
		return index, nil
	})
	if err != nil {
		return err
	}
	// A caller who gave up meanwhile must not push out a version in use.
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	s.indexes.put(header.Version, index)
	s.calls.Log.Info("index loaded", "version", header.Version, "names", header.Names, "duration_ms", time.Since(start).Milliseconds())
	return stream.SendAndClose(&pb.LoadIndexResponse{Version: header.Version, Names: header.Names})
}

// loading fills the six arrays as their bytes arrive, without a copy besides.
type loading struct {
	names       packed.CodePoints
	planes      []uint64
	planeStarts []int32
	heads       []uint64
	rows        []int32
	unfilled    [][]byte // what is left of the arrays' memory, in the order of the stream
	missing     int
}

func newLoading(header *pb.IndexHeader) (*loading, error) {
	const most = maxIndexBytes / (4 + 2*32/8 + 4) // offset, heads and row
	if header.Names > most {
		return nil, fmt.Errorf("header.names: expected at most %d, got %d", most, header.Names)
	}
	if most := uint64(maxIndexBytes / 4); header.CodePoints > most {
		return nil, fmt.Errorf("header.code_points: expected at most %d, got %d", most, header.CodePoints)
	}
	if header.Planes > header.CodePoints { // a plane holds one code point at least
		return nil, fmt.Errorf("header.planes: expected at most %d, the code points, got %d", header.CodePoints, header.Planes)
	}
	n, width, planes := int(header.Names), kernels.PlaneWords(int(header.Names)), int(header.Planes)
	if bytes := 4*(n+1) + 4*int(header.CodePoints) + 8*width*(planes+2*32) + 4*33 + 4*n; bytes > maxIndexBytes {
		return nil, fmt.Errorf("header: expected arrays of at most %d bytes together, got %d", maxIndexBytes, bytes)
	}
	l := &loading{
		names:       packed.CodePoints{Offsets: make([]int32, n+1), Data: make([]uint32, header.CodePoints)},
		planes:      make([]uint64, planes*width, (planes+1)*width), // the index appends a plane
		planeStarts: make([]int32, 33),
		heads:       make([]uint64, 2*32*width),
		rows:        make([]int32, n),
	}
	l.unfilled = l.arrays()
	for _, array := range l.unfilled {
		l.missing += len(array)
	}
	return l, nil
}

func (l *loading) arrays() [][]byte {
	return [][]byte{packed.Bytes(l.names.Offsets), packed.Bytes(l.names.Data), packed.Bytes(l.planes), packed.Bytes(l.planeStarts), packed.Bytes(l.heads), packed.Bytes(l.rows)}
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
	for _, array := range l.arrays() {
		hash.Write(array)
	}
	if computed := hex.EncodeToString(hash.Sum(nil)); computed != version {
		return nil, fmt.Errorf("header.version: expected %s, the SHA-256 of the arrays, got %.64q", computed, version)
	}
	return kernels.NewNameIndex(l.names, l.planes, l.planeStarts, l.heads, l.rows)
}
