package rpc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
)

func TestScreenFindsTheLoadedName(t *testing.T) {
	client := newClient(t)
	index := packIndex("jones", "marhta")
	if answer := load(t, client, index); answer.Version != index.version || answer.Names != 2 {
		t.Errorf("loaded %v", answer)
	}
	answer, err := client.Screen(context.Background(), request(index, "martha", ""))
	if err != nil {
		t.Fatal(err)
	}
	// 0.9611111111111111 is RapidFuzz's JaroWinkler.similarity("martha", "marhta").
	if want := le([]int32{1, -1, -1, -1}); !bytes.Equal(answer.Rows, want) {
		t.Errorf("rows %x, want %x", answer.Rows, want)
	}
	if want := le([]float64{0.9611111111111111, 0, 0, 0}); !bytes.Equal(answer.Scores, want) {
		t.Errorf("scores %x, want %x", answer.Scores, want)
	}
	if answer.ComputeNs == 0 {
		t.Error("compute_ns is 0")
	}
}

func TestInvalidRequestsNameTheField(t *testing.T) {
	client := newClient(t)
	index := packIndex("jones")
	load(t, client, index)
	for want, breakIt := range map[string]func(*pb.ScreenRequest){
		"queries.offsets: expected int32[n+1], got nothing":      func(r *pb.ScreenRequest) { r.Queries = nil },
		"queries.offsets: expected a multiple of 4 bytes, got 7": func(r *pb.ScreenRequest) { r.Queries.Offsets = make([]byte, 7) },
		"queries.data: expected a multiple of 4 bytes, got 5":    func(r *pb.ScreenRequest) { r.Queries.Data = make([]byte, 5) },
		"queries.offsets: expected to start at 0, got 1":         func(r *pb.ScreenRequest) { r.Queries.Offsets = le([]int32{1, 6}) },
		"queries.offsets: expected never to fall, got -1 after 0 at 1": func(r *pb.ScreenRequest) {
			r.Queries.Offsets = le([]int32{0, -1})
		},
		"queries.offsets: expected to end at 6, the number of code points, got 7": func(r *pb.ScreenRequest) {
			r.Queries.Offsets = le([]int32{0, 7})
		},
		"cutoff: expected 0 to 1, got NaN":      func(r *pb.ScreenRequest) { r.Cutoff = math.NaN() },
		"cutoff: expected 0 to 1, got 1.5":      func(r *pb.ScreenRequest) { r.Cutoff = 1.5 },
		"limit: expected 1 to 1000, got 0":      func(r *pb.ScreenRequest) { r.Limit = 0 },
		"limit: expected 1 to 1000, got 100000": func(r *pb.ScreenRequest) { r.Limit = 100000 },
		"queries: expected at most 5592 with limit 1000, got 6000": func(r *pb.ScreenRequest) {
			r.Limit, r.Queries = 1000, &pb.CodePoints{Offsets: make([]byte, 4*6001)}
		},
	} {
		bad := request(index, "martha")
		breakIt(bad)
		_, err := client.Screen(context.Background(), bad)
		if status.Code(err) != codes.InvalidArgument || status.Convert(err).Message() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestUnknownVersionIsAFailedPrecondition(t *testing.T) {
	client := newClient(t)
	if _, err := client.Screen(context.Background(), request(packIndex("jones"), "jones")); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("got %v", err)
	}
}

func TestDeadlineAndCancellationEndTheComputation(t *testing.T) {
	s := newService(t)
	slow := slowRequest(t, s)
	deadline, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	cancelled, cancelNow := context.WithCancel(context.Background())
	time.AfterFunc(30*time.Millisecond, cancelNow)
	for want, ctx := range map[codes.Code]context.Context{codes.DeadlineExceeded: deadline, codes.Canceled: cancelled} {
		begin := time.Now()
		if _, err := s.Screen(ctx, slow); status.Code(err) != want || time.Since(begin) > 5*time.Second {
			t.Errorf("got %v after %v, want %v", err, time.Since(begin), want)
		}
	}
	wantFreePlace(t, s)
}

func TestWaitingForAPlaceEndsWithTheDeadline(t *testing.T) {
	s := newService(t)
	request := slowRequest(t, s)
	takeThePlace(t, s)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := s.Screen(ctx, request); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}

func TestLoadRefusesWhatDoesNotAddUp(t *testing.T) {
	client := newClient(t)
	good := packIndex("jones", "marhta")
	header := func(change func(*pb.IndexHeader)) []*pb.LoadIndexRequest {
		h := &pb.IndexHeader{Version: good.version, Names: good.names, CodePoints: good.codePoints, Planes: good.planes}
		change(h)
		return append([]*pb.LoadIndexRequest{{Part: &pb.LoadIndexRequest_Header{Header: h}}}, chunks(good.content)...)
	}
	same := func(*pb.IndexHeader) {}
	unsorted := packIndex("marhta", "jones")
	for want, messages := range map[string][]*pb.LoadIndexRequest{
		"header: expected in the first": chunks(good.content),
		"header: expected once":         append(header(same)[:1], header(same)[0]),
		"header.version: expected " + good.version: header(func(h *pb.IndexHeader) {
			h.Version = strings.Repeat("0", 64)
		}),
		"header.names: expected":          header(func(h *pb.IndexHeader) { h.Names = math.MaxUint64 }),
		"header.code_points: expected":    header(func(h *pb.IndexHeader) { h.CodePoints = math.MaxUint64 }),
		"header.planes: expected":         header(func(h *pb.IndexHeader) { h.Planes = 1 << 20 }),
		"header: expected arrays":         header(func(h *pb.IndexHeader) { h.Planes, h.CodePoints = 1<<27, 1<<27 }),
		"chunk: expected 4 more bytes, g": header(func(h *pb.IndexHeader) { h.CodePoints++ }),
		"chunk: expected ":                append(header(same), chunks([]byte{1})...),
		"offsets: expected names sorted":  unsorted.messages(),
	} {
		_, err := send(context.Background(), client, messages)
		if status.Code(err) != codes.InvalidArgument || !strings.HasPrefix(status.Convert(err).Message(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := client.Screen(context.Background(), request(good, "jones")); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a refused index was kept: %v", err)
	}
}

func TestClientGoneDuringLoadLeavesNothingBehind(t *testing.T) {
	connect := dial(t)
	index := packIndex("jones")
	connection := connect()
	stream, err := pb.NewKernelsClient(connection).LoadIndex(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range index.messages()[:2] {
		if err := stream.Send(message); err != nil {
			t.Fatal(err)
		}
	}
	connection.Close()
	client := pb.NewKernelsClient(connect())
	if _, err := client.Screen(context.Background(), request(index, "jones")); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("got %v", err)
	}
	load(t, client, index)
	if _, err := client.Screen(context.Background(), request(index, "jones")); err != nil {
		t.Error(err)
	}
}

func TestVersionsUsedLastAreKept(t *testing.T) {
	client := newClient(t)
	var all []packedIndex
	for _, name := range strings.Split("abcde", "") {
		all = append(all, packIndex(name))
	}
	for _, index := range all[:4] {
		load(t, client, index)
	}
	if _, err := client.Screen(context.Background(), request(all[0], "x")); err != nil {
		t.Fatal(err)
	}
	load(t, client, all[2])
	load(t, client, all[4])
	for i, want := range []codes.Code{codes.OK, codes.FailedPrecondition, codes.OK, codes.OK, codes.OK} {
		if _, err := client.Screen(context.Background(), request(all[i], "x")); status.Code(err) != want {
			t.Errorf("version %d: got %v, want %v", i, err, want)
		}
	}
}

func TestConcurrentLoadsAndScreensAgree(t *testing.T) {
	client := newClient(t)
	index := packIndex("jones", "marhta")
	load(t, client, index)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if _, err := send(context.Background(), client, index.messages()); err != nil {
				t.Error(err)
			}
			answer, err := client.Screen(context.Background(), request(index, "jones"))
			if err != nil || !bytes.HasPrefix(answer.Rows, le([]int32{0, -1})) {
				t.Errorf("%v %v", answer, err)
			}
		})
	}
	group.Wait()
}

