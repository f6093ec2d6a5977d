//! Connections to the hosts of an inventory. Whether libvirt was built in is known here alone.

use std::collections::BTreeMap;

use executor::clock::Clock;
use executor::host::Host;
use executor::inventory::Inventory;

use crate::diagnose::Failure;

/// A connection to every host of the inventory. Nothing is asked of any: a host that is down is found out by the first call.
///
/// # Errors
/// The program was built without libvirt.
#[cfg(feature = "libvirt")]
pub fn connect(inventory: &Inventory) -> Result<BTreeMap<String, Box<dyn Host>>, Failure> {
    let host = |address: &executor::host::Address| Box::new(executor::libvirt::LibvirtHost::new(address.clone())) as Box<dyn Host>;
    Ok(inventory.hosts.iter().map(|(name, entry)| (name.clone(), host(&entry.address))).collect())
}

/// The clock of the system; where something is done, it asks for a stop when the operator does.
///
/// # Errors
/// The system does not let signals be caught.
#[cfg(feature = "libvirt")]
pub fn clock(acts: bool) -> Result<Box<dyn Clock>, Failure> {
    if !acts {
        return Ok(Box::new(executor::clock::SystemClock::new()));
    }
    match executor::clock::SystemClock::stopped_by_signals() {
        Ok(clock) => Ok(Box::new(clock)),
        Err(e) => Err(Failure::Internal(format!("signals cannot be caught: {e}"))),
    }
}

/// A connection to every host of the inventory.
///
/// # Errors
/// The program was built without libvirt.
#[cfg(not(feature = "libvirt"))]
pub fn connect(_: &Inventory) -> Result<BTreeMap<String, Box<dyn Host>>, Failure> {
    Err(without_libvirt())
}

/// The clock of the system.
///
/// # Errors
/// The program was built without libvirt.
#[cfg(not(feature = "libvirt"))]
pub fn clock(_: bool) -> Result<Box<dyn Clock>, Failure> {
    Err(without_libvirt())
}

/// How to build what is not built in.
#[cfg(not(feature = "libvirt"))]
fn without_libvirt() -> Failure {
    Failure::NoLibvirt(
        "this program was built without libvirt and reaches no host: `apt-get install libvirt-dev`, then `cargo build --release --features libvirt`".into(),
    )
}

#[cfg(all(test, not(feature = "libvirt")))]
mod tests {
    use super::*;

    #[test]
    fn without_libvirt_it_is_said_how_to_build_with_it() {
        let said = without_libvirt().to_string();
        assert!(said.contains("libvirt-dev") && said.contains("--features libvirt"), "{said}");
    }
}
