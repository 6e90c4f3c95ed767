"""Checks TwiML documents against the verbs and attributes of Twilio's own Python package.

Reads JSON lines on standard input: {"name", "xml"}. The legal children and attributes are found by calling the methods of
the package's classes with a marker for each parameter and looking where the markers come out. Prints `ok N`, or every
illegal element and attribute, with exit code 1.
"""

import functools
import inspect
import json
import sys
import xml.etree.ElementTree as ET

from twilio.twiml import TwiML, lower_camel
from twilio.twiml.voice_response import VoiceResponse


@functools.cache
def children(cls):
    """What may stand inside this class's element: name -> (class, legal attributes, takes text)."""
    legal = {}
    for method in vars(cls).values():
        if not inspect.isfunction(method) or method.__name__.startswith("_"):
            continue
        names = [
            name
            for name, parameter in inspect.signature(method).parameters.items()
            if name != "self" and parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        markers = {name: f"marker {name}" for name in names}
        element = method(cls(**required(cls)), **markers)
        if not isinstance(element, TwiML):
            continue
        attributes = {lower_camel(TwiML.MAP.get(key, key)) for key in element.attrs}
        # A body that is given twice, as text or as a child, is legal in both ways.
        known = legal.get(element.name, (None, set(), False))
        takes_text = known[2] or bool(element.value)
        legal[element.name] = (type(element), attributes | known[1], takes_text)
    return legal


def required(cls):
    """Values for the constructor's parameters without a default."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    return {
        p.name: ""
        for p in parameters
        if p.name != "self" and p.default is p.empty and p.kind is not p.VAR_KEYWORD
    }


def lint(element, cls, path, found):
    for child in element:
        here = f"{path}/{child.tag}"
        if child.tag not in children(cls):
            found.append(f"{here}: illegal inside <{element.tag}>")
            continue
        child_class, attributes, takes_text = children(cls)[child.tag]
        for name in child.attrib:
            if name not in attributes:
                found.append(f"{here}: illegal attribute {name}")
        if (child.text or "").strip() and not takes_text:
            found.append(f"{here}: illegal text {child.text.strip()[:40]!r}")
        if (child.tail or "").strip():
            found.append(f"{here}: illegal text after it, {child.tail.strip()[:40]!r}")
        lint(child, child_class, here, found)


def check(document):
    try:
        root = ET.fromstring(document.encode("utf-8"))
    except ET.ParseError as error:
        return [f"not well-formed: {error}"]
    found = []
    if root.tag != "Response" or root.attrib or (root.text or "").strip():
        found.append("the root is not a plain <Response>")
    lint(root, VoiceResponse, "Response", found)
    return found


def main():
    count, bad = 0, 0
    for line in sys.stdin:
        if not line.strip():
            continue
        case = json.loads(line)
        count += 1
        for finding in check(case["xml"]):
            bad += 1
            print(f"{case['name']}: {finding}")
    if count == 0:
        print("nothing was checked")
        return 1
    if bad:
        return 1
    print(f"ok {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
