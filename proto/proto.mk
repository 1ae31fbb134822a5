.PHONY: proto
proto: setup ## make the gRPC stubs from proto/
	proto/generate
