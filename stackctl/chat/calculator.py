"""Arithmetic out of a text that a stranger wrote: numbers and operators, nothing else. Pure."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import TypeAlias

Number: TypeAlias = int | float

_MOST_CHARACTERS = 200
_MOST_BITS = 4096  # of a whole number; Python writes out a little more than that
_OPERATORS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[[Number], Number]] = {
    "sqrt": math.sqrt,
    "abs": abs,
    "round": round,
}


class CannotCompute(ValueError):
    """Why, in words for the model."""


def compute(expression: str) -> Number:
    """`2 * (3 + 4) ** 2` -> 98. CannotCompute."""
    text = expression.strip().replace("^", "**").replace("\u00d7", "*").replace("\u00f7", "/")
    if len(text) > _MOST_CHARACTERS:
        raise CannotCompute(f"longer than {_MOST_CHARACTERS} characters")
    try:
        return _bounded(_value(ast.parse(text, mode="eval").body))
    except (SyntaxError, RecursionError, MemoryError):
        raise CannotCompute("not an arithmetic expression") from None
    except ZeroDivisionError:
        raise CannotCompute("division by zero") from None
    except OverflowError:
        raise CannotCompute("the result is too large") from None
    except CannotCompute:
        raise
    except ValueError:
        raise CannotCompute("there is no such number") from None


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=bool()):
            raise CannotCompute("numbers only")
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _apply(op, _value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](_value(argument))
    raise CannotCompute("numbers, + - * / // % **, sqrt(), abs() and round() only")


def _apply(op: ast.operator, left: Number, right: Number) -> Number:
    whole = isinstance(left, int) and isinstance(right, int)
    # before it is computed: 9 ** 9 ** 9 would not end
    if isinstance(op, ast.Pow) and whole and abs(right) * int(left).bit_length() > _MOST_BITS:
        raise CannotCompute("the result is too large")
    result = _OPERATORS[type(op)](left, right)
    if isinstance(result, complex):
        raise CannotCompute("there is no such number")
    return _bounded(result)


def _bounded(number: Number) -> Number:
    if isinstance(number, int):
        if number.bit_length() > _MOST_BITS:
            raise CannotCompute("the result is too large")
    elif not math.isfinite(number):
        raise CannotCompute("the result is too large")
    return number
