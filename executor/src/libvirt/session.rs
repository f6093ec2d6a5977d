//! A worker's connection to a host's libvirt, and each call on it.
//!
//! Before each call the connection is asked for a sign of life, so that a daemon that was restarted costs no call: what breaks after that
//! broke under the call. Only what merely reads is then asked again, once, on a new connection.

use uuid::Uuid;
use virt::connect::Connect;
use virt::domain::{Domain, MigrateParameters};
use virt::error::Error;
use virt::sys;

use super::error::{is_of_a_flag, meaning, nothing_asked, said};
use super::xml::is_of;
use super::{look, raw};
use crate::host::{Address, Call, CallError, Definition, HowToMigrate, Reply};

/// Keepalive: so many seconds of silence, and it asks for a sign of life.
const KEEPALIVE_S: i32 = 5;
/// Keepalive: after so many signs that did not come, the connection is broken.
const KEEPALIVE_COUNT: u32 = 3;

/// A connection that is opened when it is needed.
pub(super) struct Session {
    uri: String,
    link: Option<Link>,
}

/// An open connection.
pub(super) struct Link {
    /// Where to.
    pub(super) uri: String,
    /// libvirt's.
    pub(super) connection: Connect,
    /// The host's identity, once it was read: capabilities take seconds where nobody asked for them before.
    pub(super) host: Option<Uuid>,
    /// A second connection, for what may hang without the look hanging.
    pub(super) beside: Option<Connect>,
}

impl Session {
    /// A session that is not open yet.
    pub(super) const fn new(uri: String) -> Self {
        Self { uri, link: None }
    }

    /// Carries out a call. `wanted` says whether anybody still waits for it: where connecting took longer than the caller's patience,
    /// nothing is asked of the host any more.
    pub(super) fn carry_out(&mut self, call: &Call, wanted: &dyn Fn() -> bool) -> Result<Reply, CallError> {
        let reads = matches!(call, Call::Look | Call::Definition { .. });
        match self.ask(call, wanted) {
            Err(CallError::Lost(_)) if reads => self.ask(call, wanted).map_err(nothing_asked),
            end => end,
        }
    }

    fn ask(&mut self, call: &Call, wanted: &dyn Fn() -> bool) -> Result<Reply, CallError> {
        let link = self.link()?;
        if !wanted() {
            return Err(given_up());
        }
        link.ask(call, wanted)
    }

    /// A connection that just gave a sign of life.
    fn link(&mut self) -> Result<&mut Link, CallError> {
        if self.link.as_ref().is_some_and(|link| !link.lives() || link.connection.lib_version().is_err()) {
            self.link = None;
        }
        match &mut self.link {
            Some(link) => Ok(link),
            none => {
                let connection = connect(&self.uri).map_err(CallError::Unreachable)?;
                Ok(none.insert(Link { uri: self.uri.clone(), connection, host: None, beside: None }))
            }
        }
    }
}

impl Link {
    /// Whether the connection stands, as far as it was noticed.
    fn lives(&self) -> bool {
        self.connection.is_alive().unwrap_or(false)
    }

    /// What an error on this connection means.
    pub(super) fn failed(&self, error: &Error) -> CallError {
        meaning(error, self.lives())
    }

    fn ask(&mut self, call: &Call, wanted: &dyn Fn() -> bool) -> Result<Reply, CallError> {
        match call {
            Call::Look => return look::look(self).map(Reply::Seen),
            Call::Definition { guest } => return self.definition(*guest).map(Reply::Definition),
            Call::Define { definition } => self.define(definition),
            Call::Start { guest } => self.on(*guest, Domain::create),
            Call::ShutDown { guest } => self.on(*guest, Domain::shutdown),
            Call::Destroy { guest } => self.on(*guest, Domain::destroy),
            Call::Undefine { guest } => self.undefine(*guest),
            Call::Migrate { guest, to, how } => self.migrate(*guest, to, *how, wanted),
            Call::PostCopy { guest } => self.on(*guest, raw::start_post_copy),
            Call::AbortJob { guest } => self.on(*guest, raw::abort_job),
            Call::SetAutostart { guest, on } => self.on(*guest, |domain| domain.set_autostart(*on)),
            Call::MeasureDirtyRate { guest, seconds } => {
                // Too many for libvirt's type are too many for libvirt, which names its range.
                let seconds = i32::try_from(*seconds).unwrap_or(i32::MAX);
                self.on(*guest, |domain| raw::start_dirty_rate(domain, seconds))
            }
        }?;
        Ok(Reply::Done)
    }

    fn guest(&self, guest: Uuid) -> Result<Domain, CallError> {
        self.connection.lookup_domain_by_uuid(guest).map_err(|e| nothing_asked(self.failed(&e)))
    }

    /// Finds a guest and does something with it.
    fn on(&self, guest: Uuid, act: impl FnOnce(&Domain) -> Result<(), Error>) -> Result<(), CallError> {
        let domain = self.guest(guest)?;
        act(&domain).map_err(|e| self.failed(&e))
    }

