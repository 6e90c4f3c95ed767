use super::*;
use crate::call::event::Totals;
use crate::call::outcome::Reason;

const ONE: SocketId = SocketId(1);
const OTHER: SocketId = SocketId(2);

fn tapped() -> (Tap, mpsc::Receiver<Arc<Batch>>) {
    let mut tap = Tap::default();
    let (sender, batches) = mpsc::channel(4);
    tap.listen(sender);
    (tap, batches)
}

fn begin(tap: &mut Tap) {
    tap.note(&Event::Conversation, || None);
}

fn end(tap: &mut Tap) {
    let ended = Event::Ended {
        outcome: Reason::CallerHungUp.outcome(),
        totals: Totals::default(),
    };
    tap.note(&ended, || None);
}

/// Everything that came, as what it was and its length.
fn came(batches: &mut mpsc::Receiver<Arc<Batch>>) -> Vec<(What, usize)> {
    let mut all = Vec::new();
    while let Ok(batch) = batches.try_recv() {
        all.extend(batch.pieces().map(|(_, what, mulaw)| (what, mulaw.len())));
    }
    all
}

#[test]
fn nothing_passes_before_the_conversation_or_after_it() {
    let (mut tap, mut batches) = tapped();
    tap.said(Some(Side::Caller), &[1; 160]);
    tap.given(Some(Side::Caller), ONE, &[1; 160]);
    begin(&mut tap);
    tap.said(Some(Side::Agent), &[2; 160]);
    tap.said(None, &[3; 160]);
    end(&mut tap);
    tap.said(Some(Side::Agent), &[4; 160]);
    assert_eq!(came(&mut batches), [(What::Said(Side::Agent), 160)]);
    assert!(batches.is_closed());
    let (late, _batches) = mpsc::channel(1);
    tap.listen(late.clone());
    assert_eq!(late.strong_count(), 1, "nobody listens to what is over");
}

#[test]
fn another_stream_a_lost_one_and_a_party_who_left_play_no_more_of_what_was_sent() {
    let (mut tap, mut batches) = tapped();
    begin(&mut tap);
    let (caller, agent) = (Side::Caller, Side::Agent);
    tap.given(Some(caller), ONE, &[1; 800]);
    tap.given(Some(caller), OTHER, &[1; 160]);
    tap.given(Some(caller), OTHER, &[1; 160]);
    tap.note(&Event::LegLost { side: agent }, || None);
    tap.note(&Event::Draining { speaker: caller }, || None);
    end(&mut tap);
    let expected = [
        (What::Given(caller), 800),
        (What::Cleared(caller), 0),
        (What::Given(caller), 160),
        (What::Given(caller), 160),
        (What::Cleared(agent), 0),
        (What::Cleared(caller), 0),
    ];
    assert_eq!(came(&mut batches), expected);
}

#[test]
fn a_slow_listener_loses_audio_and_the_others_do_not() {
    let (mut tap, mut slow) = tapped();
    let (sender, mut quick) = mpsc::channel(100);
    tap.listen(sender);
    begin(&mut tap);
    for _ in 0..10 {
        tap.given(Some(Side::Agent), ONE, &[1; BATCH_MAX + 1]);
    }
    end(&mut tap);
    assert_eq!(came(&mut quick).len(), 10);
    assert_eq!(came(&mut slow).len(), 4);
}

#[test]
fn without_an_outlet_nothing_is_collected() {
    let mut tap = Tap::default();
    begin(&mut tap);
    assert!(tap.batch.is_none());
    let (sender, batches) = mpsc::channel(4);
    tap.listen(sender);
    assert!(tap.batch.is_some());
    drop(batches);
    tap.given(Some(Side::Agent), ONE, &[1; BATCH_MAX + 1]);
    assert!(tap.batch.is_none(), "the last has left");
}

#[test]
fn what_is_said_while_nobody_has_the_call_is_not_copied() {
    let (mut tap, mut batches) = tapped();
    let (caller, agent) = (Side::Caller, Side::Agent);
    let mut recordings = 0;
    let mut note = |tap: &mut Tap, event: &Event| {
        tap.note(event, || {
            recordings += 1;
            None
        });
    };
    note(&mut tap, &Event::Conversation);
    tap.said(Some(caller), &[1; 160]);
    note(&mut tap, &Event::OfferedAgain { why: "lost" });
    tap.said(Some(caller), &[2; 160]);
    tap.given(Some(caller), ONE, &[3; 160]);
    note(&mut tap, &Event::Conversation);
    tap.said(Some(agent), &[4; 160]);
    assert_eq!(recordings, 1, "a call has one recording");
    end(&mut tap);
    let expected = [
        (What::Said(caller), 160),
        (What::Cleared(agent), 0),
        (What::Given(caller), 160),
        (What::Said(agent), 160),
    ];
    assert_eq!(came(&mut batches), expected);
}
