//! What was seen on the hosts of a site over a short while: the values that who looks and who writes a site file share.
//!
//! It holds what hosts say and nothing else: no watts, no prices, no rules. CPU stands here as cores kept busy (CPU time over
//! time), because hosts count CPU time; what a core is worth in MHz is the site's word.

use serde::{Deserialize, Serialize};

/// The version of the JSON form that this code reads and writes.
pub const VERSION: u32 = 1;

/// A site as it was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// The version of the JSON form.
    pub version: u32,
    /// The site's name.
    pub site: String,
    /// When the first look began, ns since 1970.
    pub begun_unix_ns: u64,
    /// From look to look, s: 1 or more.
    pub every_s: u32,
    /// When each interval between two looks ended, ns since 1970.
    pub ends_unix_ns: Vec<u64>,
    /// The hosts, by name.
    pub hosts: Vec<Host>,
    /// The guests, by name.
    pub guests: Vec<Guest>,
    /// What is not as it should be.
    pub anomalies: Vec<Anomaly>,
}

/// A host as it was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Its name in the inventory.
    pub name: String,
    /// Its class, as the inventory says.
    pub class: String,
    /// The failure domains that it stands in, as the inventory says.
    pub domains: Vec<String>,
    /// The pools of hosts that it belongs to, as the inventory says.
    pub pools: Vec<String>,
    /// The memory that guests may have there, MiB, as the inventory says.
    pub guest_memory_mib: u64,
    /// What became of the question.
    pub state: HostState,
    /// What it is made of, where it answered.
    pub hardware: Option<Hardware>,
}

/// What became of the question to a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub enum HostState {
    /// It answered to the end.
    On,
    /// It is off: whoever can see its power says so.
    Off,
    /// The operator says that it is off and stays off.
    Fenced,
    /// It does not answer, and whether it is off nobody knows.
    Silent {
        /// What was tried.
        why: String,
    },
}

impl std::fmt::Display for HostState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::On => f.write_str("on"),
            Self::Off => f.write_str("off"),
            Self::Fenced => f.write_str("fenced"),
            Self::Silent { why } => write!(f, "does not answer: {why}"),
        }
    }
}

/// What a host is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// CPU sockets.
    pub sockets: u32,
    /// Cores in all.
    pub cores: u32,
    /// Hardware threads a core.
    pub threads_per_core: u32,
    /// Clock of a core at that moment, MHz; 0 where it is not told.
    pub core_mhz: u32,
    /// Memory installed, MiB, rounded down.
    pub memory_mib: u64,
}

/// A guest as it was seen, or as it is known though nobody saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guest {
    /// Its name.
    pub name: String,
    /// Its identity, where it is known.
    pub uuid: Option<String>,
    /// Its memory, MiB, rounded up, where it is known.
    pub memory_mib: Option<u64>,
    /// Its virtual CPUs, where they are known.
    pub vcpus: Option<u32>,
    /// Who says so.
    pub known_from: KnownFrom,
    /// Where it holds memory at the end of the recording; nothing: nowhere that was seen.
    pub runs_on: Option<String>,
    /// What it does there, or on the first host that knows it: `running`, `shut off`.
    pub state: String,
    /// Hosts that keep its definition.
    pub defined_on: Vec<String>,
    /// Hosts that start it when they boot.
    pub autostart_on: Vec<String>,
    /// Whether the inventory names it.
    pub in_inventory: bool,
    /// How fast it dirtied memory, MiB/s, where that was measured during the recording.
    pub dirty_mib_per_s: Option<u64>,
    /// What it used, interval by interval; nothing in an interval in which it cannot be told. Empty: it was never seen running.
    pub samples: Vec<Option<Sample>>,
    /// What an earlier recording says of it, where it ran then and cannot be seen now.
    pub earlier: Option<Earlier>,
}

