//! How parent and child come to talk: the child makes the sockets, and passes the parent's ends through
//! what it has as its standard input.
//!
//! The parent cannot hand over two sockets: `Command` sets the standard descriptors alone. Nor may the
//! standard ones be in use before the child comes to [`init`](super::init): what it printed till then would
//! fill a socket that nobody reads, and what it read there would be a frame. So its standard output is the
//! parent's standard error from the start, and its standard input a socket that is shut down in that
//! direction, whose readers see an end; the child writes to it once.

use std::io;
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// The byte that the descriptors come with.
const GREETING: u8 = b'm';

/// A socket to find the child by, and what the child is to have as its standard input.
pub(super) fn pair() -> io::Result<(UnixStream, UnixStream)> {
    let (door, theirs) = UnixStream::pair()?;
    door.shutdown(Shutdown::Write)?;
    Ok((door, theirs))
}

/// Makes the child's sockets and passes their other ends to the parent.
///
/// # Errors
///
/// Where there is no parent that waits for them, or no descriptors are left.
pub(super) fn greet(door: impl AsFd) -> io::Result<[UnixStream; 2]> {
    let (stream, frames) = UnixStream::pair()?;
    let (watched, lifeline) = UnixStream::pair()?;
    let passed = [frames.as_fd(), lifeline.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&passed));
    sendmsg(door, &[io::IoSlice::new(&[GREETING])], &mut control, SendFlags::empty())?;
    Ok([stream, watched])
}

/// Waits for what the child passes: the socket of frames and the lifeline.
///
/// # Errors
///
/// That of the read, such as `WouldBlock` where it has a time limit; `UnexpectedEof` where the child has
/// ended; any other where its descriptors cannot be had.
pub(super) fn receive(door: &UnixStream) -> io::Result<[UnixStream; 2]> {
    #[cfg(not(target_vendor = "apple"))]
    let flags = RecvFlags::CMSG_CLOEXEC;
    #[cfg(target_vendor = "apple")]
    let flags = RecvFlags::empty();
    let (mut byte, mut space) = ([0], [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))]);
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(door, &mut [io::IoSliceMut::new(&mut byte)], &mut control, flags)?;
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let passed: Vec<OwnedFd> = control
        .drain()
        .flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
            _ => Vec::new(),
        })
        .collect();
    // The system leaves out those for which there is no room in the parent.
    let sockets = <[OwnedFd; 2]>::try_from(passed)
        .map_err(|_| io::Error::other("no descriptors are left for its sockets"))?;
    #[cfg(target_vendor = "apple")]
    for socket in &sockets {
        rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::CLOEXEC)?;
        rustix::net::sockopt::set_socket_nosigpipe(socket, true)?;
    }
    Ok(sockets.map(UnixStream::from))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn both_ends_of_both_sockets_find_each_other() {
        let (door, mut theirs) = pair().unwrap();
        assert_eq!(theirs.read(&mut [0]).unwrap(), 0, "the child's standard input is empty");
        let child = greet(&theirs).unwrap();
        let parent = receive(&door).unwrap();
        for ((mut here, mut there), byte) in parent.into_iter().zip(child).zip(0..) {
            here.write_all(&[byte]).unwrap();
            let mut read = [9];
            there.read_exact(&mut read).unwrap();
            assert_eq!(read, [byte]);
        }
    }

    #[test]
    fn a_child_that_has_ended_or_sends_something_else_is_no_child() {
        let (door, theirs) = pair().unwrap();
        drop(theirs);
        assert_eq!(receive(&door).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let (door, mut theirs) = pair().unwrap();
        theirs.write_all(b"hello").unwrap();
        assert_eq!(receive(&door).unwrap_err().kind(), io::ErrorKind::Other);
    }
}
