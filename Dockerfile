# Kalends in a small image: one program, no shell needed at run time beyond what Debian's slim image brings.
#   docker build -t kalends .
#   docker run -p 8080:8080 -v kalends:/data kalends

FROM rust:1.95-slim-bookworm AS build
# SQLite and ring are compiled from C. Debian keeps one version of a package: naming it would only break the build later.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Neither the registry nor the target folder ends up in the image; a second build reuses both.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --package kalends-server --bin kalends && cp target/release/kalends /kalends

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 kalends \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin kalends \
    && install -d -o kalends -g kalends -m 0700 /data
COPY --from=build /kalends /usr/local/bin/kalends
# By number, so that Kubernetes sees that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
ENV KALENDS__DATA_DIR=/data \
    KALENDS__HTTP__LISTEN=0.0.0.0:8080 \
    KALENDS__LOG__FORMAT=json
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--show-error", "--max-time", "4", "http://127.0.0.1:8080/readyz"]
# SIGTERM lets running requests end.
STOPSIGNAL SIGTERM
ENTRYPOINT ["kalends"]
CMD ["serve"]
