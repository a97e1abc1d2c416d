"""Questions typed one after the other."""

from __future__ import annotations

from contextlib import suppress

from stackctl.chat.text import line, whole
from stackctl.commands.chat.talk import Talk
from stackctl.commands.chat.target import models
from stackctl.model import StackError
from stackctl.system import console
from stackctl.system.answer_stream import Failed

_PROMPT = "> "
_HELP = """\
/system TEXT  what the model is told before all else; without TEXT: nothing
/model NAME   another model of this server; without NAME: which there are
/reset        forget what was said
/quit         end, as Ctrl-D does
Ctrl-C stops an answer. A question that begins with / wants a space before it."""


def dialogue(talk: Talk) -> int:
    """Until the user ends it; always 0: each failure was told when it came."""
    talk.view.remark(f"{talk.conversation.model} at {talk.partner.door.url}; /help")
    _learn_context(talk)
    while True:
        try:
            text = whole(console.read_line(_PROMPT))
        except EOFError:
            console.aside("\n")
            return 0
        except KeyboardInterrupt:
            console.aside("\n(Ctrl-D or /quit ends)\n")
            continue
        if text.startswith("/"):
            if not _command(talk, text):
                return 0
        elif text.strip():
            _turn(talk, text)


def _turn(talk: Talk, text: str) -> None:
    try:
        talk.turn(text.strip())
    except KeyboardInterrupt:
        talk.view.remark("stopped")
    except StackError as error:
        console.aside(f"error: {error.message}\n")
        if error.fix:
            console.aside(f"  fix: {error.fix}\n")


def _command(talk: Talk, text: str) -> bool:
    """Whether to go on."""
    name, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    match name:
        case "/quit" | "/exit":
            return False
        case "/reset":
            talk.conversation.turns.clear()
            talk.view.remark("forgotten")
        case "/system":
            talk.conversation.system = rest
            talk.view.remark("the model is told so from now on" if rest else "no system prompt")
        case "/model":
            _model(talk, rest)
        case "/help":
            console.aside(_HELP + "\n")
        case _:
            talk.view.remark(f"there is no {line(name, 40)}; /help")
    return True


def _model(talk: Talk, name: str) -> None:
    if name:
        talk.conversation.model = whole(name)
        _learn_context(talk)
    talk.view.remark(f"model {line(talk.conversation.model)}; there are: {_names(talk)}")


def _learn_context(talk: Talk) -> None:
    """How much of the history may be sent. Unknown: until the server says that it is too much."""
    talk.conversation.context = None
    if talk.conversation.model == talk.partner.model and talk.partner.context:
        talk.conversation.context = talk.partner.context
        return
    with suppress(Failed):  # what is wrong there the first question will show
        talk.conversation.context = models(talk.partner.door).get(talk.conversation.model)


def _names(talk: Talk) -> str:
    try:
        return ", ".join(models(talk.partner.door)) or "none that the server tells"
    except Failed:
        return "the server does not tell"
