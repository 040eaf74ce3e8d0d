//! The virtual host device: the compiler's wrapper of a kernel calls it for one thread after another, and says here
//! which one it is.

use super::Xyz;

/// Thread index, block index, block size and grid size, each in x, y, z: shared by name with the compiler, which
/// writes it before each call of a kernel.
#[thread_local]
#[unsafe(no_mangle)]
static mut __rust_offload_grid: [u32; 12] = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1];

#[inline]
fn read(first: usize) -> Xyz {
    // SAFETY: it belongs to this thread, and nobody has a reference to it.
    let grid = unsafe { (&raw const __rust_offload_grid).read() };
    Xyz {
        x: grid[first],
        y: grid[first + 1],
        z: grid[first + 2],
    }
}

#[inline]
pub fn thread_idx() -> Xyz {
    read(0)
}

#[inline]
pub fn block_idx() -> Xyz {
    read(3)
}

#[inline]
pub fn block_dim() -> Xyz {
    read(6)
}

#[inline]
pub fn grid_dim() -> Xyz {
    read(9)
}

#[inline]
pub fn barrier() {
    let Xyz { x, y, z } = block_dim();
    if x * y * z != 1 {
        refuse([x, y, z]);
    }
}

#[cold]
#[inline(never)]
fn refuse(threads: [u32; 3]) -> ! {
    panic!(
        "holoenzyme::grid::barrier: the virtual host device runs the threads of a block ({threads:?}) one after \
         another, so they cannot wait for each other: launch this kernel with blocks of [1, 1, 1] there, or on a GPU"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid;

    /// What the compiler's wrapper does.
    fn stand_at(values: [u32; 12]) {
        // SAFETY: as in `read`.
        unsafe { (&raw mut __rust_offload_grid).write(values) }
    }

    #[test]
    fn indices_and_sizes_are_told_apart() {
        stand_at([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        let parts = [thread_idx(), block_idx(), block_dim(), grid_dim()];
        assert_eq!(
            parts.map(|part| [part.x, part.y, part.z]),
            [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]
        );
        assert_eq!(grid::global_id_x(), 4 * 7 + 1);
        assert_eq!(grid::global_id_y(), 5 * 8 + 2);
        assert_eq!(grid::global_id_z(), 6 * 9 + 3);
    }

    #[test]
    fn a_large_grid_does_not_overflow() {
        let last = u32::MAX - 1;
        stand_at([1023, 0, 0, last, 0, 0, 1024, 1, 1, u32::MAX, 1, 1]);
        assert_eq!(grid::global_id_x(), last as usize * 1024 + 1023);
    }

    #[test]
    fn a_barrier_of_one_thread_holds_nobody_up() {
        stand_at([0, 0, 0, 3, 0, 0, 1, 1, 1, 8, 1, 1]);
        barrier();
    }

    #[test]
    #[should_panic(expected = "runs the threads of a block ([2, 1, 1]) one after another")]
    fn a_barrier_of_more_is_refused() {
        stand_at([0, 0, 0, 0, 0, 0, 2, 1, 1, 1, 1, 1]);
        barrier();
    }
}
