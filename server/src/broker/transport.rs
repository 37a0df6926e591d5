//! TCP, TLS, WebSocket: the way to the broker, every stage timed and named.
