#!/usr/bin/env python3
"""The official client holds a whole session with a server of the translation endpoint of the Realtime API.

Usage: openai_translation_client.py BASE_URL CLIP.wav LANGUAGE EXPECTED_TRANSCRIPT [API_KEY]

CLIP is 8 kHz mono mu-law (WAV or raw), LANGUAGE the target (`en`), EXPECTED_TRANSCRIPT what the translation reads. Audio is
sent in real time, in engine frames of 200 ms. Every received event is a typed model of the client, so a wrong shape shows up
here. Prints `ok ...` for each step; exit code 0 if all went well.
"""

import base64
import struct
import sys
import time

from openai import OpenAI
from openai.types import realtime as rt
from openai_client import check, mulaw

RATE = 24000
FRAME = RATE // 5 * 2
IDLE = 64


def linear(byte):
    bits = ~byte & 0xFF
    magnitude = ((((bits & 15) << 3) + 0x84) << ((bits >> 4) & 7)) - 0x84
    return -magnitude if bits & 0x80 else magnitude


def wide(sound):
    """24 kHz samples, linearly interpolated: good enough for a server that listens for telephone speech."""
    samples = [linear(byte) for byte in sound] + [0]
    pairs = zip(samples, samples[1:])
    return b"".join(struct.pack("<h", a + (b - a) * third // 3) for a, b in pairs for third in range(3))


class Session:
    def __init__(self, conn):
        self.conn, self.seen = conn, []

    def next(self):
        event = self.conn.recv()
        self.seen.append(event)
        return event

    def until(self, kind):
        while True:
            event = self.next()
            if event.type == kind:
                return event
            if event.type == "error":
                sys.exit(f"error: {event.error}")

    def words(self, kind):
        return "".join(event.delta for event in self.seen if event.type == f"session.{kind}_transcript.delta")

    def sounds(self):
        return [base64.b64decode(event.delta) for event in self.seen if event.type == "session.output_audio.delta"]


def peak(pcm):
    return max(map(abs, struct.unpack(f"<{len(pcm) // 2}h", pcm)), default=0)


def main(base_url, clip, language, expected, key="sk-sim"):
    client = OpenAI(api_key=key, base_url=base_url)
    with client.realtime.translations.connect(model="gpt-realtime-translate") as conn:
        s = Session(conn)
        created = s.until("session.created")
        check("session.created", created.session.audio.output.language == "es", created.session.id)
        conn.session.update(session={"audio": {
            "input": {"transcription": {"model": "gpt-realtime-whisper"}, "noise_reduction": {"type": "near_field"}},
            "output": {"language": language}}})
        updated = s.until("session.updated").session
        check("session.updated", updated.audio.output.language == language, updated.audio.input.noise_reduction.type)

        for field in ({"type": "translation"}, {"audio": {"output": {"voice": "marin"}}}):
            conn.send({"type": "session.update", "event_id": "strict", "session": field})
            error = s.next().error
            check("strict", (error.code, error.event_id) == ("unknown_parameter", "strict"), error.param)
        conn.send({"type": "session.update", "session": {"audio": {"output": {"language": "zho"}}}})
        check("language", s.next().error.code == "invalid_value")
        conn.send({"type": "session.input_audio_buffer.append", "audio": "AAAA"})
        check("odd bytes", s.next().error.type == "invalid_request_error")

        spoken = wide(mulaw(clip))
        audio = bytes(RATE) + spoken + bytes(2 * RATE)
        begin = time.monotonic()
        for at in range(0, len(audio) - FRAME, FRAME):
            conn.session.input_audio_buffer.append(audio=base64.b64encode(audio[at : at + FRAME]).decode())
            # The model's clock is the audio; this one only keeps the pace.
            time.sleep(max(0.0, begin + at / RATE / 2 - time.monotonic()))
        while not s.words("output") or not any(peak(pcm) > IDLE for pcm in s.sounds()):
            s.next()
        check("speaking before the close", True, repr(s.words("output")))
        before = len(s.seen)
        conn.session.close()
        closing = time.monotonic()
        s.until("session.closed")
        check("session.closed", True, f"{len(s.seen) - before} events in {time.monotonic() - closing:.2f} s")

        check("transcript", s.words("output").strip() == expected, expected)
        check("source", s.words("input").startswith(" "), repr(s.words("input")))
        sounds = s.sounds()
        check("whole samples", all(len(pcm) % 2 == 0 for pcm in sounds))
        loud = [pcm for pcm in sounds if peak(pcm) > IDLE]
        check("audio", 0.5 < sum(map(len, loud)) / 2 / RATE < 6, f"{len(loud)} of {len(sounds)} deltas are speech")
        given = [event.elapsed_ms for event in s.seen if getattr(event, "elapsed_ms", None) is not None]
        check("elapsed_ms", given == sorted(given) and all(ms % 200 == 0 for ms in given), f"{len(given)} given")
        check("typed", all(isinstance(event, typed(event)) for event in s.seen))
        print(f"ok all, {len(s.seen)} events")


def typed(event):
    """The model that the package exports for this type of event."""
    return {
        "session.created": rt.RealtimeTranslationSessionCreatedEvent,
        "session.updated": rt.RealtimeTranslationSessionUpdatedEvent,
        "session.closed": rt.RealtimeTranslationSessionClosedEvent,
        "session.input_transcript.delta": rt.RealtimeTranslationInputTranscriptDeltaEvent,
        "session.output_transcript.delta": rt.RealtimeTranslationOutputTranscriptDeltaEvent,
        "session.output_audio.delta": rt.RealtimeTranslationOutputAudioDeltaEvent,
        "error": rt.RealtimeErrorEvent,
    }[event.type]


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
