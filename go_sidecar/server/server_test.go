package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	pb "hotpath/go_sidecar/gen/hotpath/batches/v1"
	"hotpath/go_sidecar/transport"
)

// toy is a domain with one call, whose kernel is the test's.
type toy struct {
	calls  *Calls
	kernel func(ctx context.Context) error
}

const toyMethod = "/toy.Kernels/Run"

// timeLimit is the deadline of calls whose tests set none.
const timeLimit = `{"methodConfig": [{"name": [{}], "timeout": "60s"}]}`

func (y *toy) register(services grpc.ServiceRegistrar, calls *Calls) error {
	y.calls = calls
	run := func(service any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		request := new(emptypb.Empty)
		if err := decode(request); err != nil {
			return nil, err
		}
		handler := func(ctx context.Context, _ any) (any, error) {
			_, _, err := Compute(ctx, y.calls, func() (any, error) { return nil, y.kernel(ctx) })
			return request, err
		}
		return intercept(ctx, request, &grpc.UnaryServerInfo{Server: service, FullMethod: toyMethod}, handler)
	}
	services.RegisterService(&grpc.ServiceDesc{
		ServiceName: "toy.Kernels",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Run", Handler: run}},
	}, y)
	return nil
}

func (y *toy) run(ctx context.Context, connection *grpc.ClientConn) error {
	return connection.Invoke(ctx, toyMethod, new(emptypb.Empty), new(emptypb.Empty))
}

func TestACallWithoutADeadlineIsRefused(t *testing.T) {
	y := &toy{kernel: func(context.Context) error { return nil }}
	bounded := start(t, y.register, time.Second).connection
	if err := y.run(context.Background(), bounded); err != nil {
		t.Errorf("with one: %v", err)
	}
	connection, err := grpc.NewClient(bounded.Target(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	for what, ask := range map[string]func() error{
		"unary": func() error { return y.run(context.Background(), connection) },
		"stream": func() error {
			stream, err := pb.NewBatchesClient(connection).Run(context.Background(), &pb.Batch{})
			if err != nil {
				return err
			}
			_, err = stream.Recv()
			return err
		},
	} {
		if err := ask(); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "deadline: expected one") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestHealthAndReflectionKnowWhatIsRegistered(t *testing.T) {
	connection := start(t, (&toy{}).register, time.Second).connection
	for _, service := range []string{"", "toy.Kernels"} {
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
	named := func(s *reflectionpb.ServiceResponse) bool { return s.Name == "toy.Kernels" }
	if !slices.ContainsFunc(answer.GetListServicesResponse().GetService(), named) {
		t.Errorf("reflection: %v", answer)
	}
}

func TestADomainThatCannotBeRegisteredIsAnError(t *testing.T) {
	want := errors.New("no rules")
	_, err := New(Config{Threads: 1, Concurrency: 1}, func(grpc.ServiceRegistrar, *Calls) error { return want })
	if err != want {
		t.Errorf("got %v", err)
	}
}

func TestStopLetsCallsFinishWithinTheGrace(t *testing.T) {
	for name, test := range map[string]struct {
		grace time.Duration
		want  codes.Code
	}{"enough": {10 * time.Second, codes.OK}, "too short": {10 * time.Millisecond, codes.Unavailable}} {
		begun, release := make(chan struct{}), make(chan struct{})
		y := &toy{kernel: func(context.Context) error {
			close(begun)
			<-release
			return nil
		}}
		s := start(t, y.register, test.grace)
		answered := make(chan error, 1)
		go func() { answered <- y.run(context.Background(), s.connection) }()
		<-begun
		s.stop()
		if test.want == codes.OK {
			time.AfterFunc(200*time.Millisecond, func() { close(release) })
		}
		if err := <-answered; status.Code(err) != test.want {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
		if test.want != codes.OK {
			close(release) // the caller did not wait for it
		}
		if err := <-s.stopped; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPanicIsInternalAndLogged(t *testing.T) {
	var logged bytes.Buffer
	guard := interceptors{slog.New(slog.NewJSONHandler(&logged, nil))}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := guard.unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: "/m"}, func(context.Context, any) (any, error) {
		panic("the cause")
	})
	if status.Code(err) != codes.Internal || strings.Contains(err.Error(), "the cause") {
		t.Errorf("the caller got %v", err)
	}
	if !strings.Contains(logged.String(), "the cause") {
		t.Errorf("the log got %q", logged.String())
	}
}

func TestAKernelThatPanicsGivesItsPlaceBack(t *testing.T) {
	y := &toy{kernel: func(context.Context) error { panic("the cause") }}
	s := start(t, y.register, time.Second)
	for range 2 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := y.run(ctx, s.connection); status.Code(err) != codes.Internal {
			t.Errorf("got %v", err)
		}
		cancel()
	}
}

func TestWaitingForAPlaceEndsWithTheDeadline(t *testing.T) {
	calls := NewCalls(Config{Threads: 1, Concurrency: 1})
	calls.places <- struct{}{} // another call computes
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	_, _, err := Compute(ctx, calls, func() (int, error) {
		t.Error("it ran without a place")
		return 0, nil
	})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}

func TestAKernelsErrorIsItsStatusOrTheContexts(t *testing.T) {
	for want, from := range map[codes.Code]error{
		codes.InvalidArgument:  Invalid(errors.New("limit: expected 1, got 0")),
		codes.DeadlineExceeded: context.DeadlineExceeded,
		codes.Canceled:         context.Canceled,
	} {
		calls := NewCalls(Config{Threads: 1, Concurrency: 1})
		if _, _, err := Compute(context.Background(), calls, func() (int, error) { return 0, from }); status.Code(err) != want {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

type running struct {
	connection *grpc.ClientConn
	stop       context.CancelFunc
	stopped    chan error
}

// start serves with one place until the test ends.
func start(t *testing.T, register Register, grace time.Duration) running {
	t.Helper()
	directory, err := os.MkdirTemp("", "hotpath") // t.TempDir's path can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	address := "unix:" + filepath.Join(directory, "s.sock")
	listener, err := transport.Listen(address, transport.Access{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Threads: 1, Concurrency: 1, Log: slog.New(slog.DiscardHandler)}, register)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(timeLimit))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := running{connection, stop, make(chan error, 1)}
	ended := make(chan struct{})
	go func() {
		r.stopped <- s.Serve(ctx, listener, grace)
		close(ended)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		connection.Close()
		os.RemoveAll(directory)
	})
	return r
}
