//! Files and folders that are nobody else's business: made for this program's user alone, whatever the umask, and narrowed
//! where an earlier version, or somebody's copy, has left them open to others.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// A file can be read and written by its owner.
const FILE: u32 = 0o600;

/// A folder can be entered and changed by its owner.
const FOLDER: u32 = 0o700;

/// What others, and the owner's group, may do.
const OTHERS: u32 = 0o077;

/// Set on folders that everybody may put things into, such as `/tmp`.
const STICKY: u32 = 0o1000;

/// Opens a file with these options, for nobody else.
///
/// # Errors
/// As [`OpenOptions::open`]; a file that is somebody else's cannot be narrowed, which is logged.
pub fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.mode(FILE).open(path)?;
    let found = file.metadata()?;
    let mode = found.mode() & 0o777;
    if mode & OTHERS != 0 {
        tell(path, file.set_permissions(Permissions::from_mode(mode & FOLDER)));
    } else if found.len() == 0 && mode & FILE != FILE {
        // The umask has taken something from the owner too.
        file.set_permissions(Permissions::from_mode(FILE))?;
    }
    Ok(file)
}

/// Takes a file from others, if it is there.
pub fn narrow(path: &Path) {
    match path.metadata() {
        Ok(found) if found.mode() & OTHERS != 0 => {
            let mode = Permissions::from_mode(found.mode() & FOLDER);
            tell(path, std::fs::set_permissions(path, mode));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tell(path, Err(error)),
    }
}

/// Makes a folder, and those that it lies in, for nobody else. One that is there stays as it is.
///
/// # Errors
/// As [`DirBuilder::create`].
pub fn make_folder(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(outer) = path.parent() {
        make_folder(outer)?;
    }
    match DirBuilder::new().mode(FOLDER).create(path) {
        Ok(()) => std::fs::set_permissions(path, Permissions::from_mode(FOLDER)),
        // Somebody was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes a folder of ours from others. One in which other things lie is somebody's decision and stays as it is.
pub fn narrow_folder(path: &Path, holds_only_ours: bool) {
    let Ok(found) = path.metadata() else { return };
    if found.mode() & OTHERS == 0 {
        return;
    }
    if holds_only_ours && found.mode() & STICKY == 0 {
        let mode = Permissions::from_mode(found.mode() & FOLDER);
        tell(path, std::fs::set_permissions(path, mode));
    } else {
        let folder = path.display();
        tracing::warn!(%folder, "others may look into this folder; what it holds of ours they cannot read");
    }
}

fn tell(path: &Path, narrowed: io::Result<()>) {
    let file = path.display();
    match narrowed {
        Ok(()) => tracing::warn!(%file, "others could use this file or folder; now its owner alone can"),
        Err(error) => {
            tracing::warn!(%file, %error, "others may be able to use this, which cannot be changed")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("there").mode() & 0o7777
    }

    #[test]
    fn what_is_made_is_for_its_owner_and_what_is_wider_is_narrowed() {
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("one");
        std::fs::write(&file, "words").expect("written");
        std::fs::set_permissions(&file, Permissions::from_mode(0o664)).expect("set");
        open(OpenOptions::new().append(true), &file).expect("opened");
        assert_eq!(mode(&file), 0o600);
        std::fs::set_permissions(&file, Permissions::from_mode(0o404)).expect("set");
        narrow(&file);
        assert_eq!(mode(&file), 0o400, "no right is added");
        narrow(&place.path().join("none"));
        let folder = place.path().join("a/b");
        make_folder(&folder).expect("made");
        assert_eq!((mode(&folder), mode(&place.path().join("a"))), (0o700, 0o700));
    }

    #[test]
    fn a_folder_that_is_not_ours_alone_stays_open() {
        let place = tempfile::tempdir().expect("a folder");
        for (wide, ours, after) in [
            (0o755, true, 0o700),
            (0o755, false, 0o755),
            (0o1777, true, 0o1777),
        ] {
            std::fs::set_permissions(place.path(), Permissions::from_mode(wide)).expect("set");
            narrow_folder(place.path(), ours);
            assert_eq!(mode(place.path()), after);
        }
    }
}
