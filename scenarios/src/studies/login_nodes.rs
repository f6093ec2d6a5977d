//! `[[study.login-nodes]]`: a guest for each light user, a physical node for who needs more.

use models::Estimate;
use models::law::login::{Login, needs};
use models::quantity::MiB;
use models::study::Kind;
use models::study::login_nodes::LoginNodes;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Count, Cv, PartShare, Positive, Share};

study!(
    /// Login nodes: a guest for each light user, a physical node for who needs more.
    {
        /// Users in all.
        users: Count,
        /// The chance that one is logged in.
        active: Share,
        /// Cores that a user asks for at a time, on average.
        mean_cores: Estimate,
        /// Their standard deviation over their mean; the distribution is lognormal.
        cv: Cv,
        /// Cores of a guest.
        guest_cores: Positive,
        /// Memory of a guest, MiB.
        guest_memory_mib: Count,
        /// Cores of a host of guests.
        host_cores: Positive,
        /// Memory of such a host for guests, MiB.
        host_memory_mib: Count,
        /// The chance that is allowed that somebody finds no guest or no node: above 0.
        refused: PartShare,
    }
);

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let login = Login {
            users: self.users.get(),
            active: self.active.get(),
            mean_cores: self.mean_cores.low,
            cv: self.cv.get(),
            guest_cores: self.guest_cores.get(),
            guest_memory: MiB(u64::from(self.guest_memory_mib.get())),
            host_cores: self.host_cores.get(),
            host_memory: MiB(u64::from(self.host_memory_mib.get())),
            refused: self.refused.get(),
        };
        // The low end of the mean is the one that may be zero; all other numbers are the same for every mean.
        needs(&login).map_err(|e| {
            let key = match e.what {
                "number of users" => "users",
                "cores that a user asks for" => "mean_cores",
                "chance that somebody is refused" => "refused",
                "memory of a guest" => "guest_memory_mib",
                _ => "guest_cores",
            };
            reader.doc.error(&at.key(key), e.to_string()).help("a guest is no larger than its host, and chances are above 0 and below 1")
        })?;
        Ok(Kind::LoginNodes(LoginNodes { login: Login { mean_cores: self.mean_cores.value, ..login }, mean_cores: self.mean_cores }))
    }
}
