//! The guest of the test bed: how it is built and defined, and what its heartbeats prove.
//!
//! What it does is said in `guest/guest.c`. Its serial port is a file in a folder that all hosts see, so the lines of all copies of a
//! guest, wherever they ran, stand in one file in the order in which they were written.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use quick_xml::escape::escape;
use uuid::Uuid;

mod heartbeats;

pub use heartbeats::{Boot, Heartbeats};

/// A guest as it is to be defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// Its name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Its identity, the same on every host.
    pub uuid: Uuid,
    /// Its memory, MiB: at least 8.
    pub memory_mib: u64,
    /// Words of its command line: any of `fill`, `dirty=N`, `deaf`, `busy=P`. What they mean stands in `guest/guest.c`.
    pub words: String,
}

impl Guest {
    /// The guest `g1`, `g2`, ... of so much memory, MiB; its UUID ends in its number.
    #[must_use]
    pub fn numbered(number: u32, memory_mib: u64, words: &str) -> Self {
        let uuid = Uuid::from_u128(0x6e57_0000_0000_4000_8000_0000_0000_0000 | u128::from(number));
        Self { name: format!("g{number}"), uuid, memory_mib, words: words.to_owned() }
    }

    /// Its domain XML: emulated CPU, no disk, no network.
    pub(crate) fn xml(&self, parts: &Parts<'_>) -> String {
        let Self { name, uuid, memory_mib, .. } = self;
        self.domain(&format!("<name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>{memory_mib}</memory><vcpu>1</vcpu>"), parts)
    }

    /// A template of the executor's inventory for it alone: the same without what the inventory says of a guest. What a template
    /// keeps for all its guests is the serial port, so a second guest of it would write into this one's file.
    pub(crate) fn template(&self, parts: &Parts<'_>) -> String {
        self.domain("", parts)
    }

    fn domain(&self, identity: &str, parts: &Parts<'_>) -> String {
        assert!(is_plain(&self.name), "the name of a test guest has letters, digits, '-', '_' and '.' alone: {:?}", self.name);
        let [emulator, image, serial] = [parts.emulator, parts.image, parts.serial].map(|path| path.display().to_string());
        format!(
            "<domain type='qemu'>
  {identity}
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{image}</kernel>
    <cmdline>{words}</cmdline>
  </os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>{emulator}</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <serial type='file'><source path='{serial}' append='on'/></serial>
  </devices>
</domain>
",
            image = escape(&image),
            words = escape(&self.words),
            emulator = escape(&emulator),
            serial = escape(&serial),
        )
    }
}

/// What a guest's definition names on the machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// QEMU.
    pub(crate) emulator: &'a Path,
    /// The guest's image.
    pub(crate) image: &'a Path,
    /// The file of its serial port.
    pub(crate) serial: &'a Path,
}

/// Whether a guest can have this name: letters, digits, `-`, `_` and `.` alone, as it is a file's name too.
#[must_use]
pub fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Builds the guest's image in a folder, with the machine's C compiler.
///
/// # Errors
/// The compiler cannot be run or refuses; with what it says.
pub(crate) fn build(folder: &Path, image: &Path) -> io::Result<()> {
    std::fs::write(folder.join("guest.c"), include_str!("../guest/guest.c"))?;
    std::fs::write(folder.join("link.ld"), include_str!("../guest/link.ld"))?;
    let mut compiler = Command::new("cc");
    compiler.current_dir(folder).args(["-m32", "-march=i686", "-mno-sse", "-mno-mmx", "-O1", "-ffreestanding"]);
    compiler.args(["-fno-pic", "-fno-pie", "-fno-stack-protector", "-fcf-protection=none", "-fno-asynchronous-unwind-tables"]);
    compiler.args(["-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-T", "link.ld", "guest.c", "-o"]).arg(image);
    let built = crate::hosts::run(&mut compiler, Duration::from_secs(60))?;
    if built.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("the test guest does not compile: {}", String::from_utf8_lossy(&built.stderr).trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_guest_cannot_break_out_of_its_xml() {
        let guest = Guest::numbered(3, 16, "</cmdline><kernel>&'\"");
        let [emulator, image, serial] = ["/bin/qemu", "/a & b/guest.elf", "/s'/g3.log"].map(Path::new);
        let xml = guest.xml(&Parts { emulator, image, serial });
        let mut reader = quick_xml::Reader::from_str(&xml);
        let mut kernels = 0;
        loop {
            match reader.read_event().expect("well-formed") {
                quick_xml::events::Event::Start(tag) if tag.name().as_ref() == "kernel" => kernels += 1,
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(kernels, 1, "{xml}");
    }

    #[test]
    #[should_panic(expected = "letters, digits")]
    fn a_name_that_leads_out_of_the_folder_is_refused() {
        let guest = Guest { name: "../g1".to_owned(), ..Guest::numbered(1, 16, "") };
        let [emulator, image, serial] = ["/q", "/k", "/s"].map(Path::new);
        let _ = guest.xml(&Parts { emulator, image, serial });
    }
}
