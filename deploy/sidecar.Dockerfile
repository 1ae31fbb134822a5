# The Go sidecar, alone in its image. Build from the repository's root:
#   docker build -f deploy/sidecar.Dockerfile -t hotpath-sidecar .
FROM golang:1.27-bookworm AS build
WORKDIR /src/go_sidecar
COPY go_sidecar/go.mod go_sidecar/go.sum ./
RUN go mod download
COPY go_sidecar ./
# No cgo: one static file, which needs nothing from the image below. The uid owns the socket's
# directory, which an empty volume mounted there takes over with its mode.
RUN version="$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)" \
 && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$version" \
      -o /image/usr/local/bin/hotpath-sidecar ./cmd/sidecar \
 && install -d -o 10001 -g 10001 -m 0700 /image/run/hotpath

FROM scratch
COPY --from=build /image /
USER 10001:10001
# The binary is the only program here, so it is its own probe.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
  CMD ["/usr/local/bin/hotpath-sidecar", "-health", "unix:/run/hotpath/sidecar.sock"]
ENTRYPOINT ["/usr/local/bin/hotpath-sidecar"]
CMD ["-listen", "unix:/run/hotpath/sidecar.sock"]