func slowRequest(t *testing.T, s *service) *pb.ScreenRequest {
	t.Helper()
	names := make([]string, 4000)
	for i := range names {
		names[i] = strings.Repeat("ab", 30) + string(rune('a'+i%26))
	}
	index := packIndex(names...)
	loading, err := newLoading(index.messages()[0].GetHeader())
	if err != nil {
		t.Fatal(err)
	}
	if err := loading.write(index.content); err != nil {
		t.Fatal(err)
	}
	ready, err := loading.finish(index.version)
	if err != nil {
		t.Fatal(err)
	}
	s.indexes.put(index.version, ready)
	return request(index, slices.Repeat(names, 5)...)
}

// packedIndex is an index as a client sends it, names in the order given.
type packedIndex struct {
	version                   string
	names, codePoints, planes uint64
	content                   []byte
}

func packText(texts ...string) (offsets []int32, data []uint32) {
	offsets = []int32{0}
	for _, text := range texts {
		for _, r := range text {
			data = append(data, uint32(r))
		}
		offsets = append(offsets, int32(len(data)))
	}
	return offsets, data
}

func packIndex(names ...string) packedIndex {
	offsets, data := packText(names...)
	width := (len(names) + 511) / 512 * 8
	heads, rows, starts := make([]uint64, 2*32*width), []int32{}, []int32{0}
	var planes []uint64
	for i, name := range names {
		rows = append(rows, int32(i))
		for j, r := range []rune(name)[:min(2, utf8.RuneCountInString(name))] {
			heads[(32*j+int(r&31))*width+i/64] |= 1 << (i % 64)
		}
	}
	for bin := range rune(32) {
		for depth := 0; ; depth++ {
			plane := make([]uint64, width)
			for i, name := range names {
				count := 0
				for _, r := range name {
					if r&31 == bin {
						count++
					}
				}
				if count > depth {
					plane[i/64] |= 1 << (i % 64)
				}
			}
			if !slices.ContainsFunc(plane, func(word uint64) bool { return word != 0 }) {
				break
			}
			planes = append(planes, plane...)
		}
		starts = append(starts, int32(len(planes)/width))
	}
	content := slices.Concat(le(offsets), le(data), le(planes), le(starts), le(heads), le(rows))
	hash := sha256.Sum256(content)
	return packedIndex{hex.EncodeToString(hash[:]), uint64(len(names)), uint64(len(data)), uint64(len(planes) / width), content}
}

