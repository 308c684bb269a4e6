"""The crates that are linked into a program or a module."""

import json
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Crate:
    name: str
    version: str
    license: str
    # Of the package, from Cargo.lock. The project itself has none.
    checksum: str | None
    uses: set = field(default_factory=set)

    @property
    def purl(self):
        return f"pkg:cargo/{self.name}@{self.version}"


def linked(target):
    """The crates that are compiled for `target`, the project itself first: neither procedural macros
    nor what only tests or build scripts use."""
    lock = tomllib.loads(Path("Cargo.lock").read_text())
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}
    tree = output(
        "cargo", "tree", "--locked", "--target", target, "--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", "|{p}|{l}|",
    )
    crates, above = {}, []
    for line in tree.splitlines():
        depth, package, license, _ = line.split("|")
        name, version = package.split()[:2]
        version = version.removeprefix("v")
        crate = Crate(name, version, license.replace("/", " OR "), checksums[name, version])
        crate = crates.setdefault((name, version), crate)
        del above[int(depth):]
        if above:
            above[-1].uses.add(crate.purl)
        above.append(crate)
    return list(crates.values())


def folders():
    """The folder with the sources of each crate, by name and version."""
    metadata = json.loads(output("cargo", "metadata", "--locked", "--format-version", "1"))
    return {(package["name"], package["version"]): Path(package["manifest_path"]).parent for package in metadata["packages"]}


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
