//! adapter
pub mod net;
pub mod transform;
