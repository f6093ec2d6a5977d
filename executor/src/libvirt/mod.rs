//! Hosts that are reached through libvirt.
//!
//! - `worker`: threads in which calls wait, because libvirt's own calls can block for ever.
//! - `session`: a worker's connection, and each call on it.
//! - `look`: what can be seen of a host.
//! - `monitors`: what only the guests' monitors can tell, which may hang.
//! - `error`: what libvirt's errors mean.
//! - `xml`: the little that is read from its XML.
//! - `raw`: the calls that libvirt's crate does not wrap.
//!
//! Left out: passwords. A URI that needs one does not open; keys of ssh, certificates of TLS and Kerberos do.

mod error;
mod look;
mod monitors;
mod raw;
mod session;
mod worker;
mod xml;

use std::sync::{Arc, Once};
use std::thread;
use std::time::Duration;

use virt::event;

use crate::host::{Address, Call, Host, Pending};
use worker::Pool;

/// A host that is reached through libvirt, over as many connections as calls are under way on it.
///
/// # Examples
/// ```no_run
/// use executor::host::{Address, Call, Host};
/// use executor::libvirt::LibvirtHost;
///
/// let uri = "qemu+ssh://h1/system";
/// let host = LibvirtHost::new(Address { name: "h1".into(), uri: uri.into(), peer_uri: uri.into() });
/// let mut look = host.begin(Call::Look);
/// let seen = loop {
///     if let Some(end) = look.poll() {
///         break end;
///     }
///     std::thread::sleep(std::time::Duration::from_millis(10));
/// };
/// # let _ = seen;
/// ```
pub struct LibvirtHost {
    address: Address,
    pool: Arc<Pool>,
}

impl LibvirtHost {
    /// A host at an address. Connects when it is first asked something.
    #[must_use]
    pub fn new(address: Address) -> Self {
        init();
        let pool = Arc::new(Pool::new(address.uri.clone()));
        Self { address, pool }
    }
}

impl Host for LibvirtHost {
    fn address(&self) -> &Address {
        &self.address
    }

    fn begin(&self, call: Call) -> Box<dyn Pending> {
        self.pool.begin(call)
    }
}

/// Prepares libvirt for this process: it prints no errors by itself, and its keepalive runs, in a thread of its own. Done once, and by
/// [`LibvirtHost::new`] where nobody did it before; connections that were opened earlier have no keepalive.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        virt::error::clear_error_callback();
        // Without it a connection to a hung daemon never breaks, and only the caller's deadline ends a call: worse, and no error.
        if event::event_register_default_impl().is_ok() {
            // As long as the process: libvirt has no way to take an event loop back.
            let _ = thread::Builder::new().name("libvirt events".into()).spawn(|| {
                loop {
                    if event::event_run_default_impl().is_err() {
                        thread::sleep(Duration::from_secs(1));
                    }
                }
            });
        }
    });
}
