//! Which libvirt URIs an inventory may hold: those that name a host or a socket, and none that run a command, read a file of ours or give
//! up checking who answers.
//!
//! The form is libvirt's (<https://libvirt.org/uri.html>): `driver[+transport]://[user@][host][:port]/path[?parameters]`. What is not
//! known here is refused: a parameter that a later libvirt learns must not act before somebody has read what it does.

/// A transport, by what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// A socket on this machine.
    Local,
    /// A host, over the network.
    Remote,
    /// Either: `qemu://h1/system` is TLS, `qemu:///system` is local.
    Either,
    /// libvirt's own mock, inside the program.
    Mock,
}

/// The schemes that may be used.
const SCHEMES: [(&str, Reach); 6] = [
    ("qemu", Reach::Either),
    ("qemu+unix", Reach::Local),
    ("qemu+tls", Reach::Remote),
    ("qemu+ssh", Reach::Remote),
    ("qemu+tcp", Reach::Remote),
    ("test", Reach::Mock),
];

/// Parameters that are refused for a reason that is worth telling.
const REFUSED: [(&str, &str); 13] = [
    ("command", "it runs a command on this machine"),
    ("netcat", "it runs a command on the host"),
    ("proxy", "it chooses what is run on the host"),
    ("keyfile", "it names a file of this machine; put the key into the SSH configuration"),
    ("pkipath", "it names a folder of this machine; put certificates where libvirt looks for them"),
    ("knownhosts", "it names a file of this machine; put the host into the usual known_hosts"),
    ("known_hosts", "it names a file of this machine; put the host into the usual known_hosts"),
    ("known_hosts_verify", "it can switch off the check of who answers"),
    ("no_verify", "it switches off the check of who answers"),
    ("sshauth", "how to log in stands in the SSH configuration"),
    ("tls_priority", "it can weaken encryption; set it in libvirt's own configuration"),
    ("name", "it passes another URI on; write that one"),
    ("root", "it runs the hypervisor's driver inside this program"),
];

/// What an address says once it is checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reached {
    /// The same for two spellings of the same address: the scheme, the user and the host in small letters.
    pub(super) normal: String,
    /// It means the same on every host: `qemu:///system` does not.
    pub(super) same_everywhere: bool,
}

/// Checks a URI.
///
/// # Errors
/// Why it may not be used, and what could be written instead.
pub(super) fn check(uri: &str) -> Result<Reached, String> {
    if uri.len() > 1024 || !uri.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'\\' | b'<' | b'>' | b'`' | b'#')) {
        return Err("is no URI; it is at most 1024 ASCII characters, without spaces, quotes, `\\` and `#`".into());
    }
    let schemes: Vec<String> = SCHEMES.iter().map(|(s, _)| format!("`{s}://`")).collect();
    let (scheme, rest) = uri.split_once("://").ok_or_else(|| format!("has no scheme; it begins with one of {}", schemes.join(", ")))?;
    let Some((_, reach)) = SCHEMES.iter().find(|(s, _)| *s == scheme) else {
        return Err(format!("has scheme `{scheme}`, and may have one of {}", schemes.join(", ")));
    };
    let (before_query, query) = rest.split_once('?').map_or((rest, None), |(b, q)| (b, Some(q)));
    let (authority, path) = before_query.find('/').map_or((before_query, ""), |slash| before_query.split_at(slash));

    let paths: &[&str] = if *reach == Reach::Mock { &["/default"] } else { &["/system", "/session"] };
    if !paths.contains(&path) {
        return Err(format!("has path `{path}`, and may have {}", paths.join(" or ")));
    }
    match (reach, authority.is_empty()) {
        (Reach::Remote, true) => return Err(format!("names no host; write `{scheme}://HOST{path}`")),
        (Reach::Local | Reach::Mock, false) => {
            return Err(format!("names a host, and `{scheme}` reaches this machine alone; write `{scheme}://{path}`"));
        }
        (_, true) => {}
        (_, false) => check_authority(authority)?,
    }
    let socket = check_query(query, *reach, authority.is_empty())?;
    Ok(Reached {
        normal: format!("{scheme}://{}{}", authority.to_ascii_lowercase(), &rest[authority.len()..]),
        same_everywhere: !authority.is_empty() || socket || *reach == Reach::Mock,
    })
}

/// `[user@]host[:port]`. None of them can be taken for an option by a program that they are handed to.
fn check_authority(authority: &str) -> Result<(), String> {
    let word = |s: &str, more: &[u8]| {
        s.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric()) && s.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
    };
    let (user, host_and_port) = authority.split_once('@').map_or((None, authority), |(u, h)| (Some(u), h));
    if user.is_some_and(|u| !word(u, b"._-")) {
        return Err("has a user that is not letters, digits, `.`, `_` and `-`; a password never stands here".into());
    }
    let (host, port) = match host_and_port.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
        Some((v6, after)) => {
            if v6.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(format!("has `{v6}` in brackets, which is no IPv6 address"));
            }
            ("h", after.strip_prefix(':').or((!after.is_empty()).then_some("")))
        }
        None => host_and_port.split_once(':').map_or((host_and_port, None), |(h, p)| (h, Some(p))),
    };
    if !word(host, b".-") {
        return Err(format!("has host `{host}`; a host is letters, digits, `.` and `-`, or an IPv6 address in brackets"));
    }
    if port.is_some_and(|p| !p.bytes().all(|b| b.is_ascii_digit()) || !p.parse::<u16>().is_ok_and(|n| n > 0)) {
        return Err("has a port that is no number from 1 to 65535".into());
    }
    Ok(())
}

/// Checks the parameters; whether there is a socket among them.
fn check_query(query: Option<&str>, reach: Reach, local: bool) -> Result<bool, String> {
    let mut socket = false;
    // libvirt parts them at `&` and at `;`.
    for parameter in query.into_iter().flat_map(|q| q.split(['&', ';'])) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        // libvirt undoes percent signs in names too, and takes small letters for great ones.
        let small = name.to_ascii_lowercase();
        match small.as_str() {
            "socket" if local && reach != Reach::Mock => {
                let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-' | b'+' | b'@' | b'~');
                if socket || !value.starts_with('/') || !value.bytes().all(plain) || value.split('/').any(|part| part == "..") {
                    return Err("must have one `socket=` with an absolute path of letters, digits, `/._-+@~`, and no `..`".into());
                }
                socket = true;
            }
            "socket" => return Err("has `socket=`, which is for `qemu:///` and `qemu+unix:///` alone".into()),
            "mode" if matches!(value, "auto" | "legacy" | "direct") => {}
            "mode" => return Err(format!("has `mode={value}`; it is one of auto, legacy, direct")),
            "no_tty" if value == "1" => {}
            "no_tty" => return Err(format!("has `no_tty={value}`; it is `no_tty=1` or nothing")),
            _ => {
                let reason = REFUSED.iter().find(|(n, _)| *n == small).map_or("it is not known here", |(_, why)| why);
                return Err(format!("has the parameter `{name}`, which is refused: {reason}; allowed are `socket`, `mode` and `no_tty`"));
            }
        }
    }
    Ok(socket)
}
