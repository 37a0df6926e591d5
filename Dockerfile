# docker build -t bitsperity-mqtt-mcp .
# docker run --rm -i bitsperity-mqtt-mcp          (an assistant's host does this; it speaks MCP over standard input)
# docker run -d -p 127.0.0.1:8090:8090 -v mqtt-mcp:/data -e BITSPERITY_MQTT_LISTEN=0.0.0.0:8090 bitsperity-mqtt-mcp serve
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
# rust-toolchain.toml is for developers; the image's own toolchain builds this.
ENV RUSTUP_TOOLCHAIN=1.95
# First the dependencies alone, with empty packages in place of ours, so that they are built anew only when they change.
COPY Cargo.toml Cargo.lock ./
COPY core/Cargo.toml core/
COPY server/Cargo.toml server/
COPY benches/Cargo.toml benches/
COPY packaging/docker/empty packaging/docker/empty
RUN packaging/docker/empty && cargo build --release --locked -p bitsperity-mqtt-mcp && packaging/docker/empty --remove
COPY . .
# What the program needs to run and nothing else: the C library's files that it is linked with, and root certificates.
RUN cargo build --release --locked -p bitsperity-mqtt-mcp \
    && mkdir -p /out/usr/local/bin /data \
    && cp target/release/bitsperity-mqtt-mcp /out/usr/local/bin/ \
    && for file in $(ldd target/release/bitsperity-mqtt-mcp | grep -o '/[^ ]*') /etc/ssl/certs/ca-certificates.crt; do \
           mkdir -p "/out$(dirname "$file")" && cp -L "$file" "/out$file" || exit 1; \
       done

FROM scratch
ARG VERSION=1.0.0
LABEL org.opencontainers.image.title="bitsperity-mqtt-mcp" \
      org.opencontainers.image.description="MCP server that lets an AI assistant work with MQTT brokers" \
      org.opencontainers.image.source="https://github.com/bitsperity/bitsperity-mqtt-mcp" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      io.modelcontextprotocol.server.name="io.github.bitsperity/bitsperity-mqtt-mcp"
COPY --from=build /out /
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/bitsperity-mqtt-mcp/
# What `serve` keeps; a volume that is mounted here for the first time gets this owner.
COPY --from=build --chown=65532:65532 /data /data
# One malloc arena: less memory for a server that waits most of the time.
ENV MALLOC_ARENA_MAX=1 \
    XDG_STATE_HOME=/data
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 8090
# Of use with `serve`; over standard input and output the host itself sees whether the server lives.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["/usr/local/bin/bitsperity-mqtt-mcp", "health"]
ENTRYPOINT ["/usr/local/bin/bitsperity-mqtt-mcp"]
