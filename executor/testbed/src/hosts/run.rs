//! Runs a program until it ends or its time is up: a call to a hung daemon never ends by itself.

use std::io::{self, Read};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often something is looked at that is waited for.
const GLANCE: Duration = Duration::from_millis(5);

/// Runs a program without input and gathers what it prints.
///
/// # Errors
/// It cannot be run. It has not ended after `limit`, and was killed ([`io::ErrorKind::TimedOut`]).
pub(crate) fn run(command: &mut Command, limit: Duration) -> io::Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("{name} cannot be run: {error}")))?;
    let (stdout, stderr) = (gather(child.stdout.take()), gather(child.stderr.take()));
    let ended = wait_for(limit, || child.try_wait());
    if !matches!(ended, Ok(Some(_))) {
        child.kill()?;
        child.wait()?;
    }
    match ended? {
        Some(status) => Ok(Output { status, stdout: joined(stdout), stderr: joined(stderr) }),
        None => Err(io::Error::new(io::ErrorKind::TimedOut, format!("{name} has not ended after {} s and was killed", limit.as_secs()))),
    }
}

/// Asks again and again until there is an answer; `None` when the time is up.
///
/// # Errors
/// Those of `ask`.
pub(crate) fn wait_for<T>(limit: Duration, mut ask: impl FnMut() -> io::Result<Option<T>>) -> io::Result<Option<T>> {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask()? {
            return Ok(Some(answer));
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        thread::sleep(GLANCE);
    }
}

/// Reads a pipe to its end, beside us: a program whose pipe is full would not go on.
fn gather(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is still worth telling.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn joined(gathered: thread::JoinHandle<Vec<u8>>) -> Vec<u8> {
    gathered.join().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_prints_more_than_a_pipe_holds_ends() {
        let output = run(Command::new("head").args(["-c", "300000", "/dev/zero"]), Duration::from_secs(60)).expect("it ends");
        assert!(output.status.success());
        assert_eq!(output.stdout.len(), 300_000);
    }

    #[test]
    fn a_program_that_never_ends_is_killed_and_said_to_have_been() {
        let error = run(Command::new("sleep").arg("1000"), Duration::from_millis(50)).expect_err("it does not end");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().starts_with("sleep has not ended"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(&mut Command::new("no-such-program"), Duration::from_secs(1)).expect_err("it is not there");
        assert!(error.to_string().starts_with("no-such-program cannot be run"), "{error}");
    }
}
