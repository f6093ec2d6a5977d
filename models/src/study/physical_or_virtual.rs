//! Physical or virtual, service by service: when its load outgrows a guest, when it can come back, and by which steps.

use serde::Serialize;

use crate::estimate::Estimate;
use crate::law::switching::Limits;
use crate::quantity::Nanos;
use crate::site::ClassId;

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhysicalOrVirtual {
    /// The class of hosts whose guests are asked about.
    pub host: ClassId,
    /// The class of the physical server that a service moves to.
    pub server: ClassId,
    /// vCPUs of a guest, at most.
    pub vcpus: u32,
    /// Share of a guest's CPU that the hypervisor takes.
    pub hypervisor: f64,
    /// The percentile of the load within a stretch that decides.
    pub percentile: f64,
    /// When to move out and back.
    pub limits: Limits,
    /// The length of a stretch.
    pub stretch: Nanos,
    /// Years of growth that are looked at, from 1.
    pub years: u32,
    /// Growth a year, as a share, of loads that give none of their own; with its range.
    pub growth: Option<Estimate>,
}
