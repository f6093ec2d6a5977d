//! How guests are moved live, and how long the parts of a deployment take.

use models::Estimate;
use models::law::migration::StopRule;
use models::quantity::Nanos;
use models::site::{Deploy, Images, LiveMigration};

use super::known::Known;
use crate::document::{At, Document};
use crate::error::Error;
use crate::file;
use crate::file::deploy as keys;

/// `[migration]`.
pub(super) fn migration(doc: &Document<'_>, file: &file::Site, known: &Known) -> Result<Option<LiveMigration>, Error> {
    let Some(m) = &file.migration else { return Ok(None) };
    let at = At::root().key("migration");
    let names = ("link", "bandwidth_bytes_per_s");
    let (over, bytes_per_s) = rate(doc, file, known, &at, names, m.link.as_deref(), m.bandwidth_bytes_per_s)?;
    let stop = StopRule { downtime_max: Nanos((m.downtime_max_ms.get() * 1e6).round() as u64), rounds_max: m.rounds_max.get() };
    Ok(Some(LiveMigration { over, bytes_per_s, stop, at_once: m.at_once.get() }))
}

/// `[deploy]`.
pub(super) fn deploy(doc: &Document<'_>, file: &file::Site, known: &Known) -> Result<Option<Deploy>, Error> {
    let Some(d) = &file.deploy else { return Ok(None) };
    let at = At::root().key("deploy");
    if d.boot_s.is_some() && file.requests.as_ref().is_some_and(|r| r.recovery.is_some()) {
        return Err(doc
            .error(&at.key("boot_s"), "`requests.recovery` says already what a boot takes")
            .help("leave it out: `boot_cpu_s`, `boot_disk_bytes` and `boots_at_once` are used"));
    }
    let only_copied = [
        ("image_mib", d.image_mib.is_some()),
        ("image_link", d.image_link.is_some()),
        ("image_bytes_per_s", d.image_bytes_per_s.is_some()),
    ];
    if d.images != Some(keys::Images::Copied)
        && let Some((key, _)) = only_copied.into_iter().find(|(_, there)| *there)
    {
        return Err(doc.error(&at.key(key), "nothing says that images are copied").help("write `images = \"copied\"`, or leave it out"));
    }
    let images = match d.images {
        None => None,
        Some(keys::Images::Shared) => Some(Images::Shared),
        Some(keys::Images::Copied) => {
            let Some(mib) = d.image_mib else {
                return Err(doc.error(&at.key("images"), "the key `image_mib` is missing").help("the size of a guest's image, MiB"));
            };
            let names = ("image_link", "image_bytes_per_s");
            let (over, bytes_per_s) = rate(doc, file, known, &at, names, d.image_link.as_deref(), d.image_bytes_per_s)?;
            Some(Images::Copied { mib, over, bytes_per_s })
        }
    };
    Ok(Some(Deploy {
        define_s: d.define_s,
        boot_s: d.boot_s,
        stop_s: d.stop_s,
        power_off_s: d.power_off_s,
        images,
        lanes: d.lanes.map(file::number::Count::get),
    }))
}

/// A rate: that of a link of the site, or one of its own.
fn rate(
    doc: &Document<'_>,
    file: &file::Site,
    known: &Known,
    at: &At,
    (link_key, rate_key): (&'static str, &'static str),
    link: Option<&str>,
    own: Option<Estimate>,
) -> Result<(String, Estimate), Error> {
    let forms = format!("write either `{link_key}`, the name of a [[link]], or `{rate_key}`");
    match (link, own) {
        (Some(name), None) => {
            let found = known.links.find(doc, &at.key(link_key), name)?;
            Ok((name.to_owned(), Estimate::exactly(file.link[found].rate_bytes_per_s.get())))
        }
        (None, Some(own)) if own.low > 0.0 => Ok(("the network".to_owned(), own)),
        (None, Some(own)) => {
            let message = format!("{} B/s carries nothing", own.low);
            Err(doc.error(&at.key(rate_key), message).help("a rate above 0, also at its low end"))
        }
        (Some(_), Some(_)) => Err(doc.error(&at.key(rate_key), format!("`{link_key}` says already how fast it is")).help(forms)),
        (None, None) => Err(doc.error(at, "nothing says how fast it is").help(forms)),
    }
}
