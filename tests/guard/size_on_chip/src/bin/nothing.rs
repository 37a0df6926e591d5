//! Without the core: what the others are compared with.
#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    size_on_chip::rest()
}
