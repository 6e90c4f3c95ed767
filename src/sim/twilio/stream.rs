//! One bidirectional media stream, from `<Connect><Stream>` to its end.
//!
//! Every 20 ms of an absolute clock: what the party says goes up as `media`, the next 160 bytes of what the app has sent are
//! played to the party, and marks that were reached go back. Writing never waits: a frame that the socket does not take is
//! thrown away and counted (31930). The stream ends when the app closes it, when the connection breaks, or with the call.

use std::{collections::VecDeque, time::Duration};

use futures_util::{FutureExt, SinkExt, StreamExt, future::poll_fn};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::{
    call::StreamEnd,
    callbacks::pair,
    document::Element,
    handshake::{self, HandshakeError, Socket},
    interpreter::Run,
    playback::{FRAME, Playback},
    sid::lock,
    sign::without_port,
    voice::FRAME_MS,
    wire::{self, FromApp, Writer},
};

/// The period of the stream's clock.
const PERIOD: Duration = Duration::from_millis(FRAME_MS);
/// How long the app may take to finish the closing handshake after `stop`.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// What a test may do to a running stream.
pub(super) enum Command {
    /// Cut the connection without `stop` and without a close frame.
    Cut,
    Dtmf(char),
    /// Stop reading from the socket, or go on.
    Stall(bool),
    /// Lose the media of this many frames on the way; the clock runs on.
    Lose(u64),
}

/// Opens the stream, runs it to its end and reports to its status callback.
pub(super) async fn run(run: &Run<'_>, element: &Element) {
    let call = run.call;
    let Some(url) = element.attribute("url").and_then(|url| run.resolve(url)) else {
        call.warn(31923, "a <Stream> without a usable URL");
        return;
    };
    if element
        .attribute("track")
        .is_some_and(|track| track != "inbound_track")
    {
        call.warn(31941, "a bidirectional stream has the inbound track only");
        return;
    }
    let url = match url.split_once('?') {
        Some((bare, _)) => {
            call.warn(31920, "the query of the stream's URL was dropped");
            bare.to_owned()
        }
        None => url,
    };
    // Scripts may keep a call from opening its stream until something else has happened.
    let mut gate = call.gate.subscribe();
    if run
        .end
        .run_until_cancelled(gate.wait_for(|open| *open))
        .await
        .is_none()
    {
        return;
    }
    let report = Report::new(run, element);
    let end = match open(run, &url).await {
        Ok(socket) => {
            call.note(|record| record.streams += 1);
            report.send(run, "stream-started", None);
            let mut session = Session::new(run, socket, &report.stream_sid);
            let (sender, commands) = unbounded_channel();
            *lock(&call.stream) = Some(sender);
            let end = session.run(element, commands).await;
            *lock(&call.stream) = None;
            report.send(run, "stream-stopped", None);
            end
        }
        Err(error) => {
            report.send(run, "stream-error", Some(&error.to_string()));
            match error {
                HandshakeError::Refused { status, .. } => {
                    call.warn(31920, format!("the handshake was answered {status}"));
                    StreamEnd::Refused(status)
                }
                HandshakeError::Unreachable(text) => {
                    call.warn(31902, text.clone());
                    StreamEnd::Unreachable(text)
                }
                HandshakeError::Url(text) => {
                    call.warn(31922, text.clone());
                    StreamEnd::Unreachable(text)
                }
            }
        }
    };
    call.note(|record| record.stream_ends.push(end));
}

async fn open(run: &Run<'_>, url: &str) -> Result<Socket, HandshakeError> {
    let faults = run.carrier.faults.state();
    let signing = faults.stream_signing.as_ref().unwrap_or(&faults.signing);
    let mut signed = if faults.sign_without_port {
        without_port(url)
    } else {
        url.to_owned()
    };
    if faults.stream_trailing_slash && !signed.ends_with('/') {
        signed.push('/');
    }
    let options = &run.carrier.options;
    let headers = signing.headers(&options.auth_token, &signed, &[]);
    handshake::open(url, &headers, options.stream_receive_buffer).await
}

/// The `<Stream statusCallback>`.
struct Report {
    stream_sid: String,
    name: String,
    url: Option<String>,
}

