//! Lines of a file, plain or gzip, one at a time: no line, however long, and no file, however far it expands, fills memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::error::Error;

/// How much of a file is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest line, in bytes. Default 16 MiB.
    pub line_bytes: usize,
    /// The most bytes that a compressed file may expand to. Default 4 GiB.
    pub expanded_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line_bytes: 16 << 20, expanded_bytes: 4 << 30 }
    }
}

/// A file being read by lines.
pub(crate) struct Lines {
    file: PathBuf,
    reader: Box<dyn BufRead + Send>,
    limits: Limits,
    is_gzip: bool,
    number: u64,
    buffer: Vec<u8>,
}

impl Lines {
    pub(crate) fn open(file: &Path, limits: Limits) -> Result<Self, Error> {
        let plain = BufReader::with_capacity(1 << 16, regular(file)?);
        let is_gzip = file.extension().is_some_and(|e| e == "gz");
        let reader: Box<dyn BufRead + Send> = if is_gzip {
            Box::new(BufReader::with_capacity(1 << 16, Capped { inner: MultiGzDecoder::new(plain), left: limits.expanded_bytes }))
        } else {
            Box::new(plain)
        };
        Ok(Self { file: file.to_owned(), reader, limits, is_gzip, number: 0, buffer: Vec::new() })
    }

    /// The next line without its end; nothing at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        self.buffer.clear();
        self.number += 1;
        let most = self.limits.line_bytes as u64 + 1;
        let got = self.reader.by_ref().take(most).read_until(b'\n', &mut self.buffer);
        let got = got.map_err(|e| self.unreadable(e))?;
        if got == 0 {
            return Ok(None);
        }
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
            if self.buffer.last() == Some(&b'\r') {
                self.buffer.pop();
            }
        } else if got as u64 == most {
            return Err(self
                .error(format!("the line is longer than {} bytes", self.limits.line_bytes))
                .help("a table has a line a step, ended by a newline; is this a text file?"));
        }
        if self.number == 1 && self.buffer.starts_with(b"\xef\xbb\xbf") {
            self.buffer.drain(..3);
        }
        Ok(Some(&self.buffer))
    }

    /// The next line that is UTF-8.
    pub(crate) fn next_text(&mut self) -> Result<Option<&str>, Error> {
        if self.next()?.is_none() {
            return Ok(None);
        }
        match std::str::from_utf8(&self.buffer) {
            Ok(text) => Ok(Some(text)),
            Err(e) => {
                let before = String::from_utf8_lossy(&self.buffer[..e.valid_up_to()]).chars().count();
                Err(self.error("the text is not UTF-8 here").column(before + 1).help("save the file as UTF-8"))
            }
        }
    }

    /// Reads a compressed file to its end, so that one that is cut off or damaged is found even behind what is used.
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        while self.is_gzip {
            let got = self.reader.fill_buf().map(<[u8]>::len);
            match got.map_err(|e| self.unreadable(e))? {
                0 => break,
                n => self.reader.consume(n),
            }
        }
        Ok(())
    }

    /// The line last read, from 1.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// The text last read.
    pub(crate) fn last(&self) -> &[u8] {
        &self.buffer
    }

    /// An error at the line last read.
    pub(crate) fn error(&self, message: impl Into<String>) -> Error {
        Error::new(&self.file, message).line(self.number)
    }

    /// The file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    fn unreadable(&self, e: io::Error) -> Error {
        if !self.is_gzip {
            return Error::io(&self.file, "it cannot be read", e).line(self.number);
        }
        let (message, help) = match e.kind() {
            io::ErrorKind::UnexpectedEof => {
                ("the gzip file is cut off: it ends before its data does".into(), "copy it again; `gzip -t` checks it")
            }
            io::ErrorKind::FileTooLarge => (
                format!("the gzip file expands to more than {} bytes", self.limits.expanded_bytes),
                "if that is meant, raise the cap: `--memory-cap MIB`",
            ),
            _ => (format!("the gzip file is damaged: {e}"), "copy it again; `gzip -t` checks it"),
        };
        Error::new(&self.file, message).line(self.number).help(help).cause(e)
    }
}

/// Opens a file that is one: not a folder, a pipe or a device.
pub(crate) fn regular(file: &Path) -> Result<File, Error> {
    let meta = std::fs::metadata(file).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Error::new(file, "there is no such file").cause(e),
        _ => Error::io(file, "it cannot be read", e),
    })?;
    if !meta.is_file() {
        return Err(Error::new(file, "this is not a file"));
    }
    File::open(file).map_err(|e| Error::io(file, "it cannot be read", e))
}

/// A reader that stops with an error after so many bytes.
struct Capped<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(to)?;
        self.left = self.left.checked_sub(got as u64).ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(got)
    }
}
