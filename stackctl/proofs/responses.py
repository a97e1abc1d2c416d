"""The Responses API's answer -> the message in it. Pure."""

from __future__ import annotations

from typing import Any

from stackctl.model.reply import Reply
from stackctl.proofs.answer import Answer, Call, error_in, prompt_tokens, words
from stackctl.proofs.trouble import Trouble

#: statuses by which a server says that it has no such API
NOT_OFFERED = (404, 405, 501)


def read(reply: Reply) -> Answer | Trouble:
    """Calls, and the text of messages; this API has no finish_reason, so it is told by status."""
    body = reply.body
    if error := error_in(body):
        return error
    output = body.get("output") if isinstance(body, dict) else None
    if not isinstance(output, list) or not all(isinstance(item, dict) for item in output):
        return Trouble("not-a-completion", str(body)[:200])
    calls = tuple(_call(item) for item in output if item.get("type") == "function_call")
    text = "".join(words(i.get("content")) for i in output if i.get("type") == "message")
    status = body.get("status")
    if status == "incomplete":
        finish = "length"
    else:
        finish = "tool_calls" if calls and status == "completed" else str(status)
    return Answer(text, "", calls, finish, prompt_tokens(body.get("usage")))


def _call(item: Any) -> Call:
    return Call(item.get("call_id"), "function", item.get("name"), item.get("arguments"))
