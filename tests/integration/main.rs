//! The program as a whole.

mod broker_connect;
mod broker_publish;
mod fences;
mod mcp_end;
mod mcp_eras;
mod mcp_flight;
mod mcp_lines;
mod mcp_program;
mod mcp_progress;
mod support;
