//! The engine against the official program, against itself, and against files
//! that mean it harm.

mod compare;
mod consistency;
mod damage;
mod edges;
mod hostile;
mod parity;
