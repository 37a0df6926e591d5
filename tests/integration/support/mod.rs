//! What several tests need: a real broker of one's own, certificates, brokers that misbehave.

pub(crate) mod certificates;
pub(crate) mod client;
pub(crate) mod mosquitto;
pub(crate) mod peers;
