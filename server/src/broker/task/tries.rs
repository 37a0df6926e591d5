//! When a lost connection is tried again, and when no more.
//!
//! A row of tries lasts [`Tries::limit`]; each wait is a quarter of the time that the row has lasted already, so that
//! at most a quarter more than the broker's own absence is missed, however long that was. The row ends only after a
//! connection that stood for a while, or two clients with one id would fight for ever.
//! Invariant: waits are bounded, and after the limit there is no further try until somebody asks for one.

use bitsperity_mqtt_core::time::Instant;
use std::time::Duration;

/// The first wait: a broker that restarts without delay is back within it.
const FIRST: Duration = Duration::from_millis(500);

/// The longest wait: often enough to catch a broker that is up for a minute between two failures.
const LONGEST: Duration = Duration::from_secs(15);

/// The longest wait while a caller waits for the connection, who has some ten seconds in all.
const ASKED: Duration = Duration::from_secs(1);

/// A connection that stood as long as this begins a new row of tries.
const STEADY: Duration = Duration::from_secs(10);

/// One that stood no longer than this was closed on purpose: another client that comes back with our id does so at
/// once or after a second or two.
const SHORT: Duration = Duration::from_secs(5);

/// The first patience with a try, from TCP to the restored subscriptions: a line that died may swallow the handshake,
/// too, and while that is waited for, a line that is healed is not found.
const PATIENCE: Duration = Duration::from_secs(5);

/// The tries of one connection to come back.
pub(super) struct Tries {
    /// How long a row lasts.
    limit: Duration,
    /// Since when the row lasts.
    since: Option<Instant>,
    /// Somebody asked for one more after the row's end.
    once: bool,
    /// Connections in a row that were closed soon after they stood.
    short: u32,
}

impl Tries {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: None,
            once: false,
            short: 0,
        }
    }

    /// One more after the end.
    pub(super) fn once(&mut self) {
        self.once = true;
    }

    /// A try succeeded.
    pub(super) fn connected(&mut self) {
        self.once = false;
    }

    /// A connection is gone that stood for `lived`; `closed` by the other side without a word.
    pub(super) fn stood(&mut self, lived: Duration, closed: bool) {
        if lived >= STEADY {
            self.since = None;
        }
        self.short = if closed && lived < SHORT {
            self.short + 1
        } else {
            0
        };
    }

    /// Connections were closed soon after they stood, again and again.
    pub(super) fn is_thrown_out(&self) -> bool {
        self.short > 1
    }

    /// How long to wait for the next try; none: no more. `part`, from 0 to 1, is random.
    pub(super) fn wait(&mut self, now: Instant, part: f64) -> Option<Duration> {
        let passed = now.since(*self.since.get_or_insert(now));
        if std::mem::take(&mut self.once) || passed >= self.limit {
            self.since = None;
            return None;
        }
        let most = (passed / 4).clamp(FIRST, LONGEST);
        Some(most.mul_f64(0.5 + 0.5 * part.clamp(0.0, 1.0)))
    }

    /// A caller waits: a try that would come at `next` comes soon.
    pub(super) fn hurried(now: Instant, next: Instant) -> Instant {
        next.min(now.after(ASKED))
    }

    /// How long the next try may take, of at most `whole`.
    pub(super) fn patience(&self, now: Instant, whole: Duration) -> Duration {
        let passed = self.since.map(|since| now.since(since) / 2);
        passed.map_or(whole, |half| half.max(PATIENCE).min(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(150);

    fn at(seconds: f64) -> Instant {
        Instant::ZERO.after(Duration::from_secs_f64(seconds))
    }

    /// When tries come if each fails at once.
    fn row(part: f64) -> Vec<f64> {
        let (mut tries, mut now, mut times) = (Tries::new(LIMIT), 100.0, Vec::new());
        while let Some(wait) = tries.wait(at(now), part) {
            now += wait.as_secs_f64();
            times.push(now - 100.0);
        }
        times
    }

    #[test]
    fn a_broker_is_found_again_soon_whenever_it_comes_back_within_two_minutes() {
        for part in [0.0, 0.3, 1.0] {
            let times = row(part);
            assert!(times.len() < 80, "{}", times.len());
            for away in 0..120 {
                let away = f64::from(away);
                let found = times.iter().find(|&&time| time >= away).unwrap();
                let late = found - away;
                assert!(
                    late <= (away / 4.0).clamp(0.5, 15.0) + 0.01,
                    "{away} {late}"
                );
            }
        }
    }

    #[test]
    fn after_the_end_there_is_one_more_for_each_who_asks() {
        let mut tries = Tries::new(LIMIT);
        assert!(tries.wait(at(0.0), 1.0).is_some());
        assert_eq!(tries.wait(at(150.0), 1.0), None);
        tries.once();
        assert_eq!(tries.wait(at(160.0), 1.0), None);
        tries.once();
        tries.connected();
        tries.stood(Duration::from_secs(20), true);
        assert!(tries.wait(at(200.0), 1.0).is_some());
    }

    #[test]
    fn a_fight_over_a_client_id_ends_and_is_noticed() {
        let (mut tries, mut now, mut fights) = (Tries::new(LIMIT), 0.0, 0);
        while let Some(wait) = tries.wait(at(now), 0.0) {
            now += wait.as_secs_f64() + 1.0;
            tries.stood(Duration::from_secs(1), true);
            fights += 1;
            assert_eq!(tries.is_thrown_out(), fights > 1);
        }
        assert!(fights < 60, "{fights}");
        tries.stood(Duration::from_secs(6), true);
        assert!(!tries.is_thrown_out());
        for _ in 0..3 {
            tries.stood(Duration::from_secs(1), false);
            assert!(!tries.is_thrown_out(), "not closed by the other side");
        }
    }

    #[test]
    fn a_try_has_little_patience_at_first() {
        let whole = Duration::from_secs(30);
        let mut tries = Tries::new(LIMIT);
        assert_eq!(tries.patience(at(0.0), whole), whole);
        tries.wait(at(0.0), 1.0);
        for (passed, patience) in [(1.0, 5), (14.0, 7), (100.0, 30)] {
            let patience = Duration::from_secs(patience);
            assert_eq!(tries.patience(at(passed), whole), patience);
        }
        assert_eq!(tries.patience(at(1.0), Duration::from_secs(2)).as_secs(), 2);
    }

    #[test]
    fn a_caller_does_not_wait_long_for_a_try() {
        assert_eq!(Tries::hurried(at(1.0), at(9.0)), at(2.0));
        assert_eq!(Tries::hurried(at(1.0), at(1.5)), at(1.5));
    }
}
