//! The virtual host device: a kernel's body is run for one thread after another, and here stands which one it is.

use super::Xyz;

/// Thread index, block index, block size and grid size, each in x, y, z. Rust 1.96 writes it itself, before each call of a
/// kernel; the two share it by name.
#[thread_local]
#[cfg_attr(not(version("1.98")), unsafe(no_mangle))]
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
fn write(first: usize, value: u32) {
    // SAFETY: as in `read`.
    unsafe { (&raw mut __rust_offload_grid[first]).write(value) }
}

#[inline]
pub fn each_thread(words: [u64; 3], mut thread: impl FnMut()) {
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    let (grid, block) = (
        words.map(|word| word as u32),
        words.map(|word| (word >> 32) as u32),
    );
    for direction in 0..3 {
        write(6 + direction, block[direction]);
        write(9 + direction, grid[direction]);
    }
    each([3, 4, 5], grid, &mut || each([0, 1, 2], block, &mut thread));
}

/// Writes all indices below `sizes` to their places, x the fastest, and calls `inside` after each.
#[inline]
fn each(places: [usize; 3], sizes: [u32; 3], inside: &mut impl FnMut()) {
    for z in 0..sizes[2] {
        write(places[2], z);
        for y in 0..sizes[1] {
            write(places[1], y);
            for x in 0..sizes[0] {
                write(places[0], x);
                inside();
            }
        }
    }
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
    extern crate std;

    use super::*;
    use crate::grid;
    use std::vec::Vec;

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
    fn each_thread_of_a_grid_has_its_turn() {
        let (grid, block) = ([2_u64, 1, 3], [3_u64, 2, 1]);
        let mut turns = Vec::new();
        let words = [0, 1, 2].map(|at: usize| grid[at] | block[at] << 32);
        each_thread(words, || {
            let parts = [block_dim(), grid_dim()].map(|part| [part.x, part.y, part.z]);
            assert_eq!(parts, [[3, 2, 1], [2, 1, 3]]);
            turns.push((block_idx(), thread_idx()));
        });
        assert_eq!(turns.len(), 36);
        let xyz = |x, y, z| Xyz { x, y, z };
        assert_eq!(turns[1], (xyz(0, 0, 0), xyz(1, 0, 0)));
        assert_eq!(turns[3], (xyz(0, 0, 0), xyz(0, 1, 0)));
        assert_eq!(turns[6], (xyz(1, 0, 0), xyz(0, 0, 0)));
        assert_eq!(turns[35], (xyz(1, 0, 2), xyz(2, 1, 0)));
        turns.sort_by_key(|(a, b)| [a.x, a.y, a.z, b.x, b.y, b.z]);
        turns.dedup();
        assert_eq!(turns.len(), 36);
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
