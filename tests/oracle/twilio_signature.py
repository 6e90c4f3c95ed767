"""Checks signatures with Twilio's own Python package.

Reads JSON lines on standard input: {"token", "url", "params": [[name, value], ...] or null, "signature"}. A null or empty
`params` is a GET or a stream's handshake (ws and wss URLs included); names may repeat. Prints `ok N`, or the first
mismatch, with exit code 1.
"""

import json
import sys

from twilio.request_validator import RequestValidator


class Form:
    """Form pairs in the shape that the validator asks for: names by iteration, values by getlist."""

    def __init__(self, pairs):
        self.values = {}
        for name, value in pairs:
            self.values.setdefault(name, []).append(value)

    def __iter__(self):
        return iter(self.values)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, name):
        return self.values[name][0]

    def getlist(self, name):
        return self.values[name]


def main():
    count = 0
    for number, line in enumerate(sys.stdin, start=1):
        if not line.strip():
            continue
        case = json.loads(line)
        validator = RequestValidator(case["token"])
        expected = validator.compute_signature(case["url"], Form(case["params"] or []))
        if expected != case["signature"]:
            print(f"line {number}: {case['url']}: expected {expected}, got {case['signature']}")
            return 1
        count += 1
    if count == 0:
        print("nothing was checked")
        return 1
    print(f"ok {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
