//! What can befall a host: its power, its memory, and its libvirt daemon apart from both.
//!
//! The first process of a host does nothing: it collects processes that have ended, and ends when the owner's lock is free. So the
//! daemon can be killed while guests run on, and nothing outlives the owner.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Resource, Signal, getrlimit};

use super::processes::{Process, all};
use super::run::{run, wait_for};
use super::testbed::{Testbed, make_daemons_folder};
use super::{is_owned, needs};

/// How long a host or a daemon may take to come up or to go; much more than it does on a machine with other work.
const LIMIT: Duration = Duration::from_secs(60);

/// The data, bytes, that a process of a starving host may have: a daemon needs 160 MiB (its threads' stacks), and the translator of any QEMU
/// by itself 1 GiB, or an eighth of the machine's memory where that is less.
const STARVING: u64 = 320 << 20;

/// The first process of a host: its folder, its name. The lock is asked for in a process of its own, so that this one waits for all its
/// children; the last word keeps the shell from becoming that process.
const FIRST: &str = "exec 9<\"$1/../owner\" || exit 1; hostname \"$2\" 2>/dev/null; : >\"$1/run/booted\"; flock --shared 9; exit 0";

impl Testbed {
    /// Boots a host that is off: it comes up with a new `run` folder, and its libvirt answers. One that is on is left as it is.
    ///
    /// # Errors
    /// The hosts have no owner any more; it does not come up, with what its log says.
    pub fn boot(&self, host: usize) -> io::Result<()> {
        let _switch = self.switch(host)?;
        if self.is_on(host) {
            return Ok(());
        }
        if !is_owned(self.root())? {
            let why = format!("{}: the process that kept these hosts up is gone; nothing can boot", self.root().display());
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
        let (name, folder) = (self.name(host), self.folder(host));
        fs::remove_dir_all(folder.join("run"))?;
        make_daemons_folder(&folder.join("run"))?;
        let log = File::create(folder.join("boot.log"))?;
        let mut first = Command::new("unshare");
        first.args(needs::namespaces()).args(["sh", "-c", FIRST, "sh"]).arg(&folder).arg(&name);
        // Not of the terminal's group: an interrupt there is ours to handle.
        let mut child = first.process_group(0).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let booted = wait_for(LIMIT, || {
            if let Some(status) = child.try_wait()? {
                let said = fs::read_to_string(folder.join("boot.log")).unwrap_or_default();
                return Err(io::Error::other(format!("{name} does not boot ({status}): {}", said.trim())));
            }
            Ok((folder.join("run/booted").exists() && self.is_on(host)).then_some(()))
        })?;
        thread::spawn(move || child.wait());
        booted.ok_or_else(|| timed_out(format!("{name} has not booted after {} s", LIMIT.as_secs())))?;
        self.launch_daemon(host)
    }

    /// Cuts a host's power: daemon and guests are gone at once. One that is off is left as it is.
    ///
    /// # Errors
    /// Its processes do not go.
    pub fn power_cut(&self, host: usize) -> io::Result<()> {
        let _switch = self.switch(host)?;
        self.cut(&[host])
    }

    /// Cuts the power of all at once, whoever may be switching them.
    pub(super) fn power_cut_all(&self) -> io::Result<()> {
        self.cut(&(1..=self.count()).collect::<Vec<_>>())
    }

    /// Ends hosts: first all are killed, then all waited for.
    fn cut(&self, hosts: &[usize]) -> io::Result<()> {
        let mut ending = Vec::new();
        for &host in hosts {
            ending.extend(self.first_process(host));
        }
        for first in &ending {
            first.signal(Signal::KILL)?;
        }
        // Their parents say so on their command line too, and go last.
        for &host in hosts {
            ending.extend(self.unshare(host));
        }
        // The kernel lets the first process go only when all of its namespace are gone.
        wait_for(LIMIT, || Ok((!ending.iter().any(Process::lives)).then_some(())))?
            .ok_or_else(|| timed_out(format!("{}: processes of hosts do not go", self.root().display())))
    }

    /// Switches a host off in an orderly way.
    ///
    /// # Errors
    /// Guests still run there: they would be lost.
    pub fn power_off(&self, host: usize) -> io::Result<()> {
        let guests = self.guests_running(host);
        if !guests.is_empty() {
            let names: Vec<&str> = guests.iter().map(|guest| guest.name.as_str()).collect();
            return Err(io::Error::other(format!("{} still runs {} and is left on", self.name(host), names.join(", "))));
        }
        if self.daemon(host).is_some() {
            self.stop_daemon(host)?;
        }
        self.power_cut(host)
    }

    /// Whether a host has power.
    #[must_use]
    pub fn is_on(&self, host: usize) -> bool {
        self.first_process(host).is_some()
    }

    /// Ends a host's libvirt daemon in an orderly way. Guests run on.
    ///
    /// # Errors
    /// No daemon runs there, or it does not end.
    pub fn stop_daemon(&self, host: usize) -> io::Result<()> {
        self.end_daemon(host, Signal::TERM)
    }

    /// Kills a host's libvirt daemon at once. Guests run on.
    ///
    /// # Errors
    /// No daemon runs there.
    pub fn kill_daemon(&self, host: usize) -> io::Result<()> {
        self.end_daemon(host, Signal::KILL)
    }

    /// Starts a host's libvirt daemon; returns when it answers. One that runs is left as it is.
    ///
    /// # Errors
    /// The host is off; the daemon does not come up, with what its log says.
    pub fn start_daemon(&self, host: usize) -> io::Result<()> {
        let _switch = self.switch(host)?;
        if self.daemon(host).is_some() { Ok(()) } else { self.launch_daemon(host) }
    }

    /// Stops a host's libvirt daemon where it stands: it takes calls and never answers, until [`Testbed::wake_daemon`]. Guests run on.
    ///
    /// # Errors
    /// No daemon runs there.
    pub fn hang_daemon(&self, host: usize) -> io::Result<()> {
        self.running_daemon(host)?.signal(Signal::STOP)
    }

    /// Lets a daemon go on that was hung.
    ///
    /// # Errors
    /// No daemon runs there.
    pub fn wake_daemon(&self, host: usize) -> io::Result<()> {
        self.running_daemon(host)?.signal(Signal::CONT)
    }

    /// Leaves a host no memory for guests that start there or come in: their QEMU ends at once. Those that run go on. It lasts until
    /// [`Testbed::feed`], or until the daemon starts again.
    ///
    /// # Errors
    /// No daemon runs there.
    pub fn starve(&self, host: usize) -> io::Result<()> {
        self.limit_data(host, Some(STARVING))
    }

    /// Gives a host its memory back.
    ///
    /// # Errors
    /// No daemon runs there.
    pub fn feed(&self, host: usize) -> io::Result<()> {
        // The daemon had its limit from us.
        self.limit_data(host, getrlimit(Resource::Data).current)
    }

    /// Limits the data of the daemon's children, bytes. Not even root may do that to processes of others everywhere, so it is done as who the
    /// daemon is.
    fn limit_data(&self, host: usize, bytes: Option<u64>) -> io::Result<()> {
        let daemon = self.running_daemon(host)?;
        let bytes = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let words =
            needs::as_daemon().into_iter().chain(["prlimit".to_owned(), format!("--pid={}", daemon.pid), format!("--data={bytes}:")]);
        let words: Vec<String> = words.collect();
        let output = run(Command::new(&words[0]).args(&words[1..]), LIMIT)?;
        if output.status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("{}: {}", self.name(host), String::from_utf8_lossy(&output.stderr).trim())))
    }

    /// The first process of a host; none where it is off.
    pub(super) fn first_process(&self, host: usize) -> Option<Process> {
        let folder = self.folder(host).to_string_lossy().into_owned();
        all().into_iter().find(|process| process.program() == "sh" && process.words.get(4) == Some(&folder) && process.is_first())
    }

    /// The parent of a host's first process.
    fn unshare(&self, host: usize) -> Option<Process> {
        let folder = self.folder(host).to_string_lossy().into_owned();
        all().into_iter().find(|process| process.program() == "unshare" && process.words.contains(&folder))
    }

    fn daemon(&self, host: usize) -> Option<Process> {
        self.processes_on(host).into_iter().find(|process| process.program() == "libvirtd")
    }

    fn running_daemon(&self, host: usize) -> io::Result<Process> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{}: no libvirt daemon runs there", self.name(host)));
        self.daemon(host).ok_or_else(missing)
    }

    fn end_daemon(&self, host: usize, signal: Signal) -> io::Result<()> {
        let daemon = self.running_daemon(host)?;
        daemon.signal(signal)?;
        wait_for(LIMIT, || Ok((!daemon.lives()).then_some(())))?
            .ok_or_else(|| timed_out(format!("{}: the libvirt daemon has not ended after {} s", self.name(host), LIMIT.as_secs())))
    }

    /// Starts the daemon inside the host's namespaces; it leaves us, so that the host's first process is its parent.
    fn launch_daemon(&self, host: usize) -> io::Result<()> {
        let (name, folder) = (self.name(host), self.folder(host));
        let Some(first) = self.first_process(host) else { return Err(io::Error::other(format!("{name} is off"))) };
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", first.pid)).args(["--pid", "--mount", "--uts"]);
        if !needs::is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command
            .args(needs::as_daemon())
            .arg("libvirtd")
            .arg("--daemon")
            .arg("-f")
            .arg(folder.join("libvirtd.conf"))
            .arg("-p")
            .arg(folder.join("run/libvirtd.pid"));
        command.env_clear().env("PATH", needs::path()).env("HOME", &folder);
        for (variable, name) in
            [("XDG_CONFIG_HOME", "config"), ("XDG_CACHE_HOME", "cache"), ("XDG_RUNTIME_DIR", "run"), ("XDG_DATA_HOME", "data")]
        {
            command.env(variable, folder.join(name));
        }
        let failed = |why: &str| {
            let log = fs::read_to_string(self.daemon_log(host)).unwrap_or_default();
            let end: Vec<&str> = log.lines().rev().take(5).collect();
            io::Error::other(format!("{name}: libvirtd does not come up: {why}\n{}", end.into_iter().rev().collect::<Vec<_>>().join("\n")))
        };
        let output = run(command.current_dir("/"), LIMIT).map_err(|error| failed(&error.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim()));
        }
        self.virsh(host, &["uri"]).map(drop).map_err(|error| failed(&error.to_string()))
    }

    /// Held while a host is being switched: a program and a test may both want to.
    fn switch(&self, host: usize) -> io::Result<File> {
        let file = File::create(self.folder(host).join("switch.lock"))?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    }
}

fn timed_out(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}