func (p packedIndex) messages() []*pb.LoadIndexRequest {
	header := &pb.IndexHeader{Version: p.version, Names: p.names, CodePoints: p.codePoints, Planes: p.planes}
	return append([]*pb.LoadIndexRequest{{Part: &pb.LoadIndexRequest_Header{Header: header}}}, chunks(p.content)...)
}

// chunks are of 7 bytes, so that they cross every boundary of elements and arrays.
func chunks(content []byte) (messages []*pb.LoadIndexRequest) {
	size := max(7, len(content)/1000)
	for chunk := range slices.Chunk(content, size) {
		messages = append(messages, &pb.LoadIndexRequest{Part: &pb.LoadIndexRequest_Chunk{Chunk: chunk}})
	}
	return messages
}

func send(ctx context.Context, client pb.KernelsClient, messages []*pb.LoadIndexRequest) (*pb.LoadIndexResponse, error) {
	stream, err := client.LoadIndex(ctx)
	if err != nil {
		return nil, err
	}
	for _, message := range messages {
		if stream.Send(message) != nil {
			break // the reason is what CloseAndRecv returns
		}
	}
	return stream.CloseAndRecv()
}

func load(t *testing.T, client pb.KernelsClient, index packedIndex) *pb.LoadIndexResponse {
	t.Helper()
	answer, err := send(context.Background(), client, index.messages())
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func request(index packedIndex, queries ...string) *pb.ScreenRequest {
	offsets, data := packText(queries...)
	return &pb.ScreenRequest{
		IndexVersion: index.version,
		Queries:      &pb.CodePoints{Offsets: le(offsets), Data: le(data)},
		Cutoff:       0.9,
		Limit:        2,
	}
}

func le(elements any) []byte {
	content, err := binary.Append(nil, binary.LittleEndian, elements)
	if err != nil {
		panic(err)
	}
	return content
}
