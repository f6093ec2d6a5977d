//! `shuyaku deploy-time`: how long a plan's own deployment takes.

use std::path::{Path, PathBuf};

use models::law::deployment::{self, Deployment};
use models::plan::Plan;

use crate::args::Common;
use crate::diagnose::Failure;
use crate::pipeline;

/// A plan, and how long its steps take.
pub struct Timed {
    /// The plan.
    pub plan: Plan,
    /// Step by step, and in all.
    pub found: Deployment,
}

/// Reads a plan and its scenario, and times its steps.
///
/// # Errors
/// A plan or a scenario that cannot be read, and a plan that names what the site does not have.
pub fn of(plan: &Path, scenario: Option<&Path>, common: &Common) -> Result<Timed, Failure> {
    let plan = pipeline::read_plan(plan)?;
    let folder = scenario.map_or_else(|| Path::new("scenarios").join(&plan.site), PathBuf::from);
    let scenario = pipeline::load(&folder, common)?;
    let (site, ..) = pipeline::understand(&scenario.site, &plan)?;
    // Where nothing fails and nothing is said, a recovery that takes no time stands in: nobody gave it.
    let given = site.givens.iter().any(|g| g.place == "requests recovery" && g.key == "boot_cpu_s");
    let recovery = scenario.requests.as_ref().filter(|_| given).map(|r| &r.recovery);
    let mut found = deployment::of(&site, recovery, &plan.steps);
    if plan.scenario_digest != scenario.digest {
        found.notes.insert(0, "the plan is stale: the scenario's files have changed since it was made".into());
    }
    Ok(Timed { plan, found })
}
