//! The inventory by which the executor reaches the hosts of a test bed, with templates of guests and commands that really switch them.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::guest::Guest;
use crate::hosts::Testbed;

/// The class of all hosts of a test bed.
pub const CLASS: &str = "testbed";

/// What libvirt cannot tell of such hosts, for `observe`: every number in it says that it is there to try things out.
const BASE: &str = include_str!("../base.toml");

impl Testbed {
    /// Writes an inventory of all hosts and of these guests, each with a template of its own, and returns where it stands: in a folder
    /// that nobody else can write to. `program` is this crate's, which the commands name ([`binary`](crate::hosts::binary) finds it); guests
    /// on a host may have `guest_memory_mib` in all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_inventory(&self, program: &Path, guest_memory_mib: u64, guests: &[Guest]) -> io::Result<PathBuf> {
        let site = self.root().join("site");
        for guest in guests {
            write(&site.join(format!("{}.xml", guest.name)), &self.template_xml(guest))?;
        }
        write(&site.join("base.toml"), BASE)?;
        let file = site.join("inventory.toml");
        write(&file, &self.inventory_text(program, guest_memory_mib, guests))?;
        Ok(file)
    }

    /// Its text. How guests are moved and how long things may take is left to the executor.
    #[must_use]
    pub fn inventory_text(&self, program: &Path, guest_memory_mib: u64, guests: &[Guest]) -> String {
        let site = self.root().join("site");
        let program = program.to_string_lossy().into_owned();
        let root = self.root().to_string_lossy().into_owned();
        let command = |word: &str, host: usize| Value::from([program.as_str(), word, &root, &host.to_string()].map(Value::from).to_vec());
        let number = |value: u64| Value::from(i64::try_from(value).unwrap_or(i64::MAX));
        let hosts: Vec<Value> = (1..=self.count())
            .map(|host| {
                let power =
                    [("on", "boot"), ("off", "power-off"), ("status", "status")].map(|(key, word)| (key.to_owned(), command(word, host)));
                table([
                    ("name", self.name(host).into()),
                    ("uri", self.uri(host).into()),
                    ("class", CLASS.into()),
                    ("guest_memory_mib", number(guest_memory_mib)),
                    ("power", Value::from(Table::from_iter(power))),
                ])
            })
            .collect();
        let templates: Vec<Value> = guests
            .iter()
            .map(|guest| {
                let file = site.join(format!("{}.xml", guest.name)).to_string_lossy().into_owned();
                table([("name", guest.name.as_str().into()), ("file", file.into())])
            })
            .collect();
        let guests: Vec<Value> = guests
            .iter()
            .map(|guest| {
                table([
                    ("name", guest.name.as_str().into()),
                    ("uuid", guest.uuid.to_string().into()),
                    ("template", guest.name.as_str().into()),
                    ("memory_mib", number(guest.memory_mib)),
                    ("vcpus", Value::from(1)),
                ])
            })
            .collect();
        let state = site.join("state").to_string_lossy().into_owned();
        let mut text = Table::from_iter([
            ("site".to_owned(), Value::from("testbed")),
            ("state".to_owned(), state.into()),
            ("base".to_owned(), "base.toml".into()),
            ("host".to_owned(), hosts.into()),
        ]);
        if !guests.is_empty() {
            text.insert("template".to_owned(), templates.into());
            text.insert("guest".to_owned(), guests.into());
        }
        text.to_string()
    }
}

/// Writes a file that nobody else can write to, whatever is usual here: the executor would refuse it.
fn write(file: &Path, text: &str) -> io::Result<()> {
    fs::write(file, text)?;
    fs::set_permissions(file, Permissions::from_mode(0o644))
}

fn table<const N: usize>(keys: [(&str, Value); N]) -> Value {
    Value::from(Table::from_iter(keys.map(|(key, value)| (key.to_owned(), value))))
}
