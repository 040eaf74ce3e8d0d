//! NVIDIA: the special registers of PTX.

use super::Xyz;
use core::arch::nvptx;

#[inline]
pub fn thread_idx() -> Xyz {
    // SAFETY: it reads special registers, which every thread has.
    unsafe {
        Xyz {
            x: nvptx::_thread_idx_x(),
            y: nvptx::_thread_idx_y(),
            z: nvptx::_thread_idx_z(),
        }
    }
}

#[inline]
pub fn block_idx() -> Xyz {
    // SAFETY: as above.
    unsafe {
        Xyz {
            x: nvptx::_block_idx_x(),
            y: nvptx::_block_idx_y(),
            z: nvptx::_block_idx_z(),
        }
    }
}

#[inline]
pub fn block_dim() -> Xyz {
    // SAFETY: as above.
    unsafe {
        Xyz {
            x: nvptx::_block_dim_x(),
            y: nvptx::_block_dim_y(),
            z: nvptx::_block_dim_z(),
        }
    }
}

#[inline]
pub fn grid_dim() -> Xyz {
    // SAFETY: as above.
    unsafe {
        Xyz {
            x: nvptx::_grid_dim_x(),
            y: nvptx::_grid_dim_y(),
            z: nvptx::_grid_dim_z(),
        }
    }
}

#[inline]
pub fn barrier() {
    // SAFETY: it touches no memory of its own; that all threads of the block come here is said to the caller.
    unsafe { nvptx::_syncthreads() }
}

#[inline]
pub fn each_thread(_: [u64; 3], mut thread: impl FnMut()) {
    thread();
}
