//! Keeps hosts up on this machine for whoever wants to try the executor: real libvirt, real QEMU guests, real live migration.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use testbed::guest::{Guest, is_plain};
use testbed::hosts::{Hosts, Testbed};
use testbed::inventory;

/// Real hosts on one machine, to try the executor on: libvirt daemons, emulated guests, live migration. Needs no root.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Brings hosts up and keeps them up until Ctrl-C.
    Up {
        /// How many.
        hosts: usize,
        /// Defines and starts so many guests of 32 MiB, dealt out to the hosts in turn.
        #[arg(long, default_value_t = 0)]
        guests: u32,
        /// A folder for them, empty or not there yet; removed at the end. Without it: a new one among the temporary files.
        #[arg(long)]
        root: Option<PathBuf>,
        /// The memory that guests on a host may have in all, MiB, as the inventory says.
        #[arg(long, default_value_t = 1024)]
        guest_memory_mib: u64,
    },
    /// Boots a host that is off.
    Boot(Which),
    /// Cuts a host's power: its daemon and its guests are gone at once.
    PowerCut(Which),
    /// Switches a host off in an orderly way; refused while guests run on it.
    PowerOff(Which),
    /// Prints `on` or `off`.
    Status(Which),
    /// Lists the guests whose QEMU runs on a host, as the kernel says, not libvirt.
    Guests(Which),
    /// Hangs a host's libvirt daemon: it takes calls and never answers. Guests run on.
    Hang(Which),
    /// Lets a hung daemon go on.
    Wake(Which),
    /// Ends a host's libvirt daemon. Guests run on.
    StopDaemon(Which),
    /// Kills a host's libvirt daemon at once. Guests run on.
    KillDaemon(Which),
    /// Starts a host's libvirt daemon.
    StartDaemon(Which),
    /// Leaves a host no memory for guests that start there or come in. Those that run go on.
    Starve(Which),
    /// Gives a host its memory back.
    Feed(Which),
    /// Says how often a guest has booted and how its heart beat.
    Heartbeats {
        /// The folder of the hosts.
        root: PathBuf,
        /// The guest's name.
        guest: String,
    },
}

/// A host.
#[derive(Debug, clap::Args)]
struct Which {
    /// The folder of the hosts, as `up` says.
    root: PathBuf,
    /// The host: its number or its name.
    host: String,
}

impl Which {
    /// The hosts, and which of them.
    fn find(&self) -> io::Result<(Testbed, usize)> {
        let bed = Testbed::at(&self.root)?;
        let number = self.host.strip_prefix('h').unwrap_or(&self.host).parse().ok().filter(|host| (1..=bed.count()).contains(host));
        let none = || io::Error::new(io::ErrorKind::InvalidInput, format!("no host {:?}: there are h1 to h{}", self.host, bed.count()));
        let number = number.ok_or_else(none)?;
        Ok((bed, number))
    }
}

fn main() -> ExitCode {
    match act(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("testbed: {why}");
            ExitCode::FAILURE
        }
    }
}

fn act(what: &What) -> io::Result<()> {
    let on = |which: &Which, act: fn(&Testbed, usize) -> io::Result<()>| which.find().and_then(|(bed, host)| act(&bed, host));
    match what {
        What::Up { hosts, guests, root, guest_memory_mib } => up(*hosts, *guests, root.as_deref(), *guest_memory_mib),
        What::Boot(which) => on(which, Testbed::boot),
        What::PowerCut(which) => on(which, Testbed::power_cut),
        What::PowerOff(which) => on(which, Testbed::power_off),
        What::Hang(which) => on(which, Testbed::hang_daemon),
        What::Wake(which) => on(which, Testbed::wake_daemon),
        What::StopDaemon(which) => on(which, Testbed::stop_daemon),
        What::KillDaemon(which) => on(which, Testbed::kill_daemon),
        What::StartDaemon(which) => on(which, Testbed::start_daemon),
        What::Starve(which) => on(which, Testbed::starve),
        What::Feed(which) => on(which, Testbed::feed),
        What::Status(which) => on(which, |bed, host| {
            println!("{}", if bed.is_on(host) { "on" } else { "off" });
            Ok(())
        }),
        What::Guests(which) => on(which, |bed, host| {
            bed.guests_running(host).iter().for_each(|guest| println!("{}  {}  pid {}", guest.name, guest.uuid, guest.pid));
            Ok(())
        }),
        What::Heartbeats { root, guest } => heartbeats(&Testbed::at(root)?, guest),
    }
}

fn up(count: usize, guests: u32, root: Option<&std::path::Path>, guest_memory_mib: u64) -> io::Result<()> {
    // Asked for before anything starts, so that no interrupt is missed.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let hosts = match root {
        Some(root) => Hosts::up_in(root, count)?,
        None => Hosts::up(count)?,
    };
    let guests: Vec<Guest> = (1..=guests).map(|number| Guest::numbered(number, 32, "fill")).collect();
    for (guest, host) in guests.iter().zip((1..=count).cycle()) {
        hosts.start(host, guest)?;
    }
    let inventory = hosts.write_inventory(&std::env::current_exe()?, guest_memory_mib, &guests)?;
    let (root, program) = (hosts.root().display(), std::env::args().next().unwrap_or_default());
    let mut said = format!("{count} {} up, of class \"{}\":\n", if count == 1 { "host is" } else { "hosts are" }, inventory::CLASS);
    for host in 1..=count {
        let names: Vec<String> = hosts.guests_running(host).into_iter().map(|guest| guest.name).collect();
        let _ = writeln!(said, "  {}  {}  {}", hosts.name(host), hosts.uri(host), names.join(" "));
    }
    let _ = write!(
        said,
        "inventory:  {}
serial:     {root}/serial/NAME.log
switch:     {program} boot|power-cut|power-off|status|guests|hang|wake {root} HOST
            {program} stop-daemon|kill-daemon|start-daemon|starve|feed {root} HOST
look:       virsh -c '{}' list --all
Ctrl-C ends them all.
",
        inventory.display(),
        hosts.uri(1)
    );
    io::stdout().write_all(said.as_bytes())?;
    signals.forever().next();
    // Nobody may be there to read it: a terminal that is closed ends the hosts too.
    let _ = io::stdout().write_all(b"ending the hosts\n");
    Ok(())
}

fn heartbeats(bed: &Testbed, guest: &str) -> io::Result<()> {
    if !is_plain(guest) || !bed.serial(guest).exists() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("no guest {guest:?} has run here")));
    }
    print!("{}", bed.heartbeats(guest)?);
    Ok(())
}
