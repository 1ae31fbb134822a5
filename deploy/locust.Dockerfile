# Locust with the project's locustfile. Build from the repository's root:
#   docker build -f deploy/locust.Dockerfile -t hotpath-locust .
ARG PYTHON=3.13

FROM python:${PYTHON}-slim-bookworm
COPY deploy/locust.txt /tmp/locust.txt
RUN python -m pip install --disable-pip-version-check --no-cache-dir --require-hashes -r /tmp/locust.txt
COPY loadtests /app/loadtests
COPY service /app/service
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001
EXPOSE 8089
ENTRYPOINT ["locust", "-f", "loadtests/locustfile.py"]
