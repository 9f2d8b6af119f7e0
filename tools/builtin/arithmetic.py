"""Arithmetic that is right, and safe to ask for."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field
from simpleeval import FunctionNotDefined, InvalidExpression, NameNotDefined, SimpleEval

from tools.base import ToolError
from tools.registry import tool

LENGTH_LIMIT = 500
BITS_LIMIT = 12_000
"""Size of the largest whole number, about 3,600 digits."""

_TOO_LARGE = "The result is too large: whole numbers may have about 3,600 digits."
_SPELLINGS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"})
_NODES = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.Constant,
    ast.Name,
    ast.Call,
    ast.Load,
    ast.operator,
    ast.unaryop,
)


@tool(title="Calculator", time_limit=5)
def calculate(
    expression: Annotated[str, Field(min_length=1, max_length=LENGTH_LIMIT)],
) -> dict[str, Any]:
    """Calculate an arithmetic expression exactly, such as "(1250 * 1.19) / 12" or "sqrt(2) ** 3".

    Args:
        expression: Numbers with + - * / // % ** and brackets; the functions sqrt, cbrt, abs,
            round, floor, ceil, min, max, exp, log (natural, or with a base), log2, log10, sin,
            cos, tan, asin, acos, atan, atan2, degrees, radians, hypot, factorial, comb, gcd, lcm;
            and pi, e, tau. Write a decimal point, and no units or thousands separators.
    """
    return {"expression": expression, "result": evaluate(expression)}


def evaluate(expression: str) -> int | float:
    """The value of an arithmetic expression; raises ToolError in words for all that has none."""
    # Models write powers as in mathematics; exclusive-or has no place here.
    text = expression.translate(_SPELLINGS).replace("^", "**").strip().removesuffix("=").strip()
    if len(text) > 2 * LENGTH_LIMIT:
        raise ToolError(f"The expression is over {LENGTH_LIMIT} characters long; divide it up.")
    try:
        _refuse_all_but_arithmetic(ast.parse(text, mode="eval"))
        value = _evaluator(operators=_OPERATORS, functions=_FUNCTIONS, names=_NAMES).eval(text)
    except ToolError:
        raise
    except ZeroDivisionError:
        raise ToolError("The expression divides by zero.") from None
    except OverflowError:
        raise ToolError("The result is too large to be represented.") from None
    except (FunctionNotDefined, NameNotDefined) as error:
        known = ", ".join(sorted([*_FUNCTIONS, *_NAMES]))
        raise ToolError(f"{_first_line(error)} The names known are: {known}.") from None
    except SyntaxError as error:
        raise ToolError(
            f"The expression cannot be read: {error.msg}. Write it like (1 + 2) * 3."
        ) from None
    except (InvalidExpression, TypeError, ValueError) as error:
        raise ToolError(f"The expression has no value: {_first_line(error)}") from None
    except (RecursionError, MemoryError):
        raise ToolError("The expression is nested too deeply; divide it up.") from None
    return _number(value)


def _refuse_all_but_arithmetic(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and type(node.value) not in (int, float):
            raise ToolError("The expression may hold numbers only, no text and no truth values.")
        if isinstance(node, ast.Call) and (node.keywords or not isinstance(node.func, ast.Name)):
            raise ToolError("Call functions by their name alone, such as round(2.345, 2).")
        if not isinstance(node, _NODES):
            raise ToolError(
                "The expression may hold numbers, + - * / // % **, brackets and functions only."
            )


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ToolError("The expression has no real number as its value.")
    if isinstance(value, int):
        _bounded(value)
        return value
    if not math.isfinite(value):
        raise ToolError("The result is too large to be represented.")
    # The 16th and 17th digit of a double are its rounding error: 0.1 + 0.2 is 0.3 here.
    return float(f"{value:.15g}")


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > BITS_LIMIT:
        raise ToolError(_TOO_LARGE)
    if isinstance(value, complex):
        raise ToolError("The expression has no real number as its value.")
    return value


def _within(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: _bounded(function(*arguments))


def _power(base: Any, exponent: Any) -> Any:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and abs(base) > 1 and base.bit_length() * exponent > 2 * BITS_LIMIT:
        raise ToolError(_TOO_LARGE)
    return _bounded(base**exponent)


def _small(function: Callable[..., int], limit: int) -> Callable[..., int]:
    def bounded(*arguments: Any) -> int:
        if any(abs(argument) > limit for argument in arguments):
            raise ToolError(f"{function.__name__} takes numbers up to {limit} here.")
        return function(*arguments)

    return bounded


def _round(number: float, digits: int = 0) -> int | float:
    if abs(digits) > 1000:
        raise ToolError("round takes up to 1000 digits.")
    return round(number, digits) if digits else round(number)


def _first_line(error: Exception) -> str:
    text = str(error).partition("\n")[0][:200].rstrip(".")
    return f"{text}." if text else "It is not arithmetic."


_evaluator: Any = SimpleEval  # The library has no types.

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _within(operator.add),
    ast.Sub: _within(operator.sub),
    ast.Mult: _within(operator.mul),
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "round": _round,
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
    "min": min,
    "max": max,
    "sqrt": math.sqrt,
    "cbrt": math.cbrt,
    "pow": _power,
    "exp": math.exp,
    "log": math.log,
    "ln": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "atan2": math.atan2,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "degrees": math.degrees,
    "radians": math.radians,
    "hypot": math.hypot,
    "factorial": _small(math.factorial, 1000),
    "comb": _small(math.comb, 1000),
    "perm": _small(math.perm, 1000),
    "gcd": math.gcd,
    "lcm": _within(math.lcm),
}

_NAMES = {"pi": math.pi, "e": math.e, "tau": math.tau}
