package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"hotpath/go_sidecar/transport"
)

const healthTimeout = 2 * time.Second

// checkHealth is for containers, whose images hold no other gRPC client.
func checkHealth(address string) error {
	network, where, err := transport.Split(address)
	if err != nil {
		return err
	}
	target := "unix:" + where
	if network == "tcp" {
		target = "passthrough:" + where
	}
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	answer, err := healthpb.NewHealthClient(connection).Check(ctx, new(healthpb.HealthCheckRequest))
	if err != nil {
		return err
	}
	if answer.Status != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("%s: expected SERVING, got %s", address, answer.Status)
	}
	return nil
}
