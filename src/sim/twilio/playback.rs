//! What the app has sent to a stream and the party has not heard yet.
//!
//! Audio and marks are queued in order. Every 20 ms [`Playback::frame`] takes 160 bytes; a mark comes back when all audio
//! before it has been played, at once if nothing is queued, and every mark comes back at once on a clear.

use std::collections::VecDeque;

/// Bytes of mu-law in 20 ms.
pub const FRAME: usize = 160;
/// The mu-law code of silence.
pub const SILENCE: u8 = 0xFF;

enum Item {
    Audio(Vec<u8>, usize),
    Mark(String),
}

/// The queue of one stream.
#[derive(Default)]
pub struct Playback {
    items: VecDeque<Item>,
    /// Bytes that wait to be played.
    queued: usize,
    /// The frame that is being played carries media.
    playing: bool,
}

impl Playback {
    /// Appends audio of any length.
    pub fn media(&mut self, audio: Vec<u8>) {
        if !audio.is_empty() {
            self.queued += audio.len();
            self.items.push_back(Item::Audio(audio, 0));
        }
    }

    /// Appends a mark; returns it if nothing is being played, so that it is echoed at once.
    pub fn mark(&mut self, name: String) -> Option<String> {
        if self.items.is_empty() && !self.playing {
            return Some(name);
        }
        self.items.push_back(Item::Mark(name));
        None
    }

    /// Drops all audio and returns every mark in order.
    pub fn clear(&mut self) -> Vec<String> {
        self.queued = 0;
        self.playing = false;
        let marks = self.items.drain(..).filter_map(|item| match item {
            Item::Mark(name) => Some(name),
            Item::Audio(..) => None,
        });
        marks.collect()
    }

    /// Ends the frame that was being played and starts the next one: fills `frame` (silence where nothing is queued),
    /// adds the marks that have been reached by now, returns how many bytes are media.
    pub fn frame(&mut self, frame: &mut [u8; FRAME], reached: &mut Vec<String>) -> usize {
        frame.fill(SILENCE);
        while let Some(Item::Mark(_)) = self.items.front() {
            if let Some(Item::Mark(name)) = self.items.pop_front() {
                reached.push(name);
            }
        }
        let mut filled = 0;
        let mut passed = Vec::new();
        while filled < FRAME {
            match self.items.front_mut() {
                None => break,
                Some(Item::Mark(_)) => {
                    // Reached inside this frame: it comes back when the frame has been played.
                    passed.extend(self.items.pop_front());
                }
                Some(Item::Audio(audio, at)) => {
                    let take = (audio.len() - *at).min(FRAME - filled);
                    frame[filled..filled + take].copy_from_slice(&audio[*at..*at + take]);
                    filled += take;
                    *at += take;
                    if *at == audio.len() {
                        self.items.pop_front();
                    }
                }
            }
        }
        for mark in passed.into_iter().rev() {
            self.items.push_front(mark);
        }
        self.queued -= filled;
        self.playing = filled > 0;
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(playback: &mut Playback) -> (usize, Vec<String>) {
        let mut reached = Vec::new();
        let filled = playback.frame(&mut [0; FRAME], &mut reached);
        (filled, reached)
    }

    #[test]
    fn a_mark_comes_back_when_the_audio_before_it_has_been_played() {
        let mut playback = Playback::default();
        assert_eq!(playback.mark("idle".to_owned()), Some("idle".to_owned()));
        playback.media(vec![1; 200]);
        assert_eq!(playback.mark("a".to_owned()), None);
        playback.media(vec![2; 40]);
        assert_eq!(playback.mark("b".to_owned()), None);
        assert_eq!(step(&mut playback), (160, vec![]));
        assert_eq!(step(&mut playback), (80, vec![]));
        assert_eq!(
            playback.mark("late".to_owned()),
            None,
            "the last frame is still playing"
        );
        assert_eq!(
            step(&mut playback),
            (0, vec!["a".to_owned(), "b".to_owned(), "late".to_owned()])
        );
        assert_eq!(playback.mark("after".to_owned()), Some("after".to_owned()));
    }

    #[test]
    fn a_clear_returns_every_mark_and_drops_the_audio() {
        let mut playback = Playback::default();
        playback.media(vec![1; 1000]);
        playback.mark("a".to_owned());
        playback.media(vec![1; 1000]);
        playback.mark("b".to_owned());
        step(&mut playback);
        assert_eq!(playback.clear(), ["a", "b"]);
        assert_eq!(playback.queued, 0);
        assert_eq!(step(&mut playback), (0, vec![]));
    }
}