/// Who says what a guest is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum KnownFrom {
    /// A host that knows it.
    Host {
        /// Which.
        host: String,
    },
    /// The inventory; no host that answers knows it.
    Inventory,
    /// An earlier recording; no host that answers knows it.
    Earlier,
}

/// What a guest used in an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Cores kept busy: CPU time over time. It may be a little more than its virtual CPUs, because what the hypervisor does for it counts.
    pub cores: f64,
    /// Over its network interfaces, bytes a second.
    pub net_bytes_per_s: f64,
    /// From and to its disks, bytes a second.
    pub disk_bytes_per_s: f64,
}

impl Sample {
    /// A guest that does not run.
    pub const NOTHING: Self = Self { cores: 0.0, net_bytes_per_s: 0.0, disk_bytes_per_s: 0.0 };
}

/// A guest in an earlier recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Earlier {
    /// When that recording began, ns since 1970.
    pub unix_ns: u64,
    /// Where it ran.
    pub host: String,
    /// The most that it used in an interval, of each by itself; nothing where that was not measured.
    pub most: Option<Sample>,
    /// How fast it dirtied memory, MiB/s, where that was measured.
    pub dirty_mib_per_s: Option<u64>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anomaly {
    /// Whether a plan made from the observation would rest on what nobody knows.
    pub forbids_plan: bool,
    /// What, in a sentence without its full stop.
    pub what: String,
}

/// A text that is not an observation.
#[derive(Debug, thiserror::Error)]
pub enum NotAnObservation {
    /// It is not the JSON of one.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// It is of another version.
    #[error("key `version`: the observation has version {0}, and this program reads version {VERSION}")]
    Version(u32),
}

impl Observation {
    /// The canonical text: JSON with two spaces, one line feed at the end.
    ///
    /// # Panics
    /// Never: an observation has a JSON form.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("an observation has a JSON form");
        text.push('\n');
        text
    }

    /// Reads an observation.
    ///
    /// # Errors
    /// Where the text is not JSON, a key is missing or not known, or the version is another.
    pub fn from_text(text: &str) -> Result<Self, NotAnObservation> {
        let it: Self = serde_json::from_str(text)?;
        if it.version == VERSION { Ok(it) } else { Err(NotAnObservation::Version(it.version)) }
    }

    /// Why no plan should be made from it; nothing where one can.
    pub fn forbids_plan(&self) -> impl Iterator<Item = &str> {
        self.anomalies.iter().filter(|a| a.forbids_plan).map(|a| a.what.as_str())
    }

    /// The hosts that the operator has fenced: those that a plan takes as lost.
    pub fn fenced(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().filter(|h| h.state == HostState::Fenced).map(|h| h.name.as_str())
    }

    /// Takes over from an earlier observation what cannot be seen now: guests that ran on a host that is off, fenced or silent, and run
    /// nowhere. What was seen now stands.
    pub fn remember(&mut self, before: &Self) {
        let gone = |host: &str| self.hosts.iter().any(|h| h.name == host && h.state != HostState::On);
        let mut found = Vec::new();
        for was in &before.guests {
            let Some(earlier) = was.ran_in(before) else { continue };
            if gone(&earlier.host) {
                found.push((was, earlier));
            }
        }
        for (was, earlier) in found {
            let same = |g: &&mut Guest| match (&g.uuid, &was.uuid) {
                (Some(a), Some(b)) => a == b,
                _ => g.name == was.name,
            };
            let Some(now) = self.guests.iter_mut().find(same) else {
                let what = format!("guest {} ran on {} at {}, and is seen nowhere now", was.name, earlier.host, utc(earlier.unix_ns));
                self.anomalies.push(Anomaly { forbids_plan: false, what });
                self.guests.push(Guest {
                    known_from: KnownFrom::Earlier,
                    runs_on: None,
                    state: UNSEEN.into(),
                    defined_on: Vec::new(),
                    autostart_on: Vec::new(),
                    in_inventory: false,
                    dirty_mib_per_s: None,
                    samples: Vec::new(),
                    earlier: Some(earlier),
                    ..was.clone()
                });
                continue;
            };
            if now.runs_on.is_some() {
                continue;
            }
            if !matches!(now.known_from, KnownFrom::Host { .. }) && was.memory_mib.is_some() && was.vcpus.is_some() {
                (now.memory_mib, now.vcpus, now.known_from) = (was.memory_mib, was.vcpus, KnownFrom::Earlier);
            }
            now.earlier = Some(earlier);
        }
        self.guests.sort_by(|a, b| (&a.name, &a.uuid).cmp(&(&b.name, &b.uuid)));
        self.anomalies.sort_by(|a, b| b.forbids_plan.cmp(&a.forbids_plan).then_with(|| a.what.cmp(&b.what)));
    }
}

