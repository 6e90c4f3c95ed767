#!/bin/sh
# Speaks the phrase book (phrases.tsv) into 8 kHz mono mu-law WAV files, one for each phrase and language.
# Needs espeak-ng and sox. The caller and the agent have different voices, so the ear can tell them apart.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { # say <id> <role> <language code> <espeak voice> <text>
    case $2 in caller) variant=f3 ;; *) variant=m3 ;; esac
    # 165 words a minute is an unhurried telephone voice; Mandarin and Hindi come out slow at that pace.
    # The voice is "cmn-latn-pinyin" because plain "cmn" of espeak-ng 1.51 reads the pinyin of a character as English.
    case $3 in zh) pace=200 ;; hi) pace=175 ;; *) pace=165 ;; esac
    espeak-ng -v "$4+$variant" -s "$pace" -w "$work/raw.wav" "$5"
    # Silence at the ends goes; a pause inside keeps 120 ms, so that no voice detection ends a turn within a clip.
    # Without dither the same text gives the same file each time.
    sox -D "$work/raw.wav" -r 8000 -c 1 -b 16 "$work/narrow.wav" gain -6 highpass 150 lowpass 3600 \
        silence -l 1 0.02 0.6% -1 0.12 0.6% reverse silence 1 0.02 0.6% reverse norm -4
    sox -D "$work/narrow.wav" -e mu-law "$3-$1.wav"
}

tab=$(printf '\t')
while IFS=$tab read -r id role en es fr zh hi; do
    say "$id" "$role" en en-us "$en"
    say "$id" "$role" es es-419 "$es"
    say "$id" "$role" fr fr-fr "$fr"
    say "$id" "$role" zh cmn-latn-pinyin "$zh"
    say "$id" "$role" hi hi "$hi"
done <phrases.tsv
