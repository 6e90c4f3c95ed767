#!/usr/bin/env python3
"""The official client holds a whole session with a server of the Realtime API.

Usage: openai_client.py BASE_URL CLIP.wav EXPECTED_TRANSCRIPT [API_KEY] [INSTRUCTIONS]

CLIP is 8 kHz mono mu-law (WAV or raw); EXPECTED_TRANSCRIPT is what its translation reads. Every received event is a typed
model of the client, so a wrong shape shows up here. Prints `ok ...` for each step; exit code 0 if all went well.
"""

import base64
import struct
import sys

from openai import OpenAI

PROMPT = "You translate speech from English into Spanish. Say the translation and nothing else."


def mulaw(path):
    data = open(path, "rb").read()
    if data[:4] != b"RIFF":
        return data
    at = 12
    while at + 8 <= len(data):
        size = struct.unpack("<I", data[at + 4 : at + 8])[0]
        if data[at : at + 4] == b"data":
            return data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    sys.exit("no data chunk")


class Session:
    def __init__(self, conn):
        self.conn, self.seen = conn, []

    def until(self, kind, **fields):
        """The next event of this type whose fields are so; everything on the way is kept."""
        while True:
            event = self.conn.recv()
            self.seen.append(event)
            if event.type == "error" and kind != "error":
                sys.exit(f"error: {event.error}")
            if event.type == kind and all(getattr(event, k) == v for k, v in fields.items()):
                return event

    def transcript(self, response_id):
        parts = [e.delta for e in self.seen if e.type.endswith("audio_transcript.delta") and e.response_id == response_id]
        return "".join(parts)

    def audio(self, response_id):
        deltas = [e.delta for e in self.seen if e.type == "response.output_audio.delta" and e.response_id == response_id]
        return b"".join(map(base64.b64decode, deltas))


def check(what, condition, detail=""):
    if not condition:
        sys.exit(f"FAIL {what}: {detail}")
    print(f"ok {what}", detail)


def main(base_url, clip, expected, key="sk-sim", prompt=PROMPT):
    client = OpenAI(api_key=key, base_url=base_url)
    with client.realtime.connect(model="gpt-realtime-2.1") as conn:
        s = Session(conn)
        created = s.until("session.created")
        check("session.created", created.session.type == "realtime", created.session.model)
        turns = {"type": "server_vad", "silence_duration_ms": 400, "create_response": False, "interrupt_response": False}
        conn.session.update(session={
            "type": "realtime", "instructions": prompt, "output_modalities": ["audio"],
            "audio": {
                "input": {"format": {"type": "audio/pcmu"}, "turn_detection": turns,
                          "transcription": {"model": "gpt-transcribe"}},
                "output": {"format": {"type": "audio/pcmu"}, "voice": "marin"},
            },
        })
        updated = s.until("session.updated")
        check("session.updated", updated.session.audio.input.format.type == "audio/pcmu", updated.session.instructions)

        silence = b"\xff" * 8000
        audio = silence[:4000] + mulaw(clip) + silence
        for at in range(0, len(audio), 160):
            conn.input_audio_buffer.append(audio=base64.b64encode(audio[at : at + 160]).decode())
        started = s.until("input_audio_buffer.speech_started")
        s.until("input_audio_buffer.speech_stopped", item_id=started.item_id)
        item = s.until("input_audio_buffer.committed", item_id=started.item_id).item_id
        check("turn", True, f"{item} from {started.audio_start_ms} ms")

        conn.send({"type": "response.create", "event_id": "create_1", "response": {
            "conversation": "none", "metadata": {"purpose": "turn"}, "input": [{"type": "item_reference", "id": item}]}})
        done = s.until("response.done").response
        check("response.done", done.status == "completed" and done.conversation_id is None, done.metadata)
        check("transcript", s.transcript(done.id) == expected == done.output[0].content[0].transcript, expected)
        sound = s.audio(done.id)
        check("audio", len(sound) > 8000, f"{len(sound) / 8000:.2f} s, {done.usage.total_tokens} tokens")
        if not any(e.type.endswith("transcription.completed") for e in s.seen):
            s.until("conversation.item.input_audio_transcription.completed")
        heard = [e for e in s.seen if e.type.endswith("transcription.completed")][0]
        check("transcription", heard.item_id == item and heard.transcript, heard.transcript)

        conn.conversation.item.retrieve(item_id=item)
        got = s.until("conversation.item.retrieved").item
        check("retrieved", len(base64.b64decode(got.content[0].audio)) > len(mulaw(clip)))
        conn.conversation.item.delete(item_id=item)
        s.until("conversation.item.deleted", item_id=item)
        check("deleted", True, item)
        conn.conversation.item.retrieve(item_id=item, event_id="gone")
        error = s.until("error").error
        check("retrieving it again", error.event_id == "gone", error.code)

        conn.response.create(response={
            "conversation": "none", "instructions": "Read the text aloud in Spanish.", "metadata": {"purpose": "typed"},
            "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": heard.transcript}]}]})
        typed = s.until("response.done").response
        check("typed text", s.transcript(typed.id) == expected, typed.metadata)

        conn.conversation.item.create(item={
            "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Nobody has recorded this."}]})
        s.until("conversation.item.added")
        conn.response.create()
        conn.response.create(event_id="twice")
        error = s.until("error").error
        check("one response at a time", error.code == "conversation_already_has_active_response", error.event_id)
        s.until("response.output_audio.delta")
        conn.response.cancel()
        cancelled = s.until("response.done").response
        check("cancelled", cancelled.status_details.reason == "client_cancelled", cancelled.output[0].status)
        conn.conversation.item.truncate(item_id=cancelled.output[0].id, content_index=0, audio_end_ms=10)
        s.until("conversation.item.truncated")
        check("truncated", True)
        conn.session.update(session={"type": "realtime", "voice": "marin"}, event_id="beta")
        error = s.until("error").error
        check("strict", (error.code, error.param, error.event_id) == ("unknown_parameter", "session.voice", "beta"))
        print(f"ok all, {len(s.seen)} events")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
