"""Makes the files of a release: package.py FOLDER MODULE TOOL.

The time and the commit come from git, and everything else from the sources, so that two builds of
one commit give the same files.
"""

import datetime
import hashlib
import json
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from archive import compress, tar
from crates import folders, linked, output
from image import write_image
from licenses import licenses
from provenance import provenance
from sbom import sbom
from toolchain import Toolchain

MODULE_TARGET, TOOL_TARGET = "wasm32-wasip1", "x86_64-unknown-linux-musl"
EXAMPLES = ["envoy/**/*", "src/config/schema.json", "LICENSE", "CHANGELOG.md"]


@dataclass
class About:
    version: str
    description: str
    license: str
    commit: str
    # Of the commit, in seconds since 1970.
    epoch: int

    @property
    def time(self):
        return datetime.datetime.fromtimestamp(self.epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def main(folder, module, tool):
    package = tomllib.loads(Path("Cargo.toml").read_text())["package"]
    commit, epoch = output("git", "log", "-1", "--format=%H %ct").split()
    about = About(package["version"], package["description"], package["license"], commit, int(epoch))
    toolchain = Toolchain()
    base = f"tenantgate-{about.version}"
    built = {
        f"{base}.wasm": (module.read_bytes(), "library", MODULE_TARGET),
        f"{base}-x86_64-linux": (tool.read_bytes(), "application", TOOL_TARGET),
    }
    parts = {name: (linked(target), toolchain.linked(target)) for name, (_, _, target) in built.items()}
    terms = licenses(parts, folders(), toolchain, about)
    files = {name: content for name, (content, _, _) in built.items()}
    for name, (content, kind, _) in built.items():
        files[f"{name}.cdx.json"] = encode(sbom(name, content, kind, *parts[name], toolchain, about))
    files[f"{base}-licenses.txt"] = terms
    files[f"{base}-licenses-rust.html"] = toolchain.std_licenses()
    examples = sorted(path for pattern in EXAMPLES for path in Path().glob(pattern) if path.is_file())
    files[f"{base}-examples.tar.gz"] = compress(tar([(f"{base}/{path}", path.read_bytes()) for path in examples], about.epoch))
    shutil.rmtree(folder, ignore_errors=True)
    files[f"{base}-image.tar"] = write_image(folder / "image", built[f"{base}.wasm"][0], terms, about)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files["SHA256SUMS"] = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode()
    files["provenance.json"] = encode(provenance(digests, toolchain, about))
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / f"{base}-x86_64-linux").chmod(0o755)


def encode(value):
    return json.dumps(value, indent=2).encode() + b"\n"


main(*map(Path, sys.argv[1:]))
