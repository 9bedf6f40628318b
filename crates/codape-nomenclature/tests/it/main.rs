//! The crate from outside: NAF Rev. 2 whole, other tables, search, and the real service's titles.

mod conformance;
mod naf;
mod other_tables;
mod search;
