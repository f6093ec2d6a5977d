//! The real ones of what a run works with: commands of the inventory, definitions kept on disk or made from templates, and the inventory's policy.

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use crate::crew::{DefinitionSource, Policy};
use crate::definitions::Definitions;
use crate::domain_xml::{self, DiskSource, InterfaceSource};
use crate::host::Definition;
use crate::inventory::{Inventory, Power};
use crate::power::{PowerCall, parse_status, wake_on_lan};
use crate::switch::{PowerPending, PowerState, PowerSwitch, Switch};

/// What the inventory and the operator say of a run.
#[must_use]
pub fn policy(inventory: &Inventory, fenced: BTreeSet<String>) -> Policy {
    Policy {
        limits: inventory.limits,
        migration: inventory.migration,
        room_mib: inventory.hosts.iter().map(|(name, h)| (name.clone(), h.guest_memory_mib)).collect(),
        may_destroy: inventory.guests.iter().filter(|(_, g)| g.destroy_after_shutdown).map(|(name, _)| name.clone()).collect(),
        fenced,
    }
}

/// Switches hosts by the inventory's commands and packets.
#[derive(Debug)]
pub struct CommandSwitch<'i> {
    inventory: &'i Inventory,
}

impl<'i> CommandSwitch<'i> {
    /// By this inventory.
    #[must_use]
    pub const fn new(inventory: &'i Inventory) -> Self {
        Self { inventory }
    }

    fn power(&self, host: &str) -> Option<&'i Power> {
        self.inventory.hosts.get(host)?.power.as_ref()
    }
}

/// A way to switch a host.
enum Way<'p> {
    Command(&'p [String]),
    Wake(&'p str),
}

fn way(power: &Power, what: Switch) -> Option<Way<'_>> {
    let command = match what {
        Switch::On => &power.on,
        Switch::Off => &power.off,
        Switch::Status => &power.status,
    };
    match (command, what, &power.wake_on_lan) {
        (Some(words), ..) => Some(Way::Command(words)),
        (None, Switch::On, Some(mac)) => Some(Way::Wake(mac)),
        _ => None,
    }
}

impl PowerSwitch for CommandSwitch<'_> {
    fn can(&self, host: &str, what: Switch) -> bool {
        self.power(host).and_then(|p| way(p, what)).is_some()
    }

    fn begin(&self, host: &str, what: Switch) -> Option<Box<dyn PowerPending>> {
        let limits = self.inventory.limits;
        let within_s = match what {
            Switch::Off => limits.power_off_s,
            Switch::On | Switch::Status => limits.call_s,
        };
        Some(match way(self.power(host)?, what)? {
            Way::Command(words) => Box::new(Switching { call: PowerCall::begin(words, Duration::from_secs(within_s)), what }),
            Way::Wake(mac) => Box::new(Sent(Some(wake_on_lan(mac)))),
        })
    }
}

/// A command under way.
struct Switching {
    call: PowerCall,
    what: Switch,
}

impl PowerPending for Switching {
    fn poll(&mut self) -> Option<Result<PowerState, String>> {
        let end = self.call.poll()?;
        Some(end.and_then(|output| match self.what {
            Switch::On => Ok(PowerState::On),
            Switch::Off => Ok(PowerState::Off),
            Switch::Status => parse_status(&output).map(|on| if on { PowerState::On } else { PowerState::Off }),
        }))
    }
}

/// A packet that was sent.
struct Sent(Option<Result<(), String>>);

impl PowerPending for Sent {
    fn poll(&mut self) -> Option<Result<PowerState, String>> {
        self.0.take().map(|end| end.map(|()| PowerState::On))
    }
}

/// Definitions that were kept, and templates of the inventory.
#[derive(Debug)]
pub struct StoredDefinitions<'i> {
    inventory: &'i Inventory,
    kept: Definitions,
}

impl<'i> StoredDefinitions<'i> {
    /// Of this inventory and its state folder.
    #[must_use]
    pub fn new(inventory: &'i Inventory) -> Self {
        Self { inventory, kept: Definitions::of(&inventory.state) }
    }
}

impl DefinitionSource for StoredDefinitions<'_> {
    fn of(&self, guest: &str, uuid: Uuid, host: &str) -> Result<Definition, String> {
        // What a host last said of it beats a template: somebody may have changed it since.
        if let Some(kept) = self.kept.kept(uuid).map_err(|e| e.to_string())? {
            return Ok(kept);
        }
        match self.inventory.guests.get(guest).and_then(|g| g.made_from.as_ref()) {
            Some(_) => self.inventory.make(guest, host).map_err(|e| e.to_string()),
            None => Err("no host that answers knows it, none was kept, and the inventory has no template for it".into()),
        }
    }

    fn keep(&self, definition: &Definition) -> Result<(), String> {
        self.kept.keep(definition).map_err(|e| e.to_string())
    }

    fn admits(&self, host: &str, definition: &Definition) -> Result<(), String> {
        let entry = self.inventory.hosts.get(host).ok_or_else(|| format!("the inventory has no host {host}"))?;
        // Arguments for the emulator run as the hypervisor does: one host's definition would reach into the next.
        if definition.xml.contains("libvirt.org/schemas/domain/qemu") {
            return Err("its definition passes arguments to the emulator (namespace qemu), which are not carried to another host".into());
        }
        let facts = domain_xml::read(&definition.xml).map_err(|e| format!("its definition cannot be read: {e}"))?;
        for disk in &facts.disks {
            if let DiskSource::Volume { pool, .. } = disk
                && !entry.storage_pools.contains(pool)
            {
                return Err(format!("it has a disk in storage pool `{pool}`, which the inventory does not allow on {host}"));
            }
        }
        for interface in &facts.interfaces {
            if let InterfaceSource::Network(network) = interface
                && !entry.networks.contains(network)
            {
                return Err(format!("it is on network `{network}`, which the inventory does not allow on {host}"));
            }
        }
        Ok(())
    }
}
