//! `demo`
mod broker;
mod household;
mod link;
/// x
pub fn run() -> std::io::Result<()> {
    let a = broker::start(0)?;
    eprintln!("{a}");
    async_std::task::block_on(household::start(a))?;
    std::thread::sleep(std::time::Duration::from_secs(30));
    Ok(())
}