    /// The definition in the form in which libvirt itself hands one from host to host: with its secrets, since a console without its
    /// password would be open to all, and without what only this version of libvirt would write.
    fn definition(&self, guest: Uuid) -> Result<Definition, CallError> {
        let flags = sys::VIR_DOMAIN_XML_INACTIVE | sys::VIR_DOMAIN_XML_SECURE | sys::VIR_DOMAIN_XML_MIGRATABLE;
        let domain = self.connection.lookup_domain_by_uuid(guest).map_err(|e| self.failed(&e))?;
        let name = domain.name().map_err(|e| self.failed(&e))?;
        let xml = domain.xml_desc(flags).map_err(|e| self.failed(&e))?;
        Ok(Definition { uuid: guest, name, xml })
    }

    fn define(&self, definition: &Definition) -> Result<(), CallError> {
        // libvirt would give a guest without identity a new one each time, and define another guest where the text is of another.
        is_of(&definition.xml, definition.uuid, &definition.name).map_err(CallError::Refused)?;
        let defined = self.connection.define_domain_xml_flags(&definition.xml, sys::VIR_DOMAIN_DEFINE_VALIDATE);
        let defined = defined.map_err(|e| self.failed(&e))?;
        let is = (defined.uuid().map_err(|e| self.failed(&e))?, defined.name().map_err(|e| self.failed(&e))?);
        if is == (definition.uuid, definition.name.clone()) {
            return Ok(());
        }
        Err(CallError::Refused(format!("it has defined {} {} instead of {} {}", is.1, is.0, definition.name, definition.uuid)))
    }

    /// Forgets a guest, and keeps its firmware's variables and its TPM: they are the guest's, and it may come back.
    fn undefine(&self, guest: Uuid) -> Result<(), CallError> {
        let domain = self.guest(guest)?;
        // libvirt would let it run on, and forget it when it stops.
        if domain.is_active().map_err(|e| nothing_asked(self.failed(&e)))? {
            return Err(CallError::State("it runs".into()));
        }
        let keep = [sys::VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | sys::VIR_DOMAIN_UNDEFINE_KEEP_TPM, sys::VIR_DOMAIN_UNDEFINE_KEEP_NVRAM];
        for flags in keep {
            match domain.undefine_flags(flags) {
                Err(e) if is_of_a_flag(&e) => {}
                end => return end.map_err(|e| self.failed(&e)),
            }
        }
        // Of a guest with such variables the plain call is refused, so nothing is lost.
        domain.undefine().map_err(|e| self.failed(&e))
    }

    fn migrate(&self, guest: Uuid, to: &Address, how: HowToMigrate, wanted: &dyn Fn() -> bool) -> Result<(), CallError> {
        let domain = self.guest(guest)?;
        if let Some(ms) = how.max_downtime_ms {
            // It is the running guest's, from now on and for migrations after this one.
            domain.migrate_set_max_downtime(ms, 0).map_err(|e| nothing_asked(self.failed(&e)))?;
        }
        let mut flags =
            sys::VIR_MIGRATE_LIVE | sys::VIR_MIGRATE_PERSIST_DEST | sys::VIR_MIGRATE_UNDEFINE_SOURCE | sys::VIR_MIGRATE_ABORT_ON_ERROR;
        if how.post_copy {
            flags |= sys::VIR_MIGRATE_POSTCOPY;
        }
        let parameters = MigrateParameters { bandwidth: how.bandwidth_mib_per_s, ..Default::default() };
        if how.peer_to_peer {
            let uri = without_nul(&to.peer_uri).map_err(CallError::Refused)?;
            return domain.migrate_to_uri3(Some(uri), parameters, flags | sys::VIR_MIGRATE_PEER2PEER).map_err(|e| self.failed(&e));
        }
        let target = connect(&to.uri).map_err(|why| CallError::Unreachable(format!("the target {}: {why}", to.name)))?;
        if !wanted() {
            return Err(given_up());
        }
        let moved = domain.migrate3(&target, parameters, flags);
        moved.map(drop).map_err(|e| meaning(&e, self.lives() && target.is_alive().unwrap_or(false)))
    }
}

/// Opens a connection, or says why there is none. It blocks for as long as a daemon is silent that took it.
pub(super) fn connect(uri: &str) -> Result<Connect, String> {
    let connection = Connect::open(Some(without_nul(uri)?)).map_err(|e| said(&e))?;
    // Where there is none (a daemon of old, a driver inside this process), only the caller's deadline ends a call.
    let _ = connection.set_keep_alive(KEEPALIVE_S, KEEPALIVE_COUNT);
    Ok(connection)
}

/// The text, where it can be handed to C.
fn without_nul(uri: &str) -> Result<&str, String> {
    if uri.contains('\0') { Err(format!("the URI {uri:?} has a zero byte in it")) } else { Ok(uri) }
}

/// The end of a call for which nobody waits.
fn given_up() -> CallError {
    CallError::Unreachable("the call was given up before anything was asked".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_with_a_zero_byte_is_unreachable_and_no_panic() {
        let end = Session::new("qemu:///\0".into()).carry_out(&Call::Look, &|| true);
        assert!(matches!(end, Err(CallError::Unreachable(why)) if why.contains("zero byte")));
    }
}
