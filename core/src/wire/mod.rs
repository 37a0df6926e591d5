//! The only code that touches a byte slice of the wire: a reader whose check is the read, a writer that
//! counts what was needed.
