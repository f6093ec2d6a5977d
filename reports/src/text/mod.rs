//! What the terminal shows: plain text, aligned columns, no colour.
//!
//! Each function says how wide and how long it is. A name that is too long for its column is cut with an ellipsis; the
//! page and the JSON hold it whole.

mod deploy_time;
mod laws;
mod measures;
mod observation;
mod requests;
mod steps;
mod studies;
mod summary;
mod table;
mod verdicts;

pub use deploy_time::deploy_time;
pub use laws::laws;
pub use measures::measures;
pub use observation::observation;
pub use requests::requests;
pub use steps::steps;
pub use studies::studies;
pub use summary::{COLUMNS, LINES, summary};
pub use verdicts::verdicts;
