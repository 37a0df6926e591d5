//! The numbers of streams, as a listener keeps them.

use crate::broker::report::{
    FlowFindings, GapFinding, LatencyFindings, Percentiles, PerformanceFindings, SpikeFinding,
    TopicNumbers, TrendFinding, WantPerformance,
};
use bitsperity_mqtt_core::reduce::stats::{Field, Flow, Gap, Heavy, Sketch, Spike, TopicStats};
use bitsperity_mqtt_core::reduce::{Record, Stats};
use bitsperity_mqtt_core::time::Instant;
use std::time::Duration;

/// Topics among which the heaviest are found; so many times those that are told.
const SPARE: usize = 8;
/// Bytes of a topic's name that are kept.
const NAME: usize = 128;

type Memory = Stats<Box<[Flow]>, Box<[TopicStats]>, Box<[u32]>, Box<[u8]>>;

pub(super) struct Performance {
    memory: Memory,
    told: usize,
    /// Bytes of all that it has.
    bytes: usize,
}

impl Performance {
    pub(super) fn new(wanted: &WantPerformance, start: Instant, seed: u64) -> Self {
        // One filter is all there is.
        let flows = if wanted.filters > 1 {
            wanted.filters + 1
        } else {
            1
        };
        let topics = wanted.topics * SPARE;
        let a_topic = size_of::<TopicStats>() + 2 * size_of::<u32>() + NAME;
        let bytes = flows * size_of::<Flow>() + topics * a_topic;
        let heavy = Heavy::new(
            vec![TopicStats::default(); topics].into_boxed_slice(),
            vec![0; topics * 2].into_boxed_slice(),
            vec![0; topics * NAME].into_boxed_slice(),
            seed,
        );
        Self {
            memory: Stats::new(vec![Flow::new(start); flows].into_boxed_slice(), heavy),
            told: wanted.topics,
            bytes,
        }
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[inline]
    pub(super) fn record(&mut self, record: &Record<'_>, wall_us: u64, matched: u64) {
        self.memory.record(record, wall_us, matched);
    }

    pub(super) fn pause(&mut self) {
        self.memory.pause();
    }

    /// The numbers `now`; times count from `start`.
    pub(super) fn findings(&self, start: Instant, now: Instant) -> PerformanceFindings {
        let heavy = self.memory.heavy();
        let mut topics: Vec<_> = heavy.iter().collect();
        topics.sort_by(|(a_name, a), (b_name, b)| {
            let heavier = b.messages().cmp(&a.messages());
            heavier.then_with(|| a_name.cmp(b_name))
        });
        // As long as no topic lost its place, all are in the table of the heaviest.
        let exact = (heavy.replaced() == 0).then_some(topics.len() as u64);
        let topics = topics.into_iter().take(self.told);
        let flows = self.memory.flows().iter();
        let mut flows: Vec<_> = flows.map(|it| flow(it, start, now)).collect();
        if let (Some(all), Some(exact)) = (flows.first_mut(), exact)
            // Names too long for the table are in the estimate only.
            && all.topics.abs_diff(exact) <= exact / 10 + 1
        {
            (all.topics, all.topics_estimated) = (exact, false);
        }
        PerformanceFindings {
            flows,
            topics: topics
                .map(|(name, it)| topic(name, it, start, now))
                .collect(),
            replaced: heavy.replaced(),
        }
    }
}

fn flow(flow: &Flow, start: Instant, now: Instant) -> FlowFindings {
    let spikes = flow.series.spikes(now);
    let spike = |spike: &Spike| SpikeFinding {
        from: spike.from,
        until: spike.until,
        per_s: spike.per_s,
    };
    let limit = flow.rhythm.limit();
    // What seemed long before the rhythm was learnt is none.
    let is_gap = |it: &GapFinding| limit.is_none_or(|limit| it.until - it.from > limit);
    FlowFindings {
        messages: flow.messages,
        bytes: flow.bytes,
        topics: flow.topics.estimate().min(flow.messages),
        topics_estimated: flow.topics.estimate() > 1,
        sizes: percentiles(&flow.sizes),
        intervals: percentiles(&flow.intervals),
        mean: flow.rhythm.mean(),
        jitter: flow.rhythm.deviation(),
        longest: flow.rhythm.longest().map(|it| gap(&it, start)),
        gaps: flow
            .gaps()
            .map(|it| gap(it, start))
            .filter(is_gap)
            .collect(),
        gaps_more: flow.gaps_more(),
        gap_limit: limit,
        silence: (flow.messages > 0).then(|| now.since(flow.rhythm.ends().1)),
        silent: flow.rhythm.silent(now),
        bucket: flow.series.width(),
        buckets: flow
            .series
            .until(now)
            .iter()
            .map(|it| (it.messages, it.bytes))
            .collect(),
        spikes_more: spikes.count - u32::try_from(spikes.spikes.len()).unwrap_or(0),
        spikes: spikes.spikes.iter().map(spike).collect(),
        usual_per_s: spikes.usual_per_s,
        trend: flow.series.trend(now).map(|trend| TrendFinding {
            slope: trend.slope,
            certainty: trend.certainty,
        }),
        latency: flow.latency.leading().and_then(latency),
        latency_unbelieved: flow.latency.unbelieved(),
    }
}

fn topic(name: &str, topic: &TopicStats, start: Instant, now: Instant) -> TopicNumbers {
    TopicNumbers {
        topic: name.to_owned(),
        messages: topic.messages(),
        error: topic.error,
        bytes: topic.bytes,
        expected: topic.rhythm.expected(),
        jitter: topic.rhythm.deviation(),
        longest: topic.rhythm.longest().map(|it| gap(&it, start)),
        gaps: topic.gaps,
        silent: topic.rhythm.silent(now),
    }
}

fn latency(field: &Field) -> Option<LatencyFindings> {
    Some(LatencyFindings {
        field: field.name().to_owned(),
        messages: field.above.count(),
        step: field.step,
        least: field.least,
        above: percentiles(&field.above)?,
    })
}

fn percentiles(sketch: &Sketch) -> Option<Percentiles> {
    Some(Percentiles {
        least: sketch.least()?,
        p50: sketch.quantile(50)?,
        p95: sketch.quantile(95)?,
        p99: sketch.quantile(99)?,
        most: sketch.most()?,
    })
}

fn gap(gap: &Gap, start: Instant) -> GapFinding {
    let since = |at: Instant| -> Duration { at.since(start) };
    GapFinding {
        from: since(gap.from),
        until: since(gap.until),
    }
}
