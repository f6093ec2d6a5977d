//! Switching hosts: commands of the inventory, and the wake-on-LAN packet.
//!
//! A command is run as its words stand, without a shell, in `/`, with nothing to read and nothing of our environment but `PATH`. It is a
//! group of processes of its own, so that a control-C for us does not reach it, and is killed as a whole when its time is over or nobody
//! waits for it any more. It may have taken effect even so: whether a host is on is found out by looking.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal};

/// The most that is kept of what a command prints, bytes, of each of its two outputs. The rest is read and thrown away.
pub const MOST_OUTPUT_BYTES: usize = 64 * 1024;

/// The UDP port of wake-on-LAN packets (discard).
const WAKE_PORT: u16 = 9;

/// A command under way. Dropping it kills it.
#[derive(Debug)]
pub struct PowerCall {
    words: Vec<String>,
    within: Duration,
    state: State,
}

#[derive(Debug)]
enum State {
    Running(Box<Running>),
    /// It could not be begun, or there is nothing more to say.
    Ended(Option<String>),
}

#[derive(Debug)]
struct Running {
    child: Child,
    until: Instant,
    out: Output<std::process::ChildStdout>,
    err: Output<std::process::ChildStderr>,
}

impl PowerCall {
    /// Begins a command, which has so long to end. Never blocks; a command that cannot be begun says so at the first [`PowerCall::poll`].
    #[must_use]
    pub fn begin(words: &[String], within: Duration) -> Self {
        let state = start(words, within).map_or_else(|why| State::Ended(Some(why)), |r| State::Running(Box::new(r)));
        Self { words: words.to_vec(), within, state }
    }

    /// Its end, once it is there: what it printed, or what went wrong and what it printed. Never blocks. Not asked again after that.
    pub fn poll(&mut self) -> Option<Result<String, String>> {
        let running = match &mut self.state {
            State::Running(running) => running,
            State::Ended(why) => {
                let why = why.take().unwrap_or_else(|| "it has ended before, and said so".into());
                return Some(Err(format!("`{}`: {why}", self.words.join(" "))));
            }
        };
        // Whatever it printed before it ended is there when its end is seen.
        let ended = running.child.try_wait();
        running.out.read();
        running.err.read();
        let end_is_seen = matches!(ended, Ok(Some(_)));
        let end = match ended {
            Ok(Some(status)) if status.success() => Ok(running.out.text()),
            Ok(Some(status)) => Err(format!("{}{}", how_it_ended(status), running.said())),
            Ok(None) if Instant::now() < running.until => return None,
            Ok(None) => Err(format!("did not end within {} s and was killed{}", self.within.as_secs_f64(), running.said())),
            Err(e) => Err(format!("cannot be waited for: {e}")),
        };
        let State::Running(running) = std::mem::replace(&mut self.state, State::Ended(None)) else { unreachable!("it ran a line above") };
        if !end_is_seen {
            kill(running.child);
        }
        Some(end.map_err(|why| format!("`{}`: {why}", self.words.join(" "))))
    }
}

impl Drop for PowerCall {
    fn drop(&mut self) {
        if let State::Running(running) = std::mem::replace(&mut self.state, State::Ended(None)) {
            kill(running.child);
        }
    }
}

impl Running {
    fn said(&self) -> String {
        let said = |of: &str, text: String| {
            let text = text.trim();
            if text.is_empty() { String::new() } else { format!("; {of}: {}", quoted(text)) }
        };
        said("it printed", self.out.text()) + &said("its errors", self.err.text())
    }
}

fn start(words: &[String], within: Duration) -> Result<Running, String> {
    let (program, arguments) = words.split_first().ok_or("the command has no words")?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir("/").env_clear().process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let begun = Instant::now();
    let mut child = command.spawn().map_err(|e| format!("cannot be run: {e}"))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    match (Output::of(out), Output::of(err)) {
        (Ok(out), Ok(err)) => Ok(Running { child, until: begun + within, out, err }),
        (Err(e), _) | (_, Err(e)) => {
            kill(child);
            Err(format!("its output cannot be read: {e}"))
        }
    }
}

fn how_it_ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended".into(),
    }
}

/// Kills a command whose end was not seen, with all of its group. (The group's number stays its own until its end is seen.)
fn kill(mut child: Child) {
    // Fails only where nobody of the group is left.
    let _ = rustix::process::kill_process_group(Pid::from_child(&child), Signal::KILL);
    // A process that hangs in the kernel dies late: nobody waits for that here.
    std::thread::spawn(move || child.wait());
}

/// One of a command's outputs, as far as it was read.
#[derive(Debug)]
struct Output<R> {
    pipe: Option<R>,
    kept: Vec<u8>,
}

