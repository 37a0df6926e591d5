//! One pass over a payload: its format, its severity, its shape; for JSON a strict streaming walk.
