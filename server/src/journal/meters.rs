//! Counters of the process: totals since the start, and a point a second for the last hour.

use super::calls::Call;
use super::histogram::Histogram;
use super::latest::Ring;
use std::time::{Duration, SystemTime};

/// Points that are kept.
pub const HOUR: usize = 3_600;

/// Tools that are counted apart: ours, and those that other processes report. What comes beyond counts as `other`.
const MAX_TOOLS: usize = 64;

/// Minutes of which the latency of calls is known.
const MINUTES: usize = 60;

/// What the connections and the process show at one moment; counters since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// MQTT messages that came in, of all sessions that ever were.
    pub messages: u64,
    /// Bytes that came in.
    pub bytes: u64,
    /// Some session is without its connection.
    pub interrupted: bool,
    /// Resident memory in bytes, where it can be known.
    pub memory: Option<u64>,
    /// Processor time of the process, where it can be known.
    pub processor: Option<Duration>,
}

/// One second.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// When it ended.
    pub at: SystemTime,
    /// MQTT messages in it.
    pub messages: u32,
    /// Calls that ended in it.
    pub calls: u16,
    /// Some session was without its connection.
    pub interrupted: bool,
    /// Resident memory in KiB; 0: unknown.
    pub memory_kib: u32,
    /// Thousandths of one core.
    pub processor: u16,
}

/// What is known of the calls of one tool.
#[derive(Clone, Debug, Default)]
pub struct ToolMeter {
    /// Its name.
    pub tool: String,
    /// Calls.
    pub calls: u64,
    /// Of these, failed.
    pub errors: u64,
    /// Bytes of their answers.
    pub bytes: u64,
    /// Tokens of their answers, about.
    pub tokens: u64,
    /// Their own time: listening as asked is not counted.
    pub own: Histogram,
    /// When the last one ended.
    pub last: Option<SystemTime>,
}

/// Own time of the calls of one minute.
struct Minute {
    /// Minutes since 1970.
    number: u64,
    own: Histogram,
}

/// See the head of this file.
pub struct Meters {
    points: Ring<Point>,
    minutes: Ring<Minute>,
    tools: Vec<ToolMeter>,
    latest: Option<(Reading, SystemTime)>,
    /// Calls that ended since the last point.
    calls: u16,
    reported: u64,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            points: Ring::new(HOUR),
            minutes: Ring::new(MINUTES),
            tools: Vec::new(),
            latest: None,
            calls: 0,
            reported: 0,
        }
    }
}

impl Meters {
    pub(super) fn called(&mut self, call: &Call) {
        self.calls = self.calls.saturating_add(1);
        self.reported += u64::from(call.is_reported);
        let number = minute_of(call.at);
        match self.minutes.last_mut().filter(|it| it.number == number) {
            Some(minute) => minute.own.add(call.own),
            None => {
                let mut own = Histogram::default();
                own.add(call.own);
                self.minutes.push(Minute { number, own });
            }
        }
        let tool = self.tool(&call.tool);
        tool.calls += 1;
        tool.errors += u64::from(call.failed);
        tool.bytes += call.bytes as u64;
        tool.tokens += call.tokens as u64;
        tool.own.add(call.own);
        tool.last = Some(call.at);
    }

    fn tool(&mut self, name: &str) -> &mut ToolMeter {
        let known = |tools: &[ToolMeter], name: &str| tools.iter().position(|it| it.tool == name);
        let at = known(&self.tools, name).unwrap_or_else(|| {
            let name = if self.tools.len() < MAX_TOOLS {
                name
            } else {
                "other"
            };
            known(&self.tools, name).unwrap_or_else(|| {
                self.tools.push(ToolMeter {
                    tool: name.to_owned(),
                    ..ToolMeter::default()
                });
                self.tools.len() - 1
            })
        });
        &mut self.tools[at]
    }

    pub(super) fn tick(&mut self, reading: Reading, now: SystemTime) {
        let before = self.latest.replace((reading, now));
        let Some((before, then)) = before else { return };
        let elapsed = now
            .duration_since(then)
            .unwrap_or_default()
            .as_secs_f64()
            .max(1e-3);
        let processor = reading.processor.zip(before.processor);
        let used = processor.map_or(0.0, |(now, then)| now.saturating_sub(then).as_secs_f64());
        self.points.push(Point {
            at: now,
            // Of one second, also where the clock of this task was late.
            messages: (reading.messages.saturating_sub(before.messages) as f64 / elapsed) as u32,
            calls: std::mem::take(&mut self.calls),
            interrupted: reading.interrupted,
            memory_kib: u32::try_from(reading.memory.unwrap_or(0) / 1_024).unwrap_or(u32::MAX),
            processor: (used / elapsed * 1e3) as u16,
        });
    }

    /// The latest reading.
    pub fn latest(&self) -> Reading {
        self.latest.map(|(reading, _)| reading).unwrap_or_default()
    }

    /// Points of the last hour, the oldest first.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = &Point> {
        self.points.iter()
    }

    /// Tools that were called, in order of their first call.
    pub fn tools(&self) -> &[ToolMeter] {
        &self.tools
    }

    /// Calls that other processes reported.
    pub fn reported(&self) -> u64 {
        self.reported
    }

    /// Own time of the calls of each of the last 60 minutes that had any, with how many minutes ago, the oldest first.
    pub fn minutes(&self, now: SystemTime) -> impl Iterator<Item = (u64, &Histogram)> {
        let now = minute_of(now);
        let minutes = self.minutes.iter();
        let minutes = minutes.map(move |minute| (now.saturating_sub(minute.number), &minute.own));
        minutes.filter(|(ago, _)| *ago < MINUTES as u64)
    }
}

fn minute_of(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |it| it.as_secs() / 60)
}
