//! The program itself as it lies in memory: how a function is named so that a fresh process of the
//! same program finds it, wherever the loader has put the program there.
//!
//! A function is named by its distance from where the program's image begins. Both processes run
//! the very same file (`/proc/self/exe` is the file that runs, also when its name has been given
//! to another since), so the distance is the same. A function in a shared library is not in that
//! image; the library may not even be loaded in the other process: it has no such name.
//!
//! That the other process runs the same program is not taken for granted: see [`Image::identity`].

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::ptr;
use std::slice;

/// Where the executable parts of the program's image are.
pub(crate) struct Image {
    /// What the loader has added to every address in the file.
    base: usize,
    /// The parts of the file, and where they lie in memory.
    headers: &'static [libc::Elf64_Phdr],
}

impl Image {
    /// The image of the running program (not of a library). Without any code where the loader does
    /// not tell of the program that the kernel has started.
    pub(crate) fn of_program() -> Self {
        let mut image = Image { base: 0, headers: &[] };
        // SAFETY: `find_program` treats its last argument as what is given here, and keeps none of it.
        unsafe { libc::dl_iterate_phdr(Some(find_program), ptr::from_mut(&mut image).cast()) };
        image
    }

    /// What tells this program from others, and is the same in all processes of it: what the linker
    /// has said of the parts of the file, and its notes, of which one names the build where the linker
    /// was told so (`--build-id`, as gcc does by itself on most systems).
    pub(super) fn identity(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for part in self.headers {
            let place = (part.p_offset, part.p_vaddr, part.p_filesz, part.p_memsz);
            (part.p_type, part.p_flags, place).hash(&mut hasher);
            let range = self.range(part);
            if part.p_type == libc::PT_NOTE && self.is_readable(&range) {
                // SAFETY: it is loaded, to be read, as a part that nobody writes to (a note is no data of
                // the program's).
                let note = unsafe {
                    slice::from_raw_parts(
                        ptr::with_exposed_provenance::<u8>(range.start),
                        range.len(),
                    )
                };
                note.hash(&mut hasher);
            }
        }
        // SAFETY: it only reads what the kernel has put there.
        let entry = unsafe { libc::getauxval(libc::AT_ENTRY) } as usize;
        entry.wrapping_sub(self.base).hash(&mut hasher);
        hasher.finish()
    }

    /// Whether it is to be loaded by another program, the loader: one that is linked dynamically.
    pub(super) fn names_interpreter(&self) -> bool {
        self.headers.iter().any(|part| part.p_type == libc::PT_INTERP)
    }

    /// The name of the function at `address`, if it is the program's own.
    pub(crate) fn name_of(&self, address: *const ()) -> Option<u64> {
        let address = address.addr();
        self.is_code(address).then(|| address.wrapping_sub(self.base) as u64)
    }

    /// Where the function with that name is; `None` when there is no code there.
    pub(crate) fn find(&self, name: u64) -> Option<*const ()> {
        let address = self.base.wrapping_add(usize::try_from(name).ok()?);
        self.is_code(address).then(|| ptr::with_exposed_provenance(address))
    }

    fn is_code(&self, address: usize) -> bool {
        self.loaded(libc::PF_X, 0).any(|range| range.contains(&address))
    }

    /// Whether it is loaded as a part that is only read.
    fn is_readable(&self, wanted: &Range<usize>) -> bool {
        let holds = |range: Range<usize>| range.start <= wanted.start && wanted.end <= range.end;
        wanted.start <= wanted.end && self.loaded(libc::PF_R, libc::PF_W).any(holds)
    }

    /// Where the parts are that are loaded with the one right, and without the other.
    fn loaded(&self, with: u32, without: u32) -> impl Iterator<Item = Range<usize>> {
        let parts = self.headers.iter();
        parts
            .filter(move |part| {
                part.p_type == libc::PT_LOAD && part.p_flags & (with | without) == with
            })
            .map(|part| self.range(part))
    }

    fn range(&self, part: &libc::Elf64_Phdr) -> Range<usize> {
        let start = self.base.wrapping_add(part.p_vaddr as usize);
        start..start.wrapping_add(part.p_memsz as usize)
    }
}

/// The image whose headers are those that the kernel tells of is the program. (The first that the loader
/// tells of is a library where this is one that `dlmopen` has loaded.)
unsafe extern "C" fn find_program(
    info: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    image: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: `of_program` gives its own local, which nobody else has in the meantime.
    let image = unsafe { &mut *image.cast::<Image>() };
    // SAFETY: the loader gives a description that is valid during this call.
    let info = unsafe { &*info };
    // SAFETY: it only reads what the kernel has put there.
    let of_program = unsafe { libc::getauxval(libc::AT_PHDR) } as usize;
    if info.dlpi_phdr.is_null() || info.dlpi_phdr.addr() != of_program {
        return 0;
    }
    image.base = info.dlpi_addr as usize;
    // SAFETY: the loader says that so many headers are there, and a program is never unloaded.
    image.headers = unsafe { slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_of_the_program_is_found_again_by_its_name() {
        let image = Image::of_program();
        let here = Image::of_program as *const ();
        let name = image.name_of(here).expect("this function is the program's own");
        assert_eq!(image.find(name), Some(here));
    }

    #[test]
    fn what_is_not_the_programs_code_has_no_name() {
        let image = Image::of_program();
        assert_eq!(image.name_of(libc::getpid as *const ()), None);
        assert_eq!(image.name_of(ptr::from_ref(&image).cast()), None);
        assert_eq!(image.find(u64::MAX / 2), None);
    }

    #[test]
    fn a_program_is_told_from_another() {
        let image = Image::of_program();
        assert_eq!(image.identity(), Image::of_program().identity());
        let without = |at: usize| {
            let mut headers = image.headers.to_vec();
            headers.remove(at);
            Image { base: image.base, headers: headers.leak() }.identity()
        };
        let others: Vec<u64> = (0..image.headers.len()).map(without).collect();
        assert!(!others.is_empty() && !others.contains(&image.identity()));
    }

    #[test]
    fn what_a_note_says_counts() {
        let mut part = *Image::of_program().headers.first().expect("a program has parts");
        (part.p_vaddr, part.p_memsz) = (0, 20);
        let (mut loaded, mut note) = (part, part);
        (loaded.p_type, loaded.p_flags) = (libc::PT_LOAD, libc::PF_R);
        (note.p_type, note.p_flags) = (libc::PT_NOTE, libc::PF_R);
        let text = Box::into_raw(Box::new([0u8; 20]));
        let headers = Box::leak(Box::new([loaded, note]));
        let image = Image { base: text.expose_provenance(), headers };
        let before = image.identity();
        // SAFETY: made above, and nobody else has it now.
        unsafe { (*text)[19] = 1 };
        assert_ne!(image.identity(), before);
        // SAFETY: made above; the image is looked at no more.
        drop(unsafe { Box::from_raw(text) });
    }
}
