//! Runs the checks of generated functions, each function in a process of its own: a crash or an endless loop is told
//! from what the others do.

use std::hint::black_box;

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn alarm(seconds: u32) -> u32;
    fn setrlimit(what: i32, limit: *const [u64; 2]) -> i32;
    fn _exit(status: i32) -> !;
}

const RLIMIT_CPU: i32 = 0;
static SECONDS: [u64; 2] = [4, 8];

/// Run the checks of one function; `end NAME STATUS` tells how its process ended, as wait(2) does.
pub fn isolated(name: &str, checks: impl Fn()) {
    unsafe {
        let child = fork();
        if child == 0 {
            // The machine may be busy with other things, and some hangs use no processor.
            setrlimit(RLIMIT_CPU, &raw const SECONDS);
            alarm(60);
            std::panic::set_hook(Box::new(|info| {
                println!("panic {info:?}");
                _exit(101)
            }));
            checks();
            _exit(0);
        }
        let mut status = 0;
        waitpid(child, &raw mut status, 0);
        println!("end {name} {status}");
    }
}

/// What is run next; a crash after this line is its crash.
pub fn begin(name: &str) {
    println!("begin {name}");
}

/// What it gave.
pub fn out(name: &str, values: &[f64]) {
    let words: Vec<String> = black_box(values).iter().map(|v| format!("{:016x}", v.to_bits())).collect();
    println!("out {name} {}", words.join(","));
}
