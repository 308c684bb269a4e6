"""What comes with the Rust toolchain and is linked into everything: the standard library and C
libraries."""

import re
from dataclasses import dataclass
from pathlib import Path

from crates import output


@dataclass
class Library:
    name: str
    version: str | None
    license: str
    copyright: str
    about: str

    @property
    def ref(self):
        return f"pkg:generic/{self.name}" + (f"@{self.version}" if self.version else "")


class Toolchain:
    def __init__(self):
        self.sysroot = Path(output("rustc", "--print", "sysroot").strip())
        said = output("rustc", "-vV")
        self.version = re.search(r"^release: (.*)$", said, re.MULTILINE)[1]
        self.commit = re.search(r"^commit-hash: (.*)$", said, re.MULTILINE)[1]

    def linked(self, target):
        """The libraries that are linked for `target`."""
        own = self.sysroot / "lib/rustlib" / target / "lib/self-contained/libc.a"
        std = Library(
            "rust-std", self.version, "MIT OR Apache-2.0", "The Rust Project Developers",
            "the standard library of Rust, with the crates in it",
        )
        if target.endswith("-musl"):
            # The archive has the version as a text of its own.
            musl = re.search(rb"\0(1\.\d+\.\d+)\0", own.read_bytes())[1].decode()
            return [
                std,
                Library("musl", musl, "MIT", "Copyright © 2005-2020 Rich Felker, et al.", "the C library"),
                Library("libunwind", None, "Apache-2.0 WITH LLVM-exception", "The LLVM Project", "of LLVM"),
            ]
        return [
            std,
            Library(
                "wasi-libc", None, "Apache-2.0 WITH LLVM-exception AND MIT",
                "The wasi-libc authors; its larger part is of musl, Copyright © 2005-2020 Rich Felker, et al.", "the C library",
            ),
        ]

    def license_text(self, name):
        return (self.sysroot / "share/doc/rust/licenses" / f"{name}.txt").read_text()

    def std_licenses(self):
        """The notices of the standard library and of the crates in it, as HTML."""
        return (self.sysroot / "share/doc/rust/COPYRIGHT-library.html").read_bytes()
