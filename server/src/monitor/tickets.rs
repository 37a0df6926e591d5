//! One-time tickets for the news: a browser cannot send the token with a WebSocket, so the page fetches a ticket with the
//! token and says it first.

use super::{lock, now};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a ticket is good.
pub(super) const LIFETIME: Duration = Duration::from_secs(30);

/// Tickets that are out at once; beyond, the oldest is void. A page needs one at a time.
const MAX_TICKETS: usize = 32;

/// Tickets that are out.
#[derive(Default)]
pub(super) struct Tickets(Mutex<Vec<(String, Instant)>>);

impl Tickets {
    /// A new one: 122 random bits of the operating system.
    pub(super) fn issue(&self) -> String {
        let ticket = Uuid::new_v4().simple().to_string();
        let mut tickets = lock(&self.0);
        if tickets.len() >= MAX_TICKETS {
            tickets.remove(0);
        }
        tickets.push((ticket.clone(), now()));
        ticket
    }

    /// Whether this is one that is out and good; afterwards it is neither.
    pub(super) fn redeem(&self, ticket: &str) -> bool {
        let mut tickets = lock(&self.0);
        tickets.retain(|(_, issued)| issued.elapsed() < LIFETIME);
        // It is good once and for seconds only, and a wrong guess ends the connection, so the time that comparing takes
        // tells nobody anything.
        let at = tickets.iter().position(|(known, _)| known == ticket);
        at.map(|at| tickets.remove(at)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once() {
        let tickets = Tickets::default();
        let (one, other) = (tickets.issue(), tickets.issue());
        assert!(!tickets.redeem("") && !tickets.redeem(&one[1..]));
        assert!(tickets.redeem(&other) && !tickets.redeem(&other));
        for _ in 0..MAX_TICKETS {
            tickets.issue();
        }
        assert!(!tickets.redeem(&one), "the oldest is void");
    }
}
