# docker build -t bitsperity-mqtt-mcp .
# docker run --rm -i bitsperity-mqtt-mcp          (an assistant's host does this; it speaks MCP over standard input)
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# rust-toolchain.toml is for developers; the image's own toolchain builds this.
ENV RUSTUP_TOOLCHAIN=1.95
RUN cargo build --release --locked -p bitsperity-mqtt-mcp

# glibc, libgcc and the system's root certificates; no shell. Runs as nobody in particular.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/bitsperity-mqtt-mcp /usr/local/bin/bitsperity-mqtt-mcp
# One malloc arena: less memory for a server that waits most of the time.
ENV MALLOC_ARENA_MAX=1
USER nonroot
ENTRYPOINT ["/usr/local/bin/bitsperity-mqtt-mcp"]