/// The state of a guest that no host shows.
pub const UNSEEN: &str = "seen nowhere";

impl Guest {
    /// Where it ran in its recording, or ran before that.
    fn ran_in(&self, recording: &Observation) -> Option<Earlier> {
        let Some(host) = &self.runs_on else { return self.earlier.clone() };
        Some(Earlier { unix_ns: recording.begun_unix_ns, host: host.clone(), most: self.most(), dirty_mib_per_s: self.dirty_mib_per_s })
    }

    /// The most that it used in an interval, of each by itself; nothing where nothing was measured.
    #[must_use]
    pub fn most(&self) -> Option<Sample> {
        self.over_samples(|all| all.fold(0.0, f64::max))
    }

    /// The mean of what it used; nothing where nothing was measured.
    #[must_use]
    pub fn mean(&self) -> Option<Sample> {
        let n = self.samples.iter().flatten().count() as f64;
        self.over_samples(|all| all.sum::<f64>() / n)
    }

    fn over_samples(&self, of: impl Fn(&mut dyn Iterator<Item = f64>) -> f64) -> Option<Sample> {
        let all = || self.samples.iter().flatten();
        all().next()?;
        Some(Sample {
            cores: of(&mut all().map(|s| s.cores)),
            net_bytes_per_s: of(&mut all().map(|s| s.net_bytes_per_s)),
            disk_bytes_per_s: of(&mut all().map(|s| s.disk_bytes_per_s)),
        })
    }
}

