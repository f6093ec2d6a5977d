//! The command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

/// Plans the consolidation of machines onto virtual hosts, under a CVCF of so many kVA, and shows its evidence.
#[derive(Parser)]
#[command(name = "shuyaku", version, arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// For every command.
    #[command(flatten)]
    pub common: Common,
}

/// Options of every command.
#[derive(ClapArgs, Debug, Clone)]
pub struct Common {
    /// Answer in JSON on stdout, and errors in JSON on stderr.
    #[arg(long, global = true)]
    pub json: bool,
    /// Seed of everything that is drawn at random: 1 where it is not given, and a fresh one for `validate --engine`.
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u64>,
    /// Threads; as many as there are cores where it is not given. The answer is the same for any number.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,
    /// Folder for what is written; `out/SITE` where it is not given (`observe`: `out/SITE-observed`).
    #[arg(long, global = true, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replications of a random load, 10 where it is not given; a recording is replayed once.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub replications: Option<u32>,
    /// The most memory that recorded loads may take, MiB; a larger trace is refused with its size.
    #[arg(long, global = true, default_value_t = 4096, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    pub memory_cap: u64,
}

impl Common {
    /// The seed: 1 where none is given.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }

    /// Replications of a random load: 10 where none are given.
    #[must_use]
    pub fn replications(&self) -> u32 {
        self.replications.unwrap_or(10)
    }
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Replay the load, compare candidates, choose, judge; writes plan.json, measures.json and report.html.
    Plan {
        /// A scenario's folder, or its site.toml.
        site: PathBuf,
        /// These hosts are down now (`a,b`, or again): restart what ran there, by steps that keep every rule. Nothing is bought.
        #[arg(long, value_name = "HOST", value_delimiter = ',')]
        lost: Vec<String>,
        /// All hosts of this failure domain are down now (again for more).
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        lost_domain: Vec<String>,
        /// With --lost: do not ask that a further loss is survived. Where it cannot be, it is left out anyway, and said so first.
        #[arg(long)]
        without_one_down: bool,
        /// Make this plan again, because it is stale: say first what differs from what it started from, and ask the same again (the
        /// hosts that are lost or evacuated, the seed, the replications) where nothing else is given.
        #[arg(long, value_name = "PLAN")]
        replan: Option<PathBuf>,
        /// These hosts are to carry nothing and to stay on (`a,b`, or again): move what runs there, by steps that keep every rule. Nothing
        /// is bought.
        #[arg(long, value_name = "HOST", value_delimiter = ',', conflicts_with_all = ["lost", "lost_domain", "without_one_down"])]
        evacuate: Vec<String>,
        /// Steps that may be done side by side: so many at once at most, as far as every rule holds in every mixture of them.
        #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(planner::lanes::MOST_LANES)))]
        lanes: u32,
    },
    /// Look at the hosts of an inventory for a while and write what is there: site.toml and a trace, for `plan`. It changes nothing.
    Observe {
        /// How hosts are reached.
        #[arg(long, value_name = "FILE")]
        inventory: PathBuf,
        /// From look to look, seconds.
        #[arg(long, default_value_t = 5, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=86_400))]
        every: u32,
        /// Intervals between looks.
        #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        samples: u32,
        /// Measure how fast running guests dirty their memory, which slows them a little for some seconds.
        #[arg(long)]
        dirty_rate: bool,
        /// These hosts are off and stay off (`a,b`, or again): a plan takes them as lost.
        #[arg(long, value_name = "HOST", value_delimiter = ',')]
        fenced: Vec<String>,
        /// These hosts are off, and a plan may boot them.
        #[arg(long, value_name = "HOST", value_delimiter = ',')]
        off: Vec<String>,
        /// An earlier observation (its folder): what ran on hosts that are gone now is known from it.
        #[arg(long, value_name = "DIR")]
        before: Option<PathBuf>,
    },
    /// Carry a plan out on the hosts of an inventory, or show what would be done (without --yes).
    Apply {
        /// A plan.json.
        plan: PathBuf,
        /// How hosts are reached.
        #[arg(long, value_name = "FILE")]
        inventory: PathBuf,
        /// The scenario that it was made for: the whole way of the plan is judged again before anything is asked of a host.
        #[arg(long, value_name = "DIR")]
        scenario: Option<PathBuf>,
        /// Steps.
        #[command(flatten)]
        run: RunArgs,
    },
    /// Go on with a run that stopped or was killed, or show what would be done (without --yes).
    Resume {
        /// The run's journal: `status` lists them.
        journal: PathBuf,
        /// How hosts are reached; the one that the run began with where it is not given.
        #[arg(long, value_name = "FILE")]
        inventory: Option<PathBuf>,
        /// Steps.
        #[command(flatten)]
        run: RunArgs,
    },
    /// Take back what a run did, last step first, or show what would be done (without --yes).
    Rollback {
        /// The run's journal: `status` lists them.
        journal: PathBuf,
        /// How hosts are reached; the one that the run began with where it is not given.
        #[arg(long, value_name = "FILE")]
        inventory: Option<PathBuf>,
        /// Steps.
        #[command(flatten)]
        run: RunArgs,
    },
    /// List the runs of a site, how each ended, and what to do next. Exit code 1 where something is left to do.
    Status {
        /// The site's inventory.
        #[arg(long, value_name = "FILE")]
        inventory: PathBuf,
    },
    /// Replay the load against one placement and show what each host does.
    Simulate {
        /// A scenario's folder, or its site.toml.
        site: PathBuf,
        /// `today`, the name of an alternative, or a plan.json; today (or the baseline) where it is not given.
        #[arg(long, value_name = "P")]
        placement: Option<String>,
        /// Read the one recorded table in blocks: for a trace larger than --memory-cap.
        #[arg(long, conflicts_with = "requests")]
        stream: bool,
        /// Play the flows of the site, job by job: delays, losses, faults and their aftermath.
        #[arg(long)]
        requests: bool,
        /// With --requests: play this case only, besides the ordinary course (again for more); `ordinary` for no case.
        #[arg(long = "case", value_name = "NAME", requires = "requests")]
        cases: Vec<String>,
        /// With --requests: go on with replications, up to --replications, until the 95th percentile of every flow's delay
        /// is known to this many per cent of itself.
        #[arg(long, value_name = "PERCENT", requires = "requests", value_parser = percent)]
        precision: Option<f64>,
    },
    /// Check a scenario's files, or recount every rule of a plan at every step.
    Check {
        /// A scenario's folder, its site.toml, or a plan.json.
        what: PathBuf,
        /// For a plan: the scenario that it was made for; `scenarios/SITE` where it is not given.
        #[arg(long, value_name = "DIR")]
        scenario: Option<PathBuf>,
    },
    /// Show a plan: what to buy, every step with its conditions, every rule's verdict.
    Show {
        /// A plan.json.
        plan: PathBuf,
    },
    /// Write report.html again from measures.json and plan.json.
    Report {
        /// The folder that `plan` wrote.
        run: PathBuf,
    },
    /// Hold our figures against published ones: every scenario with a targets.toml; writes reports/scorecard.md.
    Validate {
        /// Scenario folders; all of `scenarios/` where none is given.
        scenarios: Vec<PathBuf>,
        /// Hold the engine against closed forms instead, with fresh seeds; about a minute.
        #[arg(long, conflicts_with = "scenarios")]
        engine: bool,
    },
    /// Answer the questions that a site asks of single laws: figures with range, what was fitted, and how.
    Study {
        /// A scenario's folder, or its site.toml.
        site: PathBuf,
        /// Studies by name; all where none is given.
        names: Vec<String>,
    },
    /// Show the laws that figures rest on: formula, range, source, error.
    Laws {
        /// Laws by name; a list of all where none is given.
        names: Vec<String>,
    },
    /// How long a plan's own deployment takes, step by step and in all, one after the other and side by side.
    DeployTime {
        /// A plan.json.
        plan: PathBuf,
        /// The scenario that it was made for; `scenarios/SITE` where it is not given.
        #[arg(long, value_name = "DIR")]
        scenario: Option<PathBuf>,
    },
    /// Print the JSON Schema of site.toml, for editors.
    Schema {
        /// Of targets.toml instead.
        #[arg(long)]
        targets: bool,
    },
}

