"""The licenses of everything that is in a release."""

import re
from pathlib import Path

# Not part of any crate's own license file.
LIST = """\
The Public Suffix List, of which the crate psl has a copy, is under the Mozilla Public License 2.0:
https://publicsuffix.org, https://www.mozilla.org/MPL/2.0/
"""
NAMES = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)


def licenses(linked, folders, toolchain, about):
    """A text with the terms of everything in `linked`, which maps the name of a file to the crates
    and libraries in it."""
    parts, texts = {}, {}
    for name, (crates, libraries) in linked.items():
        for crate in crates:
            parts.setdefault((crate.name, crate.version, crate.license), []).append(name)
            folder = folders[crate.name, crate.version]
            # A crate can have code of others in folders below. The project has other things there.
            for text in notices(folder, folder.rglob("*") if crate.checksum else folder.iterdir()):
                texts.setdefault(text, set()).add(f"{crate.name} {crate.version}")
        for library in libraries:
            parts.setdefault((library.name, library.version or "", library.license), []).append(name)
            for license in re.split(r" (?:AND|OR|WITH) ", library.license):
                texts.setdefault(toolchain.license_text(license).strip(), set()).add(f"{library.name} ({library.copyright})")
    rows = [f"{name} {version}: {license} ({', '.join(files)})" for (name, version, license), files in sorted(parts.items())]
    blocks = [
        f"{'=' * 100}\n{', '.join(sorted(users))}\n{'=' * 100}\n\n{text}\n"
        for text, users in sorted(texts.items(), key=lambda item: sorted(item[1]))
    ]
    head = f"Tenantgate {about.version} is under the license {about.license}. This is what its files contain:\n"
    return "\n".join([head, *rows, "", LIST, *blocks]).encode()


def notices(folder: Path, paths):
    """The texts about licenses among the paths in the folder of a crate."""
    found = sorted(path for path in paths if path.is_file() and NAMES.match(path.name))
    if not found:
        raise SystemExit(f"{folder.name} has no text of its license")
    return ["\n".join(line.rstrip() for line in path.read_text(errors="replace").strip().splitlines()) for path in found]
