"""How a release was made: an in-toto statement with the predicate of SLSA, version 1."""

import hashlib
import json
import os
import subprocess
from pathlib import Path


def provenance(digests, toolchain, about):
    """The statement about the files with these SHA-256 digests."""
    builder, invocation = run()
    compiler = c_compiler()
    binaryen = json.loads(Path("tests/e2e/package-lock.json").read_text())["packages"]["node_modules/binaryen"]
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(digests.items())],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:tenantgate:build.sh:release:v1",
                "externalParameters": {"version": about.version},
                "resolvedDependencies": [
                    {"name": "source", "digest": {"gitCommit": about.commit}},
                    {"name": f"rust {toolchain.version}", "digest": {"gitCommit": toolchain.commit}},
                    # For the C and assembly code of one crate, in the tool.
                    {"name": f"gcc {compiler}", "uri": f"pkg:generic/gcc@{compiler.split()[-1]}"},
                    {"name": f"binaryen {binaryen['version']}", "uri": f"pkg:npm/binaryen@{binaryen['version']}"},
                    *[{"name": name, "digest": {"sha256": hashlib.sha256(Path(name).read_bytes()).hexdigest()}} for name in LOCKS],
                ],
            },
            "runDetails": {"builder": {"id": builder}, **invocation},
        },
    }


# These name the packages that are used by version and checksum.
LOCKS = ["Cargo.lock", "tests/e2e/package-lock.json", "rust-toolchain.toml"]


def c_compiler():
    """The version of the C compiler, with that of its package."""
    said = subprocess.run(["musl-gcc", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return said.splitlines()[0].partition(" ")[2]


def run():
    """Who builds, and in which run."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return "urn:tenantgate:builder:unknown", {}
    server, repository = os.environ["GITHUB_SERVER_URL"], os.environ["GITHUB_REPOSITORY"]
    run = f"{server}/{repository}/actions/runs/{os.environ['GITHUB_RUN_ID']}/attempts/{os.environ['GITHUB_RUN_ATTEMPT']}"
    return f"{server}/{os.environ['GITHUB_WORKFLOW_REF']}", {"metadata": {"invocationId": run}}
