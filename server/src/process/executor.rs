//! The executor's threads.

/// Starts the executor with two threads, before anything else uses it: a tool that makes a large result must not hold up
/// a connection's task. Requests are read and routed on the main thread, which runs no task at all.
pub fn start_executor() {
    const THREADS: usize = 2;
    async_global_executor::init_with_config(
        async_global_executor::GlobalExecutorConfig::default()
            .with_min_threads(THREADS)
            .with_max_threads(THREADS),
    );
}