/// A moment as ISO 8601 writes it, in UTC, to the second.
///
/// ```
/// assert_eq!(models::observation::utc(951_827_696_000_000_000), "2000-02-29T12:34:56Z");
/// ```
#[must_use]
pub fn utc(unix_ns: u64) -> String {
    let seconds = unix_ns / 1_000_000_000;
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Years are counted from 1 March, so that the day put in is the last of a year; an era is 400 years, 146,097 days.
    let from_march_0000 = days + 719_468;
    let (era, day) = (from_march_0000 / 146_097, from_march_0000 % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let months = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * months + 2) / 5 + 1;
    let month = if months < 10 { months + 3 } else { months - 9 };
    let year = 400 * era + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{of_month:02}T{:02}:{:02}:{:02}Z", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(name: &str, runs_on: Option<&str>) -> Guest {
        let sample = |cores| Some(Sample { cores, net_bytes_per_s: 10.0 * cores, disk_bytes_per_s: 0.0 });
        Guest {
            name: name.into(),
            uuid: Some(format!("uuid of {name}")),
            memory_mib: Some(64),
            vcpus: Some(1),
            known_from: KnownFrom::Host { host: "h1".into() },
            runs_on: runs_on.map(Into::into),
            state: "running".into(),
            defined_on: Vec::new(),
            autostart_on: Vec::new(),
            in_inventory: false,
            dirty_mib_per_s: Some(3),
            samples: if runs_on.is_some() { vec![sample(0.5), None, sample(0.25)] } else { Vec::new() },
            earlier: None,
        }
    }

    fn observation(begun_unix_ns: u64, hosts: &[(&str, HostState)], guests: Vec<Guest>) -> Observation {
        let host = |(name, state): &(&str, HostState)| Host {
            name: (*name).into(),
            class: "c".into(),
            domains: Vec::new(),
            pools: Vec::new(),
            guest_memory_mib: 512,
            state: state.clone(),
            hardware: None,
        };
        let hosts = hosts.iter().map(host).collect();
        Observation {
            version: VERSION,
            site: "s".into(),
            begun_unix_ns,
            every_s: 5,
            ends_unix_ns: vec![1, 2, 3],
            hosts,
            guests,
            anomalies: vec![],
        }
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_day_before() {
        // An oracle that counts: days of months one by one, from 1970.
        let (mut year, mut month, mut day) = (1970_u64, 1_u64, 1_u64);
        for n in 0..146_097_u64 {
            assert_eq!(utc(n * 86_400_000_000_000 + 86_399_999_999_999), format!("{year:04}-{month:02}-{day:02}T23:59:59Z"));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let days = match month {
                2 => 28 + u64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > days {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
    }

    #[test]
    fn an_observation_is_read_as_it_was_written_and_an_unknown_key_or_version_is_refused() {
        let it = observation(7, &[("h1", HostState::Silent { why: "no route".into() })], vec![guest("g1", Some("h1"))]);
        assert_eq!(Observation::from_text(&it.to_text()).unwrap(), it);
        let newer = it.to_text().replace("\"version\": 1", "\"version\": 2");
        assert!(Observation::from_text(&newer).unwrap_err().to_string().contains("version 2"));
        let more = it.to_text().replace("\"version\": 1", "\"version\": 1, \"colour\": 2");
        assert!(Observation::from_text(&more).unwrap_err().to_string().contains("colour"));
    }

    #[test]
    fn guests_of_a_host_that_is_gone_are_remembered_and_those_seen_now_stand() {
        let before = observation(1_000_000_000, &[], vec![guest("g1", Some("h1")), guest("g2", Some("h2")), guest("g3", Some("h1"))]);
        let hosts = [("h1", HostState::Fenced), ("h2", HostState::On)];
        // g1 is on h2 by now, g2 was taken away from a host that answers, g3 ran on the host that is gone.
        let mut now = observation(2_000_000_000, &hosts, vec![guest("g1", Some("h2"))]);
        now.remember(&before);
        let names: Vec<(&str, Option<&str>)> = now.guests.iter().map(|g| (g.name.as_str(), g.runs_on.as_deref())).collect();
        assert_eq!(names, [("g1", Some("h2")), ("g3", None)]);
        assert_eq!(now.guests[0].earlier, None);
        let g3 = &now.guests[1];
        assert_eq!((g3.memory_mib, g3.vcpus, &g3.known_from), (Some(64), Some(1), &KnownFrom::Earlier));
        let most = Sample { cores: 0.5, net_bytes_per_s: 5.0, disk_bytes_per_s: 0.0 };
        assert_eq!(g3.earlier, Some(Earlier { unix_ns: 1_000_000_000, host: "h1".into(), most: Some(most), dirty_mib_per_s: Some(3) }));
        assert!(now.anomalies.iter().any(|a| a.what == "guest g3 ran on h1 at 1970-01-01T00:00:01Z, and is seen nowhere now"));
        // A recording after that one still knows it.
        let mut later = observation(3_000_000_000, &hosts, Vec::new());
        later.remember(&now);
        assert_eq!(later.guests.iter().map(|g| &g.earlier).collect::<Vec<_>>(), [&g3.earlier]);
    }

    #[test]
    fn the_mean_and_the_most_leave_out_what_was_not_measured() {
        let g = guest("g", Some("h1"));
        assert_eq!(g.mean(), Some(Sample { cores: 0.375, net_bytes_per_s: 3.75, disk_bytes_per_s: 0.0 }));
        assert_eq!(g.most().map(|s| s.cores), Some(0.5));
        assert_eq!((guest("g", None).mean(), guest("g", None).most()), (None, None));
    }
}
