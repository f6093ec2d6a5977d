//! `plan --replan`: a plan is stale, because the site is not as it was. What differs is told, and what the plan was asked is asked again.

use std::path::Path;

use models::loss;
use models::plan::{Difference, Plan};
use models::site::Site;

use crate::args::Common;
use crate::diagnose::Failure;
use crate::pipeline;

/// A plan that is made again.
#[derive(Debug)]
pub struct Stale {
    plan: Plan,
}

/// What has become of a stale plan's start.
#[derive(Debug, PartialEq, Eq)]
pub struct Changed {
    /// In what the site differs; `None`: the plan does not say what it started from.
    pub differences: Option<Vec<Difference>>,
    /// Hosts that the plan takes as lost, and that are on in the site file.
    pub back: Vec<String>,
}

/// Reads a plan that is stale.
///
/// # Errors
/// A file that is not a plan.
pub fn read(path: &Path) -> Result<Stale, Failure> {
    Ok(Stale { plan: pipeline::read_plan(path)? })
}

impl Stale {
    /// The options with the plan's seed and replications where none are given.
    #[must_use]
    pub fn common(&self, common: &Common) -> Common {
        // One replication says nothing: a recording is replayed once whatever was asked.
        let replications = common.replications.or((self.plan.replications > 1).then_some(self.plan.replications));
        Common { seed: common.seed.or(Some(self.plan.seed)), replications, ..common.clone() }
    }

    /// What is asked again where no host is said to be lost: the hosts that the plan takes as lost and the site still has, and those that are to
    /// be evacuated, which are those of the plan where no others are named.
    ///
    /// # Errors
    /// Hosts to evacuate beside hosts that the plan takes as lost: a plan does one or the other.
    pub fn asked(&self, site: &Site, evacuate: &[String]) -> Result<(Vec<String>, Vec<String>), Failure> {
        let lost: Vec<String> = self.plan.lost.iter().filter(|name| site.host_named(name).is_some()).cloned().collect();
        if !lost.is_empty() && !evacuate.is_empty() {
            return Err(Failure::Usage(format!(
                "--replan: the plan takes {} as lost, and a plan after a loss evacuates nothing; leave --replan or --evacuate out",
                lost.join(", ")
            )));
        }
        Ok((lost, if evacuate.is_empty() { self.plan.evacuates.clone() } else { evacuate.to_vec() }))
    }

    /// What has changed since, where these hosts are lost now.
    ///
    /// # Errors
    /// A plan for another site.
    pub fn changed(&self, site: &Site, lost: &[String]) -> Result<Changed, Failure> {
        let plan = &self.plan;
        if plan.site != site.name {
            return Err(Failure::Usage(format!("--replan: the plan is for site {}, and this is site {}", plan.site, site.name)));
        }
        let lost: Vec<_> = lost.iter().filter_map(|name| site.host_named(name)).collect();
        let is_on = |h: &models::site::HostId| site.today.as_ref().is_some_and(|t| t.on[h.index()]);
        let back = lost.iter().filter(|h| is_on(h)).map(|h| site.hosts[h.index()].name.clone()).collect();
        let now = pipeline::start_of(&loss::after(site, &lost).site);
        let differences = plan.start.as_ref().map(|was| {
            // What the plan was going to buy and does not stand yet is no difference.
            let bought = |name: &str| plan.purchases.iter().any(|p| p.hosts.iter().any(|h| h == name));
            let all = was.difference(&now).into_iter();
            all.filter(|d| !matches!(d, Difference::HostGone { host } if bought(host))).collect()
        });
        Ok(Changed { differences, back })
    }
}

impl Changed {
    /// In words, before the new plan.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = match self.differences.as_deref() {
            None => "the old plan does not say what it started from: what differs cannot be told\n".into(),
            Some([]) => "nothing that a host shows differs from what the old plan started from\n".into(),
            Some(all) => {
                let lines: String = all.iter().map(|d| format!("  {d}\n")).collect();
                format!("what differs from what the old plan started from:\n{lines}")
            }
        };
        for host in &self.back {
            text += &format!("host {host} is lost here, and on in the site file: plan without --replan to use it again\n");
        }
        text + "\n"
    }
}