impl Report {
    fn new(run: &Run<'_>, element: &Element) -> Self {
        let stream_sid = run.carrier.mint.sid("MZ");
        let name = element.attribute("name").unwrap_or(&stream_sid).to_owned();
        let url = element
            .attribute("statusCallback")
            .and_then(|url| run.resolve(url));
        Self {
            stream_sid,
            name,
            url,
        }
    }

    fn send(&self, run: &Run<'_>, event: &str, error: Option<&str>) {
        let Some(url) = &self.url else { return };
        let mut params = vec![
            pair("AccountSid", &run.carrier.options.account_sid),
            pair("CallSid", &run.call.id.sid),
            pair("StreamSid", &self.stream_sid),
            pair("StreamName", &self.name),
            pair("StreamEvent", event),
            pair("Timestamp", &jiff::Timestamp::now().to_string()),
        ];
        params.extend(error.map(|text| pair("StreamError", text)));
        let webhook = run.carrier.webhook(url, params);
        run.call.stream_reports(run.carrier).post(webhook);
    }
}

/// A stream that is open.
struct Session<'a> {
    run: &'a Run<'a>,
    socket: Socket,
    writer: Writer,
    playback: Playback,
    /// Messages that must not be lost, in front of the audio.
    control: VecDeque<String>,
    /// The number of the stream's first frame on the call's timeline.
    base: u64,
    tick: u64,
    stalled: bool,
    lose: u64,
    warned: Vec<u32>,
}

impl<'a> Session<'a> {
    fn new(run: &'a Run<'a>, socket: Socket, stream_sid: &str) -> Self {
        let writer = Writer::new(
            &run.carrier.options.account_sid,
            &run.call.id.sid,
            stream_sid.to_owned(),
        );
        let since = run.call.voice.started().elapsed().as_millis() as u64;
        Self {
            run,
            socket,
            writer,
            playback: Playback::default(),
            control: VecDeque::new(),
            base: since.div_ceil(FRAME_MS),
            tick: 0,
            stalled: false,
            lose: 0,
            warned: Vec::new(),
        }
    }

