//! The service as its clients see it.

mod contract;
mod limits;
mod replay;
mod sockets;
mod support;
