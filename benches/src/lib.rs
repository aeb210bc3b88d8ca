//! What the measurements share: everything that is compared is run in turns, so that whatever else the machine does hits all of it,
//! and the turn that was disturbed least counts.

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// One thing to be timed.
pub type Work<'w> = &'w mut dyn FnMut();

/// Wall-clock times: the least of several rounds for each.
pub fn in_turns<const N: usize>(rounds: usize, work: [Work<'_>; N]) -> [Duration; N] {
    turns(rounds, work, |start| start.elapsed())
}

/// As [`in_turns`], of work that stays in its thread: the time for which that thread had a processor, where the system tells, so that
/// other programs do not count at all.
pub fn in_turns_on_one_core<const N: usize>(rounds: usize, work: [Work<'_>; N]) -> [Duration; N] {
    let mut before = processor();
    turns(rounds, work, move |start| {
        let after = processor();
        let time = after.zip(before).map(|(after, before)| after.saturating_sub(before));
        before = processor();
        time.unwrap_or_else(|| start.elapsed())
    })
}

fn turns<const N: usize>(
    rounds: usize,
    mut work: [Work<'_>; N],
    mut elapsed: impl FnMut(Instant) -> Duration,
) -> [Duration; N] {
    let mut best = [Duration::MAX; N];
    for _ in 0..rounds {
        for (work, best) in work.iter_mut().zip(&mut best) {
            let start = Instant::now();
            work();
            *best = elapsed(start).min(*best);
        }
    }
    best
}

/// How long this thread had a processor.
fn processor() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(told.split_whitespace().next()?.parse().ok()?))
}

/// How long all threads of this process had a processor, those that ended included, where the system tells; to a hundredth of a
/// second (Linux, proc(5), fields 14 and 15 of `/proc/self/stat`).
pub fn processors() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program stands in brackets and may hold anything.
    let fields: Vec<&str> = told.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

/// How many times as long as the other.
pub fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// Milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// How a measurement ends: well if every bound held.
pub fn verdict(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The most memory that this process held since the last call, in megabytes, where the system tells.
pub fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    // Sets the peak to what is held now (Linux, proc(5), clear_refs).
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}
