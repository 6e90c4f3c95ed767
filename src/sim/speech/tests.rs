use super::*;

fn every_clip() -> impl Iterator<Item = (usize, Tongue)> {
    (0..phrases()).flat_map(|id| Tongue::all().map(|tongue| (id, tongue)))
}

fn heard(mulaw: &[u8]) -> Option<(usize, Tongue)> {
    recognise(mulaw).map(|r| (r.id, r.tongue))
}

fn changed(mulaw: &[u8], mut change: impl FnMut(usize, f32) -> f32) -> Vec<u8> {
    let samples = mulaw.iter().map(|&byte| f32::from(decode(byte)));
    samples
        .enumerate()
        .map(|(at, sample)| encode(change(at, sample) as i16))
        .collect()
}

/// White noise from a linear congruential generator, -1 to 1.
fn noise() -> impl FnMut() -> f32 {
    let mut state = 12_345_u32;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    }
}

#[test]
fn every_byte_of_mu_law_survives_decoding_and_encoding() {
    for byte in 0..=255_u8 {
        // 0x7F is minus zero, which has no sample of its own.
        let same = if byte == 0x7F { 0xFF } else { byte };
        assert_eq!(encode(decode(byte)), same);
    }
    assert_eq!((decode(0x00), decode(0x80)), (-32_124, 32_124));
}

#[test]
fn every_phrase_has_a_text_and_a_clip_of_usable_length_without_a_long_pause() {
    for (id, tongue) in every_clip() {
        assert!(text(id, tongue).len() > 10, "{id} {tongue:?}");
        let seconds = clip(id, tongue).len() as f32 / RATE as f32;
        assert!((1.2..=3.5).contains(&seconds), "{id} {tongue:?} {seconds} s");
        assert_eq!(stretches(clip(id, tongue)).len(), 1, "{id} {tongue:?}");
        assert_eq!(find(text(id, tongue)), Some((id, tongue)));
    }
    assert_eq!(
        find("hello WHEN will my order arrive"),
        find(text(1, Tongue::English))
    );
    assert_eq!(find("something else"), None);
}

#[test]
fn every_clip_is_recognised_as_itself() {
    for (id, tongue) in every_clip() {
        let found = recognise(clip(id, tongue)).expect("a clip");
        assert_eq!((found.id, found.tongue), (id, tongue));
        assert!(found.score > 0.9, "{found:?}");
    }
}

#[test]
fn noise_attenuation_filtering_silence_and_a_cut_do_not_hide_a_clip() {
    for (id, tongue) in every_clip() {
        let mut noise = noise();
        let noisy = changed(clip(id, tongue), |_, s| s * 0.7 + 300.0 * noise());
        assert_eq!(heard(&noisy), Some((id, tongue)), "noise");
        let quiet = changed(clip(id, tongue), |_, s| s * 0.12);
        assert_eq!(heard(&quiet), Some((id, tongue)), "quiet");
        let mut last = 0.0;
        let dull = changed(clip(id, tongue), |_, s| {
            last += 0.5 * (s - last);
            last
        });
        assert_eq!(heard(&dull), Some((id, tongue)), "filtered");
        let whole = clip(id, tongue);
        let cut = &whole[700..whole.len() - 700];
        let mut between = vec![SILENCE; 6_011];
        between.extend(cut);
        between.extend([SILENCE; 9_000]);
        assert_eq!(heard(&between), Some((id, tongue)), "cut");
    }
}

#[test]
fn a_recording_that_runs_a_little_fast_or_slow_is_still_recognised() {
    for (id, tongue) in every_clip() {
        let whole = clip(id, tongue);
        for pace in [0.985, 1.015] {
            let length = (whole.len() as f32 / pace) as usize;
            let warped: Vec<u8> = (0..length)
                .map(|at| whole[((at as f32 * pace) as usize).min(whole.len() - 1)])
                .collect();
            assert_eq!(heard(&warped), Some((id, tongue)), "{pace}");
        }
    }
}

#[test]
fn silence_tones_and_noise_are_nothing() {
    let mut noise = noise();
    let hiss: Vec<u8> = (0..16_000).map(|_| encode((6_000.0 * noise()) as i16)).collect();
    for foreign in [
        vec![],
        vec![SILENCE; 16_000],
        chirp("a text that nobody has recorded"),
        hiss,
    ] {
        assert_eq!(heard(&foreign), None);
        assert_eq!(recognise_all(&foreign), []);
    }
    let tone: Vec<u8> = (0..20_000)
        .map(|at| encode((9_000.0 * (at as f32 * 0.35).sin()) as i16))
        .collect();
    assert_eq!(heard(&tone), None);
}

#[test]
fn a_clip_played_backwards_is_foreign_speech() {
    for (id, tongue) in every_clip() {
        let backwards: Vec<u8> = clip(id, tongue).iter().rev().copied().collect();
        assert_eq!(heard(&backwards), None, "{id} {tongue:?}");
    }
}

#[test]
fn clips_in_a_row_are_told_apart_in_their_order() {
    let both = |first: (usize, Tongue), second: (usize, Tongue)| {
        let mut row = clip(first.0, first.1).to_vec();
        row.extend([SILENCE; 2_400]);
        row.extend(clip(second.0, second.1));
        let found = recognise_all(&row);
        found.iter().map(|r| (r.id, r.tongue)).collect::<Vec<_>>()
    };
    let (question, answer) = ((1, Tongue::Spanish), (2, Tongue::English));
    assert_eq!(both(question, answer), [question, answer]);
    assert_eq!(both(answer, question), [answer, question]);
}

#[test]
fn languages_are_found_by_code_tag_and_name() {
    assert_eq!(Tongue::parse("es-MX"), Some(Tongue::Spanish));
    assert_eq!(Tongue::parse("Chinese"), Some(Tongue::Mandarin));
    assert_eq!(Tongue::parse("HINDI"), Some(Tongue::Hindi));
    assert_eq!(Tongue::parse("klingon"), None);
}
