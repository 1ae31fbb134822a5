package server

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "hotpath/go_sidecar/gen/hotpath/batches/v1"
)

const (
	maxBatch = 1024 // calls in one batch

	// gather is how long an answer waits for others to travel with: a message costs the client
	// more than a small call.
	gather = time.Millisecond

	// gatherBytes end the wait.
	gatherBytes = 1 << 20
)

// methods are the unary calls that a batch can hold, by their whole path.
type methods map[string]func(ctx context.Context, request []byte) (any, error)

// recorder registers services with a server and remembers their unary methods.
type recorder struct {
	grpc.ServiceRegistrar
	methods   methods
	intercept grpc.UnaryServerInterceptor
}

func (r recorder) RegisterService(service *grpc.ServiceDesc, implementation any) {
	r.ServiceRegistrar.RegisterService(service, implementation)
	for _, method := range service.Methods {
		path := fmt.Sprintf("/%s/%s", service.ServiceName, method.MethodName)
		r.methods[path] = func(ctx context.Context, request []byte) (any, error) {
			decode := func(message any) error {
				if err := proto.Unmarshal(request, message.(proto.Message)); err != nil {
					return status.Errorf(codes.Internal, "error unmarshalling request: %v", err)
				}
				return nil
			}
			return method.Handler(implementation, ctx, decode, r.intercept)
		}
	}
}

// batches answers the calls of proto/hotpath/batches/v1/batches.proto by the methods of the other
// services: each call has a goroutine, as if it had come alone.
type batches struct {
	pb.UnimplementedBatchesServer
	methods methods
}

func (b batches) Run(batch *pb.Batch, stream grpc.ServerStreamingServer[pb.Answers]) error {
	if n := len(batch.Calls); n > maxBatch {
		return Invalid(fmt.Errorf("calls: expected at most %d, got %d", maxBatch, n))
	}
	ended := make(chan *pb.Answer, len(batch.Calls)) // holds all, so that no call waits for the client
	var running sync.WaitGroup
	defer running.Wait() // where the client is gone, until the calls have noticed it
	for place, call := range batch.Calls {
		running.Go(func() { ended <- b.answer(stream.Context(), place, call) })
	}
	for left := len(batch.Calls); left > 0; {
		answers := gathered(ended, left)
		left -= len(answers)
		if last := len(answers) - 1; last > 0 && len(answers[last].Response) >= gatherBytes {
			// Together they could pass the cap on messages.
			if err := stream.Send(&pb.Answers{Answers: answers[:last]}); err != nil {
				return err
			}
			answers = answers[last:]
		}
		if err := stream.Send(&pb.Answers{Answers: answers}); err != nil {
			return err
		}
	}
	return nil
}

// answer never fails: what goes wrong with a call is its own status.
func (b batches) answer(ctx context.Context, place int, call *pb.Call) *pb.Answer {
	response, err := b.run(ctx, call)
	answer := &pb.Answer{Call: uint32(place), Response: response}
	if err != nil {
		found, is := status.FromError(err)
		if !is {
			found = status.FromContextError(err)
		}
		answer.Code, answer.Message = uint32(found.Code()), strings.ToValidUTF8(found.Message(), "\uFFFD")
	}
	return answer
}

func (b batches) run(ctx context.Context, call *pb.Call) ([]byte, error) {
	method := b.methods[call.Method]
	if method == nil {
		return nil, status.Errorf(codes.Unimplemented, "method: expected a unary one of this server, got %.64q", call.Method)
	}
	ctx, cancel := context.WithTimeout(ctx, duration(call.TimeoutUs))
	defer cancel()
	response, err := method(ctx, call.Request)
	if err != nil {
		return nil, err
	}
	message, is := response.(proto.Message)
	if !is {
		return nil, status.Errorf(codes.Internal, "response: expected a message, got %T", response)
	}
	encoded, err := proto.Marshal(message)
	if err != nil {
		return nil, status.Errorf(codes.Internal, "error marshalling response: %v", err)
	}
	// The words are those of gRPC for a call alone; besides the response there is its frame.
	if most := MaxMessageBytes - 64; len(encoded) > most {
		return nil, status.Errorf(codes.ResourceExhausted, "trying to send message larger than max (%d vs. %d)", len(encoded), most)
	}
	return encoded, nil
}

// duration is of so many microseconds, or the longest there is.
func duration(us uint64) time.Duration {
	const most = 1<<63 - 1
	return time.Duration(min(us, most/1000)) * time.Microsecond
}

// gathered waits for an answer and, for a moment, for others of the `left` that are to come.
func gathered(ended <-chan *pb.Answer, left int) []*pb.Answer {
	answers := []*pb.Answer{<-ended}
	size := len(answers[0].Response)
	moment := time.NewTimer(gather)
	defer moment.Stop()
	for len(answers) < left && size < gatherBytes {
		select {
		case answer := <-ended:
			answers = append(answers, answer)
			size += len(answer.Response)
		case <-moment.C:
			return answers
		}
	}
	return answers
}