/// A share in per cent, above 0 and at most 100.
fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(x) if x > 0.0 && x <= 100.0 => Ok(x),
        _ => Err("write per cent, above 0 and at most 100, such as 5".into()),
    }
}

/// What is asked of a run.
#[derive(ClapArgs)]
pub struct RunArgs {
    /// Act. Without it, everything is shown and nothing is done.
    #[arg(long)]
    pub yes: bool,
    /// These steps only (`3`, `1-5`, `1-5,8`): all before them must be done.
    #[arg(long, value_name = "STEPS", value_delimiter = ',', value_parser = steps)]
    pub only: Vec<StepRange>,
    /// The most steps at once, where the plan allows more than one.
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub max_parallel: u32,
    /// No step begins after this: a time of day (`05:30`, the next one), a moment (`2026-11-22T05:30:00+09:00`) or so long from now (`+90m`).
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// These hosts are off and stay off (`a,b`, or again): your word, and you answer for it.
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub fenced: Vec<String>,
}

/// Some steps in a row.
#[derive(Debug, Clone)]
pub struct StepRange(pub std::ops::RangeInclusive<u32>);

/// `3` or `1-5`.
fn steps(text: &str) -> Result<StepRange, String> {
    let wrong = || "write a step, or the first and the last, such as 3 or 1-5, from 1".to_owned();
    let number = |t: &str| t.trim().parse::<u32>().ok().filter(|n| (1..=1_000_000).contains(n)).ok_or_else(wrong);
    let (first, last) = match text.split_once('-') {
        Some((a, b)) => (number(a)?, number(b)?),
        None => (number(text)?, number(text)?),
    };
    if first > last { Err(wrong()) } else { Ok(StepRange(first..=last)) }
}
