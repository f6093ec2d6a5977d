//! OpenDC's recorded loads: a Parquet pair of tasks (machines) and fragments (what each used, and for how long).
//!
//! Units are those of OpenDC: milliseconds since 1970, MHz, and memory in whatever unit the recording took.

use std::collections::BTreeMap;
use std::path::Path;

use models::quantity::Nanos;

use crate::error::Error;
use crate::table::ParquetFile;

/// A virtual machine that was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its id.
    pub id: u64,
    /// When it was submitted, ms since 1970.
    pub submission_ms: u64,
    /// How long it ran, ms.
    pub duration_ms: u64,
    /// Virtual CPUs.
    pub cpu_count: u32,
    /// Clock of all its virtual CPUs, MHz.
    pub cpu_capacity_mhz: f64,
    /// Memory, in the unit of the recording.
    pub mem_capacity: u64,
    /// What it used, in order: for so many ms, so many MHz.
    pub fragments: Vec<(u64, f64)>,
}

/// Reads the tasks, without their fragments.
///
/// # Errors
/// A file that is no Parquet, lacks a column, holds no task, or holds a number that cannot be one.
pub fn read_tasks(file: &Path) -> Result<Vec<Task>, Error> {
    let parquet = ParquetFile::open(file)?;
    let [id, submission, duration, count, capacity, memory] =
        ["id", "submission_time", "duration", "cpu_count", "cpu_capacity", "mem_capacity"].map(|name| parquet.whole_column(name));
    let (id, submission, duration) =
        (whole(file, "id", id?)?, whole(file, "submission_time", submission?)?, whole(file, "duration", duration?)?);
    let (count, capacity, memory) = (whole(file, "cpu_count", count?)?, capacity?, whole(file, "mem_capacity", memory?)?);
    let rows = id.len();
    if rows == 0 {
        return Err(Error::new(file, "there is no task in it"));
    }
    if [submission.len(), duration.len(), count.len(), capacity.len(), memory.len()].iter().any(|n| *n != rows) {
        return Err(Error::new(file, "its columns are not equally long"));
    }
    let mut first = BTreeMap::new();
    for (row, id) in id.iter().enumerate() {
        if let Some(before) = first.insert(*id, row) {
            return Err(Error::new(file, format!("the task is there twice, in rows {} and {}", before + 1, row + 1))
                .line(row as u64 + 1)
                .key("id")
                .value(&id.to_string()));
        }
    }
    (0..rows)
        .map(|i| {
            let cpu_count = u32::try_from(count[i]).map_err(|_| {
                Error::new(file, "this is no number of CPUs").line(i as u64 + 1).key("cpu_count").value(&count[i].to_string())
            })?;
            Ok(Task {
                id: id[i],
                submission_ms: submission[i],
                duration_ms: duration[i],
                cpu_count,
                cpu_capacity_mhz: capacity[i],
                mem_capacity: memory[i],
                fragments: Vec::new(),
            })
        })
        .collect()
}

/// Reads the fragments, and gives each to its task. A fragment of a task that is not among these is left out.
///
/// # Errors
/// A file that is no Parquet, lacks a column, or holds a number that cannot be one; and a task without a fragment.
pub fn read_fragments(file: &Path, tasks: &mut [Task]) -> Result<(), Error> {
    let parquet = ParquetFile::open(file)?;
    let (id, duration) = (whole(file, "id", parquet.whole_column("id")?)?, whole(file, "duration", parquet.whole_column("duration")?)?);
    let usage = parquet.whole_column("cpu_usage")?;
    if id.len() != duration.len() || id.len() != usage.len() {
        return Err(Error::new(file, "its columns are not equally long"));
    }
    let position: BTreeMap<u64, usize> = tasks.iter().enumerate().map(|(i, task)| (task.id, i)).collect();
    for ((id, duration_ms), mhz) in id.into_iter().zip(duration).zip(usage) {
        if let Some(i) = position.get(&id) {
            tasks[*i].fragments.push((duration_ms, mhz));
        }
    }
    match tasks.iter().find(|t| t.fragments.is_empty()) {
        Some(task) => Err(Error::new(file, format!("there is no fragment of the task {}", task.id))
            .key("id")
            .help("the pair belongs together: a task has at least one fragment")),
        None => Ok(()),
    }
}

