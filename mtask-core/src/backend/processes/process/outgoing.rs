//! What is written to a child, and how long it is tried.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use rustix::net::{self, SendAncillaryBuffer, SendFlags};

use super::{Broken, Child};
use crate::backend::processes::watch::Watch;

/// Writes to a socket, and is no signal to a program that dies of writing to what is closed.
pub(super) fn send(
    stream: &UnixStream,
    pieces: &[io::IoSlice<'_>],
    flags: SendFlags,
) -> io::Result<usize> {
    // There the socket itself is set so.
    #[cfg(not(target_vendor = "apple"))]
    let flags = flags | SendFlags::NOSIGNAL;
    Ok(match pieces {
        [bytes] => net::send(stream, bytes, flags)?,
        _ => net::sendmsg(stream, pieces, &mut SendAncillaryBuffer::default(), flags)?,
    })
}

pub(super) fn is_slice_over(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Writes on where a child takes its time, until there is nothing to wait for.
pub(super) struct Writer<'a, 'b> {
    pub(super) child: &'a Child,
    pub(super) watch: &'a mut Watch<'b>,
    /// Why a write failed.
    pub(super) broken: Broken,
    /// How many bytes have been written.
    pub(super) written: usize,
}

impl Write for Writer<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[io::IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, pieces: &[io::IoSlice<'_>]) -> io::Result<usize> {
        loop {
            match send(&self.child.stream, pieces, SendFlags::empty()) {
                Err(error) if is_slice_over(&error) => {
                    let looked = self.watch.slice().and_then(|_| self.watch.look(self.child));
                    if let Err(broken) = looked {
                        self.broken = broken;
                        return Err(error);
                    }
                }
                outcome => return outcome.inspect(|count| self.written += count),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
