//! Writes the pages of the sample runs into a folder, to be looked at: `cargo run -p reports --example sample -- FOLDER`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;

fn main() {
    let folder = std::env::args().nth(1).expect("a folder");
    let folder = Path::new(&folder);
    fs::create_dir_all(folder).expect("the folder can be made");
    let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("the file can be written");
    let (run, plan) = common::sample(common::USUAL);
    write("usual.html", reports::page(&run, Some(&plan)).expect("a page"));
    write("usual.txt", reports::summary(&run, Some(&plan)) + "\n\n" + &reports::steps(&plan) + "\n\n" + &reports::measures(&run));
    let refused = common::refused();
    write("refused.html", reports::page(&refused, None).expect("a page"));
    write("refused.txt", reports::summary(&refused, None));
    write("small.html", reports::page(&common::small(), None).expect("a page"));
    write("small.txt", reports::summary(&common::small(), None));
    let (large, plan) = common::sample(common::LARGE);
    write("large.html", reports::page(&large, Some(&plan)).expect("a page"));
    write("large.txt", reports::summary(&large, Some(&plan)));
}
