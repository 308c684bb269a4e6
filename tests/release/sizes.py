"""How many bytes of the module each crate has, from a module with the names of its functions:
sizes.py MODULE CRATES [PAGE], where the file CRATES has the name of a crate in each line. With a
page, the figures go into its tables."""

import re
import sys
from collections import Counter
from pathlib import Path

# Parts of the module that are no crate below Tenantgate.
OWN = "Tenantgate's own code"
CRATES = "code of the crates below"
COMPILED = "standard library: code that comes compiled"
GENERIC = "standard library: generic code, compiled for the types of all others"
C_LIBRARY = "C library, and helpers of the compiler"
UNNAMED = "functions that the last steps of the build add"
CONSTANTS = "constants of all others"
TABLES = "types, imports, exports, and the table of functions"
WHOLE = "the module"

CUSTOM, IMPORTS, CODE, DATA = 0, 2, 10, 11


def sections(module):
    """The sections: id, offset of the head, offsets of the content."""
    at = 8
    while at < len(module):
        size, start = number(module, at + 1)
        yield module[at], at, start, start + size
        at = start + size


def number(module, at):
    """An unsigned number in LEB128, and the offset behind it."""
    value = shift = 0
    while True:
        byte = module[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def text(module, at):
    size, at = number(module, at)
    return module[at : at + size].decode(), at + size


def functions(module, start):
    """The bytes of each function of the code section, with those that tell its size."""
    count, at = number(module, start)
    for _ in range(count):
        size, body = number(module, at)
        yield body + size - at
        at = body + size


def names(module):
    """The names of the functions by number, imported ones included."""
    found = {}
    for kind, _, start, end in sections(module):
        if kind != CUSTOM or text(module, start)[0] != "name":
            continue
        _, at = text(module, start)
        while at < end:
            kind = module[at]
            size, at = number(module, at + 1)
            if kind == 1:
                count, place = number(module, at)
                for _ in range(count):
                    index, place = number(module, place)
                    found[index], place = text(module, place)
            at += size
    return found


def owner(name, crates):
    """The crate that a function counts for: the first one in its name that is not of the standard
    library. The names are those of Rust's older scheme, except in the standard library, which comes
    compiled with names of the newer one."""
    if name is None:
        return UNNAMED
    if name.startswith("_R"):
        return COMPILED
    if name.startswith("proxy_"):
        return "proxy-wasm"
    if name.startswith("tenantgate_"):
        return OWN
    mangled = re.match(r"_ZN(\d+)", name)
    if mangled is None:
        return C_LIBRARY
    first = name[mangled.end() : mangled.end() + int(mangled[1])]
    # A trait of a type is `<type as trait>`, and `drop_in_place<type>` names its type, too.
    for word in [first, *re.findall(r"\$([a-z][a-z0-9_]*)\.\.", name)]:
        if word == "tenantgate":
            return OWN
        if word in crates:
            return crates[word]
    return GENERIC


def parts(module, crates):
    """The bytes of each part."""
    found, named = Counter(), names(module)
    # The head of the file.
    found[TABLES] = 8
    for kind, head, start, end in sections(module):
        if kind == CODE:
            bodies = list(functions(module, start))
            for index, size in enumerate(bodies, imported_functions(module)):
                found[owner(named.get(index), crates)] += size
            found[TABLES] += end - head - sum(bodies)
        elif kind == DATA:
            found[CONSTANTS] += end - head
        elif kind != CUSTOM:
            found[TABLES] += end - head
    return found


def imported_functions(module):
    """How many functions are imported; these have the first numbers. Nothing else is imported."""
    return next(number(module, start)[0] for kind, _, start, _ in sections(module) if kind == IMPORTS)


def kilobytes(size):
    if size == 0:
        return "0"
    return f"{size / 1000:,.1f}" if size >= 50 else "< 0.1"


def main(module, crates, page=None):
    crates = {crate.replace("-", "_"): crate for crate in Path(crates).read_text().split()}
    found = parts(Path(module).read_bytes(), crates)
    found[WHOLE] = sum(found.values())
    found[CRATES] = sum(size for part, size in found.items() if part in crates.values())
    for part, size in found.most_common():
        print(f"{size:9,} {part}")
    if page:
        write(Path(page), {part: kilobytes(found[part]) for part in [*found, *crates.values()]})


def write(page, figures):
    """Puts the figures into the last column of the tables."""
    lines = page.read_text().splitlines()
    for at, line in enumerate(lines):
        cells = line.split(" | ")
        part = cells[0].removeprefix("| ")
        # A crate has its name in backticks, and may have versions behind it.
        part = part.split("`")[1] if "`" in part else part
        if line.startswith("| ") and part in figures:
            lines[at] = " | ".join([*cells[:-1], f"{figures[part]} |"])
    page.write_text("\n".join(lines) + "\n")


main(*sys.argv[1:])
