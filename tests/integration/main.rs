//! The program as a whole.

mod broker_connect;
mod broker_publish;
mod fences;
mod support;
