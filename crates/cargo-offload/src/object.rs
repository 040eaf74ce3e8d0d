//! The object with device images that a linker is given, where rustc does not put them into programs itself.
//!
//! An image is a file as LLVM's `OffloadBinary` has it (llvm/Object/OffloadBinary.h, version 1). `clang-linker-wrapper`
//! looks for such in sections of the type that is theirs, whichever object has them. Pure, but for `write`.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cargo_common::failure::Failure;

/// How the file begins that holds an image.
const MAGIC: [u8; 4] = [0x10, 0xff, 0x10, 0xad];
const VERSION: u32 = 1;
/// Of an image's strings, the one that says what it is for.
const TRIPLE: &str = "triple";
/// What images are aligned to.
const ALIGNMENT: u64 = 8;

/// ELF's names for what the object has.
mod elf {
    pub const HEADER: u64 = 64;
    pub const SECTION_HEADER: u16 = 64;
    pub const RELOCATABLE: u16 = 1;
    pub const X86_64: u16 = 62;
    pub const AARCH64: u16 = 183;
    pub const NULL: u32 = 0;
    pub const PROGBITS: u32 = 1;
    pub const STRINGS: u32 = 3;
    pub const LLVM_OFFLOADING: u32 = 0x6fff_4c0b;
    /// The section is none of the program's.
    pub const EXCLUDE: u64 = 0x8000_0000;
}

/// The names of sections, and where each begins in them. Without the note a linker takes the object for one that needs
/// an executable stack.
const NAMES: &[u8] = b"\0.llvm.offloading\0.note.GNU-stack\0.shstrtab\0";
const IMAGES_NAME: u32 = 1;
const NOTE_NAME: u32 = 18;
const STRINGS_NAME: u32 = 34;

/// Writes the object with these images to `path`, unless it is there: by its time cargo knows whether a program has to be
/// linked again. An image for the triple `host` goes by the name `host_device`.
pub fn write(
    path: &Path,
    images: &[PathBuf],
    host: &str,
    host_device: &str,
) -> Result<(), Failure> {
    let mut all = Vec::new();
    for image in images {
        let content = fs::read(image).map_err(|error| not_written(path, &error))?;
        let content = renamed(content, host, host_device).ok_or_else(|| {
            Failure::new(
                format!("{} is not understood", image.display()),
                format!("it is no image in version {VERSION} of LLVM's form"),
                "use the rustc of a toolchain image of this project; with it, remove the folder of the image",
            )
        })?;
        all.extend(content);
    }
    let object = object(&all);
    if fs::read(path).is_ok_and(|there| there == object) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().unwrap_or(path))
        .and_then(|()| fs::write(path, object))
        .map_err(|error| not_written(path, &error))
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        "the object with the images cannot be written",
        format!("{}: {error}", path.display()),
        "make the folder writable for this user, or name another one with --target-dir",
    )
}

/// The image, under another triple where it is for `from`; none where it is not an image.
fn renamed(mut image: Vec<u8>, from: &str, to: &str) -> Option<Vec<u8>> {
    let is_whole = image.starts_with(&MAGIC)
        && image.get(4..8)? == VERSION.to_le_bytes()
        && word(&image, 8)? == image.len() as u64
        && (image.len() as u64).is_multiple_of(ALIGNMENT);
    is_whole.then_some(())?;
    // Its entry: two kinds, flags, and where the strings are and how many; then pairs of places of names and values.
    let entry = word(&image, 16)?;
    let (strings, count) = (word(&image, entry + 8)?, word(&image, entry + 16)?);
    for number in 0..count {
        let (key, value) = (
            word(&image, strings + 16 * number)?,
            word(&image, strings + 16 * number + 8)?,
        );
        if text(&image, key)? == TRIPLE.as_bytes() && text(&image, value)? == from.as_bytes() {
            let place = usize::try_from(value).ok()?;
            let old = image.get_mut(place..place + from.len())?;
            old.fill(0);
            old.get_mut(..to.len())?.copy_from_slice(to.as_bytes());
        }
    }
    Some(image)
}

