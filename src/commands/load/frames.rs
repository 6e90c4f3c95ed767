//! WebSocket frames (RFC 6455) by hand, for a measuring side that costs as little as it can.
//!
//! Text is read in place and written without an allocation. A client's mask is zero, which is a valid mask and leaves
//! the text as it is. Fragments are not understood: nobody sends any here.

use std::io;

use tokio::net::TcpStream;

/// Room for some frames at first; it grows for a longer one.
const ROOM: usize = 8 * 1024;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A frame that was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    Text(&'a [u8]),
    Ping,
    Close,
    Other,
}

/// What was read from a socket and not yet looked at.
pub struct Reading {
    buffer: Vec<u8>,
    from: usize,
    to: usize,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            buffer: vec![0; ROOM],
            from: 0,
            to: 0,
        }
    }
}

impl Reading {
    /// Waits for more bytes; `false` at the end of the stream.
    pub async fn fill(&mut self, stream: &TcpStream) -> io::Result<bool> {
        self.buffer.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
        if self.to == self.buffer.len() {
            self.buffer.resize(self.to * 2, 0);
        }
        loop {
            stream.readable().await?;
            match stream.try_read(&mut self.buffer[self.to..]) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    self.to += read;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next whole frame, unmasked.
    pub fn next(&mut self) -> Option<Frame<'_>> {
        let bytes = self.buffer.get(self.from..self.to)?;
        let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
        let (length, mut header) = match second & 0x7F {
            126 => (usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?)), 4),
            127 => (u64::from_be_bytes(*rest.first_chunk::<8>()?) as usize, 10),
            short => (usize::from(short), 2),
        };
        let mut mask = [0; 4];
        if second & 0x80 != 0 {
            mask = *bytes.get(header..)?.first_chunk::<4>()?;
            header += 4;
        }
        if bytes.len() < header + length {
            return None;
        }
        let start = self.from + header;
        self.from = start + length;
        let content = &mut self.buffer[start..start + length];
        if mask != [0; 4] {
            unmask(content, mask);
        }
        Some(match first & 0x0F {
            TEXT => Frame::Text(content),
            PING => Frame::Ping,
            CLOSE => Frame::Close,
            _ => Frame::Other,
        })
    }
}

fn unmask(content: &mut [u8], mask: [u8; 4]) {
    let mut wide = [0; 8];
    wide[..4].copy_from_slice(&mask);
    wide[4..].copy_from_slice(&mask);
    let (chunks, rest) = content.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ u64::from_ne_bytes(wide)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(wide) {
        *byte ^= mask;
    }
}

/// Which end of a socket writes: a client masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Client,
    Server,
}

impl End {
    /// Appends a text frame; `write` writes its content.
    pub fn text(self, buffer: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        // The header of the usual length first; it shrinks or grows if the content turns out to be of another.
        let start = buffer.len();
        let usual = 4 + self.mask();
        buffer.resize(start + usual, 0);
        write(buffer);
        let length = buffer.len() - start - usual;
        let mut header = [0; 14];
        header[0] = 0x80 | TEXT;
        let used = match length {
            0..126 => {
                header[1] = length as u8;
                2
            }
            126..=0xFFFF => {
                header[1] = 126;
                header[2..4].copy_from_slice(&(length as u16).to_be_bytes());
                4
            }
            _ => {
                header[1] = 127;
                header[2..10].copy_from_slice(&(length as u64).to_be_bytes());
                10
            }
        };
        header[1] |= self.bit();
        let used = used + self.mask();
        if used == usual {
            buffer[start..start + usual].copy_from_slice(&header[..used]);
        } else {
            buffer.splice(start..start + usual, header[..used].iter().copied());
        }
    }

    /// Appends an empty pong.
    pub fn pong(self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(&[0x80 | PONG, self.bit(), 0, 0, 0, 0][..2 + self.mask()]);
    }

    /// Appends a close of the ordinary kind.
    pub fn close(self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(&[0x80 | CLOSE, self.bit() | 2]);
        buffer.extend_from_slice(&[0; 4][..self.mask()]);
        buffer.extend_from_slice(&1000u16.to_be_bytes());
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Client => 0x80,
            Self::Server => 0,
        }
    }

    const fn mask(self) -> usize {
        match self {
            Self::Client => 4,
            Self::Server => 0,
        }
    }
}

/// Writes all of `bytes`, waiting for room if need be.
pub async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<String> {
        let mut reading = Reading {
            buffer: bytes.to_vec(),
            from: 0,
            to: bytes.len(),
        };
        let mut all = Vec::new();
        while let Some(frame) = reading.next() {
            all.push(match frame {
                Frame::Text(text) => String::from_utf8_lossy(text).into_owned(),
                other => format!("{other:?}"),
            });
        }
        all
    }

    #[test]
    fn frames_of_every_length_are_read_as_they_were_written() {
        for end in [End::Client, End::Server] {
            let mut bytes = Vec::new();
            let texts = [0, 1, 125, 126, 400, 65_535, 65_536].map(|length| "x".repeat(length));
            for text in &texts {
                end.text(&mut bytes, |buffer| buffer.extend_from_slice(text.as_bytes()));
            }
            end.pong(&mut bytes);
            end.close(&mut bytes);
            let read = read(&bytes);
            assert_eq!(read[..texts.len()], texts);
            assert_eq!(read[texts.len()..], ["Other", "Close"]);
        }
    }

    #[test]
    fn masked_text_is_unmasked_and_a_part_of_a_frame_is_none() {
        // RFC 6455, section 5.7: "Hello", masked.
        let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(read(&hello), ["Hello"]);
        for part in 0..hello.len() {
            assert_eq!(read(&hello[..part]), Vec::<String>::new());
        }
        let mut long = b"a text of more than eight bytes".to_vec();
        let plain = long.clone();
        unmask(&mut long, [1, 2, 3, 4]);
        assert_ne!(long, plain);
        unmask(&mut long, [1, 2, 3, 4]);
        assert_eq!(long, plain);
    }
}