    async fn run(&mut self, element: &Element, mut commands: UnboundedReceiver<Command>) -> StreamEnd {
        self.control.push_back(self.writer.connected());
        let silent = self.run.carrier.faults.state().no_start;
        if !silent {
            let start = self.writer.start(&parameters(element));
            self.control.push_back(start);
        }
        if let Err(error) = self.pump() {
            return self.lost(&error);
        }
        let mut clock: Interval = interval_at(Instant::now() + PERIOD, PERIOD);
        clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let end = self.run.end;
        loop {
            let stalled = self.stalled || self.run.carrier.faults.stalls_reading();
            let step = tokio::select! {
                () = end.cancelled() => return self.stop(silent).await,
                Some(command) = commands.recv() => match command {
                    Command::Cut => return StreamEnd::Cut,
                    other => {
                        self.obey(other);
                        Ok(())
                    }
                },
                _ = clock.tick() => {
                    self.frame(silent);
                    Ok(())
                }
                message = self.socket.next(), if !stalled => match message {
                    Some(Ok(Message::Close(frame))) => {
                        return self.closed(frame.map(|f| u16::from(f.code))).await;
                    }
                    Some(Ok(message)) => {
                        self.receive(message);
                        Ok(())
                    }
                    Some(Err(error)) => Err(error),
                    None => Err(WsError::ConnectionClosed),
                },
            };
            if let Err(error) = step.and_then(|()| self.pump()) {
                return self.lost(&error);
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Cut => {}
            Command::Dtmf(digit) => {
                let message = self.writer.dtmf(digit);
                self.control.push_back(message);
            }
            Command::Stall(on) => self.stalled = on,
            Command::Lose(frames) => self.lose = frames,
        }
    }

    /// One period of the clock.
    fn frame(&mut self, silent: bool) {
        self.tick += 1;
        let mut frame = [0; FRAME];
        let mut reached = Vec::new();
        let from_media = self.playback.frame(&mut frame, &mut reached);
        self.run
            .call
            .voice
            .hear(self.base + self.tick - 1, &frame, from_media);
        for name in reached {
            let message = self.writer.mark(&name);
            self.control.push_back(message);
        }
        if silent {
            return;
        }
        self.run.call.voice.take(&mut frame);
        let lost = self.lose > 0 || self.run.carrier.faults.drops_media();
        self.lose = self.lose.saturating_sub(1);
        if lost {
            return;
        }
        if self.control.len() > 1 || !self.ready() {
            self.warn(31930, "the app reads too slowly: audio was discarded");
            self.run.call.note(|record| record.discarded_frames += 1);
            return;
        }
        self.run.call.voice.note_sent(self.base + self.tick - 1, &frame);
        let message = self.writer.media(self.tick * FRAME_MS, &frame);
        self.control.push_back(message);
    }

    fn receive(&mut self, message: Message) {
        let checked = match message {
            Message::Text(text) => wire::check(&text, &self.writer.stream_sid).map_err(|text| (31951, text)),
            Message::Binary(_) => Err((31950, "a binary message".to_owned())),
            _ => return,
        };
        let echoes = match checked {
            Err((code, text)) => {
                self.warn(code, &text);
                self.run.call.note(|record| record.refused_messages += 1);
                return;
            }
            Ok(FromApp::Media(audio)) => {
                self.playback.media(audio);
                Vec::new()
            }
            Ok(FromApp::Mark(name)) => self.playback.mark(name).into_iter().collect(),
            Ok(FromApp::Clear) => self.playback.clear(),
        };
        self.run.call.note(|record| record.accepted_messages += 1);
        for name in echoes {
            let message = self.writer.mark(&name);
            self.control.push_back(message);
        }
    }

    /// The socket takes a message now.
    fn ready(&mut self) -> bool {
        matches!(
            poll_fn(|cx| self.socket.poll_ready_unpin(cx)).now_or_never(),
            Some(Ok(()))
        )
    }

    /// Writes as much as the socket takes, without waiting for it; the clock comes back every 20 ms.
    fn pump(&mut self) -> Result<(), WsError> {
        while !self.control.is_empty() {
            match poll_fn(|cx| self.socket.poll_ready_unpin(cx)).now_or_never() {
                Some(ready) => ready?,
                None => return Ok(()),
            }
            if let Some(message) = self.control.pop_front() {
                self.socket.start_send_unpin(Message::text(message))?;
            }
        }
        match poll_fn(|cx| self.socket.poll_flush_unpin(cx)).now_or_never() {
            Some(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn warn(&mut self, code: u32, text: &str) {
        // Twilio reports each of these once for a stream.
        if !self.warned.contains(&code) {
            self.warned.push(code);
            self.run.call.warn(code, text);
        }
    }

    fn lost(&mut self, error: &WsError) -> StreamEnd {
        self.warn(31924, &error.to_string());
        StreamEnd::Lost(error.to_string())
    }

    async fn closed(&mut self, code: Option<u16>) -> StreamEnd {
        // Reading on sends our half of the closing handshake.
        let drain = async { while let Some(Ok(_)) = self.socket.next().await {} };
        let _ = tokio::time::timeout(CLOSE_LIMIT, drain).await;
        StreamEnd::Closed(code)
    }

    async fn stop(&mut self, silent: bool) -> StreamEnd {
        let finish = async {
            if !silent {
                let stop = self.writer.stop();
                self.socket.send(Message::text(stop)).await?;
            }
            self.socket.close(None).await?;
            while let Some(message) = self.socket.next().await {
                message?;
            }
            Ok::<(), WsError>(())
        };
        // The call is over: nothing is left to do about an app that does not answer.
        let _ = tokio::time::timeout(CLOSE_LIMIT, finish).await;
        StreamEnd::Stopped
    }
}

fn parameters(element: &Element) -> Vec<(String, String)> {
    let parameters = element.children.iter().filter(|child| child.name == "Parameter");
    let value = |child: &Element, name| child.attribute(name).unwrap_or_default().to_owned();
    parameters
        .map(|child| (value(child, "name"), value(child, "value")))
        .collect()
}
