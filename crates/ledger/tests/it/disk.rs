//! A disk that loses power and runs full when told to.

use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

/// What was asked of the disk since the last sync.
#[derive(Clone, Debug)]
enum Change {
    Length(u64),
    Bytes(u64, Vec<u8>),
}

#[derive(Debug, Default)]
struct State {
    /// What survives a loss of power for certain.
    synced: Vec<u8>,
    /// What the system shows, synced or not.
    shown: Vec<u8>,
    unsynced: Vec<Change>,
    /// Changes that still succeed; then the disk is full.
    room: Option<usize>,
}

/// A disk in memory; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<State>>);

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => bytes.resize(usize::try_from(*length).unwrap(), 0),
        Change::Bytes(at, data) => {
            let at = usize::try_from(*at).unwrap();
            if bytes.len() < at + data.len() {
                bytes.resize(at + data.len(), 0);
            }
            bytes[at..at + data.len()].copy_from_slice(data);
        }
    }
}

impl Disk {
    /// The next `changes` succeed and all later ones fail, until [`Disk::has_room`].
    pub fn fills_after(&self, changes: usize) {
        self.0.lock().unwrap().room = Some(changes);
    }

    pub fn has_room(&self) {
        self.0.lock().unwrap().room = None;
    }

    /// What is left when the power goes now, and of the unsynced changes only those that `kept` picks got through.
    pub fn after_power_loss(&self, mut kept: impl FnMut() -> bool) -> Self {
        let state = self.0.lock().unwrap();
        let mut bytes = state.synced.clone();
        for change in &state.unsynced {
            if kept() {
                apply(&mut bytes, change);
            }
        }
        let state = State { synced: bytes.clone(), shown: bytes, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn change(&self, change: Change) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        match &mut state.room {
            Some(0) => return Err(io::Error::from(io::ErrorKind::StorageFull)),
            Some(room) => *room -= 1,
            None => {}
        }
        apply(&mut state.shown, &change);
        state.unsynced.push(change);
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().shown.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock().unwrap();
        let at = usize::try_from(offset).unwrap();
        let bytes = state.shown.get(at..at + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Change::Length(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if state.room == Some(0) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        state.synced = state.shown.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Bytes(offset, data.to_vec()))
    }
}
