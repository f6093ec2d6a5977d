//! Hosts for tests and for trying things out: real libvirt daemons and real QEMU guests on one machine, without root's libvirt.
