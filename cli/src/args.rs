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
#[derive(ClapArgs)]
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
    /// Folder for what is written; `out/SITE` where it is not given.
    #[arg(long, global = true, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replications of a random load; a recording is replayed once.
    #[arg(long, global = true, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub replications: u32,
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
