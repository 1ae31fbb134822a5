package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	pb "hotpath/go_sidecar/gen/hotpath/batches/v1"
)

// texts is a domain with one call, from a text to a text.
type texts struct {
	calls *Calls
	reply func(ctx context.Context, text string) (string, error)
}

const textsMethod = "/toy.Texts/Reply"

func (x *texts) register(services grpc.ServiceRegistrar, calls *Calls) error {
	x.calls = calls
	reply := func(service any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		request := new(wrapperspb.StringValue)
		if err := decode(request); err != nil {
			return nil, err
		}
		handler := func(ctx context.Context, _ any) (any, error) {
			text, err := x.reply(ctx, request.Value)
			if err != nil {
				return nil, err
			}
			return wrapperspb.String(text), nil
		}
		return intercept(ctx, request, &grpc.UnaryServerInfo{Server: service, FullMethod: textsMethod}, handler)
	}
	services.RegisterService(&grpc.ServiceDesc{
		ServiceName: "toy.Texts",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Reply", Handler: reply}},
		Streams:     []grpc.StreamDesc{{StreamName: "Stream", ServerStreams: true}},
	}, x)
	return nil
}

func textCall(text string) *pb.Call {
	request, err := proto.Marshal(wrapperspb.String(text))
	if err != nil {
		panic(err)
	}
	return &pb.Call{Method: textsMethod, Request: request, TimeoutUs: 60e6}
}

