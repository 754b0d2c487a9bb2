//! The program itself as it lies in memory: how a function is named so that a fresh process of the
//! same program finds it, wherever the loader has put the program there.
//!
//! A function is named by its distance from where the program's image begins. Both processes run
//! the very same file (`/proc/self/exe` is the file that runs, also when its name has been given
//! to another since), so the distance is the same. A function in a shared library is not in that
//! image; the library may not even be loaded in the other process: it has no such name.

use std::ptr;

/// Where the executable parts of the program's image are.
pub(crate) struct Image {
    /// What the loader has added to every address in the file.
    base: usize,
    code: Vec<std::ops::Range<usize>>,
    names_interpreter: bool,
}

impl Image {
    /// The image of the running program (not of a library).
    pub(crate) fn of_program() -> Self {
        let mut image = Image { base: 0, code: Vec::new(), names_interpreter: false };
        // SAFETY: `first` treats its last argument as what is given here, and keeps none of it.
        unsafe { libc::dl_iterate_phdr(Some(first), ptr::from_mut(&mut image).cast()) };
        image
    }

    /// Whether it is to be loaded by another program, the loader: one that is linked dynamically.
    pub(super) fn names_interpreter(&self) -> bool {
        self.names_interpreter
    }

    /// The name of the function at `address`, if it is the program's own.
    pub(crate) fn name_of(&self, address: *const ()) -> Option<u64> {
        let address = address.addr();
        let ours = self.code.iter().any(|code| code.contains(&address));
        ours.then(|| address.wrapping_sub(self.base) as u64)
    }

    /// Where the function with that name is; `None` when there is no code there.
    pub(crate) fn find(&self, name: u64) -> Option<*const ()> {
        let address = self.base.wrapping_add(usize::try_from(name).ok()?);
        let ours = self.code.iter().any(|code| code.contains(&address));
        ours.then(|| ptr::with_exposed_provenance(address))
    }
}

/// The first image that the loader tells of is the program; then it need not go on.
unsafe extern "C" fn first(
    info: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    image: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: `of_program` gives its own local, which nobody else has in the meantime.
    let image = unsafe { &mut *image.cast::<Image>() };
    // SAFETY: the loader gives a description that is valid during this call.
    let info = unsafe { &*info };
    image.base = info.dlpi_addr as usize;
    for i in 0..usize::from(info.dlpi_phnum) {
        // SAFETY: the loader says that so many headers are there, and they stay loaded.
        let header = unsafe { &*info.dlpi_phdr.add(i) };
        if header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0 {
            let start = image.base.wrapping_add(header.p_vaddr as usize);
            image.code.push(start..start.wrapping_add(header.p_memsz as usize));
        }
        image.names_interpreter |= header.p_type == libc::PT_INTERP;
    }
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
}
