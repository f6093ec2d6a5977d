//! Hosts for tests and for trying things out: real libvirt daemons and real QEMU guests on one machine, without root's libvirt.
//!
//! * [`hosts`]: several hosts on this machine, each with its own libvirt, that can lose power, hang and boot; they live and die
//!   with a [`Hosts`].
//! * [`fake`]: hosts that are none: deterministic, with faults from a seed, for thousands of schedules.
//! * [`guest`]: a tiny guest for them whose heart beats on its serial port, and what its beats prove.
//! * [`inventory`]: the inventory by which the executor reaches them.
//!
//! The program `testbed` keeps such hosts up for whoever wants to try the executor on a laptop.
//!
//! Left out, because one machine cannot show it: shared storage, networks between hosts, hosts of different CPUs, and the time that a
//! migration takes where guests are large.

pub mod fake;
pub mod guest;
pub mod hosts;
pub mod inventory;

pub use guest::{Guest, Heartbeats};
pub use hosts::{Hosts, hosts_or_skip};
