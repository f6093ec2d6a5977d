//! The page in a real browser: nothing is reported on its console, nothing is fetched, and every chart has a size.
//!
//! Skipped where Debian's `chromium` is not installed; where the environment has `CI`, that is a failure.

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::requests::hour;
use common::{USUAL, refused, sample, small};

fn chromium() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success()))
}

/// Runs the browser on a file and gives what it wrote: output, messages.
fn open(browser: &str, folder: &Path, file: &Path, more: &[&str]) -> (String, String) {
    let (out, err) = (folder.join("stdout"), folder.join("stderr"));
    let file_of = |p: &Path| Stdio::from(std::fs::File::create(p).unwrap());
    let mut child = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--enable-logging=stderr",
            "--v=0",
        ])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args(more)
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .stdout(file_of(&out))
        .stderr(file_of(&err))
        .spawn()
        .expect("the browser starts");
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > Duration::from_secs(90) {
            child.kill().ok();
            child.wait().ok();
            panic!("the browser did not end within 90 s: {}", std::fs::read_to_string(&err).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let read = |p: &Path| String::from_utf8_lossy(&std::fs::read(p).unwrap()).into_owned();
    let (out, err) = (read(&out), read(&err));
    assert!(status.success(), "{status}: {err}");
    (out, err)
}

/// Added to the page for the test only: tells the page around it what it measures.
const PROBE: &str = "<script>addEventListener('load',()=>{\
const seen=[...document.querySelectorAll('svg')].filter(s=>getComputedStyle(s).display!='none');\
const empty=seen.filter(s=>{const b=s.getBBox();return !(b.width>100&&b.height>20)});\
const out=seen.flatMap(s=>{const v=s.viewBox.baseVal;return [...s.querySelectorAll('text')].filter(t=>{const b=t.getBBox();\
return b.x<-1||b.y<-1||b.x+b.width>v.width+1||b.y+b.height>v.height+1})});\
const hidden=document.querySelectorAll('svg').length-seen.length;\
const black=seen.flatMap(s=>[...s.querySelectorAll('[class]')]).filter(e=>{const c=getComputedStyle(e);\
return e.tagName=='polyline'?c.stroke=='none'||c.fill!='none':c.fill=='rgb(0, 0, 0)'});\
parent.postMessage(`seen=${seen.length} hidden=${hidden} empty=${empty.length} clipped=${out.length} unstyled=${black.length} \
wide=${document.documentElement.scrollWidth-document.documentElement.clientWidth} fetched=${performance.getEntriesByType('resource').length} \
paper=${getComputedStyle(document.body).backgroundColor.replaceAll(' ','')}`,'*')});</script>";

/// A window of any width: the browser's own is never as narrow as a phone.
fn window(file: &Path, width: u32) -> String {
    format!(
        "<!doctype html><meta name=\"color-scheme\" content=\"light dark\"><title></title><link rel=\"icon\" href=\"data:,\">\
         <script>onmessage=e=>{{document.title=e.data}}</script><iframe width=\"{width}\" height=\"900\" src=\"file://{}\"></iframe>",
        file.display()
    )
}

fn title(dom: &str) -> &str {
    dom.split_once("<title>").and_then(|x| x.1.split_once("</title>")).expect("a title").0
}

#[test]
fn the_page_opens_in_chromium_without_a_word_on_the_console() {
    let Some(browser) = chromium() else {
        assert!(std::env::var_os("CI").is_none(), "chromium is not installed, and CI asks for it");
        println!("skipped: no chromium");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (run, plan) = sample(USUAL);
    let mut played = run.clone();
    played.requests = vec![hour("plan")];
    // Charts that are seen: kVA, kW, two heat maps and two feeds; kVA, kW and two heat maps stand in the other width too.
    let cases = [
        ("usual", reports::page(&run, Some(&plan)).unwrap(), (6, 4)),
        ("refused", reports::page(&refused(), None).unwrap(), (6, 4)),
        ("small", reports::page(&small(), None).unwrap(), (4, 4)),
        // Of the five cases: changes four times, arrivals three times and power five times in two widths; 5, 2 and 8 small ones.
        ("played", reports::page(&played, Some(&plan)).unwrap(), (6 + 12 + 15, 4 + 12)),
    ];
    for (name, page, (seen, hidden)) in cases {
        let file = folder.path().join(format!("{name}.html"));
        std::fs::write(&file, &page).unwrap();
        let (dom, messages) = open(browser, folder.path(), &file, &["--window-size=1200,900", "--dump-dom"]);
        assert!(!messages.contains("CONSOLE"), "{name}: {messages}");
        assert_eq!(dom.matches("<svg").count(), seen + hidden, "{name}");
        assert!(!dom.contains("<parsererror"), "{name}");
        assert_eq!(dom.contains("<section id=\"requests\""), name == "played");

        std::fs::write(&file, page.replacen("</head>", &format!("{PROBE}</head>"), 1)).unwrap();
        for (width, dark) in [(1200, false), (1200, true), (360, false), (360, true)] {
            let around = folder.path().join("window.html");
            std::fs::write(&around, window(&file, width)).unwrap();
            let mut more = vec!["--virtual-time-budget=3000", "--dump-dom"];
            if dark {
                more.push("--blink-settings=preferredColorScheme=0");
            }
            let (dom, messages) = open(browser, folder.path(), &around, &more);
            assert!(!messages.contains("CONSOLE"), "{name} at {width}: {messages}");
            let paper = if dark { "rgb(20,23,27)" } else { "rgb(255,255,255)" };
            let expected = format!("seen={seen} hidden={hidden} empty=0 clipped=0 unstyled=0 wide=0 fetched=0 paper={paper}");
            assert_eq!(title(&dom), expected, "{name} at {width}");
        }
    }
}
