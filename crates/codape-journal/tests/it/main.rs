//! Tests of the journal from outside.

mod power;
