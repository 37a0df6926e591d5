//! The program as a whole.

mod fences;
