"""What others may write into every field, to rule the page, the browser or the terminal."""

import json

SCRIPTS = (
    "<script>pwned()</script><img src=x onerror=pwned()><svg/onload=pwned()>"
    "'\" onmouseover=pwned() x='</title></textarea></style><base href=//evil.example>"
    "javascript:pwned() {{7*7}} ${7*7} {% raw %} <!-- ]]> &lt;b&gt;"
)
TERMINAL = "\x1b[31mred\x1b[2J\x1b]0;title\x07\x1b]8;;http://evil.example\x07x\x9b31m\x08\x7f"
TURNED = "\u202etxt.exe\u2066\u2067\u200f\u05d0\u05d1"
HOSTILE = f"{SCRIPTS} {TERMINAL} {TURNED} end"
SHORT = "<img src=x onerror=pwned()>\x1b[31m\x07\x9b2J\u202egpj\u2066"
LINE = "x" * 1_000_000

RULING = [
    *range(9),
    *range(11, 32),
    *range(0x7F, 0xA0),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
]
"""Characters that a browser or a terminal obeys, but for the tab and the end of a line."""


def ruling(text: str) -> set[str]:
    """Which of these a text has."""
    return {f"U+{code:04X}" for code in RULING if chr(code) in text}


def yaml(text: str) -> str:
    """A text as headway.yaml writes it, whatever is in it."""
    return json.dumps(text)


PROGRAM = f"""\
import json, os, sys
text, line = {HOSTILE!r}, {len(LINE)}
print(text)
print(text, file=sys.stderr)
sys.stdout.buffer.write(b"10%\\r50%\\rdone \\xff\\xfe\\x00\\n")
print("x" * line)
print("\\x1b[31mred\\x1b[0m <b>bold</b>")
sys.stdout.flush()
"""
SERVER = (
    PROGRAM
    + """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = 500 if os.environ.get("BAD") else 200
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
)
JOB = PROGRAM + 'json.dump({"said": text}, open(os.environ["HEADWAY_RESULT"], "w"))\n'
