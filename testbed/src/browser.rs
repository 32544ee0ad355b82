//! A real headless Chromium, spoken to by its DevTools protocol.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

use crate::{http, spawn, wait, workdir};

/// How long the browser may take to start and to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What Debian and others call it.
const NAMES: [&str; 2] = ["chromium", "chromium-browser"];

/// One page. Dropped, its browser is killed.
pub struct Browser {
    process: Child,
    folder: PathBuf,
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    sent: u64,
    events: Vec<Value>,
}

impl Browser {
    /// Starts one with a window of this size; `None` where no Chromium is installed.
    pub fn start(name: &str, size: (u32, u32)) -> Option<Self> {
        let folder = workdir::new_folder(name);
        let process = NAMES.iter().find_map(|binary| {
            let mut command = Command::new(binary);
            command
                .args([
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--no-first-run",
                ])
                .args([
                    "--disable-dev-shm-usage",
                    "--hide-scrollbars",
                    "--remote-debugging-port=0",
                ])
                .arg(format!("--user-data-dir={}", folder.display()))
                .arg(format!("--window-size={},{}", size.0, size.1))
                .arg("about:blank")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            spawn::spawn(command).ok()
        })?;
        let address = wait::until("the browser listens", PATIENCE, || {
            let port = fs::read_to_string(folder.join("DevToolsActivePort"));
            let port = port.map_err(|e| e.to_string())?;
            Ok::<_, String>(format!(
                "127.0.0.1:{}",
                port.lines().next().unwrap_or_default()
            ))
        });
        let url = wait::until("the browser has a page", PATIENCE, || {
            let (_, pages) = http::request("GET", &address, "/json/list")?;
            let pages: Value = serde_json::from_str(&pages).map_err(|e| e.to_string())?;
            let pages = pages.as_array().ok_or("no list of pages")?;
            let page = pages.iter().find(|p| p["type"] == "page");
            let url = page.and_then(|p| p["webSocketDebuggerUrl"].as_str());
            Ok::<_, String>(url.ok_or("no page yet")?.to_owned())
        });
        let (socket, _) = tungstenite::connect(url).expect("the browser takes a connection");
        let mut browser = Self {
            process,
            folder,
            socket,
            sent: 0,
            events: Vec::new(),
        };
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.resize(size);
        Some(browser)
    }

    /// Gives the page another size; a narrow one is a phone's.
    pub fn resize(&mut self, (width, height): (u32, u32)) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Runs a script in every page that is opened from now on, before the page's own.
    pub fn before_load(&mut self, script: &str) {
        let asked = json!({ "source": script });
        self.call("Page.addScriptToEvaluateOnNewDocument", asked);
    }

    /// Seconds of processor that the page's thread has worked so far.
    pub fn worked_seconds(&mut self) -> f64 {
        // Not of the clock: others may have had the processor in the middle of a task.
        self.call("Performance.enable", json!({ "timeDomain": "threadTicks" }));
        let answer = self.call("Performance.getMetrics", json!({}));
        let metrics = answer["metrics"].as_array().into_iter().flatten();
        let mut task = metrics.filter(|m| m["name"] == "TaskDuration");
        let seconds = task.next().and_then(|m| m["value"].as_f64());
        seconds.expect("the browser measures its tasks")
    }

    /// Opens an address.
    pub fn open(&mut self, url: &str) {
        self.call("Page.navigate", json!({ "url": url }));
    }

    /// The value of an expression, waited for where it is a promise.
    pub fn value(&mut self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", asked);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub fn until(&mut self, expression: &str, limit: Duration) {
        wait::until(expression, limit, || {
            match self.value(&format!("!!({expression})")) {
                Value::Bool(true) => Ok(()),
                _ => Err(self
                    .value("document.body.innerText.slice(0, 600)")
                    .to_string()),
            }
        });
    }

    /// Presses a key that has no text, such as Enter or Tab.
    pub fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            "Escape" => (27, ""),
            other => panic!("no key {other}"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Writes what the page looks like, as PNG; the whole page, also what is below the window.
    pub fn picture(&mut self, file: &Path) {
        let asked = json!({ "format": "png", "captureBeyondViewport": true });
        let answer = self.call("Page.captureScreenshot", asked);
        let data = answer["data"].as_str().expect("a picture has data");
        fs::write(file, base64(data)).expect("the picture can be written");
    }

    /// Every address that was asked for.
    pub fn requests(&mut self) -> Vec<String> {
        let of = |e: &Value| Some(e["params"]["request"]["url"].as_str()?.to_owned());
        self.value("0");
        let sent = self
            .events
            .iter()
            .filter(|e| e["method"] == "Network.requestWillBeSent");
        sent.filter_map(of).collect()
    }

    /// What the console has to complain of: errors, exceptions, warnings of the browser.
    pub fn complaints(&mut self) -> Vec<String> {
        self.value("0");
        let is_complaint = |e: &&Value| match e["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => e["params"]["type"] == "error",
            Some("Log.entryAdded") => e["params"]["entry"]["level"] == "error",
            _ => false,
        };
        self.events
            .iter()
            .filter(is_complaint)
            .map(Value::to_string)
            .collect()
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let message = json!({ "id": self.sent, "method": method, "params": parameters });
        let sent = self.socket.send(Message::text(message.to_string()));
        sent.expect("the browser listens");
        loop {
            let message = self.socket.read().expect("the browser answers");
            let Message::Text(text) = message else {
                continue;
            };
            let mut answer: Value = serde_json::from_str(&text).expect("the browser speaks JSON");
            if answer["id"] == self.sent {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        spawn::signal(&self.process, spawn::Signal::Kill);
        self.process.wait().ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// Reads what the protocol writes pictures in.
fn base64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|c| *c != b'=').map(value).collect();
    let bytes = digits.chunks(4).flat_map(|four| {
        let bits = four
            .iter()
            .enumerate()
            .fold(0_u32, |bits, (i, d)| bits | u32::from(*d) << (18 - 6 * i));
        bits.to_be_bytes()[1..four.len()].to_vec()
    });
    bytes.collect()
}
