"""What is sent to be transcribed: a WAV file in a form, as browsers send theirs."""

from __future__ import annotations

from collections.abc import Mapping

_BOUNDARY = "stackctl-bench-5f1c0e"
CONTENT_TYPE = f"multipart/form-data; boundary={_BOUNDARY}"
#: seconds of the clip: Whisper works through windows of 30 s, and fills up what is shorter
SECONDS = 30


def form(clip: bytes, fields: Mapping[str, str]) -> bytes:
    """The body of a POST (RFC 7578). No name or value may have quotes or line ends."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    head = (
        f"--{_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="file"; filename="clip.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    return "".join([*parts, head]).encode() + clip + f"\r\n--{_BOUNDARY}--\r\n".encode()
