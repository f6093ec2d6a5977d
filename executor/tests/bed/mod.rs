//! Two hosts for a test of the libvirt host.

use executor::host::{Address, Definition};
use executor::libvirt::LibvirtHost;
use rustix::process::{Pid, Signal, kill_process};
use testbed::{Guest, Hosts, hosts_or_skip};
use uuid::Uuid;

/// Two hosts, which are gone with this value.
pub struct Bed(Hosts);

impl Bed {
    pub fn up() -> Option<Self> {
        hosts_or_skip(2).map(Self)
    }

    pub fn host(&self, host: usize) -> LibvirtHost {
        let uri = self.0.uri(host);
        LibvirtHost::new(Address { name: self.0.name(host), uri: uri.clone(), peer_uri: uri })
    }

    /// The URI of a host that is not there.
    pub fn nowhere(&self) -> String {
        self.0.uri(1).replace("libvirt-sock", "no-sock")
    }

    /// A guest of 64 MiB.
    pub fn definition(&self, name: &str, words: &str) -> Definition {
        let uuid = Uuid::from_u128(name.bytes().fold(0x6e57, |n, b| n << 8 | u128::from(b)));
        let guest = Guest { name: name.into(), uuid, memory_mib: 64, words: words.into() };
        Definition { uuid, name: name.into(), xml: self.0.guest_xml(&guest) }
    }

    /// Waits until the guest has come up.
    pub fn await_beats(&self, definition: &Definition) {
        self.0.await_beats(&definition.name, 2).expect("a heartbeat");
    }

    pub fn hang(&self, host: usize) {
        self.0.hang_daemon(host).expect("a daemon");
    }

    pub fn wake(&self, host: usize) {
        self.0.wake_daemon(host).expect("a daemon");
    }

    /// Stops the process of a guest on a host, so that its monitor does not answer.
    pub fn hang_guest(&self, host: usize, guest: Uuid) {
        self.signal_guest(host, guest, Signal::STOP);
    }

    pub fn wake_guest(&self, host: usize, guest: Uuid) {
        self.signal_guest(host, guest, Signal::CONT);
    }

    fn signal_guest(&self, host: usize, guest: Uuid, signal: Signal) {
        let runs = self.0.guests_running(host).into_iter().find(|runs| runs.uuid == guest).expect("it runs");
        kill_process(Pid::from_raw(runs.pid).expect("a process"), signal).expect("a signal");
    }

    pub fn kill_daemon(&self, host: usize) {
        self.0.kill_daemon(host).expect("a daemon");
    }

    pub fn start_daemon(&self, host: usize) {
        self.0.start_daemon(host).expect("a daemon");
    }
}
