//! The program as a whole.

mod broker_connect;
mod broker_flood;
mod broker_listen;
mod broker_publish;
mod broker_sessions;
mod fences;
mod mcp_end;
mod mcp_eras;
mod mcp_flight;
mod mcp_lines;
mod mcp_program;
mod mcp_progress;
mod mcp_prompts;
mod mcp_resources;
mod mcp_subscriptions;
mod support;
mod tools_assistant;
mod tools_debug;
mod tools_listening;
mod tools_monitoring;
mod tools_publishing;
mod tools_refusals;
mod tools_schema;
mod tools_ways;
