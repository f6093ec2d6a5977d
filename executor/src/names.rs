//! Names that a plan and an inventory share: what a name may be, and whether every name of a plan is one of ours.
//!
//! A plan comes from another room. Its names go into file names, into log lines and to hosts, so they are checked before anything else
//! is done with them.

use models::plan::{Action, Condition, Plan};

use crate::inventory::Inventory;

/// What a name may be, in words.
pub const NAME_FORM: &str = "a name is 1 to 63 letters, digits, `.`, `_` and `-` (ASCII), and starts with a letter or a digit";

/// Whether a text is a name: `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// A plan with a name that is none, or that the inventory does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOurName {
    /// It is no name.
    #[error("{place}: {name:?} is no name; {NAME_FORM}")]
    NoName {
        /// Where in the plan: its step, where it stands in one, and its key.
        place: String,
        /// What stands there; at most its first 80 characters.
        name: String,
    },
    /// It is no host of the inventory.
    #[error("{place}: the inventory has no host `{host}`; it has {}", known.join(", "))]
    UnknownHost {
        /// Where in the plan.
        place: String,
        /// The name of the host.
        host: String,
        /// The hosts that the inventory has.
        known: Vec<String>,
    },
}

/// Checks every name of a host or a guest in a plan's start, steps, conditions and ends, and that the inventory knows every host that is
/// not lost.
///
/// Guests need not be in the inventory: those that are not are found on the hosts.
///
/// # Errors
/// The first name that is none, or the first host that is unknown, with its place in the plan.
pub fn check_plan_names(plan: &Plan, inventory: &Inventory) -> Result<(), NotOurName> {
    let names = Names { inventory };
    for host in &plan.lost {
        names.name("key `lost`", host)?;
    }
    for host in plan.purchases.iter().flat_map(|p| &p.hosts) {
        names.host("key `purchases.hosts`", host)?;
    }
    if let Some(start) = &plan.start {
        for host in &start.hosts {
            names.host("key `start.hosts`", &host.name)?;
        }
        for guest in &start.guests {
            names.name("key `start.guests`", &guest.name)?;
            if let Some(host) = &guest.runs_on {
                names.host("key `start.guests.runs_on`", host)?;
            }
        }
    }
    for step in &plan.steps {
        names.action(step.number, &step.action)?;
        for (key, conditions) in [("before", &step.before), ("after", &step.after)] {
            for condition in conditions {
                names.condition(step.number, key, condition)?;
            }
        }
    }
    for host in &plan.hosts_on {
        names.host("key `hosts_on`", host)?;
    }
    for placed in &plan.placement {
        names.name("key `placement.guest`", &placed.guest)?;
        names.host("key `placement.host`", &placed.host)?;
    }
    Ok(())
}

struct Names<'i> {
    inventory: &'i Inventory,
}

impl Names<'_> {
    fn name(&self, place: &str, name: &str) -> Result<(), NotOurName> {
        if is_name(name) {
            return Ok(());
        }
        Err(NotOurName::NoName { place: place.to_owned(), name: name.chars().take(80).collect() })
    }

    fn host(&self, place: &str, host: &str) -> Result<(), NotOurName> {
        self.name(place, host)?;
        if self.inventory.hosts.contains_key(host) {
            return Ok(());
        }
        let known = self.inventory.hosts.keys().cloned().collect();
        Err(NotOurName::UnknownHost { place: place.to_owned(), host: host.to_owned(), known })
    }

    fn action(&self, step: u32, action: &Action) -> Result<(), NotOurName> {
        let (guest, hosts): (Option<&str>, Vec<(&str, &str)>) = match action {
            Action::BootHost { host } | Action::EvacuateHost { host } | Action::PowerOffHost { host } => (None, vec![("host", host)]),
            Action::DefineGuest { guest, host }
            | Action::StartGuest { guest, host }
            | Action::StopGuest { guest, host }
            | Action::UndefineGuest { guest, host } => (Some(guest), vec![("host", host)]),
            Action::MigrateGuest { guest, from, to } => (Some(guest), vec![("from", from), ("to", to)]),
        };
        if let Some(guest) = guest {
            self.name(&format!("step {step}, key `action.guest`"), guest)?;
        }
        hosts.into_iter().try_for_each(|(key, host)| self.host(&format!("step {step}, key `action.{key}`"), host))
    }

    fn condition(&self, step: u32, key: &str, condition: &Condition) -> Result<(), NotOurName> {
        let (guest, host): (Option<&str>, Option<&str>) = match condition {
            Condition::HostOn { host }
            | Condition::HostOff { host }
            | Condition::HostEmpty { host }
            | Condition::MemoryFree { host, mib: _ } => (None, Some(host)),
            Condition::GuestDefined { guest, host } | Condition::GuestRunning { guest, host } => (Some(guest), Some(host)),
            Condition::GuestStopped { guest } => (Some(guest), None),
        };
        if let Some(guest) = guest {
            self.name(&format!("step {step}, key `{key}.guest`"), guest)?;
        }
        host.map_or(Ok(()), |host| self.host(&format!("step {step}, key `{key}.host`"), host))
    }
}
