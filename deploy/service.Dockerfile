# The service with its engines. Build from the repository's root:
#   docker build -f deploy/service.Dockerfile -t hotpath-service .
# Both stages must have the same Python, at the same path: the virtualenv moves between them.
ARG PYTHON=3.13

# engine: rust
FROM rust:1.95-slim-bookworm AS rust

# engine: end
# The full image, not the slim one, because it has the C compiler that engines are built with.
FROM python:${PYTHON}-bookworm AS build
# engine: rust
COPY --from=rust /usr/local/cargo /usr/local/cargo
COPY --from=rust /usr/local/rustup /usr/local/rustup
ENV CARGO_HOME=/usr/local/cargo \
    RUSTUP_HOME=/usr/local/rustup \
    PATH=/usr/local/cargo/bin:$PATH
# engine: end
ENV PATH=/opt/build/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src

COPY requirements/build.txt requirements/service.txt requirements/
RUN python -m venv /opt/build \
 && /opt/build/bin/python -m pip install --require-hashes -r requirements/build.txt \
 && python -m venv --without-pip /opt/hotpath \
 && python -m pip --python /opt/hotpath/bin/python install --require-hashes -r requirements/service.txt

# One layer per engine, so that an edit of one does not compile the others.
# engine: rust
COPY native/rust native/rust
RUN python -m pip wheel --no-build-isolation --no-deps -w /wheels ./native/rust
# engine: end
# engine: cython
COPY native/cython native/cython
RUN python -m pip wheel --no-build-isolation --no-deps -w /wheels ./native/cython
# engine: end
# engine: go
# The Go member tells the service that the engine exists; its sidecar is used only where no
# HOTPATH_SIDECAR_ADDRESS is set, as when this image runs by itself. The gateway is in it too.
COPY go_sidecar go_sidecar
RUN python -m pip wheel --no-build-isolation --no-deps -w /wheels ./go_sidecar
# engine: end
COPY pyproject.toml README.md LICENSE ./
COPY service service
RUN python -m pip wheel --no-build-isolation --no-deps -w /wheels . \
 && python -m pip --python /opt/hotpath/bin/python install --no-deps --no-index /wheels/*.whl

FROM python:${PYTHON}-slim-bookworm
COPY --from=build /opt/hotpath /opt/hotpath
# An empty volume mounted on one of these takes over its owner and mode.
# engine: go
# The sidecar accepts no directory that others can enter, and no caller of another user: keep its
# uid equal.
# engine: end
RUN install -d -o 10001 -g 10001 -m 0700 /run/hotpath /var/lib/hotpath
# The user has no home; what is kept between starts goes to the cache.
ENV PATH=/opt/hotpath/bin:$PATH \
    XDG_CACHE_HOME=/tmp \
    HOTPATH_DATABASE_URL=sqlite:////var/lib/hotpath/hotpath.db \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /run/hotpath
USER 10001:10001
EXPOSE 8000
# http.client, because urllib would ask a proxy from the environment.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/health/ready'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["hotpath"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
