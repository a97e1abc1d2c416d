"""The command line of `chat`."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from stackctl.cli import words

_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add(verbs: _Verbs) -> None:
    """`chat`."""
    text = "talk to a model: one question, or a dialogue"
    chat = verbs.add_parser("chat", help=text, description=text, epilog=words.EPILOG)
    assert isinstance(chat, words.Parser)
    chat.mixed = True
    chat.add_argument(
        "words",
        nargs="*",
        metavar="[ROLE] [QUESTION]",
        help="the role (default: the first that serves text), and the question; - stands for "
        "stdin. Without a question: what is piped in, or a dialogue",
    )
    chat.add_argument(
        "--url", default="", help="any OpenAI-compatible server instead of a role, from any machine"
    )
    chat.add_argument("--model", default="", help="the model's name there")
    chat.add_argument(
        "--key-env",
        default="",
        metavar="NAME",
        help="the environment variable that holds the API key; the gateway wants one",
    )
    chat.add_argument(
        "--ca", default="", metavar="FILE", help="who signed the server's certificate"
    )
    chat.add_argument(
        "--through",
        choices=("engine", "gateway"),
        default="engine",
        help="ask a role's engine itself (default), or as clients do",
    )
    words.project(chat)
    chat.add_argument("--system", default="", metavar="TEXT", help="told to the model before all")
    chat.add_argument(
        "--tools", action="store_true", help="offer two harmless tools: the time, a calculator"
    )
    chat.add_argument(
        "--max-tokens",
        type=words.positive,
        metavar="N",
        help="of an answer, thoughts included (default: the engine's)",
    )
    chat.add_argument(
        "--timeout",
        type=words.positive,
        default=300,
        metavar="SECONDS",
        help="how long it may say nothing (default 300)",
    )
    words.json_flag(chat)
    chat.set_defaults(run=_chat)


def _chat(args: argparse.Namespace) -> int:
    from stackctl.commands.chat.run import Manner, chat
    from stackctl.commands.chat.target import Wanted

    wanted = Wanted(
        tuple(args.words),
        args.url,
        args.model,
        args.key_env,
        args.ca,
        args.through,
        args.project,
    )
    manner = Manner(args.system, args.tools, args.max_tokens, args.timeout)
    return chat(wanted, manner, as_json=args.json)
