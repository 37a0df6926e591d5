//! What every program on a microcontroller needs.
#![no_std]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Nothing to go back to.
pub fn rest() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
