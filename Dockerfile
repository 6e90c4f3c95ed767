# syntax=docker/dockerfile:1
#
# Duologue in a small image: one binary, the system's root certificates and time zones, and no compiler.
#   docker build -t duologue .
#   docker run --env-file .env -p 5050:5050 -v duologue:/var/lib/duologue --stop-timeout 930 duologue
# The stop timeout lets running calls end (DRAIN_SECONDS is 900 by default). Settings and secrets come from the environment only.

FROM rust:1.94-slim-bookworm AS build
WORKDIR /build
COPY . .
# The caches of downloads and of compiled dependencies outlive the layer, so the binary is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/build/target,sharing=locked \
    cargo build --release --locked --bin duologue \
    && install -D -m 0755 target/release/duologue /out/duologue

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin duologue \
    && install -d -o duologue -g duologue -m 0750 /var/lib/duologue
COPY --from=build /out/duologue /usr/local/bin/duologue

# The default database is a file in the working directory: mount a volume here, or set DATABASE_URL.
WORKDIR /var/lib/duologue
# By number, so that a platform can see without the image's user list that this is not root.
USER 10001:10001
EXPOSE 5050
# Asks /live over loopback; the image has no curl.
HEALTHCHECK --interval=15s --timeout=3s --start-period=5s --retries=3 CMD ["duologue", "health"]
ENTRYPOINT ["duologue"]
