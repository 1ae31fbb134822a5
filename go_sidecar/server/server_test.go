package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	pb "hotpath/go_sidecar/gen/hotpath/v1"
	"hotpath/go_sidecar/transport"
)

func TestScreenFindsTheLoadedName(t *testing.T) {
	client := pb.NewKernelsClient(connect(t, start(t).socket))
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
	client := pb.NewKernelsClient(connect(t, start(t).socket))
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
	client := pb.NewKernelsClient(connect(t, start(t).socket))
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
		if _, err := s.Screen(ctx, slow); status.Code(err) != want || time.Since(begin) > time.Second {
			t.Errorf("got %v after %v, want %v", err, time.Since(begin), want)
		}
	}
	if len(s.places) != 0 {
		t.Error("a call that was given up keeps its place")
	}
}

func TestWaitingForAPlaceEndsWithTheDeadline(t *testing.T) {
	s := newService(t)
	request := slowRequest(t, s)
	s.places <- struct{}{} // another call computes
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := s.Screen(ctx, request); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}

func TestLoadRefusesWhatDoesNotAddUp(t *testing.T) {
	client := pb.NewKernelsClient(connect(t, start(t).socket))
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
	s := start(t)
	index := packIndex("jones")
	connection := connect(t, s.socket)
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
	client := pb.NewKernelsClient(connect(t, s.socket))
	if _, err := client.Screen(context.Background(), request(index, "jones")); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("got %v", err)
	}
	load(t, client, index)
	if _, err := client.Screen(context.Background(), request(index, "jones")); err != nil {
		t.Error(err)
	}
}

func TestVersionsUsedLastAreKept(t *testing.T) {
	client := pb.NewKernelsClient(connect(t, start(t).socket))
	var all []packed
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
	client := pb.NewKernelsClient(connect(t, start(t).socket))
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

func TestHealthAndReflectionAnswer(t *testing.T) {
	connection := connect(t, start(t).socket)
	for _, service := range []string{"", "hotpath.v1.Kernels"} {
		answer, err := healthpb.NewHealthClient(connection).Check(context.Background(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || answer.Status != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("%q: %v %v", service, answer, err)
		}
	}
	stream, err := reflectionpb.NewServerReflectionClient(connection).ServerReflectionInfo(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ask := &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(ask); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	named := func(s *reflectionpb.ServiceResponse) bool { return s.Name == "hotpath.v1.Kernels" }
	if !slices.ContainsFunc(answer.GetListServicesResponse().GetService(), named) {
		t.Errorf("reflection: %v", answer)
	}
}

func TestStopLetsCallsFinishWithinTheGrace(t *testing.T) {
	for name, test := range map[string]struct {
		grace time.Duration
		want  codes.Code
	}{"enough": {10 * time.Second, codes.OK}, "too short": {10 * time.Millisecond, codes.Unavailable}} {
		s := startWith(t, test.grace)
		client := pb.NewKernelsClient(connect(t, s.socket))
		stream, err := client.LoadIndex(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		messages := packIndex("jones").messages()
		if err := stream.Send(messages[0]); err != nil {
			t.Fatal(err)
		}
		load(t, client, packIndex("other")) // the first stream has arrived before this answer
		s.stop()
		time.Sleep(200 * time.Millisecond)
		for _, message := range messages[1:] {
			stream.Send(message) // its error is that of CloseAndRecv
		}
		if _, err := stream.CloseAndRecv(); status.Code(err) != test.want {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
		if err := <-s.done; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPanicIsInternalAndLogged(t *testing.T) {
	var logged bytes.Buffer
	guard := interceptors{slog.New(slog.NewJSONHandler(&logged, nil))}
	_, err := guard.unary(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/m"}, func(context.Context, any) (any, error) {
		panic("the cause")
	})
	if status.Code(err) != codes.Internal || strings.Contains(err.Error(), "the cause") {
		t.Errorf("the caller got %v", err)
	}
	if !strings.Contains(logged.String(), "the cause") {
		t.Errorf("the log got %q", logged.String())
	}
}

func TestMisalignedBytesAreCopied(t *testing.T) {
	memory := le([]uint32{7, 8, 9})
	got, err := fromBytes[uint32]("f", memory[4:])
	if err != nil || !slices.Equal(got, []uint32{8, 9}) {
		t.Errorf("aligned: %v %v", got, err)
	}
	shifted := append([]byte{0}, memory...)[1:]
	got, err = fromBytes[uint32]("f", shifted)
	if err != nil || !slices.Equal(got, []uint32{7, 8, 9}) {
		t.Errorf("misaligned: %v %v", got, err)
	}
	shifted[0] = 1
	if got[0] != 7 {
		t.Error("misaligned bytes were read in place")
	}
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

type running struct {
	socket string
	stop   context.CancelFunc
	done   chan error
}

func start(t *testing.T) running { return startWith(t, 100*time.Millisecond) }

func startWith(t *testing.T, grace time.Duration) running {
	t.Helper()
	directory, err := os.MkdirTemp("", "hotpath") // t.TempDir's path can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(directory, "s.sock")
	var listener net.Listener
	if listener, err = transport.Listen("unix:"+socket, transport.Access{}); err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Threads: 2, Concurrency: 2, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := running{socket, stop, make(chan error, 1)}
	served := make(chan struct{})
	go func() {
		r.done <- s.Serve(ctx, listener, grace)
		close(served)
	}()
	t.Cleanup(func() {
		stop()
		<-served
		os.RemoveAll(directory)
	})
	return r
}

func connect(t *testing.T, socket string) *grpc.ClientConn {
	t.Helper()
	connection, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return connection
}

// packed is an index as a client sends it, names in the order given.
type packed struct {
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

func packIndex(names ...string) packed {
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
	return packed{hex.EncodeToString(hash[:]), uint64(len(names)), uint64(len(data)), uint64(len(planes) / width), content}
}

func (p packed) messages() []*pb.LoadIndexRequest {
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

func load(t *testing.T, client pb.KernelsClient, index packed) *pb.LoadIndexResponse {
	t.Helper()
	answer, err := send(context.Background(), client, index.messages())
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func request(index packed, queries ...string) *pb.ScreenRequest {
	offsets, data := packText(queries...)
	return &pb.ScreenRequest{
		IndexVersion: index.version,
		Queries:      &pb.CodePoints{Offsets: le(offsets), Data: le(data)},
		Cutoff:       0.9,
		Limit:        2,
	}
}

func le(elements any) []byte {
	packed, err := binary.Append(nil, binary.LittleEndian, elements)
	if err != nil {
		panic(err)
	}
	return packed
}