impl<R: io::Read + std::os::fd::AsFd> Output<R> {
    fn of(pipe: Option<R>) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            let flags = rustix::fs::fcntl_getfl(pipe)?;
            rustix::fs::fcntl_setfl(pipe, flags | OFlags::NONBLOCK)?;
        }
        Ok(Self { pipe, kept: Vec::new() })
    }

    /// Reads what is there, and no more of it in one go than what a pipe holds: who prints without end does not hold us up.
    fn read(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut bytes = vec![0; MOST_OUTPUT_BYTES];
        let mut most = 2 * MOST_OUTPUT_BYTES;
        while most > 0 {
            match pipe.read(&mut bytes[..most.min(MOST_OUTPUT_BYTES)]) {
                Ok(0) => {
                    self.pipe = None;
                    return;
                }
                Ok(n) => {
                    let keep = n.min(MOST_OUTPUT_BYTES - self.kept.len());
                    self.kept.extend_from_slice(&bytes[..keep]);
                    most -= n;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // Nothing more at this moment; what else can go wrong with a pipe is not worth a host.
                Err(_) => return,
            }
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }
}

/// What a command printed, fit for a message.
fn quoted(text: &str) -> String {
    const MOST: usize = 400;
    let short: String = text.chars().take(MOST).collect();
    format!("{short:?}{}", if text.chars().nth(MOST).is_some() { "..." } else { "" })
}

/// Whether a host is on, from what its status command printed: one word `on` or `off`, in letters of either case, stands in it as a
/// whole word, and once.
///
/// # Errors
/// None or several such words; what was printed is quoted.
pub fn parse_status(output: &str) -> Result<bool, String> {
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut said = output.split(|c| !in_word(c)).filter_map(|word| match word.to_ascii_lowercase().as_str() {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    });
    match (said.next(), said.next()) {
        (Some(on), None) => Ok(on),
        (None, _) => Err(format!("it should print the word `on` or `off`, and printed {}", quoted(output))),
        (Some(_), Some(_)) => Err(format!("it should print one word `on` or `off`, and printed several: {}", quoted(output))),
    }
}

/// The address of a network card: `52:54:00:12:34:56` or `52-54-00-12-34-56`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac([u8; 6]);

impl FromStr for Mac {
    type Err = String;

    /// # Errors
    /// It is not six pairs of hexadecimal digits with the same sign between them, or no single card can have it.
    fn from_str(text: &str) -> Result<Self, String> {
        let no = |why: &str| format!("{} is not a MAC address: {why} (like 52:54:00:12:34:56)", quoted(text));
        let form = || no("it should be six pairs of hexadecimal digits with `:` between them, or with `-`");
        let sign = if text.contains('-') { '-' } else { ':' };
        let mut bytes = [0; 6];
        let mut pairs = text.split(sign);
        for byte in &mut bytes {
            let pair = pairs.next().filter(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit())).ok_or_else(form)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| form())?;
        }
        if pairs.next().is_some() {
            return Err(form());
        }
        if bytes[0] & 1 == 1 {
            return Err(no("it is the address of a group of cards"));
        }
        if bytes == [0; 6] {
            return Err(no("no card has it"));
        }
        Ok(Self(bytes))
    }
}

impl Mac {
    /// The packet that wakes the card: six bytes FF, then the address sixteen times (AMD, Magic Packet Technology, 1995).
    #[must_use]
    pub fn magic_packet(self) -> [u8; 102] {
        let mut packet = [0xff; 102];
        for at in packet[6..].chunks_exact_mut(6) {
            at.copy_from_slice(&self.0);
        }
        packet
    }

    /// Sends the packet to an address.
    ///
    /// # Errors
    /// What the system says.
    pub fn wake_at(self, to: SocketAddr) -> io::Result<()> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_broadcast(true)?;
        let packet = self.magic_packet();
        match socket.send_to(&packet, to)? {
            sent if sent == packet.len() => Ok(()),
            sent => Err(io::Error::other(format!("{sent} bytes of {} were sent", packet.len()))),
        }
    }
}

/// Wakes a host: sends the packet for its card to all on the network that we are on. Nobody answers: whether the host boots is found
/// out by looking.
///
/// # Errors
/// The text is not the address of a card; or what the system says.
pub fn wake_on_lan(mac: &str) -> Result<(), String> {
    let mac: Mac = mac.parse()?;
    mac.wake_at((Ipv4Addr::BROADCAST, WAKE_PORT).into()).map_err(|e| format!("the wake-on-LAN packet cannot be sent: {e}"))
}
