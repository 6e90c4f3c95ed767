#!/usr/bin/env python3
"""Checks recorded events of OpenAI's Realtime API against the types of the official `openai` package.

Usage: openai_events.py [client:|server:|translation-client:|translation-server:]FILE.jsonl ...
(one event per line; without a prefix the file name says the side, of the prompted endpoint)

The types accept unknown keys, so these are looked for separately. Appends are counted, but only the first is validated.
Exit code 0: every event is valid. Needs openai 3.52 or newer.
"""

import json
import os
import sys
from collections import Counter

from pydantic import BaseModel, TypeAdapter, ValidationError
from openai.types import realtime as rt
from openai.types.realtime.realtime_response_create_params_with_references_param import (
    RealtimeResponseCreateParamsWithReferencesParam,
)
from openai.types.realtime.response_create_event_with_references_param import ResponseCreateEventWithReferencesParam

UNIONS = {
    "client": TypeAdapter(rt.RealtimeClientEvent),
    "server": TypeAdapter(rt.RealtimeServerEvent),
    "translation-client": TypeAdapter(rt.RealtimeTranslationClientEvent),
    "translation-server": TypeAdapter(rt.RealtimeTranslationServerEvent),
}
REFERENCES = TypeAdapter(ResponseCreateEventWithReferencesParam)

# Keys that the types lack: `session` of a prompted server event is typed as the request, without what only the server sets,
# and translation sessions have been seen with a key that no type has.
KNOWN = {"server": {".session.object", ".session.id", ".session.expires_at"}, "translation-server": {".session.include"}}
APPENDS = {"input_audio_buffer.append", "session.input_audio_buffer.append"}
EVENT_KEYS = {"type", "event_id", "response"}
RESPONSE_KEYS = set(RealtimeResponseCreateParamsWithReferencesParam.__annotations__)
REFERENCE_KEYS = {"type", "id"}


def unknown_keys(model, path=""):
    """Paths of keys that the type does not know."""
    if isinstance(model, BaseModel):
        for key in model.model_extra or {}:
            yield f"{path}.{key}"
        for key in type(model).model_fields:
            yield from unknown_keys(getattr(model, key), f"{path}.{key}")
    elif isinstance(model, (list, tuple)):
        for index, value in enumerate(model):
            yield from unknown_keys(value, f"{path}[{index}]")


def has_references(event):
    if event.get("type") != "response.create":
        return False
    items = (event.get("response") or {}).get("input") or []
    return any(isinstance(item, dict) and item.get("type") == "item_reference" for item in items)


def check_with_references(event):
    """The union of client events does not know references; typed dictionaries drop unknown keys, so lists say them."""
    REFERENCES.validate_python({"event_id": "", **event})
    for key in set(event) - EVENT_KEYS:
        yield f".{key}"
    for key in set(event["response"]) - RESPONSE_KEYS:
        yield f".response.{key}"
    plain = []
    for index, item in enumerate(event["response"]["input"]):
        if item.get("type") == "item_reference":
            for key in set(item) ^ REFERENCE_KEYS:
                yield f".response.input[{index}].{key}"
        else:
            plain.append(item)
    # What is not a reference must be valid on its own.
    rest = {**event, "response": {**event["response"], "input": plain}}
    yield from unknown_keys(UNIONS["client"].validate_python(rest))


def complaints(side, event):
    try:
        if side == "client" and has_references(event):
            return list(check_with_references(event))
        found = unknown_keys(UNIONS[side].validate_python(event))
        return [path for path in found if path not in KNOWN.get(side, ())]
    except ValidationError as error:
        kind = event.get("type", "")
        # A union reports every arm; those of the event's own type say what is wrong.
        errors = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        own = [text for text in errors if kind and kind in text]
        return own or errors[:5] or ["invalid"]


def check_file(argument):
    side, _, path = argument.rpartition(":")
    side = side or ("client" if "client" in os.path.basename(path) else "server")
    counts, wrong = Counter(), 0
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            event = json.loads(line)
            kind = event.get("type", "?")
            counts[kind] += 1
            if kind in APPENDS and counts[kind] > 1:
                continue
            found = complaints(side, event)
            if found:
                wrong += 1
                print(f"{path}:{number}: {kind}: {'; '.join(found)}")
    print(f"{'FAIL' if wrong else 'ok'} {side} {path}: {sum(counts.values())} events, {len(counts)} types, {wrong} wrong")
    for kind, count in sorted(counts.items()):
        print(f"   {count:6} {kind}")
    return wrong == 0 and bool(counts)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(0 if all([check_file(argument) for argument in sys.argv[1:]]) else 1)
