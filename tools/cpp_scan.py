# SPDX-License-Identifier: Apache-2.0
"""Finds the functions of a C++ file with their length, nesting and parameters.

Not a compiler: it follows braces and parentheses in code without comments and literals, which is
enough for figures and fast enough to run on every save."""
import dataclasses
import re

import tree

TOKEN = re.compile(r"[A-Za-z_~]\w*|::|->|&&|\n|[^\s\w]")
CONTROL = {"if", "for", "while", "switch", "do", "else", "try", "catch"}
CONTAINER = {"namespace", "class", "struct", "union", "extern"}
NOT_A_NAME = CONTROL | CONTAINER | {"return", "decltype", "alignas", "noexcept", "requires",
                                    "sizeof", "static_assert", "operator"}


@dataclasses.dataclass
class Function:
    name: str
    line: int
    lines: int
    nesting: int
    parameters: int


def without_directives(code):
    """Blanks preprocessor lines with their continuations."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group(0).count("\n"), code,
                  flags=re.M)


def parameter_list(head):
    """The name in front of the first top-level parenthesis of a declaration and its parameters."""
    angle = paren = 0
    name, start = "", None
    for i, token in enumerate(head):
        if token == "<" and i and (re.match(r"\w", head[i - 1])):
            angle += 1
        elif token == ">" and angle:
            angle -= 1
        elif token == "(" and not angle:
            if paren == 0 and start is None and i and head[i - 1] not in NOT_A_NAME - {"operator"}:
                name, start = head[i - 1], i
            paren += 1
        elif token == ")" and not angle:
            paren -= 1
            if paren == 0 and start is not None:
                return name, count_parameters(head[start + 1:i])
    return None, 0


def count_parameters(tokens):
    if not tokens or tokens == ["void"]:
        return 0
    depth, count = 0, 1
    for token in tokens:
        if token in "([{<":
            depth += 1
        elif token in ")]}>":
            depth -= 1
        elif token == "," and depth == 0:
            count += 1
    return count


def brace_kind(head, in_function):
    """What a `{` opens, from the tokens since the last boundary."""
    if not head:
        return "block"
    if in_function:
        if "[" in head and ")" not in head[-1:] and head[0] not in CONTROL:
            return "block"
        return "control" if head[0] in CONTROL or head[0] == "}" else "block"
    if head[0] in CONTAINER or "enum" in head[:2]:
        return "container"
    if any(word in head for word in ("class", "struct", "union")) and head[-1] != ")" and \
            parameter_list(head)[0] is None:
        return "container"
    if head[0] == "template":
        rest = after_template(head)
        if rest and rest[0] in CONTAINER:
            return "container"
    if head[-1] in ("=", ",", "(") or "=" in top_level(head):
        return "block"
    if initialises_member(head):
        return "block"
    return "function" if parameter_list(head)[0] is not None else "block"


def initialises_member(head):
    """Whether a `{` behind this belongs to `Class(…) : member{…}`."""
    shape = top_level(head)
    return ":" in shape and parameter_list(head[:head.index(":")])[0] is not None and \
        bool(re.match(r"\w", head[-1])) and shape.index(":") < len(shape) - 1


def after_template(head):
    depth = 0
    for i, token in enumerate(head):
        if token == "<":
            depth += 1
        elif token == ">":
            depth -= 1
            if depth == 0:
                return head[i + 1:]
    return []


def top_level(head):
    depth, kept = 0, []
    for i, token in enumerate(head):
        if token in "([<":
            depth += 1
        elif token in ")]>":
            depth = max(0, depth - 1)
        elif depth == 0 and not (token == "=" and i and head[i - 1] in "=!<>operator"):
            kept.append(token)
    return kept


def functions(code):
    """All function definitions, lambdas counted as part of the function that they stand in."""
    code = without_directives(tree.strip(code))
    found, stack, head = [], [], []
    line, head_line, paren = 1, 1, 0
    current = None  # [name, first line, deepest, parameters, depth of its brace]
    for match in TOKEN.finditer(code):
        token = match.group(0)
        if token == "\n":
            line += 1
            continue
        if token == "{":
            kind = brace_kind(head, current is not None)
            stack.append((kind, paren, head if kind == "block" else []))
            paren = 0
            if kind == "function":
                name, parameters = parameter_list(head)
                current = [name, head_line, 0, parameters, len(stack)]
            elif kind == "control" and current:
                depth = sum(1 for entry in stack[current[4]:] if entry[0] == "control")
                current[2] = max(current[2], depth)
            head, head_line = [], line
        elif token == "}":
            if not stack:
                continue
            kind, paren, before = stack.pop()
            if current and len(stack) < current[4]:
                found.append(Function(current[0], current[1], line - current[1] + 1, current[2],
                                      current[3]))
                current = None
            # An initialiser in the middle of a declaration does not end it.
            head = before + ["{}"] if kind == "block" and (paren or before[-1:] in (["="], [","]))\
                else []
            if kind == "block" and not current and before and parameter_list(before)[0]:
                head = before + ["{}"]
        elif token == ";" and paren == 0:
            head = []
        else:
            if token == "(":
                paren += 1
            elif token == ")":
                paren = max(0, paren - 1)
            if token == ":" and head and head[-1] in ("public", "private", "protected"):
                head = []
                continue
            if not head:
                head_line = line
            head.append(token)
    return found