fn word(bytes: &[u8], at: u64) -> Option<u64> {
    let at = usize::try_from(at).ok()?;
    let bytes = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// The text at a place, without the zero at its end.
fn text(bytes: &[u8], at: u64) -> Option<&[u8]> {
    let rest = bytes.get(usize::try_from(at).ok()?..)?;
    rest.split(|&byte| byte == 0).next()
}

/// An ELF file with the images in their section.
fn object(images: &[u8]) -> Vec<u8> {
    let machine = match env::consts::ARCH {
        "aarch64" => elf::AARCH64,
        _ => elf::X86_64,
    };
    let images_end = elf::HEADER + images.len() as u64;
    let headers = (images_end + NAMES.len() as u64).next_multiple_of(ALIGNMENT);
    // 64 bits, the lower byte first, version 1, of no system's own.
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for half in [elf::RELOCATABLE, machine] {
        bytes.extend(half.to_le_bytes());
    }
    bytes.extend(1_u32.to_le_bytes());
    for place in [0, 0, headers] {
        bytes.extend(place.to_le_bytes());
    }
    bytes.extend(0_u32.to_le_bytes());
    // Sizes of this header, of headers of segments (none) and of sections; how many; which has the names.
    for half in [64_u16, 0, 0, elf::SECTION_HEADER, 4, 3] {
        bytes.extend(half.to_le_bytes());
    }
    bytes.extend(images);
    bytes.extend(NAMES);
    bytes.resize(usize::try_from(headers).unwrap_or_default(), 0);
    let size = images.len() as u64;
    let names = NAMES.len() as u64;
    for (name, kind, flags, offset, size, alignment) in [
        (0, elf::NULL, 0, 0, 0, 0),
        (
            IMAGES_NAME,
            elf::LLVM_OFFLOADING,
            elf::EXCLUDE,
            elf::HEADER,
            size,
            ALIGNMENT,
        ),
        (NOTE_NAME, elf::PROGBITS, 0, images_end, 0, 1),
        (STRINGS_NAME, elf::STRINGS, 0, images_end, names, 1),
    ] {
        bytes.extend(name.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        // Flags, address, place, size, two links to others, alignment, size of an entry.
        for number in [flags, 0, offset, size, 0, alignment, 0] {
            bytes.extend(number.to_le_bytes());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "x86_64-unknown-linux-gnu";

    /// An image as LLVM writes it: header, entry, places of strings, strings, and what it holds.
    fn image(triple: &str, content: &[u8]) -> Vec<u8> {
        let texts = format!("\0triple\0{triple}\0arch\0generic\0");
        let at = |text: &str| 104 + texts.find(&format!("\0{text}\0")).unwrap() as u64 + 1;
        let content_at = (104 + texts.len() as u64).next_multiple_of(8);
        let end = (content_at + content.len() as u64).next_multiple_of(8);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        for number in [end, 32, 40] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend([1, 0, 1, 0, 0, 0, 0, 0]);
        for number in [72, 2, content_at, content.len() as u64] {
            bytes.extend(number.to_le_bytes());
        }
        for text in ["triple", triple, "arch", "generic"] {
            bytes.extend(at(text).to_le_bytes());
        }
        bytes.extend(texts.bytes());
        bytes.resize(usize::try_from(content_at).unwrap(), 0);
        bytes.extend(content);
        bytes.resize(usize::try_from(end).unwrap(), 0);
        bytes
    }

    #[test]
    fn an_image_for_the_host_goes_by_another_name() {
        let old = image(HOST, b"kernels");
        let new = renamed(old.clone(), HOST, "amd64-pc-linux-gnu").unwrap();
        assert_eq!(new.len(), old.len());
        let all = String::from_utf8_lossy(&new).into_owned();
        assert!(all.contains("\0triple\0amd64-pc-linux-gnu\0"), "{all}");
        assert!(all.contains("\0arch\0generic\0") && all.contains("kernels"));
        assert!(!all.contains("unknown"), "{all}");
        let gpu = image("nvptx64-nvidia-cuda", b"kernels");
        assert_eq!(renamed(gpu.clone(), HOST, "amd64-pc-linux-gnu"), Some(gpu));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let good = image(HOST, b"kernels");
        let changed = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            bytes
        };
        for (name, bytes) in [
            ("nothing", Vec::new()),
            ("magic", changed(0, 0)),
            ("version", changed(4, 2)),
            ("size", good[..good.len() - 8].to_vec()),
            ("entry", changed(19, 1)),
            ("strings", changed(43, 1)),
        ] {
            assert_eq!(renamed(bytes, HOST, "amd64-pc-linux-gnu"), None, "{name}");
        }
        assert_eq!(renamed(good, HOST, &format!("{HOST}-and-more")), None);
    }

    #[test]
    fn the_sections_have_their_names_and_contents() {
        let content = image(HOST, b"kernels");
        let bytes = object(&content);
        let half =
            |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
        let place = |at: usize| usize::try_from(word(&bytes, at as u64).unwrap()).unwrap();
        let headers = place(40);
        assert_eq!(bytes.len(), headers + half(58) * half(60));
        let names = place(headers + half(62) * half(58) + 24);
        let sections: Vec<_> = (0..half(60))
            .map(|number| {
                let at = headers + number * half(58);
                let name = names + half(at);
                let kind = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap());
                let name = text(&bytes, name as u64).unwrap();
                (String::from_utf8_lossy(name).into_owned(), kind, at)
            })
            .collect();
        let told: Vec<_> = sections
            .iter()
            .map(|(name, kind, _)| (name.as_str(), *kind))
            .collect();
        assert_eq!(
            told,
            [
                ("", elf::NULL),
                (".llvm.offloading", elf::LLVM_OFFLOADING),
                (".note.GNU-stack", elf::PROGBITS),
                (".shstrtab", elf::STRINGS)
            ]
        );
        let at = sections[1].2;
        let (flags, from, size) = (place(at + 8), place(at + 24), place(at + 32));
        assert_eq!(flags as u64, elf::EXCLUDE);
        assert_eq!(bytes[from..from + size], content);
    }

    #[test]
    fn an_object_is_written_where_it_changed() {
        let folder = env::temp_dir().join(format!("cargo-offload-object-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (one, object) = (folder.join("host.out"), folder.join("with/images.o"));
        fs::write(&one, image(HOST, b"one")).unwrap();
        let write = || {
            write(
                &object,
                std::slice::from_ref(&one),
                HOST,
                "amd64-pc-linux-gnu",
            )
        };
        write().unwrap();
        let old = fs::metadata(&object).unwrap().modified().unwrap();
        write().unwrap();
        assert_eq!(fs::metadata(&object).unwrap().modified().unwrap(), old);
        fs::write(&one, image(HOST, b"two")).unwrap();
        write().unwrap();
        let found = fs::read(&object).unwrap();
        assert!(String::from_utf8_lossy(&found).contains("two"));
        fs::write(&one, "no image").unwrap();
        assert!(write().unwrap_err().what.contains("host.out"));
        fs::remove_file(&one).unwrap();
        assert!(write().unwrap_err().why.contains("images.o"));
        fs::remove_dir_all(folder).unwrap();
    }
}
