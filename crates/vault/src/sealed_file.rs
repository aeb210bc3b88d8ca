//! A sealed file that can be forgotten: its own random key stands, wrapped, at its head, and is overwritten when the
//! file is replaced or removed. What remains on the disk cannot be read then, not even with the custodian's key.
//!
//! File systems that write elsewhere instead of in place, and disks that do so by themselves, may keep the old head for
//! a while; there the protection is the one of the disk's own encryption.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{VaultError, damaged, file};
use crate::files;
use crate::keys::{Entropy, SecretKey, WRAPPED};

const MAGIC: &[u8; 8] = b"CADSEAL1";
const HEAD: usize = MAGIC.len() + WRAPPED;
const SHRED: &str = "shred";

/// Replaces the file by one that holds `text`; `slot` is bound in, so that files cannot be exchanged unnoticed.
pub(crate) fn write(
    path: &Path,
    wrapping: &SecretKey,
    slot: &str,
    text: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<(), VaultError> {
    let key = SecretKey::random(entropy);
    let wrapped = wrapping.wrap(&[b"sealed file key", slot.as_bytes()], &key, entropy);
    let sealed = key.seal(&[b"sealed file", slot.as_bytes()], text, entropy);
    let old = Old::hold(path)?;
    files::put_durably(path, &[MAGIC, &wrapped, &sealed])?;
    old.forget()
}

/// Reads the file, `None` if there is none.
pub(crate) fn read(
    path: &Path,
    wrapping: &SecretKey,
    slot: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    let Some(bytes) = files::read(path)? else { return Ok(None) };
    let body = bytes.strip_prefix(MAGIC).and_then(|rest| rest.split_at_checked(WRAPPED));
    let (wrapped, sealed) =
        body.ok_or_else(|| damaged(path, "it does not begin as a sealed file"))?;
    let key = wrapping.unwrap_key(&[b"sealed file key", slot.as_bytes()], wrapped);
    let text = key.and_then(|key| key.open(&[b"sealed file", slot.as_bytes()], sealed));
    text.map(Some).ok_or_else(|| damaged(path, "its seal is broken"))
}

/// Removes the file and makes what it held unreadable.
pub(crate) fn remove(path: &Path) -> Result<bool, VaultError> {
    let old = Old::hold(path)?;
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(file("remove", path)(error)),
    }
    files::sync_folder(path.parent().unwrap_or(path))?;
    old.forget()?;
    Ok(true)
}

/// Finishes what a kill left: a second name means that the old file was about to be forgotten.
pub(crate) fn finish(folder: &Path) -> Result<(), VaultError> {
    for second in files::with_extension(folder, SHRED)? {
        let first = second.with_extension("");
        // Equal heads are one and the same file: it was not replaced yet, and stays.
        if !first.exists() || head(&first)? != head(&second)? {
            let held =
                OpenOptions::new().write(true).open(&second).map_err(file("open", &second))?;
            overwrite_head(held).map_err(file("overwrite", &second))?;
        }
        fs::remove_file(&second).map_err(file("remove", &second))?;
    }
    Ok(())
}

/// The file that is about to be replaced, if there is one, and its second name.
struct Old<'a> {
    path: &'a Path,
    held: Option<File>,
}

impl Old<'_> {
    fn hold(path: &Path) -> Result<Old<'_>, VaultError> {
        let held = match OpenOptions::new().write(true).open(path) {
            Ok(held) => Some(held),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(file("open", path)(error)),
        };
        if held.is_some() {
            // The second name survives a kill between replacing and overwriting. Where the file system has no second
            // names, the open file is enough unless such a kill comes.
            let _ = fs::hard_link(path, files::with_suffix(path, SHRED));
        }
        Ok(Old { path, held })
    }

    fn forget(self) -> Result<(), VaultError> {
        let Some(held) = self.held else { return Ok(()) };
        overwrite_head(held).map_err(file("overwrite", self.path))?;
        let _ = fs::remove_file(files::with_suffix(self.path, SHRED));
        Ok(())
    }
}

fn overwrite_head(mut held: File) -> io::Result<()> {
    held.seek(SeekFrom::Start(0))?;
    held.write_all(&[0; HEAD])?;
    held.sync_all()
}

fn head(path: &Path) -> Result<Vec<u8>, VaultError> {
    let mut head = Vec::new();
    let opened = File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut head));
    opened.map(|_| head).map_err(file("read", path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::keys::tests::seeded;

    #[test]
    fn a_replaced_file_is_forgotten_even_where_a_copy_of_its_name_was_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (path, kept) = (dir.path().join("slot"), dir.path().join("kept"));
        let wrapping = SecretKey::random(&mut seeded(1));
        write(&path, &wrapping, "slot", b"first", &mut seeded(2)).unwrap();
        fs::hard_link(&path, &kept).unwrap();
        write(&path, &wrapping, "slot", b"second", &mut seeded(3)).unwrap();
        assert_eq!(read(&path, &wrapping, "slot").unwrap().unwrap().as_slice(), b"second");
        assert!(read(&kept, &wrapping, "slot").is_err());
        assert!(read(&path, &wrapping, "other slot").is_err());
        assert!(remove(&path).unwrap());
        assert!(read(&path, &wrapping, "slot").unwrap().is_none());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_kill_before_replacing_keeps_the_file_and_one_after_it_forgets_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let (path, second) = (dir.path().join("slot"), dir.path().join("slot.shred"));
        let wrapping = SecretKey::random(&mut seeded(1));
        write(&path, &wrapping, "slot", b"first", &mut seeded(2)).unwrap();
        fs::hard_link(&path, &second).unwrap();
        finish(dir.path()).unwrap();
        assert_eq!(read(&path, &wrapping, "slot").unwrap().unwrap().as_slice(), b"first");

        fs::hard_link(&path, &second).unwrap();
        let kept = dir.path().join("kept");
        fs::hard_link(&path, &kept).unwrap();
        files::put(&path, &[b"what replaced it"]).unwrap();
        finish(dir.path()).unwrap();
        assert!(read(&kept, &wrapping, "slot").is_err());
        assert!(!second.exists());
    }
}
