//! The program as a whole.

mod broker_connect;
mod broker_flood;
mod broker_listen;
mod broker_publish;
mod broker_sessions;
mod fences;
mod support;