/// The bytes that the fragments of a file take in memory while they are read.
pub(crate) fn fragment_bytes(file: &Path) -> Result<u64, Error> {
    // Three columns as f64, two of them again as u64, and the pairs.
    Ok(u64::try_from(ParquetFile::open(file)?.rows()).unwrap_or(0).saturating_mul(3 * 8 + 2 * 8 + 16))
}

/// The use of each task as a column in kHz: the time-weighted mean of each step. Before and after a task it is 0.
///
/// `starts_ms` says when each task starts, in ms from the start of the horizon.
///
/// # Errors
/// A mean that a column cannot hold, as the id of its task.
pub fn columns(tasks: &[Task], starts_ms: &[u64], step: Nanos, steps: usize) -> Result<Vec<Vec<u32>>, u64> {
    tasks.iter().zip(starts_ms).map(|(task, start)| column(&task.fragments, *start, step, steps).ok_or(task.id)).collect()
}

fn column(fragments: &[(u64, f64)], start_ms: u64, step: Nanos, steps: usize) -> Option<Vec<u32>> {
    const NS: u128 = 1_000_000;
    let step_ns = u128::from(step.0);
    let mut work = vec![0.0_f64; steps];
    let mut from = u128::from(start_ms) * NS;
    for (duration_ms, mhz) in fragments {
        let to = from + u128::from(*duration_ms) * NS;
        let mut at = from;
        while at < to {
            let k = at / step_ns;
            if k >= steps as u128 {
                break;
            }
            let end = to.min((k + 1) * step_ns);
            work[k as usize] += mhz * ((end - at) as f64 / step_ns as f64);
            at = end;
        }
        from = to;
    }
    let khz = |mhz: f64| Some((mhz * 1000.0).round()).filter(|khz| *khz <= f64::from(u32::MAX)).map(|khz| khz as u32);
    work.into_iter().map(khz).collect()
}

/// Numbers that count something.
fn whole(file: &Path, column: &str, numbers: Vec<f64>) -> Result<Vec<u64>, Error> {
    // Above 2^53 a floating number is not the one that was written.
    const MOST: f64 = 9_007_199_254_740_992.0;
    let one = |(i, x): (usize, f64)| {
        if x.fract() == 0.0 && x <= MOST {
            Ok(x as u64)
        } else {
            Err(Error::new(file, "this is not a whole number").line(i as u64 + 1).key(column).value(&x.to_string()))
        }
    };
    numbers.into_iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_the_time_weighted_mean_of_what_falls_in_it() {
        // Steps of 10 s. From 5 s: 10 s at 100 MHz, then 2 s at 400 MHz.
        // Step 0: 5 s of 100 = 50 MHz; step 1: 5 s of 100 and 2 s of 400 = 130 MHz; step 2: nothing.
        let task = Task {
            id: 7,
            submission_ms: 0,
            duration_ms: 12_000,
            cpu_count: 1,
            cpu_capacity_mhz: 400.0,
            mem_capacity: 1,
            fragments: vec![(10_000, 100.0), (2_000, 400.0)],
        };
        assert_eq!(columns(&[task], &[5_000], Nanos::seconds(10), 3), Ok(vec![vec![50_000, 130_000, 0]]));
    }

    #[test]
    fn a_use_beyond_a_column_names_its_task() {
        let task = Task {
            id: 7,
            submission_ms: 0,
            duration_ms: 1,
            cpu_count: 1,
            cpu_capacity_mhz: 1.0,
            mem_capacity: 1,
            fragments: vec![(10_000, 5e6)],
        };
        assert_eq!(columns(&[task], &[0], Nanos::seconds(10), 1), Err(7));
    }
}