func run(t *testing.T, s running, calls ...*pb.Call) grpc.ServerStreamingClient[pb.Answers] {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	stream, err := pb.NewBatchesClient(s.connection).Run(ctx, &pb.Batch{Calls: calls}, grpc.MaxCallRecvMsgSize(MaxMessageBytes))
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// collect gives by call its text, or its code and message.
func collect(t *testing.T, stream grpc.ServerStreamingClient[pb.Answers]) map[uint32]string {
	t.Helper()
	found := map[uint32]string{}
	for {
		answers, err := stream.Recv()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, answer := range answers.Answers {
			if _, is := found[answer.Call]; is {
				t.Errorf("call %d is answered twice", answer.Call)
			}
			found[answer.Call] = shown(t, answer)
		}
	}
}

func shown(t *testing.T, answer *pb.Answer) string {
	t.Helper()
	if answer.Code != 0 {
		return fmt.Sprintf("%v: %s", codes.Code(answer.Code), answer.Message)
	}
	text := new(wrapperspb.StringValue)
	if err := proto.Unmarshal(answer.Response, text); err != nil {
		t.Fatal(err)
	}
	return text.Value
}

func TestEachCallOfABatchHasItsOwnStatus(t *testing.T) {
	x := &texts{reply: func(_ context.Context, text string) (string, error) {
		switch text {
		case "panic":
			panic("the cause")
		case "invalid":
			return "", Invalid(errors.New("text: expected another"))
		case "context":
			return "", context.Canceled
		case "bytes":
			return "", status.Error(codes.Aborted, "a \xff b")
		}
		return text + "!", nil
	}}
	s := start(t, x.register, time.Second)
	found := collect(t, run(t, s,
		textCall("a"),
		textCall("panic"),
		textCall("invalid"),
		textCall("context"),
		textCall("bytes"),
		&pb.Call{Method: textsMethod, Request: []byte{0xff}, TimeoutUs: 60e6},
		&pb.Call{Method: "/toy.Texts/Other", TimeoutUs: 60e6},
		&pb.Call{Method: "/toy.Texts/Stream", TimeoutUs: 60e6},
		&pb.Call{Method: pb.Batches_Run_FullMethodName, TimeoutUs: 60e6},
		&pb.Call{},
		textCall("b"),
	))
	for call, want := range []string{
		"a!",
		"Internal: internal error",
		"InvalidArgument: text: expected another",
		"Canceled: context canceled",
		"Aborted: a \uFFFD b",
		"Internal: error unmarshalling request",
		"Unimplemented: method: expected a unary one of this server",
		"Unimplemented: method: expected a unary one of this server",
		"Unimplemented: method: expected a unary one of this server",
		"Unimplemented: method: expected a unary one of this server",
		"b!",
	} {
		if got := found[uint32(call)]; !strings.HasPrefix(got, want) {
			t.Errorf("call %d: got %q, want %q", call, got, want)
		}
	}
}

func TestASlowCallOfABatchHoldsUpNoOther(t *testing.T) {
	release := make(chan struct{})
	x := &texts{reply: func(_ context.Context, text string) (string, error) {
		if text == "slow" {
			<-release
		}
		return text, nil
	}}
	stream := run(t, start(t, x.register, time.Second), textCall("slow"), textCall("quick"))
	answers, err := stream.Recv()
	close(release)
	if err != nil || len(answers.Answers) != 1 || shown(t, answers.Answers[0]) != "quick" {
		t.Errorf("got %v %v", answers, err)
	}
	if rest := collect(t, stream); rest[0] != "slow" {
		t.Errorf("got %v", rest)
	}
}

func TestEachCallOfABatchHasItsOwnDeadline(t *testing.T) {
	x := &texts{reply: func(ctx context.Context, text string) (string, error) {
		if text == "late" {
			<-ctx.Done()
			return "", ctx.Err()
		}
		if left, is := ctx.Deadline(); !is || time.Until(left) < 30*time.Second {
			return "", errors.New("it has another's deadline")
		}
		return text, nil
	}}
	late, never, longest := textCall("late"), textCall("late"), textCall("longest")
	late.TimeoutUs, never.TimeoutUs, longest.TimeoutUs = 20e3, 0, 1<<64-1
	found := collect(t, run(t, start(t, x.register, time.Second), late, textCall("early"), never, longest))
	const exceeded = "DeadlineExceeded: context deadline exceeded"
	want := map[uint32]string{0: exceeded, 1: "early", 2: exceeded, 3: "longest"}
	for call, text := range want {
		if found[call] != text {
			t.Errorf("call %d: got %q, want %q", call, found[call], text)
		}
	}
}

func TestCallsOfABatchEndWithTheirCaller(t *testing.T) {
	begun, ended := make(chan struct{}, 2), make(chan struct{}, 2)
	x := &texts{reply: func(ctx context.Context, _ string) (string, error) {
		begun <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return "", ctx.Err()
	}}
	s := start(t, x.register, time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if _, err := pb.NewBatchesClient(s.connection).Run(ctx, &pb.Batch{Calls: []*pb.Call{textCall("a"), textCall("b")}}); err != nil {
		t.Fatal(err)
	}
	<-begun
	<-begun
	cancel()
	<-ended
	<-ended
}

func TestStopLetsABatchFinishWithinTheGrace(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	x := &texts{reply: func(_ context.Context, text string) (string, error) {
		close(begun)
		<-release
		return text, nil
	}}
	s := start(t, x.register, time.Minute)
	stream := run(t, s, textCall("a"))
	<-begun
	s.stop()
	time.AfterFunc(100*time.Millisecond, func() { close(release) })
	if found := collect(t, stream); found[0] != "a" {
		t.Errorf("got %v", found)
	}
}

// As many compute at once as do when they come alone: one, here.
func TestCallsOfABatchWaitForAPlace(t *testing.T) {
	var computing, most atomic.Int32
	x := &texts{}
	x.reply = func(ctx context.Context, text string) (string, error) {
		text, _, err := Compute(ctx, x.calls, func() (string, error) {
			now := computing.Add(1)
			defer computing.Add(-1)
			most.Store(max(now, most.Load()))
			time.Sleep(time.Millisecond)
			return text, nil
		})
		return text, err
	}
	s := start(t, x.register, time.Second)
	var batches sync.WaitGroup
	for range 2 {
		batches.Go(func() {
			stream := run(t, s, textCall("a"), textCall("b"), textCall("c"), textCall("d"))
			if found := collect(t, stream); len(found) != 4 || found[3] != "d" {
				t.Errorf("got %v", found)
			}
		})
	}
	batches.Wait()
	if most.Load() != 1 {
		t.Errorf("%d computed at once", most.Load())
	}
}

func TestABatchHoldsSoManyCallsAtMost(t *testing.T) {
	x := &texts{reply: func(_ context.Context, text string) (string, error) { return text, nil }}
	s := start(t, x.register, time.Second)
	if found := collect(t, run(t, s)); len(found) != 0 {
		t.Errorf("no call: got %v", found)
	}
	calls := make([]*pb.Call, maxBatch+1)
	for i := range calls {
		calls[i] = textCall(fmt.Sprint(i))
	}
	found := collect(t, run(t, s, calls[1:]...))
	for i := range maxBatch {
		if found[uint32(i)] != fmt.Sprint(i+1) {
			t.Fatalf("call %d: got %q", i, found[uint32(i)])
		}
	}
	_, err := run(t, s, calls...).Recv()
	if status.Code(err) != codes.InvalidArgument || status.Convert(err).Message() != "calls: expected at most 1024, got 1025" {
		t.Errorf("got %v", err)
	}
}

func TestAnswersThatAreLargeTogetherPass(t *testing.T) {
	sizes := map[string]int{"small": 1, "half": MaxMessageBytes / 2, "most": MaxMessageBytes - 128, "over": MaxMessageBytes}
	x := &texts{reply: func(_ context.Context, text string) (string, error) {
		return strings.Repeat("x", sizes[text]), nil
	}}
	s := start(t, x.register, time.Second)
	names := []string{"small", "half", "half", "most", "small", "over"}
	calls := make([]*pb.Call, len(names))
	for i, name := range names {
		calls[i] = textCall(name)
	}
	found := collect(t, run(t, s, calls...))
	for i, name := range names[:5] {
		if got := found[uint32(i)]; len(got) != sizes[name] {
			t.Errorf("call %d: got %d bytes (%.80s), want %d", i, len(got), got, sizes[name])
		}
	}
	if got := found[5]; !strings.HasPrefix(got, "ResourceExhausted: trying to send message larger than max (67108869 vs. ") {
		t.Errorf("got %.80s", got)
	}
}
