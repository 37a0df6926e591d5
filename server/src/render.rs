//! Values of the core to the JSON that tools return.
