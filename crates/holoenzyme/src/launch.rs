//! What stands between a launch and the offload runtime: a launch that cannot run is refused before the runtime is
//! asked, which would end the program, run another grid, or say nothing.
//!
//! A launch is written with [`offload!`](crate::offload).

use core::error::Error;
use core::ffi::c_int;
use core::fmt;

use crate::device;

/// The most blocks of a grid: the runtime counts them in 31 bits.
const BLOCKS: u128 = 1 << 31;

/// Why a kernel did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// There is no device at all.
    NoDevice,
    /// There is no device with the number that was asked for.
    NoSuchDevice,
    /// The grid has no block, or its blocks no thread.
    EmptyGrid,
    /// The grid has 2^31 blocks or more.
    LargeGrid,
    /// The runtime gave this code. What is behind the arguments is as it was.
    Runtime(i32),
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDevice => out.write_str(
                "there is no device: this program has no image for one of this machine, or OMP_TARGET_OFFLOAD is DISABLED",
            ),
            Self::NoSuchDevice => out.write_str("there is no such device"),
            Self::EmptyGrid => out.write_str("the launch grid has no block or no thread"),
            Self::LargeGrid => out.write_str("the launch grid has 2^31 blocks or more"),
            Self::Runtime(code) => write!(out, "the offload runtime returned {code}"),
        }
    }
}

/// A launch that did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct LaunchError {
    /// The kernel, as the launch names it.
    pub kernel: &'static str,
    /// The device that was asked for; none where that was the default one.
    pub device: Option<i64>,
    /// How many devices the program has.
    pub devices: i32,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for LaunchError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "kernel `{}` was not run on ", self.kernel)?;
        match self.device {
            Some(number) => write!(out, "device {number}")?,
            None => out.write_str("the default device")?,
        }
        write!(
            out,
            ": {}; devices of this program: {}",
            self.reason, self.devices
        )
    }
}

impl Error for LaunchError {}

/// A launch that was looked at, and is not known to fail.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Launch {
    /// The number of the device.
    pub device: c_int,
    /// The grid, for the kernel itself: the virtual host device passes on no grid.
    pub grid: [u64; 3],
    error: LaunchError,
}

impl Launch {
    /// Looks at a launch; `device` is none for the default one.
    ///
    /// # Errors
    ///
    /// Where it cannot run, with the reason.
    pub fn new(
        kernel: &'static str,
        blocks: [u32; 3],
        threads: [u32; 3],
        device: Option<i64>,
    ) -> Result<Self, LaunchError> {
        let devices = device::count();
        let fails = |reason| LaunchError {
            // Of a path, the name.
            kernel: kernel.rsplit([':', ' ']).next().unwrap_or(kernel),
            device,
            devices,
            reason,
        };
        if devices == 0 {
            return Err(fails(Reason::NoDevice));
        }
        let number = device.unwrap_or_else(|| device::default_number().into());
        let number = c_int::try_from(number)
            .ok()
            .filter(|number| (0..devices).contains(number))
            .ok_or_else(|| fails(Reason::NoSuchDevice))?;
        if blocks.contains(&0) || threads.contains(&0) {
            return Err(fails(Reason::EmptyGrid));
        }
        if blocks.into_iter().map(u128::from).product::<u128>() >= BLOCKS {
            return Err(fails(Reason::LargeGrid));
        }
        let word = |at: usize| u64::from(blocks[at]) | u64::from(threads[at]) << 32;
        Ok(Self {
            device: number,
            grid: [word(0), word(1), word(2)],
            error: fails(Reason::Runtime(0)),
        })
    }

    /// What became of it, by the code of the runtime.
    ///
    /// # Errors
    ///
    /// Where it did not run, with that code.
    pub fn ended(self, code: i32) -> Result<(), LaunchError> {
        if code == 0 {
            return Ok(());
        }
        Err(LaunchError {
            reason: Reason::Runtime(code),
            ..self.error
        })
    }
}

/// Lets a launch be written in an `unsafe` block where its intrinsic needs none.
///
/// # Safety
///
/// That of [`offload!`](crate::offload).
#[cfg(not(version("1.98")))]
#[doc(hidden)]
#[inline(always)]
#[allow(clippy::inline_always, reason = "it is nothing")]
pub unsafe fn is_promised() {}
