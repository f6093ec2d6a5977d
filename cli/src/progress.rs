//! How it goes, on a terminal only and where it lasts: a spinner on stderr after a second.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A spinner that shows itself after a second, and nothing where stderr is no terminal.
pub struct Progress {
    since: Instant,
    bar: RefCell<Option<ProgressBar>>,
    quiet: bool,
}

impl Progress {
    /// Starts to count; `quiet` never shows.
    pub fn new(quiet: bool) -> Self {
        Self { since: Instant::now(), bar: RefCell::new(None), quiet }
    }

    /// Says what is being done.
    pub fn tell(&self, what: &str) {
        if self.quiet || self.since.elapsed() < Duration::from_secs(1) {
            return;
        }
        let mut bar = self.bar.borrow_mut();
        let bar = bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = ProgressBar::new_spinner().with_style(style);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_message(what.to_owned());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}
